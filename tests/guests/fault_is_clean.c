// An instruction that faults has done nothing (SDM vol. 3, 6.5 and 6.11): registers, ESP, flags and memory
// are as before, CR2 is the first byte that could not be had. In ring 0 and ring 3.
#include "paging.h"

// kTestBase: a page for all; then one that is missing; then a read-only one; then one for all.
enum { kMissing = kTestBase + 0x1000, kReadOnly = kTestBase + 0x2000 };
static Entry* directory;

struct Case {
  const char *start, *instruction;
  uint32_t address, error;
};
#define CASE(address, error, before, code)                                                                 \
  ".pushsection .user,\"awx\",@progbits\n771: movl $0xA0A0A0A0, %eax\n movl $3, %ecx\n movl $0xD0D0D0D0, " \
  "%edx\n"                                                                                                 \
  "movl $0xB9B9B9B9, %ebp\n movl $0x51515151, %esi\n movl $0xD1D1D1D1, %edi\n cmpl $-1, %ecx\n movl "      \
  "$user_stack_top-64, %esp\n" before "\n movl %esp, saved_stack\n movl %eax, saved_eax\n 772: " code      \
  "\n int $0x30\n.popsection\n"                                                                            \
  ".pushsection .data.cases\n .long 771b, 772b, " #address ", " #error "\n.popsection\n"
#define EDGE(code) "movl $0x40000FFE, %ebx\n" code  // two bytes before the missing page

__asm__(
    ".pushsection .data.cases\n.align 4\n.globl cases\ncases:\n.popsection\n"
    ".pushsection .user,\"awx\",@progbits\n.globl saved_stack, saved_eax\n.align 4\nsaved_stack: .long "
    "0\nsaved_eax: .long 0\n.popsection\n" CASE(0x40001000, 2, EDGE(""), "movl %eax, (%ebx)") CASE(
        0x40001000, 2, EDGE(""), "addl %eax, (%ebx)") CASE(0x40001000, 2, EDGE(""), "lock xaddl %eax, (%ebx)")
        CASE(0x40001000, 2, EDGE(""), "xchgl %eax, (%ebx)") CASE(0x40001000, 0, EDGE(""), "cmpl %eax, (%ebx)")
            CASE(0x40001000, 2, EDGE(""), "sete 2(%ebx)") CASE(0x40001000, 2, EDGE(""), "shll $3, (%ebx)")
                CASE(0x40001000, 2, EDGE(""), "notl (%ebx)") CASE(0x40001000, 2, "movl $0x40000FFC, %ebx",
                                                                  "lock cmpxchg8b (%ebx)")
                    CASE(0x40001000, 0, "movl $0x40001000, %ebx",
                         "pushl (%ebx)") CASE(0x40001000, 2, "movl $0x40001000, %ebx", "popl (%ebx)")
                        CASE(0x40001000, 0, "movl $0x40001000, %ebx",
                             "call *(%ebx)") CASE(0x40001000, 0, "movl $0x40001000, %ebx", "jmp *(%ebx)")
                            CASE(0x40001000, 0, "movl $0x40001000, %ebx", "movzbl (%ebx), %eax")
                                CASE(0x40001000, 0, "movl $0x40001000, %ebx", "divl (%ebx)")
                                    CASE(0x40001000, 0, "movl $0x40001000, %ebx", "imull (%ebx), %eax")
                                        CASE(0x40001000, 0, "movl $0x40000F55, %ebx\n movl $0xAB, %eax\n",
                                             "xlatb") CASE(0x40001000, 0, "movl $0x40001000, %ebx",
                                                           "fldl (%ebx)")
                                            CASE(0x40001000, 2, "fninit\n fld1\n movl $0x40000FFC, %ebx",
                                                 "fstpl (%ebx)") CASE(0x40001000, 0, "movl $0x40000FF8, %ebx",
                                                                      "movdqu (%ebx), %xmm0")
                                                CASE(0x40001000, 2, "movl $0x40000FF8, %ebx",
                                                     "movdqu %xmm0, (%ebx)")
    // Bit strings reach far from their operand.
    CASE(0x40001000, 0, "movl $0x40000000, %ebx\n movl $0x8000, %eax", "btl %eax, (%ebx)")
        CASE(0x40001ffc, 2, "movl $0x40011FFC, %ebx\n movl $-0x80000, %eax", "btsl %eax, (%ebx)")
    // A write that is not made is a write nevertheless.
    CASE(0x40002000, 3, "movl $0x40002000, %ebx\n movl $1, %eax\n cmpl $-1, %ecx",
         "cmpxchgl %ecx, (%ebx)") CASE(0x40002000, 3, "movl $0x40002000, %ebx", "orl $0, (%ebx)")
        CASE(0x40002000, 3, "movl $0x40002000, %ebx", "xaddl %eax, (%ebx)") CASE(
            0x40002000, 3, "movl $0x40002000, %ebx",
            "xaddw %dx, (%ebx)") CASE(0x40002000, 3, "movl $0x40002000, %ebx",
                                      "xaddb %dh, (%ebx)") CASE(0x40002000, 3, "movl $0x40002000, %ebx",
                                                                "xchgl %esp, (%ebx)")
            CASE(0x40002FFE, 3, "movl $0x40002FFE, %ebx", "xaddl %edx, (%ebx)") CASE(
                0x40002000,
                3, "movl $0x40002000, %ebx",
                "xchgb %al, (%ebx)") ".pushsection .data.cases\n.globl cases_end\ncases_end:\n.popsection\n");
extern struct Case cases[], cases_end[];
extern uint32_t saved_stack, saved_eax;

static uint32_t edge_word(void) { return peek(kTestBase + 0xFF8) ^ peek(kTestBase + 0xFFC); }

static void check_case(const struct Case* c, int user) {
  const uint32_t before = edge_word();
  const int attempt = user ? try_user((void*)c->start, 0) : try_call((void*)c->start, 0);
  // TCG reports the read of what is read and written (4.7: W/R is the access that caused the fault; it is
  // one).
  const uint32_t error = on_tcg() ? (c->error & ~(uint32_t)kWrite) | (trap.error & kWrite) : c->error;
  CHECK_PAGE_FAULT(attempt, c->instruction, error | (user ? kUser : 0), c->address);
  CHECK_EQ(trap.esp, saved_stack);
  CHECK_EQ(trap.eax, saved_eax);
  CHECK_EQ(trap.edx, 0xD0D0D0D0);
  CHECK_EQ(trap.esi, 0x51515151);
  CHECK_EQ(trap.ecx, 3);
  CHECK_EQ(edge_word(), before);
  CHECK_EQ(peek(kReadOnly), 0);
}

// Stack instructions whose stack is missing; ring 3 only, for ring 0 would double-fault.
#define STACK_BEHIND(name, esp, before, code)                                                           \
  USER_CODE(name, "movl $0xB9B9B9B9, %ebp\n movl $" #esp ", %esp\n" before "\n" LABEL(name##_at) code); \
  extern char name##_at[]
#define STACK(name, esp, code) STACK_BEHIND(name, esp, "", code)
STACK(push_register, 0x40002000, "pushl %eax");
STACK(push_flags, 0x40002000, "pushfl");
STACK(push_all, 0x40002010, "pushal");
STACK(push_word, 0x40002000, "pushw %ax");
STACK(call_near, 0x40002000, "call 1f\n1: nop");
STACK(enter_frame_here, 0x40002000, "enter $16, $0");
STACK(pop_register, 0x40001000, "popl %eax");
STACK(pop_all, 0x40000FF0, "popal");
STACK(pop_flags, 0x40001000, "popfl");
STACK(return_near, 0x40001000, "ret");
STACK(return_interrupt, 0x40000FFC, "iretl");

// Behind others, of the same block, that have moved ESP.
#define TWO_PUSHES "pushl $1\n pushl $2"
STACK_BEHIND(push_behind_pushes, 0x40010008, TWO_PUSHES, "pushl %eax");
STACK_BEHIND(push_flags_behind_pushes, 0x40010008, TWO_PUSHES, "pushfl");
STACK_BEHIND(push_memory_behind_pushes, 0x40000108, TWO_PUSHES, "pushl 0xF00(%esp)");
STACK_BEHIND(pop_behind_pops, 0x40000FF8, "popl %edx\n popl %ecx", "popl %eax");
STACK_BEHIND(pop_memory_behind_pops, 0x40000FF8, "popl %edx", "popl (%esp)");
STACK_BEHIND(pop_all_behind_pops, 0x40000FE8, "popl %edx\n popl %ecx", "popal");
STACK_BEHIND(return_behind_pops, 0x40000FF8, "popl %edx\n popl %ecx", "ret");
STACK_BEHIND(return_behind_leave, 0, "movl $0xB9B9B9B9, 0x40000FFC\n movl $0x40000FFC, %ebp\n leave", "ret");
STACK_BEHIND(load_by_esp, 0x40000108, TWO_PUSHES, "movl 0xF00(%esp), %eax");
STACK_BEHIND(store_behind_pushes, 0x40000108, TWO_PUSHES, "movl %eax, 0x40001000");
STACK_BEHIND(string_behind_pushes, 0x40000108, "movl $0x1000, %ecx\n movl $0x40000F80, %edi\n" TWO_PUSHES,
             "rep stosb");
STACK_BEHIND(divide_behind_pushes, 0x40000108, "xorl %ecx, %ecx\n" TWO_PUSHES, "divl %ecx");
STACK_BEHIND(invalid_behind_pushes, 0x40000108, TWO_PUSHES, "ud2");
STACK_BEHIND(interrupt_behind_pushes, 0x40000108, TWO_PUSHES, "int $0x30");
STACK_BEHIND(copied_behind_pushes, 0x40000108, TWO_PUSHES "\n movl %esp, %edx\n leal 4(%esp), %ecx",
             "movl %eax, 0x40001000");
// Entered behind the pushes as well.
STACK_BEHIND(jumped_behind_pushes, 0x40000108,
             "cmpl $0x1357, %eax\n je 1f\n" TWO_PUSHES "\n1:", "movl %eax, 0x40001000");

static void check_stack(char* code, char* at, uint32_t esp, uint32_t error, uint32_t address) {
  CHECK_PAGE_FAULT(try_user(code, 0x1357), at, error | kUser, address);
  CHECK_EQ(trap.esp, esp);
  CHECK_EQ(trap.eax, 0x1357);
  CHECK_EQ(trap.ebp, 0xB9B9B9B9);
}
#define CHECK_STACK(name, esp, error, address) check_stack(name, name##_at, esp, error, address)

static void stacks(void) {
  CHECK_STACK(push_register, 0x40002000, kWrite, 0x40001FFC);
  CHECK_STACK(push_flags, 0x40002000, kWrite, 0x40001FFC);
  CHECK_STACK(push_word, 0x40002000, kWrite, 0x40001FFE);
  CHECK_STACK(call_near, 0x40002000, kWrite, 0x40001FFC);
  CHECK_STACK(enter_frame_here, 0x40002000, kWrite, 0x40001FFC);
  CHECK_STACK(pop_register, 0x40001000, 0, 0x40001000);
  CHECK_STACK(pop_flags, 0x40001000, 0, 0x40001000);
  CHECK_STACK(return_near, 0x40001000, 0, 0x40001000);
  if (on_tcg()) return;  // it has popped some registers by then, and reads IRET's frame as a supervisor
  CHECK_STACK(pop_all, 0x40000FF0, 0, 0x40001000);
  CHECK_STACK(return_interrupt, 0x40000FFC, 0, 0x40001000);
}

static void stacks_behind_others(void) {
  CHECK_STACK(push_behind_pushes, 0x40010000, kWrite, 0x4000FFFC);
  CHECK_STACK(push_flags_behind_pushes, 0x40010000, kWrite, 0x4000FFFC);
  CHECK_STACK(push_memory_behind_pushes, 0x40000100, 0, 0x40001000);
  CHECK_STACK(pop_behind_pops, 0x40001000, 0, 0x40001000);
  CHECK_STACK(pop_memory_behind_pops, 0x40000FFC, kWrite, 0x40001000);
  CHECK_STACK(return_behind_pops, 0x40001000, 0, 0x40001000);
  CHECK_STACK(return_behind_leave, 0x40001000, 0, 0x40001000);
  CHECK_STACK(load_by_esp, 0x40000100, 0, 0x40001000);
  CHECK_STACK(store_behind_pushes, 0x40000100, kWrite, 0x40001000);
  CHECK_STACK(string_behind_pushes, 0x40000100, kWrite, 0x40001000);
  CHECK_EQ(trap.ecx, 0x1000 - 0x80);
  CHECK_STACK(copied_behind_pushes, 0x40000100, kWrite, 0x40001000);
  CHECK_EQ(trap.edx, 0x40000100);
  CHECK_EQ(trap.ecx, 0x40000104);
  CHECK_STACK(jumped_behind_pushes, 0x40000108, kWrite, 0x40001000);
  CHECK_EQ(try_user(divide_behind_pushes, 1), kDivide);
  CHECK_EQ(trap.esp, 0x40000100);
  CHECK_EQ(try_user(invalid_behind_pushes, 1), kInvalidOpcode);
  CHECK_EQ(trap.esp, 0x40000100);
  CHECK_EQ(try_user(interrupt_behind_pushes, 1), kUserExit);
  CHECK_EQ(trap.esp, 0x40000100);
  if (!on_tcg()) CHECK_STACK(pop_all_behind_pops, 0x40000FF0, 0, 0x40001000);
}

void guest_main(void) {
  const uint32_t first = (uint32_t)alloc_page(), second = (uint32_t)alloc_page();
  write_cr4(read_cr4() | kCr4Osfxsr);
  directory = new_identity_directory();
  map(directory, kTestBase, first | kP | kW | kU);
  map(directory, kReadOnly, second | kP | kU);
  for (uint32_t a = 0x40010000; a < 0x40014000; a += 4096) map(directory, a, first | kP | kW | kU);
  enable_paging(directory);
  for (int round = 0; round < 3; round++) {
    for (const struct Case* c = cases; c < cases_end; c++) {
      check_case(c, 0);
      check_case(c, 1);
    }
    stacks();
    stacks_behind_others();
  }
}
