#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "cpu/mmu.h"

namespace ringdown {

// The lines of guest memory that supervisor code touches each time the guest wakes from HLT. After
// milliseconds of sleep they are in no cache: asked for side by side, they arrive sooner than one after
// another (docs/decisions/013-cold-caches.md). They are learned from a few wakes that the interpreter runs.
class WakeLines {
 public:
  explicit WakeLines(Mmu& mmu) : mmu_(mmu) {}

  // From the next wait on; until then the lines learned before stay.
  void learn();
  // What runs is the interpreter's, each instruction of which is noted.
  bool learning() const { return samples_wanted_ > 0; }
  void note_instruction();
  // The guest waits.
  void wait();

  // `window`: host address of linear address 0 (window.h). What is not mapped does no harm.
  void prefetch(uint64_t window) const {
    for (const uint32_t line : lines_) __builtin_prefetch(reinterpret_cast<const void*>(window + line));
  }
  // Linear addresses.
  const std::vector<uint32_t>& lines() const { return lines_; }

 private:
  static constexpr unsigned kSamples = 5;
  static constexpr uint32_t kLineBytes = 64;
  static constexpr size_t kMostLines = 256;
  // Of one wake. Interpreted, one that takes more might not end before the next is due.
  static constexpr unsigned kMostInstructions = 30'000;

  void note_sample();
  void stop();

  Mmu& mmu_;
  unsigned samples_wanted_ = 0;
  bool waited_ = false;  // since learn(): what runs now is a sample
  unsigned instructions_ = 0;
  std::vector<uint32_t> accesses_;           // of this sample
  std::map<uint32_t, unsigned> samples_of_;  // by line
  std::vector<uint32_t> lines_;
};

}  // namespace ringdown
