#include <memory>

#include "tests/differential/case_text.h"
#include "tests/differential/instruction_facts.h"
#include "tests/differential/runner.h"

namespace ringdown::differential {
namespace {

std::string listing(const Program& program) {
  auto built = std::make_unique<TestCase>();
  program.build(*built);
  std::vector<uint8_t> code(program.code_bytes());
  peek(built->memory, built->eip, code);
  std::string text;
  unsigned length;
  for (size_t at = 0; at < code.size(); at += length)
    text += "  " + disassemble(std::span(code).subspan(at), built->eip + static_cast<uint32_t>(at), length) +
            "\n";
  return text;
}

}  // namespace

std::string describe(const Failure& failure, const RunOptions& options) {
  const std::string number = std::to_string(failure.index);
  std::string text =
      "case " + number + ": " + failure.executor + " differs; shrunk to\n" + listing(failure.shrunk);
  text += "field, expected, actual:\n";
  constexpr size_t kMostLines = 24;
  for (size_t i = 0; i < failure.differences.size() && i < kMostLines; ++i)
    text += "  " + failure.differences[i] + "\n";
  text += "to repeat: RINGDOWN_SEED=" + std::to_string(options.seed) + " RINGDOWN_FIRST=" + number +
          " RINGDOWN_CASES=1 test_differential --gtest_filter=" + options.test + "\n";
  text += "as a regression:\n" + to_text(failure.shrunk, "NAME");
  return text;
}

}  // namespace ringdown::differential
