// Address spaces that change while another is current; the load of CR3 makes the changes count (SDM vol. 3,
// 4.10.4.1), for ring 0 and ring 3, data and code.
#include "paging.h"

enum { kSpaces = 5 };
static Entry* spaces[kSpaces];
static uint32_t frames[kSpaces];
static const uint32_t page = kTestBase;

static Entry* new_space(uint32_t frame) {
  Entry* space = new_directory();
  copy(space, spaces[0], 8);  // the identity map's tables are shared
  map(space, page, frame | kP | kW | kU);
  return space;
}

USER_CODE(user_caller, "movl %eax, %edx\n movl 64(%eax), %ebx\n call *%edx");
static void check_space(uint32_t code, uint32_t data) {
  CHECK_EQ(try_user(user_caller, page), kUserExit);
  CHECK_EQ(trap.eax, code);
  CHECK_EQ(trap.ebx, data);
  CHECK_EQ(call(page), code);
  CHECK_EQ(peek(page + 64), data);
}

static void switch_among(void) {
  for (uint32_t round = 0; round < 40; round++) {
    const uint32_t i = (round * 7) % kSpaces;
    write_cr3((uint32_t)spaces[i]);
    check_space(0xC0DE + i, 100 + i);
  }
}

// Each space gets its neighbour's frame while it is not current.
static void change_behind(void) {
  for (uint32_t shift = 1; shift < 4; shift++) {
    for (uint32_t i = 0; i < kSpaces; i++) map(spaces[i], page, frames[(i + shift) % kSpaces] | kP | kW | kU);
    for (uint32_t i = 0; i < kSpaces; i++) {
      write_cr3((uint32_t)spaces[i]);
      check_space(0xC0DE + (i + shift) % kSpaces, 100 + (i + shift) % kSpaces);
    }
  }
}

// The directory of a dead space becomes another space's, at the same CR3.
static void reuse_directory(void) {
  write_cr3((uint32_t)spaces[1]);
  check_space(0xC0DE + 4, 104);
  write_cr3((uint32_t)spaces[0]);
  *page_entry(spaces[1], page) = frames[2] | kP | kW;
  map(spaces[1], page + 4096, frames[3] | kP | kU);
  write_cr3((uint32_t)spaces[1]);
  CHECK_EQ(call(page), 0xC0DE + 2);
  CHECK_PAGE_FAULT(try_user(user_read, page), user_read, kUser | kPresent, page);
  CHECK_EQ(try_user(user_read, page + 4096 + 64), kUserExit);
  CHECK_EQ(trap.eax, 103);
  CHECK_PAGE_FAULT(try_user(user_write, page + 4096), user_write, kUser | kPresent | kWrite, page + 4096);
}

// More spaces than any cache of them will hold.
static void many_spaces(void) {
  static Entry many[160][1024] __attribute__((aligned(4096)));
  Entry* table = alloc_page();
  for (uint32_t i = 0; i < 160; i++) {
    copy(many[i], spaces[0], 8);
    many[i][page >> 22] = (uint32_t)table | kP | kW | kU;
  }
  for (uint32_t round = 0; round < 3; round++)
    for (uint32_t i = 0; i < 160; i++) {
      *table = frames[(i + round) % kSpaces] | kP | kW | kU;
      write_cr3((uint32_t)many[i]);
      CHECK_EQ(try_user(user_read, page + 64), kUserExit);
      CHECK_EQ(trap.eax, 100 + (i + round) % kSpaces);
    }
}

void guest_main(void) {
  spaces[0] = new_identity_directory();
  for (uint32_t i = 0; i < kSpaces; i++) {
    frames[i] = (uint32_t)alloc_page();
    write_return((void*)frames[i], 0xC0DE + i);
    poke(frames[i] + 64, 100 + i);
    if (i) spaces[i] = new_space(frames[i]);
  }
  map(spaces[0], page, frames[0] | kP | kW | kU);
  enable_paging(spaces[0]);
  switch_among();
  change_behind();
  reuse_directory();
  many_spaces();
}
