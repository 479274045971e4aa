#include "monitor/wake_lines.h"

#include <set>

#include "host-driver/counters.h"

namespace ringdown {

void WakeLines::learn() {
  samples_wanted_ = kSamples;
  waited_ = false;
  samples_of_.clear();
  mmu_.note_accesses(&accesses_);
}

void WakeLines::stop() {
  samples_wanted_ = 0;
  mmu_.note_accesses(nullptr);
}

void WakeLines::note_instruction() {
  if (++instructions_ > kMostInstructions) stop();
}

void WakeLines::wait() {
  if (!learning()) return;
  if (waited_) note_sample();
  waited_ = true;
  instructions_ = 0;
  accesses_.clear();
}

void WakeLines::note_sample() {
  std::set<uint32_t> touched;
  for (const uint32_t linear : accesses_) touched.insert(linear & ~(kLineBytes - 1));
  for (const uint32_t line : touched) samples_of_[line]++;
  if (--samples_wanted_ > 0) return;
  stop();
  lines_.clear();
  for (const auto& [line, samples] : samples_of_) {
    if (samples > kSamples / 2 && lines_.size() < kMostLines) lines_.push_back(line);
  }
  counters().wake_lines_learned += lines_.size();
}

}  // namespace ringdown
