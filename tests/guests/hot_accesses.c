// A loop that went over fresh pages, so that a translator may have come to look its pages up, then stays on
// one page for long, and goes over fresh ones again: what it writes is there, at every speed.
#include "interrupts.h"
#include "paging.h"

enum { kPages = 64, kTicks = 30 };
static uint32_t frames[kPages];

// Arguments: where, the distance from one write to the next in bytes, how many. Writes what is left.
KERNEL_CODE(write_each,
            "movl 4(%esp), %eax\n movl (%eax), %edx\n movl 8(%eax), %ecx\n movl 4(%eax), %eax\n"
            "1: movl %ecx, (%edx)\n addl %eax, %edx\n decl %ecx\n jnz 1b");

static void write_all(uint32_t at, uint32_t distance, uint32_t count) {
  const uint32_t arguments[3] = {at, distance, count};
  CHECK_EQ(try_call(write_each, (uint32_t)arguments), kNoTrap);
}

static void over_all_pages(uint32_t offset) {
  write_all(kTestBase + offset, 4096, kPages);
  for (uint32_t i = 0; i < kPages; i++) CHECK_EQ(*(uint32_t*)(frames[i] + offset), kPages - i);
}

static void on_one_page(void) {
  trap_hook = count_tick;
  pit_periodic(1193);
  ticks = 0;
  sti();
  while (ticks < kTicks) write_all(kTestBase + 64, 0, 100000);
  cli();
  drop_timer_interrupt();
  trap_hook = 0;
  CHECK_EQ(*(uint32_t*)(frames[0] + 64), 1);
}

void guest_main(void) {
  pic_init();
  pic_unmask(0);
  Entry* const directory = new_identity_directory();
  for (uint32_t i = 0; i < kPages; i++) {
    frames[i] = (uint32_t)alloc_page();
    map(directory, kTestBase + i * 4096, frames[i] | kP | kW);
  }
  enable_paging(directory);
  over_all_pages(0);
  on_one_page();
  over_all_pages(4);
}
