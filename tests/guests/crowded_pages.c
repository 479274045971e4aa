// Ring 3 goes to and fro between more pages than a software TLB holds, by the instruction that touched them
// first: every page has what was added there, after as many faults as there are pages.
#include "many_pages.h"

enum { kRounds = 200 };

USER_FUNCTION uint32_t count_rounds(volatile uint8_t* memory, uint32_t rounds) {
  for (uint32_t round = 0; round < rounds; round++) {
    for (uint32_t i = 0; i < kPages; i++) *(volatile uint32_t*)(memory + i * 4096 + 8) += 1;
  }
  return rounds;
}
USER_CODE(user_count, "pushl %eax\n pushl $0x40000000\n call count_rounds");

void guest_main(void) {
  begin_many_pages();
  check_pages_of(user_count, kRounds, kRounds);
}
