// Reserved bits of page-table entries (SDM vol. 3, 4.4.2, 4.7): RSVD in the error code, whatever the rights.
// TCG leaves P clear in that error code; the manual says that RSVD comes only with P (4.7, figure 4-12).
#include "paging.h"

static const uint32_t page = kTestBase;

static void check_reserved(PaeEntry* entry, PaeEntry value) {
  const uint32_t present = on_tcg() ? 0 : kPresent;
  const PaeEntry good = *entry;
  *entry = value & ~(PaeEntry)(kA | kD);
  flush();
  CHECK_PAGE_FAULT(try_call(kernel_read, page), kernel_read_at, present | kReserved, page);
  CHECK_PAGE_FAULT(try_call(kernel_write, page), kernel_write_at, present | kReserved | kWrite, page);
  CHECK_PAGE_FAULT(try_user(user_read, page), user_read, present | kReserved | kUser, page);
  CHECK_EQ((uint32_t)*entry & kA, 0);
  *entry = good;
  flush();
  CHECK_EQ(try_call(kernel_read, page), kNoTrap);
  *entry &= ~(PaeEntry)(kA | kD);
}

static void pae(PaeEntry* pdpt, uint32_t frame) {
  PaeEntry* pte = pae_page_entry(pdpt, page);
  PaeEntry* pde = pae_directory_entry(pdpt, page);
  *pte = frame | kP | kW | kU;
  check_reserved(pte, *pte | 1ull << 62);
  check_reserved(pte, *pte | 1ull << 52);
  check_reserved(pte, *pte | kNx);  // EFER.NXE = 0
  check_reserved(pde, *pde | 1ull << 62);
  check_reserved(pde, *pde | kNx);
  check_reserved(pde, 0x1000000 | kP | kW | kU | kLarge | 1 << 13);  // below bit 21 of a 2 MiB frame
  // A bit that is not present is never reserved.
  *pte = ~(PaeEntry)kP;
  flush();
  CHECK_PAGE_FAULT(try_call(kernel_read, page), kernel_read_at, 0, page);
}

void guest_main(void) {
  PaeEntry* pdpt = new_pae_tables();
  write_cr4(read_cr4() | kCr4Pae);
  enable_paging(pdpt);
  pae(pdpt, (uint32_t)alloc_page());
}
