// Ring 3 goes over fresh pages by an unrolled loop, which each page fault's return enters elsewhere. A
// translator that looks pages up does so wherever the loop was entered: the host's signals are few, which the
// counters tell. Each page faults once and has the value that is its own.
#include "paging.h"

enum { kPages = 256, kRounds = 32, kStackTop = kTestBase + 0x400000 };
static Entry* directory;
static uint32_t frames[kPages][1024] __attribute__((aligned(4096))), faults;

static int on_fault(struct Frame* f) {
  const uint32_t page = (trap_cr2 - kTestBase) / 4096;
  if (f->vector != kPage || page >= kPages) return 0;
  *page_entry(directory, trap_cr2) |= kP;
  faults++;
  return 1;
}

// EAX: pages by 16. The sum is left in EDI.
USER_CODE(user_sum,
          "xorl %edi, %edi\n movl $0x40000000, %ebx\n"
          "1: .rept 16\n addl (%ebx), %edi\n addl $4096, %ebx\n .endr\n decl %eax\n jnz 1b");

void guest_main(void) {
  directory = new_identity_directory();
  uint32_t sum = 0;
  for (uint32_t i = 0; i < kPages; i++) {
    uint32_t* const frame = frames[i * 5 % kPages];
    sum += *frame = i * i;
    map(directory, kTestBase + i * 4096, (uint32_t)frame | kW | kU);
  }
  map(directory, kStackTop - 4096, (uint32_t)alloc_page() | kP | kW | kU);
  enable_paging(directory);
  trap_hook = on_fault;
  for (uint32_t round = 0; round < kRounds; round++) {
    for (uint32_t i = 0; i < kPages; i++) *page_entry(directory, kTestBase + i * 4096) &= ~(uint32_t)kP;
    flush();
    faults = 0;
    CHECK_EQ(run_user(user_sum, kStackTop, 2, kPages / 16), kUserExit);
    CHECK_EQ(faults, kPages);
    CHECK_EQ(trap.edi, sum);
  }
  trap_hook = 0;
}
