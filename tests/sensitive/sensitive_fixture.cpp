#include "tests/sensitive/sensitive_fixture.h"

#include "host-driver/counters.h"
#include "tests/sensitive/translated_machine.h"

namespace ringdown::sensitive {
namespace {

constexpr uint8_t kNop = 0x90, kHlt = 0xF4;
constexpr std::array<uint8_t, 2> kUd2 = {0x0F, 0x0B};
constexpr unsigned kHandlerBytes = 16, kMostSteps = 16;

// Not those of any case, so that a register that is written by mistake shows.
constexpr std::array<uint32_t, 8> kRegisters = {0xA0A1A2A3, 0xB0B1B2B3, 0xC0C1C2C3, kData,
                                                0,          0xD0D1D2D3, 0xE0E1E2E3, kData};

bool same(const Segment& a, const Segment& b) {
  return a.base == b.base && a.limit == b.limit && a.selector == b.selector && a.attributes == b.attributes;
}

}  // namespace

World SensitiveFixture::world(CpuState& s, std::vector<uint8_t>& memory_bytes, unsigned ring) const {
  return {.s = s,
          .ram = memory_bytes,
          .model = model,
          .ring = ring,
          .width = instruction_.operand_size,
          .port_write = {}};
}

void SensitiveFixture::set_up(const Case& c, unsigned ring, Way way) {
  protected_mode(ring);
  std::fill_n(ram.begin() + kHandlers, 256 * kHandlerBytes, kHlt);
  std::copy(kUd2.begin(), kUd2.end(), ram.begin() + kTarget);
  const uint32_t stack = state.gpr[kEsp];
  state.gpr = kRegisters;
  state.gpr[kEsp] = stack;
  state.flags = eflags::kCf | eflags::kSf;
  state.interrupt_flag = eflags::kIf;
  if (way == Way::kInterpreted16) {
    auto& cs = state.segment[kCs];
    cs.base = kCode;
    cs.limit = 0xFFFF;
    cs.attributes &= static_cast<uint16_t>(~(segment_attribute::kBig | segment_attribute::kGranular));
    for (const SegmentIndex n : {kDs, kEs}) state.segment[n].base = kData;
    state.gpr[kEbx] = state.gpr[kEdi] = 0;
  }
  place(c, way);
  World w = world(state, ram, ring);
  if (c.prepare) c.prepare(w);
}

void SensitiveFixture::place(const Case& c, Way way) {
  const Code& code = way == Way::kInterpreted16 && c.code16.size ? c.code16 : c.code;
  uint8_t* at = ram.data() + kCode;
  *at++ = kNop;
  at = std::copy_n(code.bytes.begin(), code.size, at);
  std::copy(kUd2.begin(), kUd2.end(), at);
  state.eip = code_eip();
  start_ = state.eip + 1;
  end_ = start_ + code.size;
  const bool big = way != Way::kInterpreted16;
  decoded_ = decode({code.bytes.data(), code.size}, big, instruction_) == DecodeStatus::kOk;
  if (decoded_) {
    EXPECT_EQ(instruction_.length, code.size);
    const SensitiveRow* row = find_sensitive(instruction_);
    ASSERT_TRUE(row) << "the table does not have this encoding";
    EXPECT_EQ(row->id, c.id);
  } else {
    EXPECT_EQ(row_of(c.id).group, SensitiveGroup::kAbsent);
  }
}

void SensitiveFixture::execute(Way way) {
  port_write_.reset();
  if (way == Way::kTranslated || way == Way::kCalledOut)
    execute_translated(way == Way::kCalledOut);
  else
    execute_interpreted();
}

void SensitiveFixture::execute_interpreted() {
  bus.to_read = {0xFFFFFFFF};
  mmu.flush();
  for (unsigned n = 0; n < kMostSteps && !state.halted; n++) cpu.step();
  for (const auto& access : bus.accesses)
    if (access.write) port_write_ = access.value;
}

void SensitiveFixture::execute_translated(bool repeatedly) {
  TranslatedMachine machine(model);
  const uint64_t translated = counters().instructions_translated;
  if (repeatedly)
    machine.run_again_and_again(state, ram);
  else
    machine.run(state, ram);
  EXPECT_GE(counters().instructions_translated, translated + 2)
      << "NOP and the instruction were to be translated";
  counts_ = sensitive_counts();
  callouts_ = machine.callouts();
  if (!machine.exits().empty()) port_write_ = machine.exits().back();
}

void SensitiveFixture::restore_bytes(uint32_t from, uint32_t to, const std::vector<uint8_t>& source) {
  std::copy(source.begin() + from, source.begin() + to, ram.begin() + from);
}

void SensitiveFixture::undo_delivery(const Result& expected, const std::vector<uint8_t>& expected_ram) {
  ASSERT_TRUE(state.halted);
  state.halted = false;
  if (expected.kind == Result::Kind::kHalts) return;
  state.eip--;
  ASSERT_EQ(state.cpl, 0);
  const auto d = exception();
  ASSERT_TRUE(d) << "not at a handler: eip " << std::hex << state.eip;
  EXPECT_EQ(d->vector, expected.vector);
  EXPECT_EQ(d->error_code, expected.error_code);
  const bool is_fault = expected.kind != Result::Kind::kTrap;
  EXPECT_EQ(d->eflags & eflags::kRf, is_fault ? eflags::kRf : 0u);

  const uint32_t top = state.gpr[kEsp];
  uint32_t frame = top + (d->error_code ? 4 : 0);
  const auto cs = at<uint32_t>(frame + 4);
  state.eip = d->eip;
  state.set_eflags_image(d->eflags & ~eflags::kRf);
  state.segment[kCs].selector = static_cast<uint16_t>(cs);
  state.cpl = cs & 3;
  frame += 12;
  if (state.cpl != 0) {
    EXPECT_EQ(frame + 8, kKernelStackTop);
    state.segment[kSs].selector = static_cast<uint16_t>(at<uint32_t>(frame + 4));
    state.gpr[kEsp] = at<uint32_t>(frame);
    frame += 8;
  } else {
    state.gpr[kEsp] = frame;
  }
  restore_bytes(top, frame, expected_ram);
}

void SensitiveFixture::expect_equal_system_registers(const CpuState& e) {
  for (const SegmentIndex n : {kEs, kDs, kFs, kGs})
    EXPECT_TRUE(same(state.segment[n], e.segment[n])) << "segment register " << int{n};
  EXPECT_TRUE(same(state.ldtr, e.ldtr)) << "LDTR";
  EXPECT_TRUE(same(state.tr, e.tr)) << "TR";
  EXPECT_EQ(state.gdtr.base, e.gdtr.base);
  EXPECT_EQ(state.gdtr.limit, e.gdtr.limit);
  EXPECT_EQ(state.idtr.base, e.idtr.base);
  EXPECT_EQ(state.idtr.limit, e.idtr.limit);
  EXPECT_EQ(state.cr0, e.cr0);
  EXPECT_EQ(state.cr2, e.cr2);
  EXPECT_EQ(state.cr3, e.cr3);
  EXPECT_EQ(state.cr4, e.cr4);
  EXPECT_EQ(state.dr, e.dr);
  EXPECT_EQ(std::memcmp(&state.msr, &e.msr, sizeof e.msr), 0) << "an MSR";
}

void SensitiveFixture::expect_equal(const World& expected) {
  const CpuState& e = expected.s;
  for (unsigned n = 0; n < 8; n++) {
    if (!(expected.unspecified >> n & 1)) {
      EXPECT_EQ(state.gpr[n], e.gpr[n]) << "general register " << n;
    }
  }
  EXPECT_EQ(state.eip, e.eip);
  EXPECT_EQ(state.eflags_image(), e.eflags_image());
  EXPECT_EQ(state.cpl, e.cpl);
  EXPECT_EQ(state.segment[kCs].selector, e.segment[kCs].selector);
  EXPECT_EQ(state.segment[kSs].selector, e.segment[kSs].selector);
  expect_equal_system_registers(e);
  const auto [mine, theirs] = std::mismatch(ram.begin(), ram.end(), expected.ram.begin());
  EXPECT_TRUE(mine == ram.end()) << "memory at " << std::hex << mine - ram.begin();
  EXPECT_EQ(port_write_, expected.port_write);
}

namespace {

bool loads_segment(const Case& c) {
  return c.id == Sensitive::kMoveToSegment || c.id == Sensitive::kPopSegment;
}

// Has the callout, the last time, done what a memo makes unnecessary from then on? (FastCallMemo,
// SegmentLoads)
bool is_remembered(const Case& c, unsigned ring) {
  const bool fast_call = c.id == Sensitive::kSysenter || c.id == Sensitive::kSysexit;
  return fast_call || (loads_segment(c) && ring == 0);
}

}  // namespace

// What the table says is what happens: an instruction that is done in line never leaves translated code, any
// other does once, unless it is remembered.
void SensitiveFixture::expect_treatment(const Case& c, unsigned ring, Way way) {
  if (c.unusual_form) return;
  const Treatment t = ring ? row_of(c.id).ring3 : row_of(c.id).ring0;
  const bool in_line_by_now = way == Way::kCalledOut && loads_segment(c) && is_remembered(c, ring);
  const bool leaves = decoded_ && kind_of(t) != TreatmentKind::kInLine && !in_line_by_now;
  for (size_t n = 0; n < kSensitiveCount; n++) {
    const auto id = static_cast<Sensitive>(n);
    const Result& result = ring ? c.ring3 : c.ring0;
    const bool handler_halts = id == Sensitive::kHlt && result.kind != Result::Kind::kHalts;
    EXPECT_EQ(counts_[n], (id == c.id && leaves ? 1u : 0u) + handler_halts) << row_of(id).name;
  }
}

bool SensitiveFixture::called_out(const Case& c, unsigned ring) {
  const Treatment t = ring ? row_of(c.id).ring3 : row_of(c.id).ring0;
  return kind_of(t) == TreatmentKind::kCallout;
}

// A fault is the interpreter's to raise; what comes to a good end was the callout's doing, the last time at
// least, or that of its memo. The HLT at the end is one as well, unless it is the instruction itself.
void SensitiveFixture::expect_callout(const Case& c, unsigned ring, const Result& result) {
  const bool one =
      result.kind == Result::Kind::kFault || result.kind == Result::Kind::kHalts || is_remembered(c, ring);
  EXPECT_EQ(callouts_, one ? 1u : 2u);
}

void SensitiveFixture::run_case(const Case& c, unsigned ring, Way way) {
  set_up(c, ring, way);
  if (HasFatalFailure()) return;
  const Result& result = ring ? c.ring3 : c.ring0;
  CpuState expected_state = state;
  std::vector<uint8_t> expected_ram = ram;
  expected_state.eip = result.kind == Result::Kind::kFault ? start_ : end_;
  World expected = world(expected_state, expected_ram, ring);
  if (result.effect) result.effect(expected);

  execute(way);
  undo_delivery(result, expected_ram);
  if (HasFatalFailure()) return;
  expect_equal(expected);
  if (way == Way::kTranslated || way == Way::kCalledOut) expect_treatment(c, ring, way);
  if (way == Way::kCalledOut && !c.unusual_form) expect_callout(c, ring, result);
}

}  // namespace ringdown::sensitive
