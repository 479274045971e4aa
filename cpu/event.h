#pragma once
#include <cstdint>
#include <optional>

namespace ringdown {

// Where an event that goes through the IDT comes from; it decides on privilege checks, the error code's EXT
// bit and the double-fault rules (SDM vol. 3, 6.12 and 6.15).
enum class EventSource : uint8_t {
  kExternalInterrupt,
  kException,
  kSoftwareInterrupt /* INT n */,
  kSoftwareException /* INT3, INTO */,
  kDebugInstruction /* INT1 */
};

// The return address is CS:EIP as it is when the event is delivered.
struct Event {
  uint8_t vector;
  EventSource source;
  std::optional<uint32_t> error_code = std::nullopt;  // without the EXT bit of a nested fault
  bool sets_resume_flag = false;                      // the pushed EFLAGS has RF set

  // Does the gate's DPL have to allow it?
  bool is_software() const {
    return source == EventSource::kSoftwareInterrupt || source == EventSource::kSoftwareException;
  }
};

}  // namespace ringdown
