// Ring 3 goes over more fresh pages than a software TLB holds, and reads each before it writes to it; then
// they are gone, and it begins again. Each faults once a round, and it is no reason for the host to fault as
// well.
#include "many_pages.h"

enum { kRounds = 10 };

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
    map(directory, page_at(i), 0);
    invlpg((void*)page_at(i));
  }
}

void guest_main(void) {
  begin_many_pages();
  for (uint32_t round = 1; round <= kRounds; round++) {
    check_pages_of(user_count, 0, round);
    unmap_all();
  }
}
