// EIP and error code of what faults and what traps, in ring 0 and ring 3 (SDM vol. 3, 6.15); registers are as
// before.
#include "guest.h"

static char registers_kept(void) {
  return trap.ebx == 0xB0B0B0B0 && trap.esi == 0x51515151 && trap.edi == 0xD1D1D1D1 && trap.ebp == 0xB9B9B9B9;
}

struct Case {
  const char *start, *instruction, *behind;
  uint32_t vector, error, kind;  // 1: EIP is behind the instruction; 2: TCG is wrong
};
// Each in both rings: its code and a row of the table.
#define CASE(list, vector, error, kind, code)                                                             \
  ".pushsection .user,\"awx\",@progbits\n 771: movl $0xB0B0B0B0, %ebx\n movl $0x51515151, %esi\n"         \
  "movl $0xD1D1D1D1, %edi\n movl $0xB9B9B9B9, %ebp\n xorl %ecx, %ecx\n movl $5, %eax\n xorl %edx, %edx\n" \
  "772: " code                                                                                            \
  "\n773: int $0x30\n .popsection\n"                                                                      \
  ".pushsection ." list "\n .long 771b, 772b, 773b, " #vector ", " #error ", " #kind "\n .popsection\n"
#define BOTH(vector, error, kind, code) CASE("data.both", vector, error, kind, code)
// TCG checks neither for null segments nor for LOCK with an instruction that cannot be locked (vol. 2, LOCK).
#define NOT_ON_TCG(vector, error, code) CASE("data.both", vector, error, 2, code)
#define RING_3(error, code) CASE("data.ring_3", 13, error, 0, code)

__asm__(".pushsection .data.both\n.align 4\n.globl both\nboth:\n.popsection\n"
        ".pushsection .data.ring_3\n.align 4\n.globl ring_3\nring_3:\n.popsection\n"
        BOTH(0, 0, 0, "divl %ecx")
        BOTH(0, 0, 0, "movl $0x80000000, %eax\n movl $-1, %edx\n movl $-1, %ecx\n 772: idivl %ecx")
        BOTH(0, 0, 0, ".byte 0xD4, 0")
        BOTH(3, 0, 1, "int3")
        BOTH(4, 0, 1, "movl $0x7FFFFFFF, %eax\n incl %eax\n into")
        BOTH(5, 0, 0, "movl $100, %eax\n 772: boundl %eax, bounds")
        BOTH(5, 0, 0, "movl $-1, %eax\n 772: boundw %ax, bounds")
        BOTH(6, 0, 0, "ud2")
        BOTH(6, 0, 0, ".byte 0x0F, 0xFF, 0xC0")
        BOTH(6, 0, 0, "lock\n nop")
        NOT_ON_TCG(6, 0, ".byte 0xF0, 0x8B, 0x00")
        BOTH(6, 0, 0, ".byte 0x8E, 0xC8")
        BOTH(6, 0, 0, ".byte 0x8D, 0xC0")
        BOTH(6, 0, 0, ".byte 0x8E, 0xF0")
        BOTH(6, 0, 0, ".byte 0xFE, 0xF8")
        BOTH(6, 0, 0, ".byte 0x0F, 0xC7, 0xC8")
        BOTH(13, 0, 0, ".byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90")
        BOTH(13, 0x1F8, 0, "movl $0x1F8, %eax\n 772: movl %eax, %ds")
        BOTH(13, 0, 0, "xorl %eax, %eax\n 772: movl %eax, %ss")
        BOTH(13, 0x1FC, 0, "pushl $0x1FF\n 772: popl %es")
        BOTH(11, 0x40, 0, "movl $0x43, %eax\n 772: movl %eax, %es")
        CASE("data.ring_3", 12, 0x40, 0, "movl $0x43, %eax\n 772: movl %eax, %ss")
        BOTH(13, 0x28, 0, "movl $0x2B, %eax\n 772: movl %eax, %fs")
        BOTH(13, 0, 0, "ljmp $0, $0")
        BOTH(13, 0x1F8, 0, "lcall $0x1F8, $0")
        BOTH(13, 0x20, 0, "ljmp $0x20, $0")
        CASE("data.ring_3", 11, 0x48, 0, "ljmp $0x4B, $0")
        BOTH(13, 0x20A, 0, "int $0x41")
        BOTH(11, 0x18A, 0, "int $0x31")
        NOT_ON_TCG(13, 0, "xorl %eax, %eax\n movl %eax, %es\n 772: movl %es:(%eax), %eax")
        RING_3(0, "cli")
        RING_3(0, "sti")
        RING_3(0, "hlt")
        RING_3(0, "inb $0x80, %al")
        RING_3(0, "movw $0xFFFF, %dx\n 772: outl %eax, %dx")
        RING_3(0, "movw $0x80, %dx\n movl $user_begin, %edi\n pushl %edi\n movl $0xD1D1D1D1, %edi\n 772: insb")
        RING_3(0, "movl %cr0, %eax")
        RING_3(0, "movl %eax, %cr3")
        RING_3(0, "movl %cr4, %eax")
        RING_3(0, "movl %db0, %eax")
        RING_3(0, "movl %eax, %db7")
        RING_3(0, "lgdt bounds")
        RING_3(0, "lidt bounds")
        RING_3(0, "lldt %ax")
        RING_3(0, "ltr %ax")
        RING_3(0, "lmsw %ax")
        RING_3(0, "clts")
        RING_3(0, "invlpg bounds")
        RING_3(0, "wbinvd")
        RING_3(0, "invd")
        RING_3(0, "rdmsr")
        RING_3(0, "wrmsr")
        RING_3(0, "sysexit")
        RING_3(0, "sysenter")
        RING_3(0x8, "ljmp $0x08, $0")
        RING_3(0x8, "movl $0x08, %eax\n 772: movl %eax, %ds\n")
        RING_3(0x10, "movl $0x10, %eax\n 772: movl %eax, %es")
        RING_3(0x20, "movl $0x20, %eax\n 772: movl %eax, %ss")
        RING_3(0x102, "int $0x20")
        RING_3(0x72, "int $14")
        RING_3(0x8, "pushl $0x08\n pushl $0\n 772: lret")
        RING_3(0x8, "pushl $2\n pushl $0x08\n pushl $0\n 772: iretl")
        ".pushsection .data.both\n.globl both_end\nboth_end:\n.popsection\n"
        ".pushsection .data.ring_3\n.globl ring_3_end\nring_3_end:\n.popsection\n"
        ".pushsection .user,\"awx\",@progbits\n.align 4\nbounds: .long 0, 50\n.popsection\n");
extern struct Case both[], both_end[], ring_3[], ring_3_end[];

static void check_case(const struct Case* c, int ring) {
  if (c->kind == 2 && on_tcg()) return;
  const int attempt = ring ? try_user((void*)c->start, 0) : try_call((void*)c->start, 0);
  const uint32_t eip = (uint32_t)(c->kind == 1 ? c->behind : c->instruction);
  if ((uint32_t)attempt == c->vector && trap.eip == eip && trap.error == c->error && registers_kept()) return;
  print("case at ");
  print_hex((uint32_t)c->start);
  print(ring ? " ring 3\n" : " ring 0\n");
  CHECK_FAULT(attempt, c->vector, eip, c->error);
  CHECK_EQ(trap.ebx, 0xB0B0B0B0);
  CHECK_EQ(trap.edi, 0xD1D1D1D1);
}

void guest_main(void) {
  gdt[8] = descriptor(0, 0xFFFFF, 0x73, 12);  // data, not present, DPL 3
  gdt[9] = descriptor(0, 0xFFFFF, 0x7F, 12);  // conforming code, not present
  idt[kBreakpoint] |= (uint64_t)kDpl3 << 40;
  idt[kOverflow] |= (uint64_t)kDpl3 << 40;
  idt[0x31] = gate(0x6E, kKernelCs, 0);  // not present, DPL 3
  for (int round = 0; round < 2; round++) {
    for (const struct Case* c = both; c < both_end; c++) {
      check_case(c, 0);
      check_case(c, 3);
    }
    for (const struct Case* c = ring_3; c < ring_3_end; c++) check_case(c, 3);
  }
}
