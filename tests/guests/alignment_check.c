// #AC (SDM vol. 3, 6.15, interrupt 17): only with CR0.AM, EFLAGS.AC and CPL 3.
#include "paging.h"

USER_CODE(user_word, LABEL(user_word_at) "movw (%eax), %cx");
USER_CODE(user_dword, LABEL(user_dword_at) "movl %ecx, (%eax)");
USER_CODE(user_qword, LABEL(user_qword_at) "fldl (%eax)\n fstp %st(0)");
USER_CODE(user_byte, "movb (%eax), %cl");
USER_CODE(user_sets_ac,
          "pushfl\n orl $0x40000, (%esp)\n popfl\n" LABEL(user_sets_ac_at) "movl 1(%eax), %ecx");
KERNEL_CODE(kernel_dword,
            "pushfl\n orl $0x40000, (%esp)\n popfl\n movl 8(%esp), %eax\n movl user_begin+1, %eax\n"
            "pushfl\n andl $~0x40000, (%esp)\n popfl");
extern char user_word_at[], user_dword_at[], user_qword_at[], user_sets_ac_at[];
USER_DATA static uint8_t bytes[64] __attribute__((aligned(16)));

static int user(void* code, uint32_t offset, uint32_t flags) {
  return run_user(code, (uint32_t)user_stack_top, 2 | flags, (uint32_t)bytes + offset);
}

static void enabled(void) {
  write_cr0(read_cr0() | kCr0Am);
  CHECK_FAULT(user(user_word, 1, kFlagAc), kAlignment, user_word_at, 0);
  CHECK_FAULT(user(user_dword, 2, kFlagAc), kAlignment, user_dword_at, 0);
  CHECK_FAULT(user(user_qword, 4, kFlagAc), kAlignment, user_qword_at, 0);
  CHECK_FAULT(user(user_sets_ac, 0, 0), kAlignment, user_sets_ac_at, 0);
  CHECK_EQ(trap.eflags & kFlagAc, kFlagAc);
  CHECK_EQ(user(user_word, 2, kFlagAc), kUserExit);
  CHECK_EQ(user(user_dword, 4, kFlagAc), kUserExit);
  CHECK_EQ(user(user_byte, 3, kFlagAc), kUserExit);
  CHECK_EQ(try_call(kernel_dword, 0), kNoTrap);  // not in ring 0
}

static void disabled(void) {
  CHECK_EQ(user(user_dword, 2, 0), kUserExit);
  write_cr0(read_cr0() & ~(uint32_t)kCr0Am);
  CHECK_EQ(user(user_dword, 2, kFlagAc), kUserExit);
  CHECK_EQ(user(user_sets_ac, 0, 0), kUserExit);
}

void guest_main(void) {
  for (int with_paging = 0; with_paging < 2; with_paging++) {
    if (!on_tcg()) enabled();  // TCG has no #AC
    disabled();
    if (!with_paging) enable_paging(new_identity_directory());
  }
}
