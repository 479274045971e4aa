#pragma once
#include "tests/interpreter/interpreter_fixture.h"

namespace ringdown {

// Adds to InterpreterTest what the chapters on protection need: descriptors and gates of one's own, ring 1.
class SystemTest : public InterpreterTest {
 protected:
  static constexpr uint32_t kLdtBase = 0x3000, kOtherTss = 0x4000, kTargetOffset = 0x12345;

  // `access` is byte 5 of the descriptor (P, DPL, S, type), `flags` its bits 52..55 (G, D/B).
  static uint64_t descriptor(uint32_t base, uint32_t limit, uint8_t access, uint8_t flags = 0) {
    return (limit & 0xFFFF) | uint64_t{base & 0xFFFFFF} << 16 | uint64_t{access} << 40 |
           uint64_t{limit >> 16 & 0xF} << 48 | uint64_t{flags} << 52 | uint64_t{base >> 24} << 56;
  }
  static uint64_t flat(uint8_t access) { return descriptor(0, 0xFFFFF, access, 0xC); }
  static uint64_t gate(uint8_t access, uint16_t selector, uint32_t offset, unsigned parameters = 0) {
    return (offset & 0xFFFF) | uint64_t{selector} << 16 | uint64_t{parameters} << 32 |
           uint64_t{access} << 40 | uint64_t{offset >> 16} << 48;
  }

  // Appends to the GDT; returns the selector with RPL 0.
  uint16_t add_descriptor(uint64_t raw) {
    const uint16_t selector = static_cast<uint16_t>(state.gdtr.limit + 1);
    put<uint64_t>(kGdt + selector, raw);
    state.gdtr.limit += 8;
    return selector;
  }
  uint8_t access_byte(uint16_t selector) { return at<uint8_t>(kGdt + (selector & ~7u) + 5); }
  void set_idt_entry(unsigned vector, uint64_t raw) { put<uint64_t>(kIdt + vector * 8, raw); }

  // An LDT of one entry, loaded.
  uint16_t install_ldt(uint64_t entry) {
    put<uint64_t>(kLdtBase, entry);
    state.ldtr = {kLdtBase, 7, add_descriptor(descriptor(kLdtBase, 7, 0x82)), 0x82};
    return 4;
  }
  void load_flat_data(SegmentIndex index, uint16_t selector, unsigned dpl) {
    state.segment[index] = {0, 0xFFFFFFFF, selector, static_cast<uint16_t>(0xC093 | dpl << 5)};
  }
  uint32_t stack_word(unsigned n) const {
    return at<uint32_t>(state.segment[kSs].base + (state.gpr[kEsp] & state.stack_mask()) + n * 4);
  }
  uint16_t stack_half(unsigned n) const {
    return at<uint16_t>(state.segment[kSs].base + (state.gpr[kEsp] & state.stack_mask()) + n * 2);
  }
  void push_words(std::initializer_list<uint32_t> values) {  // the first ends up deepest
    for (uint32_t v : values) {
      state.gpr[kEsp] -= 4;
      put<uint32_t>(state.segment[kSs].base + state.gpr[kEsp], v);
    }
  }
};

}  // namespace ringdown
