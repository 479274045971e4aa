#include "tests/sensitive/translated_machine.h"

#include <algorithm>

#include "translator/sensitive.h"

namespace ringdown::sensitive {

TranslatedMachine::TranslatedMachine(const CpuModel& model)
    : vcpu_(ram_, memory_, model, clock_),
      board_(clock_,
             {.ram_bytes = kRamBytes,
              .serial_port = false,
              .debug_exit = BoardConfiguration::DebugExitPorts{.first = 0x501, .count = 4}},
             {.intr = [this](bool level) { vcpu_.set_interrupt_request(level); },
              .reset = [](ResetKind) {},
              // The device has made (value << 1) | 1 of it.
              .debug_exit = [this](uint32_t status) { exits_.push_back(status >> 1); },
              .serial = [](uint8_t) {}}) {
  vcpu_.attach(board_);
}

void TranslatedMachine::run(CpuState& state, std::vector<uint8_t>& ram, unsigned times) {
  const auto load = [&] {
    vcpu_.state() = state;
    std::copy(ram.begin(), ram.end(), ram_.bytes().begin());
    exits_.clear();
    sensitive_counts() = {};
    callouts_before_ = counters().callouts;
  };
  vcpu_.on_idle = [&] {
    if (--times == 0)
      vcpu_.stop();
    else
      load();
    vcpu_.request_attention();  // or it would sleep first
  };
  vcpu_.reset();
  load();
  vcpu_.state_changed();
  vcpu_.run();
  state = vcpu_.state();
  std::copy(ram_.bytes().begin(), ram_.bytes().end(), ram.begin());
}

void TranslatedMachine::run(CpuState& state, std::vector<uint8_t>& ram) { run(state, ram, 1); }

void TranslatedMachine::run_again_and_again(CpuState& state, std::vector<uint8_t>& ram) {
  run(state, ram, kRuns);
}

}  // namespace ringdown::sensitive
