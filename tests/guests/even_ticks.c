// Single shots of the timer at even distances, then at others, then at none: each ends the HLT that waits for it.
#include "interrupts.h"

enum { kTicksPerMillisecond = 1193 };

static void wait_for_tick(uint32_t distance) {
  const uint32_t before = ticks;
  pit_once((uint16_t)distance);
  __asm__ volatile("sti\n hlt\n cli" ::: "memory");
  CHECK_EQ(ticks, before + 1);
}

static void wait_evenly(uint32_t count, uint32_t distance) {
  for (uint32_t i = 0; i < count; i++) wait_for_tick(distance);
}

void guest_main(void) {
  pic_init();
  trap_hook = count_tick;
  pic_unmask(0);
  for (uint32_t round = 0; round < 2; round++) {
    wait_evenly(50, 4 * kTicksPerMillisecond);
    wait_evenly(50, 2 * kTicksPerMillisecond);
    for (uint32_t i = 0; i < 40; i++) wait_for_tick((1 + i % 3) * kTicksPerMillisecond);
    wait_evenly(10, kTicksPerMillisecond);
    wait_for_tick(40 * kTicksPerMillisecond);
    pit_periodic(kTicksPerMillisecond);
    const uint32_t before = ticks;
    while (ticks - before < 20) __asm__ volatile("sti\n hlt\n cli" ::: "memory");
    drop_timer_interrupt();
  }
}
