#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "monitor/board.h"
#include "monitor/vcpu.h"

// For assembly: the first 8259A edge-triggered, from vector 20h on, alone, acknowledging by itself.
#define WRITE_8259A(port, value) "movb $" value ", %al; outb %al, $" port ";"
#define SET_UP_8259A(mask)    \
  WRITE_8259A("0x20", "0x11") \
  WRITE_8259A("0x21", "0x20") \
  WRITE_8259A("0x21", "0x04") WRITE_8259A("0x21", "0x03") WRITE_8259A("0x21", mask)

namespace ringdown::testing {

// A processor and its board, running a small kernel of flat 32-bit code in ring 0 without paging, which ends
// by a write to port 501h. Of these there may be one at a time, because the host's signals go to it.
class FlatMachine {
 public:
  // Not owned: the clock. The code has to be position-independent.
  FlatMachine(const Clock& clock, std::span<const uint8_t> code) : clock_(clock) {
    memory_.write_bytes(kCode, code.data(), code.size());
    memory_.write<uint64_t>(kGdt + kCodeSelector, 0x00CF9B000000FFFF);
    memory_.write<uint64_t>(kGdt + kDataSelector, 0x00CF93000000FFFF);
    vcpu_.on_attention = [] {};
    vcpu_.on_idle = [] {};
  }

  // With this ROM (not owned), and the bridges that a BIOS needs: upper memory is ROM at first.
  void set_rom(std::span<const uint8_t> rom) {
    memory_.set_rom(rom);
    has_rom_ = true;
  }

  // `offset` in the code.
  void set_interrupt_handler(uint32_t vector, uint32_t offset) {
    const uint32_t target = kCode + offset;
    memory_.write<uint32_t>(kIdt + vector * 8, kCodeSelector << 16 | (target & 0xFFFF));
    memory_.write<uint32_t>(kIdt + vector * 8 + 4, (target & 0xFFFF0000) | 0x8E00);
  }

  // From power-on and the first byte of the code to the guest's end, with `count` in ECX and 0 in the other
  // registers. Returns the state at the end.
  const CpuState& run(uint32_t count) {
    power_on();
    CpuState& state = vcpu_.state();
    state.gpr = {0, count, 0, 0, kStackTop, 0, 0, 0};
    state.eip = kCode;
    state.set_eflags_image(eflags::kFixed);
    state.cr0 = cr0::kPe;
    state.cpl = 0;
    state.gdtr = {.base = kGdt, .limit = 23};
    state.idtr = {.base = kIdt, .limit = 0x3FF};
    state.segment.fill({.base = 0, .limit = 0xFFFFFFFF, .selector = kDataSelector, .attributes = 0xC093});
    state.segment[kCs] = {.base = 0, .limit = 0xFFFFFFFF, .selector = kCodeSelector, .attributes = 0xC09B};
    vcpu_.state_changed();
    vcpu_.run();
    return state;
  }

 private:
  static constexpr uint64_t kRamBytes = 16 << 20;
  static constexpr uint32_t kGdt = 0x1000, kIdt = 0x2000, kStackTop = 0x8000, kCode = 0x100000;
  static constexpr uint16_t kCodeSelector = 8, kDataSelector = 16;

  void power_on() {
    const BoardConfiguration configuration{.ram_bytes = kRamBytes,
                                           .firmware = has_rom_,
                                           .debug_exit = BoardConfiguration::DebugExitPorts{0x501, 2}};
    board_.emplace(clock_, configuration,
                   BoardOutputs{.intr = [this](bool level) { vcpu_.set_interrupt_request(level); },
                                .reset = [](ResetKind) {},
                                .debug_exit = [this](uint32_t) { vcpu_.stop(); },
                                .serial = [](uint8_t) {},
                                .upper_memory =
                                    [this](unsigned segment, bool reads, bool writes) {
                                      if (memory_.set_upper_memory(segment, {reads, writes}))
                                        vcpu_.memory_map_changed();
                                    }});
    vcpu_.attach(*board_);
    vcpu_.reset();
  }

  const Clock& clock_;
  GuestRam ram_{kRamBytes};
  PhysicalMemory memory_{ram_.bytes()};
  const CpuModel model_ = CpuModel::default_model();
  bool has_rom_ = false;
  Vcpu vcpu_{ram_, memory_, model_, clock_};
  std::optional<Board> board_;
};

}  // namespace ringdown::testing
