// A 16-bit code segment in protected mode: default sizes, prefixes, IP and SP that wrap at 64 KiB, calls
// between both sizes, in ring 0 and ring 3.
#include "guest.h"
#include "paging.h"

enum { kCode16 = 0x30, kStack16 = 0x38, kUserCode16 = 0x43, kUserStack16 = 0x4B };
USER_DATA static uint8_t segment[65536 + 64] __attribute__((aligned(4096)));
extern char code_16[], code_16_end[];

// Copied to offset 100h of the segment.
__asm__(
    ".pushsection .rodata\n.code16\n.globl code_16, code_16_end\ncode_16:\n"
    " movw $0x1234, %ax\n movl $0x11223344, %ebx\n pushw %ax\n popw %cx\n pushl %ebx\n popl %edx\n"
    " call 1f\n jmp 2f\n 1: incw %ax\n ret\n 2: movw $0x8000, %di\n movw %ax, (%di)\n movw $5, %si\n movw "
    "%di, %bx\n"
    " movw $0x99, -7(%bx,%si)\n movl $0x8010, %esi\n movl %edx, (%esi)\n xorl %ebp, %ebp\n movw %sp, "
    "%bp\n"
    " movl $0x10003, %ecx\n 3: loop 3b\n lretl\ncode_16_end:\n.code32\n.popsection");

// Far calls to it: the stack is the caller's.
USER_CODE(user_caller,
          "movl $0xFFFFFFFF, %ecx\n pushl %ds\n pushl $0x4B\n popl %ds\n lcall $0x43, $0x100\n popl %ds");
KERNEL_CODE(kernel_caller,
            "pushl %ebx\n pushl %esi\n pushl %edi\n pushl %ebp\n pushl %ds\n pushl $0x38\n popl %ds\n"
            "lcall $0x30, $0x100\n popl %ds\n pushl %ecx\n popl call_16_ecx\n popl %ebp\n popl %edi\n popl "
            "%esi\n popl %ebx");
uint32_t call_16_ecx;

static void check_memory(void) {
  CHECK_EQ(*(uint16_t*)(segment + 0x8000), 0x1235);
  CHECK_EQ(*(uint16_t*)(segment + 0x7FFE), 0x99);
  CHECK_EQ(peek((uint32_t)segment + 0x8010), 0x11223344);
  fill(segment + 0x7F00, 0, 0x200);
}

static void calls(void) {
  copy(segment + 0x100, code_16, (uint32_t)(code_16_end - code_16));
  CHECK_EQ(try_user(user_caller, 0), kUserExit);
  CHECK_EQ(trap.eax, 0x1235);
  CHECK_EQ(trap.ebx, 0x11228000);
  CHECK_EQ(trap.edx, 0x11223344);
  CHECK_EQ(trap.ecx, 0x10000);  // LOOP counts CX
  CHECK_EQ(trap.esp, user_stack_top);
  check_memory();
  CHECK_EQ(try_call(kernel_caller, 0), kNoTrap);
  CHECK_EQ(call_result & 0xFFFF, 0x1235);
  CHECK_EQ(call_16_ecx, 0x10000);
  check_memory();
}

// A stack segment with B = 0: SP wraps, the upper half of ESP stays.
USER_CODE(small_stack,
          "movl %ss, %ecx\n movl $0x4B, %edx\n movl %edx, %ss\n movl $0xABCD0002, %esp\n pushw $0x5678\n"
          "pushw $0x1234\n movl %esp, %ebx\n popw %dx\n popw %dx\n movl %esp, %esi\n movl %ecx, %ss\n"
          "movl $user_stack_top, %esp");
static void stack_wraps(void) {
  CHECK_EQ(try_user(small_stack, 0), kUserExit);
  CHECK_EQ(trap.ebx, 0xABCDFFFE);
  CHECK_EQ(*(uint16_t*)(segment + 0xFFFE), 0x1234);
  CHECK_EQ(*(uint16_t*)segment, 0x5678);
  CHECK_EQ(trap.esi & 0xFFFF, 2);
}

// A short jump over 64 KiB wraps IP.
static void pointer_wraps(void) {
  static const uint8_t kLow[] = {0xCD, kUserExit}, kHigh[] = {0xEB, 0x10};
  copy(segment + 0x0A, kLow, 2);
  copy(segment + 0xFFF8, kHigh, 2);
  const uint32_t frame[] = {0xFFF8, kUserCode16, 2, (uint32_t)user_stack_top, kUserDs};
  CHECK_EQ(enter_frame(frame, 5), kUserExit);
  CHECK_EQ(trap.eip, 0x0C);
}

void guest_main(void) {
  for (uint32_t user = 0; user < 2; user++) {
    const uint8_t dpl = user ? 0x60 : 0;
    gdt[user ? kUserCode16 >> 3 : kCode16 >> 3] = descriptor((uint32_t)segment, 0xFFFF, 0x9B | dpl, 0);
    gdt[user ? kUserStack16 >> 3 : kStack16 >> 3] = descriptor((uint32_t)segment, 0xFFFF, 0x93 | dpl, 0);
  }
  for (int with_paging = 0; with_paging < 2; with_paging++) {
    calls();
    stack_wraps();
    pointer_wraps();
    if (!with_paging) enable_paging(new_identity_directory());
  }
}
