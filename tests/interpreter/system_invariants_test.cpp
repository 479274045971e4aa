// Random descriptors, gates, task states and stacks under random transfers of control. Whatever happens, the
// protection rules of SDM vol. 3, chapter 5 hold for what is loaded afterwards.
#include <random>

#include "tests/interpreter/system_fixture.h"

namespace ringdown {
namespace {

class InvariantsTest : public SystemTest, public ::testing::WithParamInterface<unsigned> {
 protected:
  static constexpr unsigned kEntries = 64, kStepsPerMachine = 60, kMachines = 150;

  uint32_t random(uint32_t below) {
    return std::uniform_int_distribution<uint32_t>(0, below - 1)(generator_);
  }
  bool one_in(unsigned n) { return random(n) == 0; }

  uint16_t random_selector() {
    const uint32_t index = one_in(20) ? random(0x2000) : random(kEntries);
    return static_cast<uint16_t>(index << 3 | (one_in(12) ? 4 : 0) | random(4));
  }
  uint32_t random_offset() { return one_in(10) ? random(0xFFFFFFFF) : kCode + random(0x1000); }

  uint64_t random_descriptor() {
    const uint8_t present = one_in(12) ? 0 : 0x80;
    const uint8_t dpl = static_cast<uint8_t>(random(4) << 5);
    if (one_in(3)) {  // system: TSSs, LDTs, gates
      const uint8_t type = static_cast<uint8_t>(random(16));
      if (type == 4 || type == 5 || type == 12)
        return gate(present | dpl | type, random_selector(), random_offset(), random(4));
      return descriptor(kTss + random(8) * 0x80, one_in(8) ? random(0x70) : 0xFF, present | dpl | type);
    }
    const uint8_t type = static_cast<uint8_t>(0x10 | random(16));
    return descriptor(0, one_in(8) ? random(0x40) : 0xFFFFF, present | dpl | type, one_in(4) ? 8 : 0xC);
  }

  void fill_tss(uint32_t base) {
    for (uint32_t at = 0; at < 0x68; at += 4) put<uint32_t>(base + at, random_offset());
    for (uint32_t at : {8u, 0x10u, 0x18u, 0u, 0x60u}) put<uint16_t>(base + at, random_selector());
    for (uint32_t at = 0x48; at < 0x60; at += 4) put<uint16_t>(base + at, random_selector());
    put<uint32_t>(base + 0x1C, kPageDirectory);
    put<uint32_t>(base + 4, kKernelStackTop - random(64));
    if (!one_in(8)) put<uint16_t>(base + 8, kKernelDs);
    if (!one_in(4)) put<uint32_t>(base + 0x4C, kKernelCs);
    if (!one_in(4)) put<uint32_t>(base + 0x50, kKernelDs);
    put<uint32_t>(base + 0x24, one_in(6) ? random(0xFFFFFFFF) : 0);
    put<uint16_t>(base + 0x64, one_in(10));
  }

  void random_machine() {
    protected_mode(random(2) ? 3 : 0);
    state.gdtr.limit = kEntries * 8 - 1;
    for (unsigned n = 6; n < kEntries; n++) put<uint64_t>(kGdt + n * 8, random_descriptor());
    for (unsigned n = 0; n < 8; n++) fill_tss(kTss + n * 0x80);
    put<uint64_t>(kLdtBase, random_descriptor());
    state.ldtr = {kLdtBase, 7, 0x30, 0x82};
    constexpr uint8_t kTypes[] = {5, 6, 7, 14, 15, 14, 15, 14};
    for (unsigned v = one_in(6) ? 0 : 32; v < 256; v++) {  // mostly, exceptions arrive
      const uint16_t cs = one_in(3) ? random_selector() : kKernelCs;
      set_idt_entry(v, gate(0x80 | random(4) << 5 | kTypes[random(8)], cs, random_offset()));
    }
    if (one_in(3)) enable_paging();
    for (int n = 0; n < 40; n++) push_random();
  }
  void push_random() {
    const uint32_t kind = random(4);
    push_words({kind == 0 ? random_offset() : kind == 1 ? random(0xFFFFFFFF) : random_selector()});
  }

  // What IRET and far RET to level 3 expect, with some of it wrong at times.
  void push_return_frame(bool with_flags) {
    push_words({one_in(6) ? random_selector() : kUserDs, kStackTop - random(64)});
    if (with_flags) push_words({one_in(4) ? random(0xFFFFFFFF) : 0x202});
    push_words({one_in(6) ? random_selector() : kUserCs, random_offset()});
  }

  void random_instruction() {
    const auto byte = [](uint32_t v, unsigned n) { return static_cast<uint8_t>(v >> n * 8); };
    const uint32_t offset = random_offset(), selector = random_selector();
    std::vector<uint8_t> code;
    if (one_in(5)) code.push_back(0x66);
    switch (random(8)) {
      case 0:
        code.insert(code.end(), {0xCD, byte(random(256), 0)});
        break;
      case 1:
        if (one_in(2)) push_return_frame(true);
        code.push_back(0xCF);
        break;
      case 2:
        if (one_in(2)) push_return_frame(false);
        code.push_back(0xCB);
        break;
      case 3:
        code.push_back(std::array<uint8_t, 4>{0x07, 0x17, 0x1F, 0xCC}[random(4)]);
        break;
      case 4:
      case 5: {
        code.push_back(one_in(2) ? 0x9A : 0xEA);
        const bool short_form = code.front() == 0x66;
        for (unsigned n = 0; n < (short_form ? 2u : 4u); n++) code.push_back(byte(offset, n));
        code.insert(code.end(), {byte(selector, 0), byte(selector, 1)});
        break;
      }
      case 6:
        state.gpr[kEax] = selector;
        code.insert(code.end(), {0x8E, byte(0xC0 | random(6) << 3, 0)});
        break;
      case 7:
        push_random();
        code.push_back(0x90);
        break;
    }
    const uint32_t at = state.segment[kCs].base + state.eip;
    if (at < kRamSize - 16) std::memcpy(&ram[at], code.data(), code.size());
  }

  void check_segments() {
    if (state.virtual_8086()) {
      ASSERT_EQ(state.cpl, 3);
      for (const auto& s : state.segment) {
        ASSERT_EQ(s.base, uint32_t{s.selector} << 4);
        ASSERT_EQ(s.limit, 0xFFFFu);
      }
      return;
    }
    const Segment &cs = state.segment[kCs], &ss = state.segment[kSs];
    ASSERT_EQ(cs.selector & 3, state.cpl);
    if (cs.present()) {
      const bool conforming = cs.attributes & segment_attribute::kExpandDownOrConforming;
      ASSERT_TRUE(cs.is_code());
      ASSERT_TRUE(conforming ? cs.dpl() <= state.cpl : cs.dpl() == state.cpl);
    }
    if (ss.present()) {
      ASSERT_EQ(ss.dpl(), state.cpl);
      ASSERT_EQ(ss.selector & 3, state.cpl);
      ASSERT_FALSE(ss.is_code());
    }
    for (SegmentIndex n : {kDs, kEs, kFs, kGs}) check_data_segment(state.segment[n]);
    ASSERT_EQ(state.tr.attributes & 2, 2) << "the current task is busy";
  }
  void check_data_segment(const Segment& s) {
    if (!s.present()) return;
    const bool conforming = s.is_code() && (s.attributes & segment_attribute::kExpandDownOrConforming);
    ASSERT_TRUE(s.attributes & segment_attribute::kCodeOrData);
    ASSERT_TRUE(conforming || s.dpl() >= state.cpl);
    ASSERT_TRUE(s.attributes & segment_attribute::kAccessed);
  }

  std::mt19937 generator_{GetParam()};
};

TEST_P(InvariantsTest, ProtectionHolds) {
  unsigned privilege_changes = 0, shutdowns = 0;
  for (unsigned machine = 0; machine < kMachines; machine++) {
    random_machine();
    for (unsigned n = 0; n < kStepsPerMachine && !state.shutdown; n++) {
      const unsigned cpl = state.cpl;
      random_instruction();
      if (one_in(10))
        cpu.deliver_interrupt(static_cast<uint8_t>(32 + random(224)));
      else
        cpu.step();
      privilege_changes += cpl != state.cpl;
      SCOPED_TRACE(::testing::Message() << "seed " << GetParam() << " machine " << machine << " step " << n);
      if (!state.shutdown) check_segments();
      if (HasFatalFailure()) return;
    }
    shutdowns += state.shutdown;
  }
  EXPECT_GT(privilege_changes, 50u) << "the test has lost its bite";
  EXPECT_LT(shutdowns, kMachines);
}

INSTANTIATE_TEST_SUITE_P(Seeds, InvariantsTest, ::testing::Range(1u, 9u));

}  // namespace
}  // namespace ringdown
