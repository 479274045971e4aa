// CPUID (SDM vol. 2): what is asked in any order is answered alike, in ring 0 and ring 3, and no flag
// changes. Leaf 1 loads the microcode's signature each time (vol. 3, 9.11.7.1).
#include "guest.h"

struct Answer {
  uint32_t eax, ebx, ecx, edx;
};
static const struct Question {
  uint32_t leaf, subleaf;
} questions[] = {{0, 0},          {1, 0},          {2, 0},          {4, 0},          {4, 1},
                 {4, 2},          {4, 3},          {7, 0},          {7, 1},          {0x40000000, 0},
                 {0x80000000, 0}, {0x80000001, 0}, {0x80000002, 0}, {0x80000004, 0}, {0x80000008, 0},
                 {0xFFFFFFFF, 0}, {0, 1},          {1, 0x80000000}};
enum { kQuestions = sizeof questions / sizeof *questions, kMicrocodeRevision = 0x8B };
static struct Answer answers[kQuestions];

static struct Answer ask(struct Question q) {
  struct Answer a;
  __asm__ volatile("cpuid"
                   : "=a"(a.eax), "=b"(a.ebx), "=c"(a.ecx), "=d"(a.edx)
                   : "a"(q.leaf), "c"(q.subleaf));
  return a;
}
static void check_answer(unsigned n, struct Answer a) {
  CHECK_EQ(a.eax, answers[n].eax);
  CHECK_EQ(a.ebx, answers[n].ebx);
  CHECK_EQ(a.ecx, answers[n].ecx);
  CHECK_EQ(a.edx, answers[n].edx);
}

USER_CODE(user_ask, "movl %eax, %ecx\n shrl $24, %ecx\n andl $15, %ecx\n andl $0xF0FFFFFF, %eax\n cpuid");
static void check_in_ring_3(unsigned n) {
  CHECK_EQ(try_user(user_ask, questions[n].leaf | questions[n].subleaf << 24), kUserExit);
  check_answer(n, (struct Answer){trap.eax, trap.ebx, trap.ecx, trap.edx});
}

// All status flags set, then all clear.
KERNEL_CODE(flags_of_cpuid,
            "pushl %ebx\n movl $0, %eax\n movl $0, %ecx\n pushl $0xCD5\n popfl\n cpuid\n pushfl\n popl %esi\n"
            "pushl $0\n popfl\n movl $0, %eax\n movl $0, %ecx\n cpuid\n pushfl\n popl %edi\n"
            "shll $16, %edi\n leal (%esi,%edi), %eax\n popl %ebx");

// Whatever was asked and remembered before.
static void check_microcode(void) {
  for (unsigned i = 0; i < 3; i++) {
    wrmsr(kMicrocodeRevision, i);
    ask((struct Question){0, 0});
    ask((struct Question){0, 0});
    CHECK_EQ(rdmsr(kMicrocodeRevision) >> 32, 0);
    ask((struct Question){1, 0});
    CHECK(rdmsr(kMicrocodeRevision) >> 32 != 0);
    CHECK_EQ(rdmsr(kMicrocodeRevision), 0);
    wrmsr(kMicrocodeRevision, i);
    ask((struct Question){1, 0});
    CHECK(rdmsr(kMicrocodeRevision) >> 32 != 0);
    CHECK_EQ(rdmsr(kMicrocodeRevision), 0);
  }
}

void guest_main(void) {
  for (unsigned n = 0; n < kQuestions; n++) answers[n] = ask(questions[n]);
  for (unsigned n = 0; n < kQuestions; n++) {
    for (unsigned times = 0; times < 3; times++) check_answer(n, ask(questions[n]));
    for (unsigned other = 0; other < kQuestions; other++) {
      check_answer(other, ask(questions[other]));
      check_answer(n, ask(questions[n]));
    }
    if (questions[n].leaf >> 24 == 0) check_in_ring_3(n), check_in_ring_3(n);
  }
  for (unsigned times = 0; times < 3; times++) {
    CHECK_EQ(try_call(flags_of_cpuid, 0), kNoTrap);
    CHECK_EQ(call_result & 0xCD5, 0xCD5);
    CHECK_EQ(call_result >> 16 & 0xCD5, 0);
  }
  if (!on_tcg()) check_microcode();
}
