// The timer interrupts every kind of loop, in ring 0 and ring 3: a loop that never leaves its block, one over
// pages, one of indirect jumps, of calls, and HLT. The handler counts ticks and then ends the loop.
#include "interrupts.h"
#include "paging.h"

enum { kTicks = 20 };

static int on_tick(struct Frame* f) {
  if (f->vector != kIrq0) return 0;
  pic_eoi(0);
  return ++ticks < kTicks;
}

#define LOOPS(both)                                                                                      \
  both(self, "1: jmp 1b") both(conditional, "1: incl %eax\n testl %esp, %esp\n jnz 1b") both(            \
      over_pages, "1: incl %eax\n jmp 2f\n .p2align 12\n2: incl %eax\n jmp 3f\n .p2align 12\n3: jmp 1b") \
      both(indirect, "1: movl $2f, %ecx\n jmp *%ecx\n2: movl $1b, %ecx\n jmp *%ecx")                     \
          both(calls, "1: call 2f\n jmp 1b\n2: ret")                                                     \
              both(counting, "2: movl $0x7FFFFFFF, %ecx\n1: loop 1b\n jmp 2b")                           \
                  both(strings,                                                                          \
                       "1: movl $user_begin, %edi\n movl %edi, %esi\n movl $512, %ecx\n rep movsb\n jmp 1b")
#define BOTH(name, body)                    \
  KERNEL_CODE(kernel_##name, "sti\n" body); \
  USER_CODE(user_##name, body);
LOOPS(BOTH)
KERNEL_CODE(halting, "sti\n1: hlt\n jmp 1b");

static void run_kernel(void* code) {
  ticks = 0;
  CHECK_EQ(try_call(code, 0), kIrq0);
  CHECK_EQ(ticks, kTicks);
}
static void run_in_user(void* code) {
  ticks = 0;
  CHECK_EQ(run_user(code, (uint32_t)user_stack_top, 2 | kFlagIf, 0), kIrq0);
  CHECK_EQ(ticks, kTicks);
  CHECK_EQ(trap.cs, kUserCs);
}
#define RUN(name, body)      \
  run_kernel(kernel_##name); \
  run_in_user(user_##name);

void guest_main(void) {
  pic_init();
  pic_unmask(0);
  pit_periodic(1193);
  trap_hook = on_tick;
  for (int with_paging = 0; with_paging < 2; with_paging++) {
    LOOPS(RUN)
    run_kernel(halting);
    if (!with_paging) enable_paging(new_identity_directory());
  }
}
