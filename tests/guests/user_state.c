// What user code sees of its own state, whichever way it runs: the flags that only its kernel sets, the traps that
// come behind an instruction, instructions that the kernel has not allowed, and code that it has just written.
#include "interrupts.h"
#include "paging.h"

enum { kFirstCall = 0x31, kSecondCall = 0x32, kSystemFlags = kIopl3 | kFlagIf };
static uint32_t calls[2];

USER_CODE(read_flags, "pushfl\n popl %eax");
USER_CODE(read_fs, "xorl %eax, %eax\n movw %ax, %fs\n int $0x31\n" LABEL("read_fs_at") "movl %fs:0x40000010, %eax");
USER_CODE(use_sse, LABEL("use_sse_at") "xorps %xmm0, %xmm0");
USER_CODE(step, "pushfl\n orl $0x100, (%esp)\n popfl\n nop\n" LABEL("behind_nop") "nop\n nop");
USER_CODE(short_int3, "incl %eax\n int3\n" LABEL("behind_short_int3") "nop");
USER_CODE(long_int3, "incl %eax\n .byte 0xCD, 3\n" LABEL("behind_long_int3") "nop");
USER_CODE(int1, "incl %eax\n .byte 0xF1\n" LABEL("behind_int1") "nop");
USER_CODE(into, "movb $0x7F, %al\n incb %al\n into\n" LABEL("behind_into") "nop");
// The number of the call is changed between its two executions.
USER_CODE(patched_call, "movl $2, %ecx\n" LABEL("call_here") "int $0x31\n movb $0x32, call_here + 1\n loop call_here");
extern char read_fs_at[], use_sse_at[], behind_nop[], behind_short_int3[], behind_long_int3[], behind_int1[], behind_into[],
    call_here[], trap_stubs[];

static int count_call(struct Frame* f) {
  if (f->vector != kFirstCall && f->vector != kSecondCall) return 0;
  calls[f->vector - kFirstCall]++;
  return 1;
}

static void allow_call(uint32_t vector) {
  idt[vector] = gate(kInterruptGate | kDpl3, kKernelCs, trap_stubs + 16 * vector);
}

static uint32_t flags_in_user(uint32_t eflags) {
  CHECK_EQ(run_user(read_flags, (uint32_t)user_stack_top, eflags, 0), kUserExit);
  return trap.eax & kSystemFlags;
}

static void flags(void) {
  CHECK_EQ(flags_in_user(2 | kFlagIf), kFlagIf);
  CHECK_EQ(flags_in_user(2), 0);
  CHECK_EQ(flags_in_user(2 | kFlagIf | kIopl3), kFlagIf | kIopl3);
}

static void traps(void) {
  CHECK_TRAP(try_user(step, 0), kDebug, behind_nop);
  CHECK_TRAP(try_user(short_int3, 0), kBreakpoint, behind_short_int3);
  CHECK_EQ(trap.eax, 1);
  CHECK_TRAP(try_user(long_int3, 0), kBreakpoint, behind_long_int3);
  CHECK_EQ(trap.eax, 1);
  CHECK_TRAP(try_user(int1, 0), kDebug, behind_int1);
  CHECK_EQ(trap.eax, 1);
  CHECK_TRAP(try_user(into, 0), kOverflow, behind_into);
}

static void not_allowed(void) {
  CHECK_FAULT(try_user(read_fs, 0), kProtection, read_fs_at, 0);
  write_cr4(read_cr4() & ~(uint32_t)kCr4Osfxsr);
  CHECK_TRAP(try_user(use_sse, 0), kInvalidOpcode, use_sse_at);
  write_cr4(read_cr4() | kCr4Osfxsr);
  CHECK_EQ(try_user(use_sse, 0), kUserExit);
  write_cr0(read_cr0() | kCr0Ts);
  CHECK_TRAP(try_user(use_sse, 0), kNoDevice, use_sse_at);
  write_cr0(read_cr0() & ~(uint32_t)kCr0Ts);
}

static void code_that_it_writes(void) {
  calls[0] = calls[1] = 0;
  call_here[1] = kFirstCall;
  CHECK_EQ(try_user(patched_call, 0), kUserExit);
  CHECK_EQ(calls[0], 1);
  CHECK_EQ(calls[1], 1);
}

void guest_main(void) {
  Entry* directory = new_identity_directory();
  map(directory, kTestBase, (uint32_t)alloc_page() | kP | kW | kU);
  enable_paging(directory);
  allow_call(kBreakpoint);
  allow_call(kOverflow);
  allow_call(kFirstCall);
  allow_call(kSecondCall);
  trap_hook = count_call;
  for (int round = 0; round < 3; round++) {
    flags();
    traps();
    not_allowed();
    code_that_it_writes();
  }
}
