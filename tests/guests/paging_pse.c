// 4 MiB pages (SDM vol. 3, 4.3): translation, rights, A and D in the PDE, exchange with a table of small
// pages.
#include "paging.h"

enum {
  kBigFrame = 0x1000000,
  kSecondFrame = 0x1400000
};  // 16 and 20 MiB: RAM that the identity map leaves out

static void translates(Entry* directory) {
  directory[kTestBase >> 22] = kBigFrame | kP | kW | kLarge;
  for (uint32_t offset = 0; offset < 0x400000; offset += 0x80000) poke(kTestBase + offset, offset + 1);
  // PDE with D: the processor has set A and D.
  CHECK_EQ(directory[kTestBase >> 22], kBigFrame | kP | kW | kLarge | kA | kD);
  directory[0x50000000 >> 22] = kBigFrame | kP | kW | kLarge;
  for (uint32_t offset = 0; offset < 0x400000; offset += 0x80000)
    CHECK_EQ(peek(0x50000000 + offset), offset + 1);
  CHECK_EQ(directory[0x50000000 >> 22], kBigFrame | kP | kW | kLarge | kA);
}

static void rights(Entry* directory) {
  const uint32_t page = 0x60000000 + 0x123000;
  Entry* entry = &directory[page >> 22];
  *entry = kBigFrame | kP | kLarge;
  CHECK_PAGE_FAULT(try_call(kernel_write, page), kernel_write_at, kPresent | kWrite, page);
  CHECK_PAGE_FAULT(try_user(user_read, page), user_read, kPresent | kUser, page);
  CHECK_EQ(*entry, kBigFrame | kP | kLarge);  // a fault leaves A and D alone
  *entry = kBigFrame | kP | kLarge | kW | kU;
  flush();
  CHECK_EQ(try_user(user_write, page), kUserExit);
  CHECK_EQ(peek(kTestBase + 0x123000), 0x3C3C3C3C);
}

// The same linear addresses by a large page, then by small ones, then by another large page.
static void split_and_join(Entry* directory) {
  const uint32_t page = 0x70000000;
  Entry* entry = &directory[page >> 22];
  *entry = kBigFrame | kP | kW | kLarge;
  poke(page + 0x5000, 1);
  Entry* table = alloc_page();
  for (uint32_t i = 0; i < 1024; i++) table[i] = (kBigFrame + i * 4096) | kP | kW;
  table[5] = kSecondFrame | kP | kW;
  *entry = (uint32_t)table | kP | kW;
  flush();
  poke(page + 0x5000, 2);
  poke(page + 0x6000, 3);
  CHECK_EQ(peek(kTestBase + 0x5000), 1);
  CHECK_EQ(peek(kTestBase + 0x6000), 3);
  *entry = kSecondFrame | kP | kW | kLarge;
  invlpg((void*)(page + 0x5000));
  flush();
  CHECK_EQ(peek(page), 2);
}

// Code in a large page, also across 4 KiB borders within it.
static void executes(Entry* directory) {
  directory[kTestBase >> 22] = kBigFrame | kP | kW | kLarge | kU;
  flush();
  const uint32_t across = kTestBase + 0x2000 - 3;
  write_return((void*)across, 0x12345678);
  CHECK_EQ(call(across), 0x12345678);
  write_return((void*)across, 0x9ABCDEF0);
  CHECK_EQ(call(across), 0x9ABCDEF0);
}

void guest_main(void) {
  Entry* directory = new_identity_directory();
  write_cr4(read_cr4() | kCr4Pse);
  enable_paging(directory);
  translates(directory);
  rights(directory);
  split_and_join(directory);
  executes(directory);
}
