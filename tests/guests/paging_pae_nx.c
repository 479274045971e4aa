// PAE paging (SDM vol. 3, 4.4): three levels, 2 MiB pages, execute-disable (4.6) in PDE and PTE.
#include "paging.h"

enum { kBigFrame = 0x1000000 };
static uint32_t frame;

static void translates(PaeEntry* pdpt) {
  *pae_page_entry(pdpt, kTestBase) = frame | kP | kW;
  *pae_page_entry(pdpt, 0xC0001000) = frame | kP | kW;
  poke(kTestBase + 16, 0x77777777);
  CHECK_EQ(peek(0xC0001010), 0x77777777);
  CHECK_EQ((uint32_t)*pae_page_entry(pdpt, kTestBase), frame | kP | kW | kA | kD);
  CHECK_EQ((uint32_t)*pae_page_entry(pdpt, 0xC0001000), frame | kP | kW | kA);
  CHECK_PAGE_FAULT(try_call(kernel_read, 0xC0002000), kernel_read_at, 0, 0xC0002000);
  CHECK_PAGE_FAULT(try_user(user_write, kTestBase), user_write, kPresent | kWrite | kUser, kTestBase);
}

static void large_pages(PaeEntry* pdpt) {
  PaeEntry* pde = pae_directory_entry(pdpt, 0x80000000);
  *pde = kBigFrame | kP | kW | kU | kLarge;
  poke(0x80000000 + 0x1FF000, 0x1234);
  CHECK_EQ((uint32_t)*pde, kBigFrame | kP | kW | kU | kLarge | kA | kD);
  *pae_page_entry(pdpt, kTestBase + 0x5000) = (kBigFrame + 0x1FF000) | kP;
  CHECK_EQ(peek(kTestBase + 0x5000), 0x1234);
}

// Entries above 4 GiB work like any others; this machine has no memory there, so only their bits count.
static void execute_disable(PaeEntry* pdpt) {
  const uint32_t page = kTestBase + 0x10000;
  PaeEntry* entries[2] = {pae_page_entry(pdpt, page), pae_directory_entry(pdpt, page)};
  *entries[0] = frame | kP | kW | kU;
  write_return((void*)page, 0x4E4F);
  CHECK_EQ(call(page), 0x4E4F);
  for (int i = 0; i < 2; i++) {
    *entries[i] |= kNx;
    flush();
    CHECK_PAGE_FAULT(try_call(kernel_call, page), page, kPresent | kFetch, page);
    CHECK_PAGE_FAULT(try_user(user_jump, page), page, kPresent | kFetch | kUser, page);
    CHECK_EQ(try_call(kernel_write, page + 64), kNoTrap);  // data are not concerned
    CHECK_EQ(peek(page + 64), 0x5A5A5A5A);
    *entries[i] &= ~kNx;
    flush();
    CHECK_EQ(call(page), 0x4E4F);
  }
}

// With EFER.NXE, I/D is set in the error code of every fetch fault; not-present ones too (4.7).
static void fetch_of_missing_page(void) {
  CHECK_PAGE_FAULT(try_call(kernel_call, 0xD0000000), 0xD0000000, kFetch, 0xD0000000);
  CHECK_PAGE_FAULT(try_user(user_jump, 0xD0000000), 0xD0000000, kFetch | kUser, 0xD0000000);
}

void guest_main(void) {
  frame = (uint32_t)alloc_page();
  PaeEntry* pdpt = new_pae_tables();
  write_cr4(read_cr4() | kCr4Pae);
  wrmsr(0xC0000080, 0x800);  // EFER.NXE
  enable_paging(pdpt);
  translates(pdpt);
  large_pages(pdpt);
  execute_disable(pdpt);
  fetch_of_missing_page();
}
