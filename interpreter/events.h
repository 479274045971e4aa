#pragma once
#include <cstdint>

#include "cpu/event.h"
#include "interpreter/debug_breakpoints.h"
#include "interpreter/interpreter.h"

// Interrupts and exceptions through the IDT, or the real-mode vector table (SDM vol. 3, chapter 6 and 20).
//
// A Fault with Vector::kDebug carries in `error_code` (has_error_code = false) the DR6 bits that it reports;
// deliver_exception() sets them. General detect (DR6.BD) is the one that is delivered as a fault: with RF.
namespace ringdown {

namespace dr6 {
constexpr uint32_t kGeneralDetect = 1u << 13, kTaskSwitch = 1u << 15;  // BD, BT
}
namespace dr7 {
constexpr uint32_t kLocalEnables = 0x155;  // L0..L3, LE
}

// Does what the processor does for the event, with the return address CS:EIP. Throws a Fault if that fails,
// and then has changed nothing — unless it came from the task that a task gate has already switched to.
void deliver_event(Interpreter& it, const Event& event);

// Delivery by the vector table of a virtual-8086 program itself (SDM vol. 3, 20.3.3, methods 5 and 6).
void deliver_to_virtual_8086_handler(Interpreter& it, uint8_t vector);

}  // namespace ringdown
