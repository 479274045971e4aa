// INVLPG and loads of CR3 (SDM vol. 3, 4.10.4): after them the new mapping is seen, by data and by fetches.
// Before them either mapping may be.
#include "paging.h"

static Entry* directory;
static uint32_t old_frame, new_frame;
static const uint32_t page = kTestBase;

static void invalidate_page(void) { invlpg((void*)(page + 123)); }
static void (*const kFlushes[2])(void) = {invalidate_page, flush};

static void set_up(uint32_t flags) {
  map(directory, page, old_frame | kP | kW | flags);
  flush();
}

static void remap_data(void (*flush_it)(void)) {
  set_up(0);
  poke(old_frame, 1);
  poke(new_frame, 2);
  CHECK_EQ(peek(page), 1);
  map(directory, page, new_frame | kP | kW);
  const uint32_t between = peek(page);
  CHECK(between == 1 || between == 2);
  flush_it();
  CHECK_EQ(peek(page), 2);
  poke(page, 3);
  CHECK_EQ(peek(new_frame), 3);
  CHECK_EQ(peek(old_frame), 1);
}

static void remap_code(void (*flush_it)(void)) {
  set_up(0);
  write_return((void*)old_frame, 0x01D);
  write_return((void*)new_frame, 0x4E3);
  for (int round = 0; round < 3; round++) {
    set_up(0);
    CHECK_EQ(call(page), 0x01D);
    CHECK_EQ(call(page), 0x01D);
    map(directory, page, new_frame | kP | kW);
    flush_it();
    CHECK_EQ(call(page), 0x4E3);
  }
}

USER_CODE(user_caller, "movl %eax, %edx\n call *%edx");
static void remap_user_code(void (*flush_it)(void)) {
  for (int round = 0; round < 3; round++) {
    set_up(kU);
    CHECK_EQ(try_user(user_caller, page), kUserExit);
    CHECK_EQ(trap.eax, 0x01D);
    map(directory, page, new_frame | kP | kW | kU);
    flush_it();
    CHECK_EQ(try_user(user_caller, page), kUserExit);
    CHECK_EQ(trap.eax, 0x4E3);
  }
}

static void take_away(void (*flush_it)(void)) {
  set_up(kU);
  CHECK_EQ(try_user(user_write, page + 0x100), kUserExit);
  CHECK_EQ(try_call(kernel_write, page + 0x100), kNoTrap);
  map(directory, page, old_frame | kP | kU);
  flush_it();
  CHECK_PAGE_FAULT(try_user(user_write, page), user_write, kPresent | kWrite | kUser, page);
  CHECK_PAGE_FAULT(try_call(kernel_write, page), kernel_write_at, kPresent | kWrite, page);
  map(directory, page, old_frame | kP | kW);
  flush_it();
  CHECK_PAGE_FAULT(try_user(user_read, page), user_read, kPresent | kUser, page);
  CHECK_EQ(try_call(kernel_write, page + 0x100), kNoTrap);
  map(directory, page, 0);
  flush_it();
  CHECK_PAGE_FAULT(try_call(kernel_read, page), kernel_read_at, 0, page);
  CHECK_PAGE_FAULT(try_call(kernel_call, page), page, 0, page);
}

// INVLPG of a page whose whole table went away.
static void take_away_table(void (*flush_it)(void)) {
  set_up(0);
  peek(page);
  const Entry pde = directory[page >> 22];
  directory[page >> 22] = 0;
  flush_it();
  CHECK_PAGE_FAULT(try_call(kernel_read, page), kernel_read_at, 0, page);
  directory[page >> 22] = pde;
  CHECK_EQ(try_call(kernel_read, page), kNoTrap);
}

// More rights without a flush: a fault on the old ones makes the processor look again (4.10.4.3 allows a
// spurious fault, after which the entry is gone).
static void more_rights(void) {
  map(directory, page, old_frame | kP);
  flush();
  peek(page);
  map(directory, page, old_frame | kP | kW);
  if (try_call(kernel_write, page + 0x200) == kPage) CHECK_EQ(try_call(kernel_write, page + 0x200), kNoTrap);
  CHECK_EQ(peek(old_frame + 0x200), 0x5A5A5A5A);
}

void guest_main(void) {
  old_frame = (uint32_t)alloc_page();
  new_frame = (uint32_t)alloc_page();
  directory = new_identity_directory();
  enable_paging(directory);
  for (int i = 0; i < 2; i++) {
    remap_data(kFlushes[i]);
    remap_code(kFlushes[i]);
    remap_user_code(kFlushes[i]);
    take_away(kFlushes[i]);
    take_away_table(kFlushes[i]);
    more_rights();
  }
}
