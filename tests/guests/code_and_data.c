// Code and data on one page, written often: by the code itself, by other code, and by the timer's handler,
// which patches what ring 3 runs through another mapping.
#include "interrupts.h"
#include "paging.h"

KERNEL_CODE(
    counts,
    "jmp 2f\n .p2align 6\n1: .long 0\n .skip 60\n2: movl $0, 1b\n movl $30000, %ecx\n3: incl 1b\n loop 3b\n"
    "movl 1b, %eax");
USER_CODE(user_counts,
          "jmp 2f\n .p2align 6\n1: .long 0\n .skip 60\n2: movl $0, 1b\n movl $30000, %ecx\n"
          "3: incl 1b\n pushl 1b\n popl %ebx\n loop 3b\n movl 1b, %eax");
// The stack on the page of the code that uses it.
KERNEL_CODE(stack_by_code,
            "movl %esp, %edx\n movl $1f, %esp\n jmp 2f\n .skip 256\n1: .long 0\n2: movl $3000, %ecx\n"
            "xorl %eax, %eax\n3: pushl %ecx\n call 4f\n popl %ecx\n loop 3b\n movl %edx, %esp\n ret\n"
            "4: addl 4(%esp), %eax\n ret");

static void one_page(void) {
  CHECK_EQ(try_call(counts, 0), kNoTrap);
  CHECK_EQ(call_result, 30000);
  CHECK_EQ(try_user(user_counts, 0), kUserExit);
  CHECK_EQ(trap.eax, 30000);
  CHECK_EQ(trap.ebx, 30000);
  CHECK_EQ(try_call(stack_by_code, 0), kNoTrap);
  CHECK_EQ(call_result, 3000 * 3001 / 2);
}

// Runs until the handler has made the immediate nonzero.
USER_CODE(user_waits, "1: " LABEL(user_waits_at) "movl $0, %eax\n testl %eax, %eax\n jz 1b");
USER_CODE(user_waits_forever, LABEL(user_waits_forever_at) "jmp user_waits_forever_at\n nop");
extern char user_waits_at[], user_waits_forever_at[];
static uint32_t patch_address, patch_value, patch_bytes;
static int on_tick(struct Frame* f) {
  if (f->vector != kIrq0) return 0;
  pic_eoi(0);
  if (++ticks == 5) copy((void*)patch_address, &patch_value, patch_bytes);
  return 1;
}

static void patch(Entry* directory, char* code, char* at, uint32_t value, uint32_t bytes) {
  const uint32_t alias = kTestBase + ((uint32_t)at & 0xFFF);
  map(directory, kTestBase, ((uint32_t)at & ~0xFFFu) | kP | kW);
  flush();
  ticks = 0;
  patch_address = alias;
  patch_value = value;
  patch_bytes = bytes;
  CHECK_EQ(run_user(code, (uint32_t)user_stack_top, 2 | kFlagIf, 0), kUserExit);
  CHECK(ticks >= 5);
}

static void patched_by_the_handler(Entry* directory) {
  pic_init();
  pic_unmask(0);
  pit_periodic(1193);
  trap_hook = on_tick;
  for (uint32_t i = 1; i < 10; i++) {
    patch(directory, user_waits, user_waits_at + 1, i, 4);
    CHECK_EQ(trap.eax, i);
    poke((uint32_t)user_waits_at + 1, 0);
    patch(directory, user_waits_forever, user_waits_forever_at, 0x9090, 2);
    copy(user_waits_forever_at, "\xEB\xFE", 2);
  }
  trap_hook = 0;
}

void guest_main(void) {
  one_page();
  Entry* directory = new_identity_directory();
  enable_paging(directory);
  one_page();
  patched_by_the_handler(directory);
}
