#include <algorithm>
#include <initializer_list>
#include <memory>

#include "tests/differential/comparison.h"
#include "tests/differential/instruction_facts.h"

// What two processors, both right, may do differently. Nothing else may differ, so each rule makes equal only
// what it is about and compares again.
namespace ringdown::differential {
namespace {

constexpr uint32_t kInvalidOpcode = 6, kStackFault = 12, kGeneralProtection = 13, kPageFault = 14,
                   kSimdError = 19;

// An operand that wraps around at 4 GiB in a segment with the largest limit: a limit violation, or not (SDM
// vol. 3, 5.3). If not, its second part lies in page 0, which is absent.
bool wraps_at_the_end(const Outcome& limit, const Outcome& page) {
  const bool is_limit = limit.vector == kStackFault || limit.vector == kGeneralProtection;
  return is_limit && limit.error_code == 0 && page.vector == kPageFault && page.fault_address < kPageBytes;
}

bool is_one_of(ZydisMnemonic mnemonic, std::initializer_list<ZydisMnemonic> list) {
  return std::find(list.begin(), list.end(), mnemonic) != list.end();
}

// Both operands of CMPS may fault; nobody says which comes first.
void forget_order_of_faults(const Outcome& a, Outcome& b) {
  b.vector = a.vector;
  b.error_code = a.error_code;
  b.fault_address = a.fault_address;
}

// The parts of a large operand may be read in any order.
void forget_offset_in_page(const Outcome& a, Outcome& b) {
  if (a.fault_address / kPageBytes == b.fault_address / kPageBytes) b.fault_address = a.fault_address;
}

// Of the instructions that store or load many values, those before the one that faults may be done already.
void forget_stored_values(const Outcome& a, Outcome& b) {
  constexpr uint32_t kMost = 40 * 4;  // ENTER with 31 levels and its frame pointer
  std::array<uint8_t, kMost> below;
  peek(a.memory, a.gpr[kEsp] - kMost, below);
  poke(b.memory, a.gpr[kEsp] - kMost, below);
}
void forget_loaded_registers(const Outcome& a, Outcome& b) {
  const uint32_t esp = b.gpr[kEsp];
  b.gpr = a.gpr;
  b.gpr[kEsp] = esp;
}

// Of an operand of 80 bits that reaches into a page which faults, the part before it may be stored already.
void forget_stored_part(const Outcome& a, Outcome& b) {
  constexpr uint32_t kOperandBytes = 10;
  std::array<uint8_t, kOperandBytes> before;
  const uint32_t address = (a.fault_address & ~(kPageBytes - 1)) - kOperandBytes;
  peek(a.memory, address, before);
  poke(b.memory, address, before);
}

// #XM, or #UD where CR4.OSXMMEXCPT = 0 (SDM vol. 1, 11.5.1).
bool is_simd_error(const Outcome& a) {
  constexpr uint32_t kFlags = 0x3F;
  const bool unmasked = a.fx.mxcsr & ~(a.fx.mxcsr >> 7) & kFlags;
  return a.vector == kSimdError || (a.vector == kInvalidOpcode && unmasked);
}

// An instruction with an MMX register that raises #XM, or faults in memory: has x87 state become MMX state
// already?
void forget_transition_to_mmx(const Outcome& a, Outcome& b) {
  constexpr uint16_t kTop = 0x3800;
  const unsigned moved = ((a.fx.status_word >> 11) - (b.fx.status_word >> 11)) & 7;
  std::rotate(b.fx.st.begin(), b.fx.st.begin() + moved, b.fx.st.end());  // the image is in stack order
  b.fx.abridged_tag_word = a.fx.abridged_tag_word;
  b.fx.status_word = static_cast<uint16_t>((b.fx.status_word & ~kTop) | (a.fx.status_word & kTop));
}

// A result that is too large or too small for the unmasked exception that it raises: was it also inexact? And
// of a dot product, which of its many operations came first?
void forget_later_flags(const Outcome& a, Outcome& b, ZydisMnemonic mnemonic) {
  constexpr uint32_t kFlags = 0x3F, kOverflow = 0x08, kUnderflow = 0x10, kPrecision = 0x20;
  const uint32_t unmasked = a.fx.mxcsr & ~(a.fx.mxcsr >> 7);
  uint32_t vague = (unmasked & (kOverflow | kUnderflow)) ? kPrecision : 0;
  if (is_one_of(mnemonic, {ZYDIS_MNEMONIC_DPPS, ZYDIS_MNEMONIC_DPPD})) vague = kFlags;
  b.fx.mxcsr = (b.fx.mxcsr & ~vague) | (a.fx.mxcsr & vague);
}

// PUSH of a segment register with a 32-bit operand size clears the upper half of the slot, or leaves it (SDM
// vol. 2, PUSH). Units are written so that it is the same, but a wild jump may meet one in data.
bool holds_pushed_selector(const Memory& memory, uint32_t slot) {
  uint8_t bytes[4];
  peek(memory, slot, bytes);
  return (bytes[0] == kCodeSelector || bytes[0] == kDataSelector) && bytes[1] == 0 && bytes[2] == 0 &&
         bytes[3] == 0;
}
void forget_upper_half(const Outcome& a, Outcome& b, uint32_t address) {
  for (const uint32_t slot : {address - 2, address - 3}) {
    if (!holds_pushed_selector(a.memory, slot)) continue;
    uint8_t bytes[4];
    peek(b.memory, slot, bytes);
    bytes[2] = bytes[3] = 0;
    poke(b.memory, slot, bytes);
  }
}
void forget_upper_halves_of_selectors(const Outcome& a, Outcome& b) {
  for (unsigned page = kData0; page < kPageCount; ++page)
    for (unsigned at = 0; at < kPageBytes; ++at)
      if (a.memory[page][at] != b.memory[page][at]) forget_upper_half(a, b, kPages[page].address + at);
}

// A repeated comparison that faults leaves the flags of its last iteration, or those from before all of them
// (SDM vol. 2, REP).
void forget_compared_flags(const Outcome& a, Outcome& b) {
  b.eflags = (b.eflags & ~eflags::kStatus) | (a.eflags & eflags::kStatus);
}

bool is_memory_fault(const Outcome& outcome) {
  return outcome.vector == kPageFault || outcome.vector == kGeneralProtection ||
         outcome.vector == kStackFault;
}

void forget_what_may_differ(const Outcome& a, Outcome& b, const InstructionFacts& facts) {
  const ZydisMnemonic mnemonic = facts.mnemonic;
  if (is_memory_fault(a) && is_memory_fault(b)) {
    if (is_one_of(mnemonic, {ZYDIS_MNEMONIC_CMPSB, ZYDIS_MNEMONIC_CMPSW, ZYDIS_MNEMONIC_CMPSD}))
      forget_order_of_faults(a, b);
    if (is_one_of(mnemonic, {ZYDIS_MNEMONIC_CMPSB, ZYDIS_MNEMONIC_CMPSW, ZYDIS_MNEMONIC_CMPSD,
                             ZYDIS_MNEMONIC_SCASB, ZYDIS_MNEMONIC_SCASW, ZYDIS_MNEMONIC_SCASD}))
      forget_compared_flags(a, b);
    if (is_one_of(mnemonic, {ZYDIS_MNEMONIC_FSTP, ZYDIS_MNEMONIC_FBSTP})) forget_stored_part(a, b);
    if (facts.mmx_operand) forget_transition_to_mmx(a, b);
    if (is_one_of(mnemonic, {ZYDIS_MNEMONIC_FLDENV, ZYDIS_MNEMONIC_FRSTOR})) forget_offset_in_page(a, b);
    if (is_one_of(mnemonic, {ZYDIS_MNEMONIC_PUSHA, ZYDIS_MNEMONIC_PUSHAD, ZYDIS_MNEMONIC_ENTER}))
      forget_stored_values(a, b);
    if (is_one_of(mnemonic, {ZYDIS_MNEMONIC_POPA, ZYDIS_MNEMONIC_POPAD})) forget_loaded_registers(a, b);
  }
  if (a.vector == kSimdError) forget_later_flags(a, b, mnemonic);
  if (is_simd_error(a) && facts.mmx_operand) forget_transition_to_mmx(a, b);
}

bool writes_by_mask(std::span<const uint8_t> code) {
  const auto facts = facts_of(code);
  return facts && is_one_of(facts->mnemonic, {ZYDIS_MNEMONIC_MASKMOVQ, ZYDIS_MNEMONIC_MASKMOVDQU});
}

// An x87 store whose exception is not masked stores nothing (SDM vol. 1, 8.5). Whether it looks first if it
// could, and makes the page dirty, is up to the processor.
bool is_x87_store(std::span<const uint8_t> code) {
  const auto facts = facts_of(code);
  return facts && facts->memory_operand &&
         is_one_of(facts->mnemonic, {ZYDIS_MNEMONIC_FST, ZYDIS_MNEMONIC_FSTP, ZYDIS_MNEMONIC_FIST,
                                     ZYDIS_MNEMONIC_FISTP, ZYDIS_MNEMONIC_FISTTP, ZYDIS_MNEMONIC_FBSTP});
}
bool has_unmasked_x87_error(const Outcome& outcome) {
  constexpr uint16_t kErrorSummary = 1 << 7;
  return outcome.fx.status_word & kErrorSummary;
}
bool may_fault_instead_of_error(const Outcome& faulted, const Outcome& other) {
  std::array<uint8_t, 15> code;
  peek(faulted.memory, faulted.eip, code);
  return is_memory_fault(faulted) && has_unmasked_x87_error(other) && is_x87_store(code);
}

// What writes under a mask that selects nothing may fault all the same, as a write would (SDM vol. 2,
// MASKMOVQ): it is the end, or the page has become dirty.
bool may_fault_unmasked(const Outcome& b) {
  std::array<uint8_t, 15> code;
  peek(b.memory, b.eip, code);
  return b.vector == kPageFault && writes_by_mask(code);
}
void forget_dirty_pages(const Outcome& a, Outcome& b, const Program& program) {
  constexpr size_t kDirtyPages = 5;
  const auto ends_by_mask = [](const Unit& unit) {
    constexpr size_t kBytes = 3, kPrefixed = 4;
    const std::span<const uint8_t> bytes(unit.bytes);
    return (bytes.size() >= kBytes && writes_by_mask(bytes.last(kBytes))) ||
           (bytes.size() >= kPrefixed && writes_by_mask(bytes.last(kPrefixed)));
  };
  const bool by_mask = std::any_of(program.units.begin(), program.units.end(), ends_by_mask);
  if (by_mask || (has_unmasked_x87_error(a) && has_unmasked_x87_error(b)))
    b.system[kDirtyPages] = a.system[kDirtyPages];
}

}  // namespace

bool is_implementation_specific(const Outcome& a, const Outcome& b, const Program& program) {
  if (may_fault_unmasked(b) || may_fault_instead_of_error(a, b) || may_fault_instead_of_error(b, a))
    return true;
  if (a.eip != b.eip || a.status != b.status) return false;
  std::array<uint8_t, 15> code;
  peek(a.memory, a.eip, code);
  const auto facts = facts_of(code);
  const auto adjusted = std::make_unique<Outcome>(b);
  forget_upper_halves_of_selectors(a, *adjusted);
  forget_dirty_pages(a, *adjusted, program);
  if (wraps_at_the_end(a, b) || wraps_at_the_end(b, a)) forget_order_of_faults(a, *adjusted);
  if (facts) forget_what_may_differ(a, *adjusted, *facts);
  return agree(a, *adjusted, program);
}

}  // namespace ringdown::differential
