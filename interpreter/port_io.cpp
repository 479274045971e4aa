#include "interpreter/port_io.h"

#include "interpreter/debug_breakpoints.h"
#include "interpreter/dispatch.h"
#include "interpreter/tss.h"

namespace ringdown {
namespace {

bool bit_map_permits(Interpreter& it, uint16_t port, unsigned size) {
  const Segment& tr = it.state.tr;
  if (!tss::is_32_bit(tr) || tr.limit < tss::kMinimumLimit32) return false;
  const uint32_t map = it.mmu.read<uint16_t>(tr.base + tss::kIoMapBase, false);
  // The processor always reads two bytes, so that an access may cross a byte of the map.
  const uint32_t at = map + port / 8;
  if (at + 1 > tr.limit) return false;
  const unsigned bits = it.mmu.read<uint16_t>(tr.base + at, false) >> (port & 7);
  return !(bits & ((1u << size) - 1));
}

void check_io_breakpoints(Interpreter& it, uint16_t port, unsigned size) {
  if (!(it.state.cr4 & cr4::kDe)) return;
  it.request_debug_trap(breakpoints_hit(it.state, [&](const Breakpoint& b) {
    return b.condition == dr7::kInputOutput && b.overlaps(port, size);
  }));
}

bool needs_bit_map(const CpuState& s) { return s.protected_mode() && (s.virtual_8086() || s.cpl > s.iopl()); }

uint16_t port_of(const Interpreter& it, const Instruction& i) {
  const bool by_register = i.opcode & 8;  // EC..EF, against E4..E7
  return by_register ? it.reg<uint16_t>(kEdx) : static_cast<uint8_t>(i.immediate[0].value);
}

unsigned size_of(const Instruction& i) { return i.opcode & 1 ? i.operand_size : 1; }

void in(Interpreter& it, const Instruction& i) {
  const uint16_t port = port_of(it, i);
  const unsigned size = size_of(i);
  check_port_access(it, port, size);
  const uint32_t value = it.bus.read_port(port, size);
  switch (size) {
    case 1:
      return it.set_reg<uint8_t>(kEax, static_cast<uint8_t>(value));
    case 2:
      return it.set_reg<uint16_t>(kEax, static_cast<uint16_t>(value));
    case 4:
      return it.set_reg<uint32_t>(kEax, value);
  }
}

void out(Interpreter& it, const Instruction& i) {
  const uint16_t port = port_of(it, i);
  const unsigned size = size_of(i);
  check_port_access(it, port, size);
  const uint32_t mask = size == 4 ? 0xFFFFFFFF : (1u << size * 8) - 1;
  it.bus.write_port(port, size, it.state.gpr[kEax] & mask);
}

}  // namespace

void check_port_access(Interpreter& it, uint16_t port, unsigned size) {
  if (needs_bit_map(it.state) && !bit_map_permits(it, port, size)) raise_general_protection();
  check_io_breakpoints(it, port, size);
}

void add_port_io(DispatchTable& table) {
  for (int opcode : {0xE4, 0xE5, 0xEC, 0xED}) table.one_byte[opcode] = in;
  for (int opcode : {0xE6, 0xE7, 0xEE, 0xEF}) table.one_byte[opcode] = out;
}

}  // namespace ringdown
