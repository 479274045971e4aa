#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <vector>

#include "tests/differential/case_text.h"
#include "tests/differential/generator.h"
#include "tests/differential/initial_state.h"
#include "tests/differential/instruction_facts.h"
#include "tests/differential/native_executor.h"
#include "tests/differential/runner.h"

// That the comparison can fail, and that the native helper survives what cases do.
namespace ringdown::differential {
namespace {

// Native, but wrong in one flag: after a case whose code holds ADC, CF is inverted.
class WrongExecutor : public Executor {
 public:
  const char* name() const override { return "wrong"; }
  void run(const TestCase& test_case, Outcome& outcome) override {
    native_.run(test_case, outcome);
    if (outcome.eip != test_case.eip && holds_adc(test_case, outcome.eip)) outcome.eflags ^= eflags::kCf;
  }

 private:
  static bool holds_adc(const TestCase& test_case, uint32_t end) {
    constexpr uint32_t kMost = 1024;  // the end may be that of a wild jump
    for (uint32_t at = test_case.eip; at < end && at - test_case.eip < kMost;) {
      std::array<uint8_t, 15> code;
      peek(test_case.memory, at, code);
      const auto facts = facts_of(code);
      if (!facts) return false;
      if (facts->mnemonic == ZYDIS_MNEMONIC_ADC) return true;
      at += facts->length;
    }
    return false;
  }
  NativeExecutor native_;
};

// Native, but every hundredth time it loses a flag.
class UnsteadyExecutor : public Executor {
 public:
  const char* name() const override { return "unsteady"; }
  void run(const TestCase& test_case, Outcome& outcome) override {
    native_.run(test_case, outcome);
    if (++runs_ % 100 == 0) outcome.eflags ^= eflags::kId;
  }

 private:
  NativeExecutor native_;
  unsigned runs_ = 0;
};

// So many random cases, by the reference and by another executor.
struct Comparison {
  Comparison(Executor& reference, std::unique_ptr<Executor> other, uint64_t count) {
    options.count = count;
    failures = run_random(reference, {&other, 1}, options, statistics);
  }
  RunOptions options;
  Statistics statistics;
  std::vector<Failure> failures;
};

Outcome run_code(NativeExecutor& native, std::initializer_list<uint8_t> code) {
  auto test_case = std::make_unique<TestCase>();
  plain_state(*test_case);
  test_case->eip = kPages[kCode0].address;
  poke(test_case->memory, test_case->eip, std::span(code.begin(), code.size()));
  Outcome outcome;
  native.run(*test_case, outcome);
  return outcome;
}

TEST(SelfTest, WrongFlagIsFoundAndShrunkToOneInstruction) {
  NativeExecutor native;
  const auto [options, statistics, failures] = Comparison(native, std::make_unique<WrongExecutor>(), 5'000);
  ASSERT_EQ(failures.size(), 1u);
  const Failure& failure = failures[0];
  ASSERT_EQ(failure.shrunk.units.size(), 1u) << describe(failure, options);
  ASSERT_EQ(failure.differences.size(), 1u);
  EXPECT_EQ(failure.differences[0].substr(0, 6), "eflags");
  const std::string report = describe(failure, options);
  EXPECT_NE(report.find("adc "), std::string::npos) << report;
  EXPECT_NE(report.find("RINGDOWN_FIRST=" + std::to_string(failure.index)), std::string::npos) << report;
}

TEST(SelfTest, WhatTheReferenceDoesNotRepeatDecidesNothing) {
  UnsteadyExecutor unsteady;
  const auto [options, statistics, failures] =
      Comparison(unsteady, std::make_unique<NativeExecutor>(), 1'000);
  EXPECT_TRUE(failures.empty());
  EXPECT_GE(statistics.unrepeated, options.count / 100 - 2);
  EXPECT_LE(statistics.unrepeated, options.count / 100 + 2);
}

TEST(SelfTest, NativeAgreesWithItself) {
  NativeExecutor one;
  const auto [options, statistics, failures] = Comparison(one, std::make_unique<NativeExecutor>(), 5'000);
  for (const Failure& failure : failures) ADD_FAILURE() << describe(failure, options);
  EXPECT_EQ(statistics.compared, options.count);
  EXPECT_EQ(one.helpers_started(), 1u);
}

TEST(SelfTest, EveryExceptionOfUserCodeIsSeen) {
  NativeExecutor native;
  const auto vector = [&](std::initializer_list<uint8_t> code) { return run_code(native, code).vector; };
  EXPECT_EQ(vector({0xF7, 0xF0}), 0u);                       // div eax
  EXPECT_EQ(vector({0xF1}), 1u);                             // int1
  EXPECT_EQ(vector({0xCC}), 3u);                             // int3
  EXPECT_EQ(vector({0xB0, 0x7F, 0xFE, 0xC0, 0xCE}), 4u);     // mov al, 127; inc al; into
  EXPECT_EQ(vector({0x48, 0x62, 0x05, 0, 0, 0, 0x20}), 5u);  // dec eax; bound eax, [20000000]
  EXPECT_EQ(vector({0x0F, 0x0B}), 6u);                       // ud2
  EXPECT_EQ(vector({0xF4}), 13u);                            // hlt
  EXPECT_EQ(vector({0xA1, 0, 0, 0, 0}), 14u);                // mov eax, [0]
}

TEST(SelfTest, PageFaultsShowAddressAndErrorCode) {
  NativeExecutor native;
  const Outcome read_absent = run_code(native, {0xA1, 0x34, 0x12, 0x00, 0x30});
  EXPECT_EQ(read_absent.fault_address, 0x30001234u);
  EXPECT_EQ(read_absent.error_code, 4u);
  const Outcome write_read_only = run_code(native, {0xA3, 0x00, 0x20, 0x00, 0x20});
  EXPECT_EQ(write_read_only.fault_address, 0x20002000u);
  EXPECT_EQ(write_read_only.error_code, 7u);
}

TEST(SelfTest, HelperSurvivesWhatCasesDo) {
  NativeExecutor native;
  EXPECT_EQ(run_code(native, {0xEB, 0xFE}).status, Status::kTimedOut);   // jmp $
  EXPECT_EQ(run_code(native, {0xBC, 0, 0, 0, 0x30, 0x50}).vector, 14u);  // mov esp, 30000000h; push eax
  // push 40000h; popfd; mov eax, [20000001]: AC is set, and must not be when the handler runs
  EXPECT_EQ(run_code(native, {0x68, 0, 0, 4, 0, 0x9D, 0xA1, 1, 0, 0, 0x20}).vector, 17u);
  EXPECT_EQ(run_code(native, {0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xE0, 0x0F, 0x0B}).vector, 6u);  // ds = fs = 0
  EXPECT_EQ(run_code(native, {0x0F, 0x0B}).status, Status::kException);
  EXPECT_EQ(native.helpers_started(), 1u);
}

TEST(SelfTest, SystemCallsDoNotReachTheHost) {
  NativeExecutor native;
  // mov eax, 1 (exit); int 80h
  const Outcome outcome = run_code(native, {0xB8, 1, 0, 0, 0, 0xCD, 0x80});
  EXPECT_TRUE(outcome.status == Status::kSystemCall || outcome.vector == 13);
  EXPECT_EQ(native.helpers_started(), 1u);
}

TEST(SelfTest, AHelperThatDiesIsReplaced) {
  NativeExecutor native;
  // jmp 33h:next; 64-bit: mov eax, 231 (exit_group); syscall
  const Outcome outcome = run_code(native, {0xEA, 7, 0, 0x40, 0, 0x33, 0, 0xB8, 231, 0, 0, 0, 0x0F, 0x05});
  EXPECT_EQ(outcome.status, Status::kCrashed);
  EXPECT_EQ(run_code(native, {0x0F, 0x0B}).vector, 6u);
  EXPECT_EQ(native.helpers_started(), 2u);
}

TEST(SelfTest, TextOfACaseIsReadBack) {
  const Program program = generate(7, 3);
  std::istringstream text(to_text(program, "name"));
  const auto cases = parse_cases(text);
  ASSERT_EQ(cases.size(), 1u);
  const auto a = std::make_unique<TestCase>(), b = std::make_unique<TestCase>();
  program.build(*a);
  cases[0].program.build(*b);
  EXPECT_EQ(std::memcmp(a->gpr.data(), b->gpr.data(), sizeof(a->gpr)), 0);
  EXPECT_EQ(std::memcmp(&a->memory, &b->memory, sizeof(Memory)), 0);
  EXPECT_EQ(a->fx.xmm, b->fx.xmm);
  std::istringstream nonsense("case x\neax zz\n");
  EXPECT_THROW(parse_cases(nonsense), std::runtime_error);
}

}  // namespace
}  // namespace ringdown::differential
