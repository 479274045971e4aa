// Global pages (SDM vol. 3, 4.10.2.4): INVLPG and changes of CR4.PGE end them; a load of CR3 may leave them.
#include "paging.h"

static Entry* directory;
static uint32_t old_frame, new_frame;
static const uint32_t page = kTestBase;

static void invalidate_page(void) { invlpg((void*)page); }

static void remap(void (*flush_it)(void)) {
  map(directory, page, old_frame | kP | kW | kG);
  flush_it();
  CHECK_EQ(call(page), 0x01D);
  CHECK_EQ(peek(page + 64), 1);
  map(directory, page, new_frame | kP | kW | kG);
  flush();
  const uint32_t code = call(page), data = peek(page + 64);  // either
  CHECK(code == 0x01D || code == 0x4E3);
  CHECK(data == 1 || data == 2);
  flush_it();
  CHECK_EQ(call(page), 0x4E3);
  CHECK_EQ(peek(page + 64), 2);
}

// A page that stops to be global is flushed with the others, once its global entry is gone.
static void becomes_local(void) {
  map(directory, page, new_frame | kP | kW);
  invalidate_page();
  CHECK_EQ(call(page), 0x4E3);
  map(directory, page, old_frame | kP | kW);
  flush();
  CHECK_EQ(call(page), 0x01D);
  CHECK_EQ(peek(page + 64), 1);
}

// With CR4.PGE = 0 the bit means nothing.
static void not_enabled(void) {
  write_cr4(read_cr4() & ~(uint32_t)kCr4Pge);
  map(directory, page, old_frame | kP | kW | kG);
  flush();
  CHECK_EQ(call(page), 0x01D);
  map(directory, page, new_frame | kP | kW | kG);
  flush();
  CHECK_EQ(call(page), 0x4E3);
  CHECK_EQ(peek(page + 64), 2);
  write_cr4(read_cr4() | kCr4Pge);
}

void guest_main(void) {
  old_frame = (uint32_t)alloc_page();
  new_frame = (uint32_t)alloc_page();
  write_return((void*)old_frame, 0x01D);
  write_return((void*)new_frame, 0x4E3);
  poke(old_frame + 64, 1);
  poke(new_frame + 64, 2);
  directory = new_identity_directory();
  enable_paging(directory);
  write_cr4(read_cr4() | kCr4Pge);
  for (int round = 0; round < 2; round++) {
    remap(invalidate_page);
    remap(toggle_global);
    becomes_local();
    not_enabled();
  }
}
