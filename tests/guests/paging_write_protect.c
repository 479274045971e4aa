// CR0.WP (SDM vol. 3, 4.6): with 0, ring 0 writes read-only pages, user and supervisor ones; ring 3 never
// does.
#include "paging.h"

static uint32_t frame;
static const uint32_t kPages[2] = {kTestBase, kTestBase + 0x1000};  // a supervisor page and a user page

static void check_write_protected(Entry* directory) {
  for (int i = 0; i < 2; i++) {
    CHECK_PAGE_FAULT(try_call(kernel_write, kPages[i]), kernel_write_at, kPresent | kWrite, kPages[i]);
    CHECK_EQ(*page_entry(directory, kPages[i]) & kD, 0);
    CHECK_EQ(try_call(kernel_read, kPages[i]), kNoTrap);
  }
}

static void check_not_protected(Entry* directory) {
  for (int i = 0; i < 2; i++) {
    poke(frame, 0);
    CHECK_EQ(try_call(kernel_write, kPages[i]), kNoTrap);
    CHECK_EQ(peek(frame), 0x5A5A5A5A);
    CHECK_EQ(*page_entry(directory, kPages[i]) & kD, kD);
    *page_entry(directory, kPages[i]) &= ~(Entry)kD;
  }
  CHECK_PAGE_FAULT(try_user(user_write, kPages[0]), user_write, kPresent | kWrite | kUser, kPages[0]);
  CHECK_PAGE_FAULT(try_user(user_write, kPages[1]), user_write, kPresent | kWrite | kUser, kPages[1]);
  flush();
}

// A write with WP = 0 must not leave the page writable: for ring 3, or for ring 0 after WP = 1. MOV to CR0
// flushes no TLB here (4.10.4.1 lists only PG), so the rights are looked at in each access.
void guest_main(void) {
  frame = (uint32_t)alloc_page();
  Entry* directory = new_identity_directory();
  map(directory, kPages[0], frame | kP);
  map(directory, kPages[1], frame | kP | kU);
  enable_paging(directory);
  for (int round = 0; round < 3; round++) {
    check_write_protected(directory);
    write_cr0(read_cr0() & ~(uint32_t)kCr0Wp);
    check_not_protected(directory);
    write_cr0(read_cr0() | kCr0Wp);
  }
  check_write_protected(directory);
}
