#include "interpreter/control_registers.h"

#include "interpreter/dispatch.h"

// MOV to and from CR0..CR4, CLTS, LMSW, SMSW (SDM vol. 3, 2.5; vol. 2, MOV—control registers).
namespace ringdown {
namespace {

constexpr uint32_t kCr0Writable = cr0::kPe | cr0::kMp | cr0::kEm | cr0::kTs | cr0::kNe | cr0::kWp | cr0::kAm |
                                  cr0::kNw | cr0::kCd | cr0::kPg;
// PDPTE bits that must be 0: 1, 2, 5..8 and those above the 36-bit physical address.
constexpr uint64_t kPdpteReserved = 0xFFFFFFF0000001E6ull;
constexpr uint64_t kPdptePresent = 1;

// Under PAE paging, a change of CR0's CD, NW or PG, of CR4's PAE, PGE or PSE, and a load of CR3 read the
// PDPTEs again; if one is bad, nothing changes.
void require_pdptes(Interpreter& it, uint32_t cr3, std::array<uint64_t, 4>& to) {
  if (!read_pdptes(it, cr3, to)) raise_general_protection();
}

void write_cr0(Interpreter& it, uint32_t value) {
  CpuState& s = it.state;
  value = (value & kCr0Writable) | cr0::kEt;
  if ((value & cr0::kPg) && !(value & cr0::kPe)) raise_general_protection();
  if ((value & cr0::kNw) && !(value & cr0::kCd)) raise_general_protection();
  const uint32_t changed = s.cr0 ^ value;
  std::array<uint64_t, 4> pdpte = s.pdpte;
  if ((value & cr0::kPg) && s.pae() && (changed & (cr0::kPg | cr0::kCd | cr0::kNw)))
    require_pdptes(it, s.cr3, pdpte);
  s.pdpte = pdpte;
  s.cr0 = value;
  if (changed & (cr0::kPg | cr0::kWp | cr0::kPe)) flush_tlb(it, TlbFlush::kAll);
}

void write_cr3(Interpreter& it, uint32_t value) {
  CpuState& s = it.state;
  if (s.paging() && s.pae()) {
    std::array<uint64_t, 4> pdpte;
    require_pdptes(it, value, pdpte);
    s.pdpte = pdpte;
  }
  s.cr3 = value;
  flush_tlb(it, TlbFlush::kNonGlobal);
}

void write_cr4(Interpreter& it, uint32_t value) {
  CpuState& s = it.state;
  constexpr uint32_t kPaging = cr4::kPse | cr4::kPae | cr4::kPge;
  if (value & ~it.model.cr4_writable()) raise_general_protection();
  const uint32_t changed = s.cr4 ^ value;
  if (s.paging() && (value & cr4::kPae) && (changed & kPaging)) {
    std::array<uint64_t, 4> pdpte;
    require_pdptes(it, s.cr3, pdpte);
    s.pdpte = pdpte;
  }
  s.cr4 = value;
  if (changed & kPaging) flush_tlb(it, TlbFlush::kAll);
}

// The mod field is ignored: the operand is always a register.
void mov_from_cr(Interpreter& it, const Instruction& i) {
  const CpuState& s = it.state;
  uint32_t value = 0;
  switch (i.reg) {
    case 0:
      value = s.cr0;
      break;
    case 2:
      value = s.cr2;
      break;
    case 3:
      value = s.cr3;
      break;
    case 4:
      value = s.cr4;
      break;
    default:
      raise(Vector::kInvalidOpcode);
  }
  require_ring_0(it);
  it.set_reg<uint32_t>(i.rm, value);
}

void mov_to_cr(Interpreter& it, const Instruction& i) {
  const bool exists = i.reg == 0 || (i.reg >= 2 && i.reg <= 4);
  if (!exists) raise(Vector::kInvalidOpcode);
  require_ring_0(it);
  const uint32_t value = it.reg<uint32_t>(i.rm);
  switch (i.reg) {
    case 0:
      return write_cr0(it, value);
    case 2:
      it.state.cr2 = value;
      return;
    case 3:
      return write_cr3(it, value);
    case 4:
      return write_cr4(it, value);
  }
}

void clts(Interpreter& it, const Instruction&) {
  require_ring_0(it);
  it.state.cr0 &= ~cr0::kTs;
}

}  // namespace

void flush_tlb(Interpreter& it, TlbFlush what) {
  it.mmu.flush();
  it.bus.tlb_flushed(what);
}

void invalidate_page(Interpreter& it, uint32_t linear) {
  it.mmu.flush_page(linear);
  it.bus.page_invalidated(linear);
}

bool read_pdptes(Interpreter& it, uint32_t cr3, std::array<uint64_t, 4>& to) {
  for (unsigned n = 0; n < 4; n++) {
    to[n] = it.mmu.memory().read<uint64_t>((cr3 & ~0x1Fu) + n * 8);
    if ((to[n] & kPdptePresent) && (to[n] & kPdpteReserved)) return false;
  }
  return true;
}

void load_machine_status_word(Interpreter& it, const Instruction& i) {
  require_ring_0(it);
  constexpr uint32_t kLoaded = cr0::kPe | cr0::kMp | cr0::kEm | cr0::kTs;
  const uint32_t word = it.read_rm<uint16_t>(i) & kLoaded;
  const uint32_t protection = it.state.cr0 & cr0::kPe;  // LMSW can set PE, but not clear it
  write_cr0(it, (it.state.cr0 & ~kLoaded) | word | protection);
}

void store_machine_status_word(Interpreter& it, const Instruction& i) {
  if (i.mod == 3 && i.operand_size == 4) return it.set_reg<uint32_t>(i.rm, it.state.cr0);
  it.write_rm<uint16_t>(i, static_cast<uint16_t>(it.state.cr0));
}

void add_control_registers(DispatchTable& table) {
  table.two_byte[0x06] = clts;
  table.two_byte[0x20] = mov_from_cr;
  table.two_byte[0x22] = mov_to_cr;
}

}  // namespace ringdown
