#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tests/differential/comparison.h"
#include "tests/differential/generator.h"

namespace ringdown::differential {

struct RunOptions {
  uint64_t seed = 1;
  uint64_t first = 0, count = 1000;  // indices of cases
  unsigned most_failures = 1;        // the run ends at this one
  Program (*generate)(uint64_t seed, uint64_t index) = differential::generate;
  const char* test = "Differential.RandomSequences";  // that runs with these options
};

struct Failure {
  uint64_t index;
  const char* executor;  // the one that differs from the reference
  Program shrunk;
  std::vector<std::string> differences;
};

struct Statistics {
  uint64_t compared = 0;
  uint64_t inconclusive = 0;
  uint64_t timed_out = 0;                // of the inconclusive ones
  uint64_t unrepeated = 0;               // of those: the reference differs from itself when it is asked again
  uint64_t implementation_specific = 0;  // differ where processors may
  uint64_t ended_early = 0;              // by an exception before the final UD2
};

// Runs the reference and the others on the same cases and compares. Every failure is shrunk.
std::vector<Failure> run_random(Executor& reference, std::span<const std::unique_ptr<Executor>> others,
                                const RunOptions& options, Statistics& statistics);

// The differences between two executors on one program; empty if none, or if it is inconclusive.
std::vector<std::string> compare_once(Executor& reference, Executor& other, const Program& program);

// Disassembly, differences, the command that repeats the case, and the shrunk case as regressions.txt takes
// it.
std::string describe(const Failure& failure, const RunOptions& options);

}  // namespace ringdown::differential
