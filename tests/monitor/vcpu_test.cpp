// Translated code does not run under the sanitizers.
#ifndef __SANITIZE_ADDRESS__
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "host-driver/host_clock.h"
#include "tests/monitor/flat_machine.h"

// Waits ECX times for the 8254, programmed anew for each single shot, and counts its interrupts in EBX. The
// 8259A acknowledges by itself.
__asm__(R"(
  .pushsection .rodata
  .code32
ticking_guest:)" SET_UP_8259A("0xFE") R"(  xorl %ebx, %ebx
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
// Calls a function at F0000h that is in ROM, in RAM, in RAM that is written anew, and in ROM again, many
// times each so that it is translated where that can be. EBX gathers what they add.
__asm__(R"(
  .macro SET_PAM0 value
    movl $0x80000058, %eax
    movw $0xCF8, %dx
    outl %eax, %dx
    movw $0xCFD, %dx
    movb $\value, %al
    outb %al, %dx
  .endm
  .macro CALL_IT
    movl $100, %ecx
  1: call *%edi
    decl %ecx
    jnz 1b
  .endm
  .pushsection .rodata
  .code32
shadowing_guest:
  xorl %ebx, %ebx
  movl $0xF0000, %edi
  movl $0x9090C390, (%edi)  # to ROM: lost
  CALL_IT
  SET_PAM0 0x20             # reads ROM, writes RAM
  movl (%edi), %eax
  movl %eax, (%edi)
  movl 4(%edi), %eax
  movl %eax, 4(%edi)
  CALL_IT
  SET_PAM0 0x30             # RAM
  CALL_IT
  movl $0x10000, 2(%edi)    # what is added
  CALL_IT
  SET_PAM0 0x10             # write-protected
  movl $0x1000000, 2(%edi)
  CALL_IT
  SET_PAM0 0x00             # ROM
  CALL_IT
  movw $0x501, %dx
  outb %al, %dx
2: jmp 2b
shadowing_guest_end:
rom_function:
  .byte 0x81, 0xC3          # ADD EBX, with an immediate of four bytes
  .long 1
  ret
rom_function_end:
  .code64
  .popsection
)");
extern const uint8_t shadowing_guest[], shadowing_guest_end[], rom_function[], rom_function_end[];
extern const uint8_t ticking_guest[], ticking_guest_handler[], ticking_guest_end[];

namespace ringdown {
namespace {

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

// Whatever the loop is just doing with its timer: no tick is lost, and it comes to an end.
TEST(Vcpu, IsKickedAtAnyReadingOfTheClockWhileTheGuestWaitsForTicks) {
  constexpr uint32_t kTicks = 8, kVector = 0x20;
  KickingClock clock;
  testing::FlatMachine machine(clock, {ticking_guest, ticking_guest_end});
  machine.set_interrupt_handler(kVector, static_cast<uint32_t>(ticking_guest_handler - ticking_guest));
  alarm(60);
  uint64_t reading = 0;
  do {
    reading++;
    clock.kick_at(reading);
    ASSERT_EQ(machine.run(kTicks).gpr[kEbx], kTicks) << "kicked at reading " << reading;
  } while (clock.has_kicked());
  alarm(0);
  EXPECT_GT(reading, 2 * kTicks);
}

TEST(Vcpu, ExecutesWhatUpperMemoryHoldsWheneverThatChanges) {
  const HostClock clock;
  std::vector<uint8_t> rom(64 << 10, 0xCC);
  std::copy(rom_function, rom_function_end, rom.begin());
  testing::FlatMachine machine(clock, {shadowing_guest, shadowing_guest_end});
  machine.set_rom(rom);
  alarm(60);
  // From ROM twice and from RAM that holds the same; then twice from RAM that was changed; then ROM.
  EXPECT_EQ(machine.run(0).gpr[kEbx], 100u * (3 + 2 * 0x10000 + 1));
  alarm(0);
}

// Seen by its counter only: a guest must not notice.
TEST(Vcpu, LearnsWhatAGuestTouchesThatDoesNothingButTick) {
  constexpr uint32_t kTicks = 300, kVector = 0x20;
  const HostClock clock;
  testing::FlatMachine machine(clock, {ticking_guest, ticking_guest_end});
  machine.set_interrupt_handler(kVector, static_cast<uint32_t>(ticking_guest_handler - ticking_guest));
  const uint64_t before = counters().wake_lines_learned;
  EXPECT_EQ(machine.run(kTicks).gpr[kEbx], kTicks);
  EXPECT_GT(counters().wake_lines_learned, before);  // its stack
}

}  // namespace
}  // namespace ringdown

#endif
