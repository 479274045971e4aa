// HLT (SDM vol. 2): wakes by an interrupt, continues behind itself, and STI; HLT never loses the one that is
// pending.
#include "interrupts.h"

KERNEL_CODE(halt_once, "movl $1, %eax\n sti\n hlt\n cli\n incl %eax");
// STI is the last instruction of its page.
KERNEL_CODE(halt_in_next_page,
            "movl $1, %eax\n jmp 1f\n .p2align 12\n .skip 4095\n1: sti\n hlt\n cli\n incl %eax");

static void one_shots(void* code) {
  for (uint32_t i = 0; i < 300; i++) {
    ticks = 0;
    pit_once((uint16_t)(2 + i));
    CHECK_EQ(try_call(code, 0), kNoTrap);
    CHECK_EQ(call_result, 2);
    CHECK_EQ(ticks, 1);
  }
}

static void pending_before(void) {
  trap_hook = 0;
  raise_timer_interrupt();
  CHECK_EQ(try_call(halt_once, 0), kIrq0);
  CHECK_EQ(trap.eip, halt_once + 7);
  pic_eoi(0);
  trap_hook = count_tick;
}

void guest_main(void) {
  pic_init();
  pic_unmask(0);
  pit_once(0xFFFF);
  drop_timer_interrupt();
  trap_hook = count_tick;
  one_shots(halt_once);
  one_shots(halt_in_next_page);
  for (int i = 0; i < 10; i++) pending_before();
}
