// Ring 3 goes over more fresh pages than a software TLB holds, and reads each before it writes to it; then
// they are gone, and it begins again. Each faults once a round, and it is no reason for the host to fault as
// well.
#include "paging.h"

enum { kPages = 600, kRounds = 10, kStackTop = kTestBase + 0x400000 };
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

USER_FUNCTION uint32_t count_one(volatile uint8_t* memory) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < kPages; i++) {
    volatile uint32_t* const word = (volatile uint32_t*)(memory + i * 4096 + 8);
    sum += word[1];
    word[0] += 1;
  }
  return sum;
}
USER_CODE(user_count, "pushl $0x40000000\n call count_one");

static void unmap_all(void) {
  for (uint32_t i = 0; i < kPages; i++) {
    map(directory, kTestBase + i * 4096, 0);
    invlpg((void*)(kTestBase + i * 4096));
  }
}

void guest_main(void) {
  directory = new_identity_directory();
  map(directory, kStackTop - 4096, (uint32_t)alloc_page() | kP | kW | kU);
  for (uint32_t i = 0; i < kPages; i++) map(directory, kTestBase + i * 4096, 0);
  enable_paging(directory);
  trap_hook = on_fault;
  for (uint32_t round = 1; round <= kRounds; round++) {
    faults = 0;
    CHECK_EQ(run_user(user_count, kStackTop, 2, 0), kUserExit);
    CHECK_EQ(faults, kPages);
    for (uint32_t i = 0; i < kPages; i++) CHECK_EQ(*(uint32_t*)(kTestBase + i * 4096 + 8), round);
    unmap_all();
  }
}
