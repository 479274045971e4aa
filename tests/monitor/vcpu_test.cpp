// Translated code does not run under the sanitizers.
#ifndef __SANITIZE_ADDRESS__
#include "monitor/vcpu.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <optional>

#include "host-driver/host_clock.h"

// Waits ECX times for the 8254, programmed anew for each single shot, and ends by port 501h. The 8259A
// acknowledges by itself. The code is position-independent.
__asm__(R"(
  .pushsection .rodata
  .code32
ticking_guest:
  movb $0x11, %al
  outb %al, $0x20
  movb $0x20, %al
  outb %al, $0x21
  movb $0x04, %al
  outb %al, $0x21
  movb $0x03, %al
  outb %al, $0x21
  movb $0xFE, %al
  outb %al, $0x21
  xorl %ebx, %ebx
1: movb $0x30, %al
  outb %al, $0x43
  movb $0xA9, %al       # 1193: a millisecond
  outb %al, $0x40
  movb $0x04, %al
  outb %al, $0x40
  sti
  hlt
  cli
  decl %ecx
  jnz 1b
  movw $0x501, %dx
  outb %al, %dx
2: jmp 2b
ticking_guest_handler:
  incl %ebx
  iretl
ticking_guest_end:
  .code64
  .popsection
)");
extern const uint8_t ticking_guest[], ticking_guest_handler[], ticking_guest_end[];

namespace ringdown {
namespace {

constexpr uint64_t kRamBytes = 1 << 20;
constexpr uint32_t kGdt = 0x1000, kIdt = 0x2000, kStackTop = 0x8000, kCode = 0x10000;
constexpr uint16_t kCodeSelector = 8, kDataSelector = 16;

// The host's, at one reading of which the thread is kicked.
class KickingClock final : public Clock {
 public:
  void kick_at(uint64_t reading) { readings_left_ = reading; }
  bool has_kicked() const { return readings_left_ == 0; }
  Nanoseconds now() const override {
    if (readings_left_ && --readings_left_ == 0) ::raise(KickTimer::signal_number());
    return clock_.now();
  }

 private:
  HostClock clock_;
  mutable uint64_t readings_left_ = 0;
};

class TickingMachine {
 public:
  TickingMachine() {
    memory_.write_bytes(kCode, ticking_guest, static_cast<size_t>(ticking_guest_end - ticking_guest));
    memory_.write<uint64_t>(kGdt + kCodeSelector, 0x00CF9B000000FFFF);
    memory_.write<uint64_t>(kGdt + kDataSelector, 0x00CF93000000FFFF);
    const auto handler = static_cast<uint32_t>(kCode + (ticking_guest_handler - ticking_guest));
    memory_.write<uint32_t>(kIdt + 0x20 * 8, kCodeSelector << 16 | (handler & 0xFFFF));
    memory_.write<uint32_t>(kIdt + 0x20 * 8 + 4, (handler & 0xFFFF0000) | 0x8E00);
  }

  // Returns how many interrupts the guest took. `reading`: of the clock, at which there is a kick.
  uint32_t run(uint32_t ticks, uint64_t reading) {
    board_.emplace(clock_, BoardConfiguration{.ram_bytes = kRamBytes, .debug_exit = {{0x501, 2}}},
                   BoardOutputs{.intr = [this](bool level) { vcpu_.set_interrupt_request(level); },
                                .reset = [](ResetKind) {},
                                .debug_exit = [this](uint32_t) { vcpu_.stop(); },
                                .serial = [](uint8_t) {}});
    vcpu_.attach(*board_);
    vcpu_.reset();
    CpuState& state = vcpu_.state();
    state.gpr = {0, ticks, 0, 0, kStackTop, 0, 0, 0};
    state.eip = kCode;
    state.set_eflags_image(eflags::kFixed);
    state.cr0 = cr0::kPe;
    state.cpl = 0;
    state.gdtr = {.base = kGdt, .limit = 23};
    state.idtr = {.base = kIdt, .limit = 0x3FF};
    state.segment.fill({.base = 0, .limit = 0xFFFFFFFF, .selector = kDataSelector, .attributes = 0xC093});
    state.segment[kCs] = {.base = 0, .limit = 0xFFFFFFFF, .selector = kCodeSelector, .attributes = 0xC09B};
    vcpu_.state_changed();
    clock_.kick_at(reading);
    vcpu_.run();
    return state.gpr[kEbx];
  }

  bool kicked() const { return clock_.has_kicked(); }

 private:
  KickingClock clock_;
  GuestRam ram_{kRamBytes};
  PhysicalMemory memory_{ram_.bytes()};
  const CpuModel model_ = CpuModel::default_model();
  Vcpu vcpu_{ram_, memory_, model_, clock_};
  std::optional<Board> board_;
};

// Whatever the loop is just doing with its timer: no tick is lost, and it comes to an end.
TEST(Vcpu, IsKickedAtAnyReadingOfTheClockWhileTheGuestWaitsForTicks) {
  constexpr uint32_t kTicks = 8;
  TickingMachine machine;
  alarm(60);
  uint64_t reading = 0;
  do {
    reading++;
    ASSERT_EQ(machine.run(kTicks, reading), kTicks) << "kicked at reading " << reading;
  } while (machine.kicked());
  alarm(0);
  EXPECT_GT(reading, 2 * kTicks);
}

}  // namespace
}  // namespace ringdown

#endif
