// Protected mode to real mode and back (SDM vol. 3, 9.9): CR0.PE off and on, an interrupt through the vector
// table, segment arithmetic, and limits that survive the switch.
#include "guest.h"

enum { kCode16 = 0x30, kData16 = 0x38, kRealBase = 0x20000 };
extern char real_begin[], real_end[], real_result[], real_saved_esp[];

// Runs at 2000h:0000. Enters by far jump from protected mode's 16-bit segment at the same base.
__asm__(
    ".pushsection .rodata\n.globl real_begin, real_end, real_result\nreal_begin:\n.code16\n"
    // 16-bit protected mode: segments with 64 KiB limits, then PE off.
    " movw $0x38, %ax\n movw %ax, %ds\n movw %ax, %es\n movw %ax, %ss\n movw %ax, %fs\n movw %ax, %gs\n"
    " movl %cr0, %eax\n andl $~1, %eax\n movl %eax, %cr0\n ljmp $0x2000, $(1f - real_begin)\n"
    "1: movw %cs, %ax\n movw %ax, %ds\n xorw %bx, %bx\n movw %bx, %es\n movw $0x3000, %cx\n movw %cx, %ss\n"
    " movw $0x1000, %sp\n lidt (real_idt - real_begin)\n"
    " movw $(real_interrupt - real_begin), %es:4*0x60\n movw $0x2000, %es:4*0x60+2\n"
    " xorw %dx, %dx\n int $0x60\n movw %dx, (real_result - real_begin)\n movw %sp, (real_result - real_begin "
    "+ 2)\n"
    // FFFF:0010 is 1 MiB.
    " movw $0xFFFF, %ax\n movw %ax, %es\n movl %es:0x10, %eax\n movl %eax, (real_result - real_begin + 4)\n"
    " smsw %ax\n andw $1, %ax\n movw %ax, (real_result - real_begin + 8)\n"
    " pushfw\n popw %ax\n movw %ax, (real_result - real_begin + 10)\n"
    // Division by zero comes through vector 0.
    " xorw %bx, %bx\n movw %bx, %es\n movw $(real_divide - real_begin), %es:0\n movw $0x2000, %es:2\n"
    " xorw %cx, %cx\n movw $1, %ax\n2: divw %cx\n"
    "3: movl %cr0, %eax\n orl $1, %eax\n movl %eax, %cr0\n ljmpl $0x08, $real_mode_back\n"
    "real_interrupt: movw $0x7788, %dx\n iretw\n"
    "real_divide: popw %ax\n subw $(2b - real_begin), %ax\n movw %ax, (real_result - real_begin + 12)\n addw "
    "$4, %sp\n jmp 3b\n"
    "real_idt: .word 0x3FF\n .long 0\n"
    "real_result: .skip 16\nreal_end:\n.code32\n.popsection");

KERNEL_CODE(
    round_trip,
    "pushal\n sidt saved_idt\n movl %esp, saved_esp\n ljmp $0x30, $0\n"
    ".globl real_mode_back\nreal_mode_back: movl $0x10, %eax\n movl %eax, %ds\n movl %eax, %es\n movl %eax, "
    "%ss\n"
    "xorl %eax, %eax\n movl %eax, %fs\n movl %eax, %gs\n movl saved_esp, %esp\n lidt saved_idt\n popal");
uint32_t saved_esp;
uint8_t saved_idt[8];

void guest_main(void) {
  uint8_t* code = (uint8_t*)kRealBase;
  gdt[kCode16 >> 3] = descriptor(kRealBase, 0xFFFF, 0x9B, 0);
  gdt[kData16 >> 3] = descriptor(kRealBase, 0xFFFF, 0x93, 0);
  for (int round = 0; round < 3; round++) {
    copy(code, real_begin, (uint32_t)(real_end - real_begin));
    CHECK_EQ(try_call(round_trip, 0), kNoTrap);
    const uint16_t* result = (const uint16_t*)(code + (real_result - real_begin));
    CHECK_EQ(result[0], 0x7788);
    CHECK_EQ(result[1], 0x1000);
    CHECK_EQ(result[2] | result[3] << 16, peek(0x100000));
    CHECK_EQ(result[4], 0);
    CHECK_EQ(result[5] & 0x7202, 2);
    CHECK_EQ(result[6], 0);
    CHECK_EQ(read_cr0() & kCr0Pe, kCr0Pe);
  }
}
