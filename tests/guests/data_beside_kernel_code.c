// The user writes to a page that the kernel executes code of, beside that code: it stays as it is, and user code that runs
// natively need not be translated for it.
#include "paging.h"

enum { kRounds = 200, kData = 0x800, kValue = 7 };

void guest_main(void) {
  Entry* const directory = new_identity_directory();
  map(directory, kTestBase, (uint32_t)alloc_page() | kP | kW | kU);
  enable_paging(directory);
  write_return((void*)kTestBase, kValue);
  for (uint32_t round = 0; round < kRounds; round++) {
    CHECK_EQ(call(kTestBase), kValue);
    CHECK_EQ(try_user(user_write, kTestBase + kData), kUserExit);
    CHECK_EQ(call(kTestBase), kValue);
  }
}
