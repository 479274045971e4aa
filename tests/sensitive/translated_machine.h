#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "cpu/cpu_model.h"
#include "cpu/physical_memory.h"
#include "host-driver/counters.h"
#include "host-driver/guest_ram.h"
#include "monitor/board.h"
#include "monitor/vcpu.h"
#include "tests/vdevices/fake_clock.h"

namespace ringdown::sensitive {

// The virtual processor as the program runs it, with a board on which time stands still. Of these there may
// be one at a time, because the host's signals go to it.
class TranslatedMachine {
 public:
  explicit TranslatedMachine(const CpuModel& model);

  // Runs from this state and memory until the processor halts, or shuts down; both are then as it left them.
  void run(CpuState& state, std::vector<uint8_t>& ram);
  // Runs so several times, each from the same state. In the last run everything is translated already, and
  // callouts have found each page that they need. Only if a run leaves code, tables and control registers as
  // they are.
  void run_again_and_again(CpuState& state, std::vector<uint8_t>& ram);

  // What was written to isa-debug-exit, at port 501h.
  const std::vector<uint32_t>& exits() const { return exits_; }
  // Of the last run.
  uint64_t callouts() const { return counters().callouts - callouts_before_; }

 private:
  static constexpr uint64_t kRamBytes = 1 << 20;
  static constexpr unsigned kRuns = 8;  // a callout that misses a page is told of one at a time
  void run(CpuState& state, std::vector<uint8_t>& ram, unsigned times);

  ::ringdown::testing::FakeClock clock_;
  GuestRam ram_{kRamBytes};
  PhysicalMemory memory_{ram_.bytes()};
  Vcpu vcpu_;
  std::vector<uint32_t> exits_;
  uint64_t callouts_before_ = 0;
  Board board_;
};

}  // namespace ringdown::sensitive
