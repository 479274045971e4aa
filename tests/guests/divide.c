// #DE by a divisor of 0 and by a quotient that does not fit (SDM vol. 2, DIV and IDIV; vol. 3, 6.15): nothing
// has changed, the pushed flags and EIP are those before the instruction, and a page fault of the operand
// comes first. In ring 0 and ring 3, time and again.
#include "paging.h"

enum { kFlags = 0xCD5, kMissing = kTestBase + 0x1000 };  // CF PF AF ZF SF DF OF; a page of zeros is before it
static Entry* directory;

struct Case {
  const char *start, *instruction;
  uint32_t vector, error, address;
};
// POPFL sets the flags, MOV keeps them.
#define CASE(list, vector, error, address, before, code)                                                \
  ".pushsection .user,\"awx\",@progbits\n771: pushl pattern\n popfl\n movl $0xA0A0A0A0, %eax\n"         \
  "movl $0xC0C0C0C0, %ecx\n movl $0xD0D0D0D0, %edx\n movl $0x40000100, %ebx\n movl $0xB9B9B9B9, %ebp\n" \
  "movl $0x51515151, %esi\n movl $0xD1D1D1D1, %edi\n" before                                            \
  "\n movl %eax, before+28\n movl %ecx, before+24\n movl %edx, before+20\n movl %ebx, before+16\n"      \
  "movl %esp, before+12\n movl %ebp, before+8\n movl %esi, before+4\n movl %edi, before\n 772: " code   \
  "\n int $0x30\n.popsection\n"                                                                         \
  ".pushsection .data." list "\n .long 771b, 772b, " #vector ", " #error ", " #address "\n.popsection\n"
#define ZERO(before, code) CASE("both", 0, 0, 0, before, code)
#define LARGE(before, code) CASE("both", 0, 0, 0, before, code)
#define PAGE(address, before, code) CASE("both", 14, 0, address, before, code)

// clang-format off
__asm__(".pushsection .data.both\n.align 4\n.globl both\nboth:\n.popsection\n"
        ".pushsection .data.ring_3\n.align 4\n.globl ring_3\nring_3:\n.popsection\n"
        ".pushsection .user,\"awx\",@progbits\n.align 4\n.globl pattern, before\npattern: .long 0\n"
        "before: .fill 8, 4, 0\n.popsection\n"
        ZERO("movb $0, %al", "divb %al")
        ZERO("movb $0, %cl", "divb %cl")
        ZERO("movb $0, %dl", "idivb %dl")
        ZERO("movb $0, %bl", "idivb %bl")
        ZERO("movb $0, %ah", "divb %ah")
        ZERO("movb $0, %ch", "divb %ch")
        ZERO("movb $0, %dh", "idivb %dh")
        ZERO("movb $0, %bh", "idivb %bh")
        ZERO("movw $0, %ax", "divw %ax")
        ZERO("movw $0, %cx", "divw %cx")
        ZERO("movw $0, %dx", "idivw %dx")
        ZERO("movw $0, %di", "idivw %di")
        ZERO("movl $0, %eax", "idivl %eax")
        ZERO("movl $0, %ecx", "divl %ecx")
        ZERO("movl $0, %ecx", "idivl %ecx")
        ZERO("movl $0, %edx", "divl %edx")
        ZERO("movl $0, %ebp", "divl %ebp")
        ZERO("", "divb (%ebx)")
        ZERO("", "idivb 255(%ebx)")
        ZERO("", "divw (%ebx)")
        ZERO("", "idivl (%ebx)")
        ZERO("movl $16, %ecx", "divl -4(%ebx,%ecx,4)")
        ZERO("", "divl 0x40000FFC")
        LARGE("movl $0xD0D0D0D0, %ecx", "divl %ecx")
        LARGE("movl $1, 0x40000FF0", "divl 0x40000FF0")
        LARGE("movl $0x80000000, %eax\n movl $-1, %edx\n movl $-1, %ecx", "idivl %ecx")
        LARGE("movw $0x8000, %ax\n movw $-1, %dx\n movw $-1, %cx", "idivw %cx")
        LARGE("movw $0x200, %ax\n movb $2, %ch", "divb %ch")
        LARGE("movw $0x100, %ax\n movb $1, 0x40000FF8", "divb 0x40000FF8")
        PAGE(0x40001000, "movl $0x40001000, %ebx", "divb (%ebx)")
        PAGE(0x40001000, "movl $0x40001000, %ebx", "idivw (%ebx)")
        PAGE(0x40001000, "movl $0x40001000, %ecx", "divl (%ecx)")
        PAGE(0x40001000, "movl $0x40000FFE, %ebx", "divl (%ebx)")
        CASE("ring_3", 0, 0, 0, "movl $0, %esp", "divl %esp")
        CASE("ring_3", 0, 0, 0, "", "divl %fs:(%ebx)")
        CASE("ring_3", 14, 0, 0x40001000, "", "divl %fs:0xF00(%ebx)")
        ".pushsection .data.both\n.globl both_end\nboth_end:\n.popsection\n"
        ".pushsection .data.ring_3\n.globl ring_3_end\nring_3_end:\n.popsection\n");
// clang-format on
extern struct Case both[], both_end[], ring_3[], ring_3_end[];
extern uint32_t pattern, before[8];

static void check_case(const struct Case* c, int user, uint32_t flags) {
  pattern = flags;
  const int attempt = user ? try_user((void*)c->start, 0) : try_call((void*)c->start, 0);
  CHECK_FAULT(attempt, c->vector, c->instruction, c->vector == kPage && user ? kUser : 0);
  if (c->vector == kPage) CHECK_EQ(trap_cr2, c->address);
  CHECK_EQ(trap.eflags & kFlags, flags);
  if (!on_tcg()) CHECK_EQ(trap.eflags & kFlagRf, kFlagRf);  // TCG sets it for no fault (vol. 3, 17.3.1.1)
  CHECK_EQ(trap.eax, before[7]);
  CHECK_EQ(trap.ecx, before[6]);
  CHECK_EQ(trap.edx, before[5]);
  CHECK_EQ(trap.ebx, before[4]);
  CHECK_EQ(trap.esp, before[3]);
  CHECK_EQ(trap.ebp, before[2]);
  CHECK_EQ(trap.esi, before[1]);
  CHECK_EQ(trap.edi, before[0]);
}

static void check_cases(uint32_t flags) {
  for (const struct Case* c = both; c < both_end; c++) {
    check_case(c, 0, flags);
    check_case(c, 1, flags);
  }
  for (const struct Case* c = ring_3; c < ring_3_end; c++) check_case(c, 1, flags);
}

// A handler that provides a divisor: the division is done after all.
static uint32_t divide_errors;
static int provide_divisor(struct Frame* f) {
  if (f->vector != kDivide) return 0;
  divide_errors++;
  f->ecx = 7;
  return 1;
}
KERNEL_CODE(kernel_retry, "movl $100, %eax\n xorl %edx, %edx\n xorl %ecx, %ecx\n divl %ecx");
USER_CODE(user_retry, "movl $100, %eax\n xorl %edx, %edx\n xorl %ecx, %ecx\n divl %ecx");
static void check_retries(void) {
  enum { kTimes = 20 };
  divide_errors = 0;
  trap_hook = provide_divisor;
  for (unsigned i = 0; i < kTimes; i++) {
    CHECK_EQ(try_call(kernel_retry, 0), kNoTrap);
    CHECK_EQ(call_result, 14);
    CHECK_EQ(try_user(user_retry, 0), kUserExit);
    CHECK_EQ(trap.eax, 14);
    CHECK_EQ(trap.edx, 2);
  }
  trap_hook = 0;
  CHECK_EQ(divide_errors, 2 * kTimes);
}

// By the first word of one fresh page after the other, every other of them 0.
enum { kFirst = kTestBase + 0x10000, kPages = 32 };
static uint32_t frames[kPages], page_faults;
static int provide_page(struct Frame* f) {
  const uint32_t page = f->ebx / 4096 - kFirst / 4096;
  if (page >= kPages) return 0;
  if (f->vector == kPage) {
    CHECK_EQ(trap_cr2, f->ebx);
    map(directory, f->ebx, frames[page] | kP | kW | kU);
    page_faults++;
    return 1;
  }
  if (f->vector != kDivide) return 0;
  CHECK_EQ(page % 2, 0);
  poke(frames[page], 5);
  divide_errors++;
  return 1;
}
USER_CODE(divide_by_pages,
          "movl $0x40010000, %ebx\n xorl %esi, %esi\n 1: movl $35, %eax\n xorl %edx, %edx\n divl (%ebx)\n"
          "addl %eax, %esi\n addl $4096, %ebx\n cmpl $0x40030000, %ebx\n jb 1b");
static void check_fresh_pages(void) {
  for (uint32_t i = 0; i < kPages; i++) {
    poke(frames[i], i % 2 ? 7 : 0);
    map(directory, kFirst + i * 4096, 0);
  }
  flush();
  page_faults = divide_errors = 0;
  trap_hook = provide_page;
  CHECK_EQ(try_user(divide_by_pages, 0), kUserExit);
  trap_hook = 0;
  CHECK_EQ(trap.esi, kPages / 2 * (7 + 5));
  CHECK_EQ(page_faults, kPages);
  CHECK_EQ(divide_errors, kPages / 2);
}

void guest_main(void) {
  directory = new_identity_directory();
  map(directory, kTestBase, (uint32_t)alloc_page() | kP | kW | kU);
  map(directory, kMissing, 0);
  for (uint32_t i = 0; i < kPages; i++) frames[i] = (uint32_t)alloc_page();
  enable_paging(directory);
  for (int round = 0; round < 6; round++) {
    check_cases(0);
    check_cases(kFlags);
    check_retries();
    check_fresh_pages();
  }
}
