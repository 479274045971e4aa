#pragma once
#include <cstdint>
#include <optional>

#include "interpreter/interpreter.h"

namespace ringdown {

enum class TaskSwitchCause : uint8_t {
  kJump,
  kCall,
  kInterrupt /* or exception */,
  kReturn /* IRET, NT set */
};

struct TaskSwitch {
  uint16_t selector;  // of the new task's TSS
  TaskSwitchCause cause;
  uint32_t saved_eflags;                              // image that goes to the old TSS
  uint32_t ext = 0;                                   // EXT bit of error codes
  std::optional<uint32_t> error_code = std::nullopt;  // pushed on the new task's stack
};

// Switches tasks (SDM vol. 3, 7.3). The caller has checked the privilege, the kind and the presence of the
// TSS descriptor. A fault in the first half leaves everything unchanged; one in the second (the new task's
// segments) belongs to the new task, whose context is then already committed.
void switch_task(Interpreter& it, const TaskSwitch& request);

}  // namespace ringdown
