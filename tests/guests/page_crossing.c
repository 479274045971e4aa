// An instruction that begins in one page and ends in another: the second page is missing, forbidden or
// remapped. The fault is at the instruction, its address that of the second page's first byte (SDM vol.
// 3, 4.7).
#include "paging.h"

static PaeEntry* tables;
static uint32_t frames[3];
static const uint32_t first = kTestBase, second = kTestBase + 4096;
enum { kAll = kP | kW | kU };

static void map_second(PaeEntry entry) {
  *pae_page_entry(tables, second) = entry;
  invlpg((void*)second);
}

// `mov eax, imm32; ret` with `before` bytes in the first page.
static uint32_t place(uint32_t before, uint32_t value_1, uint32_t value_2) {
  for (uint32_t i = 0; i < 2; i++) {
    map_second(frames[1 + i] | kAll);
    write_return((void*)(second - before), i ? value_2 : value_1);
  }
  return second - before;
}

static void missing(void) {
  for (uint32_t before = 1; before < 5; before++) {
    const uint32_t code = place(before, 1, 2);
    for (int round = 0; round < 2; round++) {
      map_second(frames[1] | kAll);
      CHECK_EQ(try_call((void*)code, 0), kNoTrap);
      map_second(0);
      CHECK_PAGE_FAULT(try_call((void*)code, 0), code, kFetch, second);
      CHECK_PAGE_FAULT(try_user((void*)code, 0), code, kFetch | kUser, second);
      map_second(frames[1] | kAll | kNx);
      CHECK_PAGE_FAULT(try_call((void*)code, 0), code, kFetch | kPresent, second);
      CHECK_PAGE_FAULT(try_user((void*)code, 0), code, kFetch | kPresent | kUser, second);
      map_second(frames[1] | kP | kW);
      CHECK_EQ(try_call((void*)code, 0), kNoTrap);
      CHECK_PAGE_FAULT(try_user((void*)code, 0), code, kFetch | kPresent | kUser, second);
    }
  }
}

static void remapped(void) {
  for (uint32_t before = 1; before < 5; before++) {
    // The part in the first page is common.
    const uint32_t low = before > 1 ? 0xFFFFFFFF >> 8 * (5 - before) : 0;
    const uint32_t value_1 = 0x11111111, value_2 = (0x22222222 & ~low) | (value_1 & low);
    const uint32_t code = place(before, value_1, value_2);
    for (int round = 0; round < 5; round++) {
      map_second(frames[1] | kAll);
      CHECK_EQ(call(code), value_1);
      map_second(frames[2] | kAll);
      CHECK_EQ(call(code), value_2);
    }
  }
}

USER_CODE(user_caller, "movl %eax, %edx\n call *%edx");
static void remapped_in_ring_3(void) {
  const uint32_t code = place(2, 0x11, 0x2211);
  for (int round = 0; round < 5; round++)
    for (uint32_t i = 0; i < 2; i++) {
      map_second(frames[1 + i] | kAll);
      CHECK_EQ(try_user(user_caller, code), kUserExit);
      CHECK_EQ(trap.eax, i ? 0x2211 : 0x11);
    }
}

// Its tail is rewritten, by either page.
static void modified(void) {
  const uint32_t code = place(3, 0, 0);
  for (uint32_t i = 0; i < 30; i++) {
    write_return((void*)code, i * 0x03050709);
    CHECK_EQ(call(code), i * 0x03050709);
    *(volatile uint8_t*)(second + 1) = (uint8_t)i;
    CHECK_EQ(call(code), ((i * 0x03050709) & 0xFFFFFF) | i << 24);
  }
}

// Complete instructions up to the border, then the fault is at the second page's start.
static void runs_into(void) {
  map_second(0);
  fill((void*)(second - 16), 0x40, 16);  // inc eax
  CHECK_PAGE_FAULT(try_user((void*)(second - 16), 5), second, kFetch | kUser, second);
  CHECK_EQ(trap.eax, 21);
}

void guest_main(void) {
  for (int i = 0; i < 3; i++) frames[i] = (uint32_t)alloc_page();
  tables = new_pae_tables();
  *pae_page_entry(tables, first) = frames[0] | kAll;
  write_cr4(read_cr4() | kCr4Pae);
  wrmsr(0xC0000080, 0x800);  // EFER.NXE
  enable_paging(tables);
  missing();
  remapped();
  remapped_in_ring_3();
  modified();
  runs_into();
}
