// EFLAGS.TF (SDM vol. 3, 17.3.1.4): one debug trap behind every instruction, with DR6.BS, in ring 0 and
// ring 3.
#include "guest.h"

static uint32_t steps[128], step_count;
static int on_step(struct Frame* f) {
  if (f->vector == 0x31) return 1;
  if (f->vector != kDebug) return 0;
  CHECK_EQ(read_dr6() & 0xF00F, 0x4000);
  write_dr6(0);
  if (step_count < 128) steps[step_count++] = f->eip;
  return 1;
}

// S marks where a trap is expected: behind the instruction before it.
#define S "771: .pushsection .rodata\n .long 771b\n .popsection\n"
#define THEN(label) ".pushsection .rodata\n .long " #label "\n .popsection\n"
#define LAST_POPF_CLEARS S "pushfl\n" S "andl $~0x100, (%esp)\n" S "popfl\n" S
#define LIST_BEGIN(name) ".pushsection .rodata\n .align 4\n .globl " #name "\n" #name ":\n .popsection\n"
#define SET_TF "pushfl\n orl $0x100, (%esp)\n popfl\n nop\n"

#define MOVES                                                                                                \
  S "nop\n" S "movl $1, %eax\n" S "addl %eax, %eax\n" S "pushl %eax\n" S "popl %ecx\n" S                     \
    "leal 4(%ecx), %edx\n" S "pushal\n" S "popal\n" S "enter $8, $0\n" S "leave\n" S "movl (%esp), %ebx\n" S \
    "xchgl %eax, (%esp)\n" S "xchgl %eax, (%esp)\n" S "bswap %eax\n" S "cpuid\n" S "rdtsc\n" S "fninit\n" S  \
    "fld1\n" S "fstp %st(0)\n"
#define BRANCHES                                                                                           \
  S "jmp 1f\n nop\n1:" S "xorl %eax, %eax\n" S "jz 1f\n nop\n1:" S "jnz 1f\n" S "nop\n1:" S                \
    "call 2f\n"                                                                                            \
    "1: jmp 3f\n2: ret\n3:" THEN(2b) THEN(1b) S "movl $1f, %eax\n" S "jmp *%eax\n nop\n1:" S               \
                                                "movl $4f, %eax\n" S                                       \
                                                "call *%eax\n1: jmp 5f\n4: ret $0\n5:" THEN(4b) THEN(1b) S \
      "movl $2, %ecx\n"                                                                                    \
      "6:" S "nop\n7: loop 6b\n" THEN(7b) THEN(6b) THEN(7b) S "jecxz 8f\n nop\n8:" S "nop\n"
// One trap for each iteration: the first ones at the instruction itself.
#define AGAIN S THEN(771b) THEN(771b)
#define STRINGS                                                                                           \
  S "movl $3, %ecx\n" S "movl $user_begin, %edi\n" S "movl $user_begin, %esi\n" AGAIN "rep movsb\n" S     \
    "movl $3, %ecx\n" AGAIN "rep stosb\n" S "xorl %ecx, %ecx\n" S "rep movsl\n" S "movsb\n" S "stosl\n" S \
    "lodsb\n" S "cld\n"
// POPF that sets TF again counts as stepped; INT clears TF within the handler, whose IRET sets it: the
// instruction behind runs before the next trap.
#define FLAGS S "pushfl\n" S "popfl\n" S "int $0x31\n nop\n" S "nop\n"
#define PRIVILEGED                                                                                   \
  S "movl %cr0, %eax\n" S "movl %eax, %cr0\n" S "cli\n" S "inb $0x61, %al\n" S "outb %al, $0x80\n" S \
    "ljmp $0x08, $1f\n1:" S "pushl %cs\n" S "pushl $1f\n" S "lretl\n1:" S "movl %ds, %eax\n" S       \
    "movl %eax, %es\n" S "pushfl\n" S "pushl %cs\n" S "pushl $1f\n" S "iretl\n1:" S "nop\n" S "nop\n"

KERNEL_CODE(ring_0,
            LIST_BEGIN(ring_0_list) "pushl %ebx\n pushl %esi\n pushl %edi\n" SET_TF MOVES BRANCHES STRINGS
                FLAGS PRIVILEGED LAST_POPF_CLEARS
                                    "nop\n" LIST_BEGIN(ring_0_list_end) "popl %edi\n popl %esi\n popl %ebx");
USER_CODE(ring_3, LIST_BEGIN(ring_3_list) SET_TF MOVES BRANCHES STRINGS FLAGS LAST_POPF_CLEARS
          "nop\n" LIST_BEGIN(ring_3_list_end));
extern uint32_t ring_0_list[], ring_0_list_end[], ring_3_list[], ring_3_list_end[];

static void check_steps(const uint32_t* list, const uint32_t* end) {
  CHECK_EQ(step_count, end - list);
  for (uint32_t i = 0; i < step_count && list + i < end; i++) {
    CHECK_EQ(steps[i], list[i]);
    if (steps[i] != list[i]) return;
  }
}

// MOV SS holds the trap back by one instruction (6.8.3).
KERNEL_CODE(mov_ss, LIST_BEGIN(mov_ss_list) "movl %ss, %eax\n" SET_TF S "movl %eax, %ss\n nop\n" S
                                            "nop\n" LAST_POPF_CLEARS "nop\n" LIST_BEGIN(mov_ss_list_end));
extern uint32_t mov_ss_list[], mov_ss_list_end[];

// STI does not: only MOV SS and POP SS hold debug traps back (6.8.3). TCG takes STI's shadow for theirs.
KERNEL_CODE(enable, LIST_BEGIN(enable_list) SET_TF S "sti\n" S "cli\n" LAST_POPF_CLEARS
                                                     "nop\n" LIST_BEGIN(enable_list_end));
extern uint32_t enable_list[], enable_list_end[];

// IRET to ring 3 with TF: the first trap is behind the first instruction there.
USER_CODE(first_instruction, "nop\n nop");

void guest_main(void) {
  trap_hook = on_step;
  idt[0x31] |= (uint64_t)kDpl3 << 40;
  for (int round = 0; round < 3; round++) {
    step_count = 0;
    CHECK_EQ(try_call(ring_0, 0), kNoTrap);
    check_steps(ring_0_list, ring_0_list_end);
    step_count = 0;
    CHECK_EQ(try_user(ring_3, 0), kUserExit);
    check_steps(ring_3_list, ring_3_list_end);
    step_count = 0;
    CHECK_EQ(try_call(mov_ss, 0), kNoTrap);
    check_steps(mov_ss_list, mov_ss_list_end);
    step_count = 0;
    CHECK_EQ(try_call(enable, 0), kNoTrap);
    if (!on_tcg()) check_steps(enable_list, enable_list_end);
    step_count = 0;
    CHECK_EQ(run_user(first_instruction, (uint32_t)user_stack_top, 2 | kFlagTf, 0), kUserExit);
    CHECK_EQ(step_count, 2);
    CHECK_EQ(steps[0], first_instruction + 1);
    CHECK_EQ(trap.eflags & kFlagTf, kFlagTf);  // INT saved it
  }
}
