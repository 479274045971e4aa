// A directory that is its own last page table (SDM vol. 3, 4.3 lets an entry refer to any frame): live tables
// are edited through the addresses that this gives them.
#include "paging.h"

enum { kTables = 0xFFC00000, kDirectory = 0xFFFFF000 };

static Entry* live_entry(uint32_t linear) { return (Entry*)(kTables + (linear >> 12) * 4); }

static void see_itself(Entry* directory) {
  CHECK_EQ(*live_entry(kDirectory) & ~0xFFFu, directory);
  CHECK_EQ(peek(kDirectory + 0) & ~0xFFFu, directory[0] & ~0xFFFu);
  CHECK_EQ(*live_entry((uint32_t)user_begin) & ~0xFFFu, user_begin);
}

static void edit(uint32_t page, uint32_t* frames) {
  const uint32_t table = (uint32_t)alloc_page();
  poke(kDirectory + (page >> 22) * 4, table | kP | kW | kU);
  invlpg(live_entry(page));
  for (uint32_t i = 0; i < 8; i++) live_entry(page)[i] = frames[i % 2] | kP | kW;
  for (uint32_t i = 0; i < 8; i++) poke(page + i * 4096 + i * 4, i + 100);
  for (uint32_t i = 0; i < 8; i++) CHECK_EQ(peek(frames[i % 2] + i * 4), i + 100);
  CHECK_EQ(peek(table + 4), frames[1] | kP | kW | kA | kD);
  CHECK_EQ(live_entry(page)[1], frames[1] | kP | kW | kA | kD);
}

static void change_live(uint32_t page, uint32_t* frames) {
  for (uint32_t round = 0; round < 100; round++) {
    poke(frames[round % 2], round);
    *live_entry(page) = frames[round % 2] | kP | kW;
    invlpg((void*)page);
    CHECK_EQ(peek(page), round);
    CHECK_EQ(*live_entry(page) & (kA | kD), kA);
    poke(page, round + 1);
    CHECK_EQ(*live_entry(page) & (kA | kD), kA | kD);
  }
  *live_entry(page) = 0;
  invlpg((void*)page);
  CHECK_PAGE_FAULT(try_call(kernel_read, page), kernel_read_at, 0, page);
}

// Freed and used again as another table, then as data.
static void recycle(uint32_t* frames) {
  const uint32_t table = (uint32_t)alloc_page();
  for (uint32_t round = 0; round < 10; round++) {
    const uint32_t page = 0xA0000000 + round * 0x400000;
    fill((void*)table, 0, 4096);
    poke(kDirectory + (page >> 22) * 4, table | kP | kW);
    invlpg(live_entry(page));
    *live_entry(page) = frames[0] | kP | kW;
    poke(page, round);
    CHECK_EQ(peek(frames[0]), round);
    poke(kDirectory + (page >> 22) * 4, 0);
    flush();
    CHECK_PAGE_FAULT(try_call(kernel_read, page), kernel_read_at, 0, page);
    CHECK_EQ(try_call(kernel_read, (uint32_t)live_entry(page)), kPage);
  }
}

void guest_main(void) {
  uint32_t frames[2] = {(uint32_t)alloc_page(), (uint32_t)alloc_page()};
  Entry* directory = new_identity_directory();
  directory[1023] = (uint32_t)directory | kP | kW;
  enable_paging(directory);
  see_itself(directory);
  edit(0x80000000, frames);
  change_live(0x80000000, frames);
  recycle(frames);
}
