// Much code runs once, then the guest does little but wait for a long time: when it runs the code again, and
// after it has changed it, nothing is missing.
#include "interrupts.h"
#include "paging.h"

enum { kFunctions = 40000, kWaits = 600 };
static uint8_t functions[kFunctions][16] __attribute__((aligned(4096)));

static void write_functions(uint32_t first_value) {
  for (uint32_t i = 0; i < kFunctions; i++) write_return(functions[i], first_value + i);
}

static void call_functions(uint32_t first_value) {
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < kFunctions; i++) wrong += call((uint32_t)functions[i]) != first_value + i;
  CHECK_EQ(wrong, 0);
}

static void wait_long(void) {
  trap_hook = count_tick;
  pit_periodic(120);
  for (uint32_t i = 0; i < kWaits; i++) {
    const uint32_t before = ticks;
    __asm__ volatile("sti\n hlt\n cli" ::: "memory");
    CHECK(ticks != before);
  }
  drop_timer_interrupt();
  trap_hook = 0;
}

void guest_main(void) {
  pic_init();
  pic_unmask(0);
  enable_paging(new_identity_directory());
  for (uint32_t round = 0; round < 2; round++) {
    write_functions(round << 16);
    call_functions(round << 16);
    wait_long();
    call_functions(round << 16);
  }
}
