// Interrupts in the middle of REP MOVSB over 16 MiB: they come, and the registers and memory agree exactly on
// how far it came (SDM vol. 2, REP); it goes on from there.
#include "interrupts.h"
#include "paging.h"

enum { kFrom = 0x1000000, kTo = 0x2000000, kBytes = 0x1000000 };

KERNEL_CODE(move, "movl $0x1000000, %ecx\n movl $0x1000000, %esi\n movl $0x2000000, %edi\n sti\n nop\n" LABEL(
                      move_at) "rep movsb\n cli\n movl %ecx, %eax");
extern char move_at[];

static void prepare(uint32_t seed) {
  for (uint32_t i = 0; i < kBytes; i += 4) {
    poke(kFrom + i, i * seed + 1);
    poke(kTo + i, 0);
  }
}

static uint8_t byte_at(uint32_t a) { return *(volatile uint8_t*)a; }

static void check_partial(void) {
  CHECK_EQ(trap.esi - kFrom, kBytes - trap.ecx);
  CHECK_EQ(trap.edi - kTo, kBytes - trap.ecx);
  const uint32_t last = trap.edi - 1;
  if (trap.edi > kTo) CHECK_EQ(byte_at(last), byte_at(last - kTo + kFrom));
  for (uint32_t a = trap.edi; a < trap.edi + 8192 && a < kTo + kBytes; a++)
    if (byte_at(a) != 0) return CHECK_EQ(a, trap.edi);  // written beyond EDI
}

static int interrupted_in_the_middle(uint16_t delay) {
  pic_unmask(0);
  pit_once(0xFFFF);
  drop_timer_interrupt();  // that of an earlier attempt
  pit_once(delay);
  const int attempt = try_call(move, 0);
  if (attempt == kNoTrap) {
    drop_timer_interrupt();
    return 0;
  }
  CHECK_EQ(attempt, kIrq0);
  pic_eoi(0);
  if (trap.eip != (uint32_t)move_at || trap.ecx == kBytes) return 0;
  check_partial();
  return 1;
}

static volatile uint32_t in_move;
static int on_tick(struct Frame* f) {
  if (f->vector != kIrq0) return 0;
  ticks++;
  in_move += f->eip == (uint32_t)move_at;
  pic_eoi(0);
  return 1;
}

static void goes_on(void) {
  prepare(0x10305);
  pit_periodic(300);
  trap_hook = on_tick;
  CHECK_EQ(try_call(move, 0), kNoTrap);
  CHECK_EQ(call_result, 0);
  trap_hook = 0;
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < kBytes; i += 4) wrong += peek(kTo + i) != peek(kFrom + i);
  CHECK_EQ(wrong, 0);
  CHECK(in_move > 0);
}

void guest_main(void) {
  pic_init();
  for (int with_paging = 0; with_paging < 2; with_paging++) {
    int seen = 0;
    for (uint32_t round = 0; round < 20 && seen < 3; round++) {
      prepare(0x01050301 + round * 64);
      seen += interrupted_in_the_middle((uint16_t)(60u << round / 2));
    }
    CHECK_EQ(seen, 3);
    goes_on();
    if (with_paging) break;
    Entry* directory = new_identity_directory();
    for (uint32_t a = kFrom >> 22; a < (kTo + kBytes) >> 22; a++) directory[a] = a << 22 | kP | kW | kLarge;
    write_cr4(read_cr4() | kCr4Pse);
    enable_paging(directory);
  }
}
