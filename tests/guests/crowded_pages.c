// Ring 3 goes to and fro between more pages than a software TLB holds, by the instruction that touched them
// first: every page has what was added there, after as many faults as there are pages.
#include "paging.h"

enum { kPages = 600, kRounds = 20, kStackTop = kTestBase + 0x400000 };
enum { kFrames = 16 << 20 };  // above this kernel and its pages
static Entry* directory;
static uint32_t faults;

static int on_fault(struct Frame* f) {
  const uint32_t page = (trap_cr2 - kTestBase) / 4096;
  if (f->vector != kPage || page >= kPages) return 0;
  faults++;
  map(directory, kTestBase + page * 4096, (kFrames + page * 4096) | kP | kW | kU);
  return 1;
}

USER_FUNCTION uint32_t count_rounds(volatile uint8_t* memory, uint32_t rounds) {
  for (uint32_t round = 0; round < rounds; round++) {
    for (uint32_t i = 0; i < kPages; i++) *(volatile uint32_t*)(memory + i * 4096 + 8) += 1;
  }
  return rounds;
}
USER_CODE(user_count, "pushl %eax\n pushl $0x40000000\n call count_rounds");

void guest_main(void) {
  directory = new_identity_directory();
  for (uint32_t i = 0; i < kPages; i++) map(directory, kTestBase + i * 4096, 0);
  map(directory, kStackTop - 4096, (uint32_t)alloc_page() | kP | kW | kU);
  enable_paging(directory);
  trap_hook = on_fault;
  CHECK_EQ(run_user(user_count, kStackTop, 2, kRounds), kUserExit);
  CHECK_EQ(faults, kPages);
  for (uint32_t i = 0; i < kPages; i++) CHECK_EQ(*(uint32_t*)(kTestBase + i * 4096 + 8), kRounds);
}
