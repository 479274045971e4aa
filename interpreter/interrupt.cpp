#include "interpreter/descriptor.h"
#include "interpreter/dispatch.h"
#include "interpreter/events.h"
#include "interpreter/fast_call.h"
#include "interpreter/interrupt_return.h"
#include "interpreter/privilege.h"
#include "interpreter/tss.h"

// INT n, INT3, INTO, INT1, SYSENTER and SYSEXIT.
namespace ringdown {
namespace {

// The software interrupt redirection bit of a virtual-8086 program (SDM vol. 3, 20.3.3): is the interrupt for
// its own handler? The 32 bytes of the map lie below the I/O permission bit map.
bool redirected_to_virtual_8086_handler(Interpreter& it, uint8_t vector) {
  const Segment& tr = it.state.tr;
  if (!tss::is_32_bit(tr) || tr.limit < tss::kMinimumLimit32) raise_general_protection();
  const uint32_t io_map = it.mmu.read<uint16_t>(tr.base + tss::kIoMapBase, false);
  const uint32_t at = io_map - 32 + vector / 8;
  if (io_map < 32 || at > tr.limit) raise_general_protection();
  return !(it.mmu.read<uint8_t>(tr.base + at, false) >> (vector & 7) & 1);
}

void int_n(Interpreter& it, const Instruction& i) {
  const CpuState& s = it.state;
  const uint8_t vector = static_cast<uint8_t>(i.immediate[0].value);
  if (s.protected_mode() && s.virtual_8086()) {
    if ((s.cr4 & cr4::kVme) && redirected_to_virtual_8086_handler(it, vector))
      return deliver_to_virtual_8086_handler(it, vector);
    if (s.iopl() < 3) raise_general_protection();
  }
  deliver_event(it, {.vector = vector, .source = EventSource::kSoftwareInterrupt});
}

void int3(Interpreter& it, const Instruction&) {
  deliver_event(
      it, {.vector = static_cast<uint8_t>(Vector::kBreakpoint), .source = EventSource::kSoftwareException});
}

void into(Interpreter& it, const Instruction&) {
  if (!(it.state.flags & eflags::kOf)) return;
  deliver_event(
      it, {.vector = static_cast<uint8_t>(Vector::kOverflow), .source = EventSource::kSoftwareException});
}

void int1(Interpreter& it, const Instruction&) {
  deliver_event(it,
                {.vector = static_cast<uint8_t>(Vector::kDebug), .source = EventSource::kDebugInstruction});
}

Segment flat_segment(uint16_t selector, bool code, unsigned dpl) {
  using namespace segment_attribute;
  const unsigned attributes = kGranular | kBig | kPresent | dpl << kDplShift | kCodeOrData |
                              kWritableOrReadable | kAccessed | (code ? kCode : 0);
  return {0, 0xFFFFFFFF, selector, static_cast<uint16_t>(attributes)};
}

void enter_flat(CpuState& s, uint16_t cs, uint16_t ss, unsigned cpl, uint32_t eip, uint32_t esp) {
  s.segment[kCs] = flat_segment(static_cast<uint16_t>((cs & ~3) | cpl), true, cpl);
  s.segment[kSs] = flat_segment(static_cast<uint16_t>((ss & ~3) | cpl), false, cpl);
  s.cpl = static_cast<uint8_t>(cpl);
  s.eip = eip;
  s.gpr[kEsp] = esp;
}

void require_sysenter_segments(const CpuState& s) {
  if (!can_sysenter(s)) raise_general_protection();
}

void sysenter(Interpreter& it, const Instruction&) {
  require_sysenter_segments(it.state);
  sysenter(it.state);
}

void sysexit(Interpreter& it, const Instruction&) {
  CpuState& s = it.state;
  require_sysenter_segments(s);
  if (s.cpl != 0) raise_general_protection();
  const uint16_t cs = static_cast<uint16_t>(s.msr.sysenter_cs & 0xFFFC);
  enter_flat(s, static_cast<uint16_t>(cs + 16), static_cast<uint16_t>(cs + 24), 3, s.gpr[kEdx], s.gpr[kEcx]);
}

}  // namespace

bool can_sysenter(const CpuState& s) {
  return !s.real_mode() && !null_selector(static_cast<uint16_t>(s.msr.sysenter_cs));
}

void sysenter(CpuState& s) {
  const uint16_t cs = static_cast<uint16_t>(s.msr.sysenter_cs & 0xFFFC);
  s.system_flags &= ~(eflags::kVm | eflags::kRf);
  s.interrupt_flag = 0;
  enter_flat(s, cs, static_cast<uint16_t>(cs + 8), 0, s.msr.sysenter_eip, s.msr.sysenter_esp);
}

void add_interrupt(DispatchTable& table) {
  table.one_byte[0xCC] = int3;
  table.one_byte[0xCD] = int_n;
  table.one_byte[0xCE] = into;
  table.one_byte[0xCF] = interrupt_return;
  table.one_byte[0xF1] = int1;
  table.two_byte[0x34] = sysenter;
  table.two_byte[0x35] = sysexit;
}

}  // namespace ringdown
