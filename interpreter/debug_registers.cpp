#include "interpreter/control_registers.h"
#include "interpreter/dispatch.h"
#include "interpreter/events.h"
#include "interpreter/system.h"

// MOV to and from debug registers (SDM vol. 3, 17.2).
namespace ringdown {
namespace {

constexpr uint32_t kDr6Writable = 0xE00F, kDr6Ones = 0xFFFF0FF0;
constexpr uint32_t kDr7Writable = 0xFFFF23FF, kDr7Ones = 0x400;

// DR4 and DR5 are DR6 and DR7, unless CR4.DE makes them invalid.
unsigned check_access(const Interpreter& it, unsigned number) {
  require_ring_0(it);
  const bool alias = number == 4 || number == 5;
  if (alias && (it.state.cr4 & cr4::kDe)) raise(Vector::kInvalidOpcode);
  if (it.state.dr[7] & dr7::kGeneralDetect)
    throw Fault{.vector = Vector::kDebug, .error_code = dr6::kGeneralDetect};
  return alias ? number + 2 : number;
}

void mov_from_dr(Interpreter& it, const Instruction& i) {
  it.set_reg<uint32_t>(i.rm, it.state.dr[check_access(it, i.reg)]);
}

void mov_to_dr(Interpreter& it, const Instruction& i) {
  const unsigned number = check_access(it, i.reg);
  uint32_t value = it.reg<uint32_t>(i.rm);
  if (number == 6) value = (value & kDr6Writable) | kDr6Ones;
  if (number == 7) value = (value & kDr7Writable) | kDr7Ones;
  it.state.dr[number] = value;
}

}  // namespace

void add_debug_registers(DispatchTable& table) {
  table.two_byte[0x21] = mov_from_dr;
  table.two_byte[0x23] = mov_to_dr;
}

}  // namespace ringdown
