// SYSENTER and SYSEXIT (SDM vol. 3, 5.8.7): the way in and out, what they do to flags and segments, who may
// use them.
#include "interrupts.h"
#include "paging.h"

static uint8_t stack[4096];

// EDX: EIP to return to; ECX: ESP.
KERNEL_CODE(entry,
            "pushfl\n popl %ebx\n movl %cs, %esi\n movl %ss, %edi\n movl %esp, %ebp\n incl %eax\n sysexit");
KERNEL_CODE(entry_that_ends, "int $0x36");
USER_CODE(user_once, "movl %esp, %ecx\n movl $1f, %edx\n sysenter\n nop\n1: nop");
USER_CODE(user_loop,
          "2: movl %esp, %ecx\n movl $1f, %edx\n sysenter\n1: cmpl $20000, %eax\n jb 2b\n"
          "movl %cs, %ecx\n movl %ss, %edx");
USER_CODE(user_exit, LABEL(user_exit_at) "sysexit");
extern char user_exit_at[];

static void round_trip(void) {
  CHECK_EQ(run_user(user_once, (uint32_t)user_stack_top, 2 | kFlagIf, 41), kUserExit);
  CHECK_EQ(trap.eax, 42);
  CHECK_EQ(trap.ebx & kFlagIf, 0);
  CHECK_EQ(trap.esi & 0xFFFF, kKernelCs);
  CHECK_EQ(trap.edi & 0xFFFF, kKernelDs);
  CHECK_EQ(trap.ebp, stack + sizeof stack);
  CHECK_EQ(trap.esp, user_stack_top);
  CHECK_EQ(trap.cs, kUserCs);
  CHECK_EQ(trap.ss, kUserDs);
  CHECK_EQ(trap.eflags & kFlagIf, 0);  // SYSEXIT does not bring it back
}

static void many(void) {
  CHECK_EQ(try_user(user_loop, 0), kUserExit);
  CHECK_EQ(trap.eax, 20000);
  CHECK_EQ(trap.ecx & 0xFFFF, kUserCs);
  CHECK_EQ(trap.edx & 0xFFFF, kUserDs);
}

// What has been done in one way is done in another once something that it depends on has changed. The flushes
// are for a processor that remembers the first.
USER_CODE(user_stamp, "movl %esp, %ecx\n movl $1f, %edx\n sysenter\n1:" LABEL(user_stamp_at) "rdtsc");
USER_CODE(user_popf,
          "movl %esp, %ecx\n movl $1f, %edx\n sysenter\n1: pushl $0x3202\n popfl\n pushfl\n popl %eax");
extern char user_stamp_at[];
enum { kOtherSegments = 24 * 8, kCr4TimeStampDisable = 4 };

static void changes(void) {
  for (int n = 0; n < 3; n++) {
    flush();
    CHECK_EQ(try_user(user_stamp, 0), kUserExit);
    write_cr4(read_cr4() | kCr4TimeStampDisable);
    CHECK_FAULT(try_user(user_stamp, 0), kProtection, user_stamp_at, 0);
    write_cr4(read_cr4() & ~(uint32_t)kCr4TimeStampDisable);
  }
  for (int n = 0; n < 3; n++) {
    flush();
    CHECK_EQ(run_user(user_popf, (uint32_t)user_stack_top, 2, 0), kUserExit);
    CHECK_EQ(trap.eax & kFlagIf, 0);
    CHECK_EQ(run_user(user_popf, (uint32_t)user_stack_top, 2 | kIopl3, 0), kUserExit);
    CHECK_EQ(trap.eax & kFlagIf, kFlagIf);
  }
  for (unsigned n = 0; n < 2; n++) {
    gdt[kOtherSegments / 8 + n] = gdt[kKernelCs / 8 + n];
    gdt[kOtherSegments / 8 + 2 + n] = gdt[kUserCs / 8 + n];
  }
  for (int n = 0; n < 3; n++) {
    round_trip();
    wrmsr(0x174, kOtherSegments);
    CHECK_EQ(run_user(user_once, (uint32_t)user_stack_top, 2, 41), kUserExit);
    CHECK_EQ(trap.esi & 0xFFFF, kOtherSegments);
    CHECK_EQ(trap.edi & 0xFFFF, kOtherSegments + 8);
    CHECK_EQ(trap.cs, kOtherSegments + 16 + 3);
    CHECK_EQ(trap.ss, kOtherSegments + 24 + 3);
    wrmsr(0x174, kKernelCs);
  }
}

static void faults(void) {
  CHECK_FAULT(try_user(user_exit, 0), kProtection, user_exit_at, 0);
  wrmsr(0x174, 0);
  CHECK_FAULT(try_user(user_once, 0), kProtection, user_once + 7, 0);
  wrmsr(0x174, kKernelCs);
  wrmsr(0x176, (uint32_t)entry_that_ends);
  CHECK_TRAP(try_user(user_once, 0), 0x36, entry_that_ends + 2);
  CHECK_EQ(trap.cs, kKernelCs);
  wrmsr(0x176, (uint32_t)entry);
  CHECK_EQ(rdmsr(0x176), (uint32_t)entry);
}

void guest_main(void) {
  pic_init();
  wrmsr(0x174, kKernelCs);
  wrmsr(0x175, (uint32_t)(stack + sizeof stack));
  wrmsr(0x176, (uint32_t)entry);
  for (int with_paging = 0; with_paging < 2; with_paging++) {
    round_trip();
    many();
    changes();
    faults();
    if (!with_paging) enable_paging(new_identity_directory());
  }
}
