#include "tests/differential/runner.h"

#include <algorithm>
#include <memory>

#include "tests/differential/shrinker.h"

namespace ringdown::differential {
namespace {

constexpr size_t kBatch = 64;

class Run {
 public:
  Run(Executor& reference, std::span<const std::unique_ptr<Executor>> others, const RunOptions& options,
      Statistics& statistics)
      : reference_(reference), others_(others), options_(options), statistics_(statistics) {}

  std::vector<Failure> all() {
    const uint64_t end = options_.first + options_.count;
    for (uint64_t first = options_.first; first < end && !enough(); first += kBatch)
      run_batch(first, std::min<uint64_t>(kBatch, end - first));
    return std::move(failures_);
  }

 private:
  bool enough() const { return failures_.size() >= options_.most_failures; }

  void run_batch(uint64_t first, size_t count) {
    programs_.resize(count);
    for (size_t i = 0; i < count; ++i) {
      programs_[i] = options_.generate(options_.seed, first + i);
      programs_[i].build(cases_[i]);
    }
    reference_.run_batch(std::span(cases_).first(count), std::span(expected_).first(count));
    for (size_t i = 0; i < count; ++i) cases_[i].endless = expected_[i].status == Status::kTimedOut;
    for (const auto& other : others_) {
      other->run_batch(std::span(cases_).first(count), std::span(actual_).first(count));
      for (size_t i = 0; i < count && !enough(); ++i) compare(first + i, i, *other);
    }
  }

  void compare(uint64_t index, size_t slot, Executor& other) {
    const Program& program = programs_[slot];
    ++statistics_.compared;
    if (expected_[slot].eip != program.initial.eip + program.code_bytes() - 2) ++statistics_.ended_early;
    if (agree(expected_[slot], actual_[slot], program)) return;
    if (is_inconclusive(expected_[slot], program)) {
      ++statistics_.inconclusive;
      statistics_.timed_out += expected_[slot].status == Status::kTimedOut;
      return;
    }
    if (is_implementation_specific(expected_[slot], actual_[slot], program)) {
      ++statistics_.implementation_specific;
      return;
    }
    if (!reference_repeats(slot)) {
      ++statistics_.inconclusive;
      ++statistics_.unrepeated;
      return;
    }
    const auto fails = [&](const Program& p) { return !compare_once(reference_, other, p).empty(); };
    Failure failure{index, other.name(), shrink(program, fails), {}};
    failure.differences = compare_once(reference_, other, failure.shrunk);
    // It may not fail alone: then what it did in the batch is all that there is to show.
    if (failure.differences.empty()) failure.differences = differences(expected_[slot], actual_[slot], 0);
    failures_.push_back(std::move(failure));
  }

  // A host that is a virtual machine may lose a flag once in a day; the same executor twice is no accident.
  bool reference_repeats(size_t slot) {
    reference_.run(cases_[slot], again_);
    return agree(expected_[slot], again_, programs_[slot]);
  }

  Executor& reference_;
  std::span<const std::unique_ptr<Executor>> others_;
  const RunOptions& options_;
  Statistics& statistics_;
  std::vector<Program> programs_;
  std::vector<TestCase> cases_ = std::vector<TestCase>(kBatch);
  std::vector<Outcome> expected_ = std::vector<Outcome>(kBatch), actual_ = std::vector<Outcome>(kBatch);
  Outcome again_;
  std::vector<Failure> failures_;
};

}  // namespace

std::vector<Failure> run_random(Executor& reference, std::span<const std::unique_ptr<Executor>> others,
                                const RunOptions& options, Statistics& statistics) {
  return Run(reference, others, options, statistics).all();
}

std::vector<std::string> compare_once(Executor& reference, Executor& other, const Program& program) {
  struct Buffers {
    TestCase test_case;
    Outcome expected, actual;
  };
  static const auto buffers = std::make_unique<Buffers>();
  program.build(buffers->test_case);
  reference.run(buffers->test_case, buffers->expected);
  buffers->test_case.endless = buffers->expected.status == Status::kTimedOut;
  other.run(buffers->test_case, buffers->actual);
  if (is_inconclusive(buffers->expected, program) || agree(buffers->expected, buffers->actual, program) ||
      is_implementation_specific(buffers->expected, buffers->actual, program))
    return {};
  return differences(buffers->expected, buffers->actual, program.undefined_flags_at(buffers->expected.eip));
}

}  // namespace ringdown::differential
