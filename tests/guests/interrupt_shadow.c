// At which instruction a pending interrupt is taken when STI, POPF or IRET enables it (SDM vol. 2, STI; vol.
// 3, 6.8.3).
#include "interrupts.h"
#include "paging.h"

#define NOPS "nop\n nop\n nop\n cli"
#define AT(n) LABEL(n)
KERNEL_CODE(sti_nop, "sti\n nop\n" AT(sti_nop_at) NOPS);
KERNEL_CODE(sti_hlt, "sti\n hlt\n" AT(sti_hlt_at) NOPS);
KERNEL_CODE(sti_cli, "sti\n cli\n" AT(sti_cli_at) NOPS);
KERNEL_CODE(sti_sti, "sti\n sti\n" AT(sti_sti_at) NOPS);
KERNEL_CODE(sti_jump, "sti\n jmp sti_jump_at\n nop\n" AT(sti_jump_at) NOPS);
KERNEL_CODE(sti_branch, "testl %esp, %esp\n sti\n jnz sti_branch_at\n nop\n" AT(sti_branch_at) NOPS);
KERNEL_CODE(sti_return, "pushl $sti_return_at\n sti\n ret\n nop\n" AT(sti_return_at) NOPS);
KERNEL_CODE(sti_call, "sti\n call sti_call_at\n" AT(sti_call_at) "popl %eax\n" NOPS);
KERNEL_CODE(sti_store, "sti\n movl %eax, -64(%esp)\n" AT(sti_store_at) NOPS);
KERNEL_CODE(sti_int3, "sti\n int3\n" AT(sti_int3_at) NOPS);
KERNEL_CODE(sti_fault, "sti\n" AT(sti_fault_at) "ud2\n" NOPS);
KERNEL_CODE(popf_on, "pushl $0x202\n popfl\n" AT(popf_on_at) NOPS);
KERNEL_CODE(popf_off, "sti\n pushl $2\n popfl\n" AT(popf_off_at) NOPS);
KERNEL_CODE(popf_sti, "pushl $0x202\n popfl\n" AT(popf_sti_at) "sti\n" NOPS);
KERNEL_CODE(iret_on, "pushl $0x202\n pushl %cs\n pushl $iret_on_at\n iretl\n" AT(iret_on_at) NOPS);
KERNEL_CODE(sti_repeat, "movl $user_begin, %edi\n movl $3, %ecx\n sti\n rep stosb\n" AT(sti_repeat_at) NOPS);
KERNEL_CODE(sti_page_end, "jmp 1f\n .p2align 12\n .skip 4095\n1: sti\n nop\n" AT(sti_page_end_at) NOPS);
KERNEL_CODE(sti_mov_ss,
            "movl %ss, %eax\n sti\n movl %eax, %ss\n" AT(sti_mov_ss_at) "nop\n" AT(sti_mov_ss_at_2) NOPS);
USER_CODE(user_sti, "sti\n nop\n" LABEL(user_sti_at) "nop\n cli");
USER_CODE(user_popf, "pushl $0x3202\n popfl\n" LABEL(user_popf_at) "nop\n cli");
USER_CODE(user_start, "nop\n nop");

#define TAKEN_AT(name)                               \
  do {                                               \
    extern char name##_at[];                         \
    raise_timer_interrupt();                         \
    CHECK_TRAP(try_call(name, 0), kIrq0, name##_at); \
    CHECK_EQ(trap.eflags& kFlagIf, kFlagIf);         \
    pic_eoi(0);                                      \
  } while (0)
#define NEVER_TAKEN(name)                 \
  do {                                    \
    raise_timer_interrupt();              \
    CHECK_EQ(try_call(name, 0), kNoTrap); \
    drop_timer_interrupt();               \
  } while (0)

static void in_ring_0(void) {
  TAKEN_AT(sti_nop);
  TAKEN_AT(sti_hlt);
  TAKEN_AT(sti_sti);
  TAKEN_AT(sti_jump);
  // TCG takes it an instruction late when Jcc lies in the shadow; STI (vol. 2) knows no such exception.
  if (!on_tcg()) TAKEN_AT(sti_branch);
  TAKEN_AT(sti_return);
  TAKEN_AT(sti_call);
  TAKEN_AT(sti_store);
  TAKEN_AT(popf_on);
  TAKEN_AT(popf_sti);
  TAKEN_AT(iret_on);
  TAKEN_AT(sti_page_end);
  NEVER_TAKEN(sti_cli);
}

// STI's shadow hides the interrupt from POPF, whose new flags mask it... but POPF is one instruction behind
// PUSH.
static void push_is_in_the_shadow(void) {
  raise_timer_interrupt();
  CHECK_EQ(try_call(popf_off, 0), kIrq0);
  CHECK_EQ(trap.eip, popf_off + 3);
  pic_eoi(0);
}

// An exception in the shadow comes first.
static void exceptions(void) {
  extern char sti_int3_at[], sti_fault_at[];
  raise_timer_interrupt();
  CHECK_TRAP(try_call(sti_int3, 0), kBreakpoint, sti_int3_at);
  CHECK_EQ(trap.eflags & kFlagIf, kFlagIf);
  CHECK_TRAP(try_call(sti_fault, 0), kInvalidOpcode, sti_fault_at);
  CHECK_EQ(trap.eflags & kFlagIf, kFlagIf);
  drop_timer_interrupt();
}

// One iteration at least runs in the shadow; the interrupt comes between iterations or behind the last.
static void repeat(void) {
  raise_timer_interrupt();
  CHECK_EQ(try_call(sti_repeat, 0), kIrq0);
  CHECK(trap.ecx < 3);
  CHECK_EQ(trap.edi - (uint32_t)user_begin, 3 - trap.ecx);
  pic_eoi(0);
}

// MOV SS inhibits by itself; right behind STI only the first of the two is sure to (SDM vol. 2, MOV).
static void mov_ss(void) {
  extern char sti_mov_ss_at[], sti_mov_ss_at_2[];
  raise_timer_interrupt();
  CHECK_EQ(try_call(sti_mov_ss, 0), kIrq0);
  CHECK(trap.eip == (uint32_t)sti_mov_ss_at || trap.eip == (uint32_t)sti_mov_ss_at_2);
  pic_eoi(0);
}

#define TAKEN_IN_RING_3(name, flags, at)                                       \
  do {                                                                         \
    raise_timer_interrupt();                                                   \
    CHECK_TRAP(run_user(name, (uint32_t)user_stack_top, flags, 0), kIrq0, at); \
    CHECK_EQ(trap.cs, kUserCs);                                                \
    CHECK_EQ(trap.ss, kUserDs);                                                \
    pic_eoi(0);                                                                \
  } while (0)

static void in_ring_3(void) {
  extern char user_sti_at[], user_popf_at[];
  TAKEN_IN_RING_3(user_start, 2 | kFlagIf, user_start);
  TAKEN_IN_RING_3(user_sti, 2 | kIopl3, user_sti_at);
  TAKEN_IN_RING_3(user_popf, 2 | kIopl3, user_popf_at);
  raise_timer_interrupt();
  CHECK_EQ(run_user(user_popf, (uint32_t)user_stack_top, 2, 0), kProtection);  // CLI; POPF left IF alone
  drop_timer_interrupt();
}

void guest_main(void) {
  pic_init();
  for (int with_paging = 0; with_paging < 2; with_paging++) {
    for (int round = 0; round < 3; round++) {
      in_ring_0();
      push_is_in_the_shadow();
      exceptions();
      repeat();
      mov_ss();
      in_ring_3();
    }
    if (!with_paging) enable_paging(new_identity_directory());
  }
}
