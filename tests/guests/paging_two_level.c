// Two-level paging with 4 KiB pages (SDM vol. 3, 4.3): translation, present bits of both levels, U/S, R/W.
#include "paging.h"

static uint32_t frames[2];

static void data_goes_to_the_frame(Entry* directory) {
  map(directory, kTestBase, frames[0] | kP | kW);
  map(directory, kTestBase + 4096, frames[1] | kP | kW);
  poke(kTestBase + 8, 0x11111111);
  poke(kTestBase + 4096 + 8, 0x22222222);
  CHECK_EQ(peek(frames[0] + 8), 0x11111111);
  CHECK_EQ(peek(frames[1] + 8), 0x22222222);
  // An access across both pages.
  poke(kTestBase + 4094, 0xAABBCCDD);
  CHECK_EQ(peek(frames[0] + 4092) >> 16, 0xCCDD);
  CHECK_EQ(peek(frames[1]) & 0xFFFF, 0xAABB);
}

static void not_present_faults(Entry* directory) {
  const uint32_t absent_page = kTestBase + 0x10000, absent_table = 0x50000000;
  *page_entry(directory, absent_page) = frames[0] | kW | kU;
  CHECK_PAGE_FAULT(try_call(kernel_read, absent_page), kernel_read_at, 0, absent_page);
  CHECK_PAGE_FAULT(try_call(kernel_write, absent_page + 123), kernel_write_at, kWrite, absent_page + 123);
  CHECK_PAGE_FAULT(try_call(kernel_read, absent_table), kernel_read_at, 0, absent_table);
  CHECK_PAGE_FAULT(try_call(kernel_call, absent_page), absent_page, 0, absent_page);
  CHECK_PAGE_FAULT(try_user(user_read, absent_page), user_read, kUser, absent_page);
  CHECK_PAGE_FAULT(try_user(user_write, absent_table), user_write, kUser | kWrite, absent_table);
  // Present: needs no flush, because what is not present is not cached (4.10.2.3).
  *page_entry(directory, absent_page) = frames[0] | kP | kW | kU;
  CHECK_EQ(try_call(kernel_read, absent_page + 8), kNoTrap);
  CHECK_EQ(call_result, 0x11111111);
  CHECK_EQ(try_user(user_write, absent_page + 8), kUserExit);
  CHECK_EQ(peek(frames[0] + 8), 0x3C3C3C3C);
}

// The last byte of an access decides the address that faults when only its second page is missing.
static void crossing_into_a_missing_page(Entry* directory) {
  const uint32_t last = kTestBase + 0x20000;
  map(directory, last, frames[0] | kP | kW);
  CHECK_PAGE_FAULT(try_call(kernel_read, last + 4094), kernel_read_at, 0, last + 4096);
  poke(last + 4092, 0x01020304);
  CHECK_PAGE_FAULT(try_call(kernel_write, last + 4094), kernel_write_at, kWrite, last + 4096);
  CHECK_EQ(peek(last + 4092), 0x01020304);  // nothing of it was written
}

// U/S and R/W are the AND of both levels.
static void rights_of_both_levels(Entry* directory) {
  const uint32_t page = 0x60000000;
  for (unsigned level = 0; level < 2; level++) {
    map(directory, page, frames[0] | kP | kW | kU);
    Entry* entry = level ? page_entry(directory, page) : &directory[page >> 22];
    const Entry all = *entry;
    *entry = all & ~(Entry)kU;
    flush();
    CHECK_PAGE_FAULT(try_user(user_read, page), user_read, kUser | kPresent, page);
    CHECK_PAGE_FAULT(try_user(user_write, page), user_write, kUser | kPresent | kWrite, page);
    CHECK_PAGE_FAULT(try_user(user_jump, page), page, kUser | kPresent, page);
    CHECK_EQ(try_call(kernel_write, page), kNoTrap);
    *entry = all & ~(Entry)kW;
    flush();
    CHECK_EQ(try_user(user_read, page), kUserExit);
    CHECK_EQ(trap.eax, 0x5A5A5A5A);
    CHECK_PAGE_FAULT(try_user(user_write, page), user_write, kUser | kPresent | kWrite, page);
    *entry = all;
    flush();
    CHECK_EQ(try_user(user_write, page), kUserExit);
  }
}

void guest_main(void) {
  for (int i = 0; i < 2; i++) frames[i] = (uint32_t)alloc_page();
  Entry* directory = new_identity_directory();
  enable_paging(directory);
  data_goes_to_the_frame(directory);
  not_present_faults(directory);
  crossing_into_a_missing_page(directory);
  rights_of_both_levels(directory);
}
