// PDPTE registers (SDM vol. 3, 4.4.1): loaded by MOV to CR3, by MOV to CR0 and CR4 that change paging, and by
// nothing else; reserved bits in a present one make the load fault with #GP(0). QEMU 7.2 has no such
// registers: it reads the table in memory at each walk and checks no load.
#include "paging.h"

static PaeEntry *pdpt, *second_directory;
static uint32_t frames[2];
static const uint32_t page = kTestBase;  // in the second GiB: PDPTE 1

static void memory_is_not_watched(void) {
  CHECK_EQ(peek(page), 0x1111);
  pdpt[1] = (uint32_t)second_directory | kP;
  invlpg((void*)page);
  CHECK_EQ(peek(page), 0x1111);  // the register still holds the first directory
  CHECK_EQ(peek(page + 4096), 0x1111);
  flush();
  CHECK_EQ(peek(page), 0x2222);
  CHECK_EQ(peek(page + 4096), 0x2222);
}

static void absent(void) {
  const PaeEntry good = pdpt[1];
  pdpt[1] = 0;
  CHECK_EQ(peek(page), 0x2222);
  flush();
  CHECK_PAGE_FAULT(try_call(kernel_read, page), kernel_read_at, 0, page);
  pdpt[1] = good;
  CHECK_PAGE_FAULT(try_call(kernel_read, page), kernel_read_at, 0, page);
  flush();
  CHECK_EQ(peek(page), 0x2222);
}

// CR4.PGE is among the bits whose change loads them.
static void control_register_4(void) {
  const PaeEntry good = pdpt[1];
  pdpt[1] = 0;
  write_cr4(read_cr4() ^ kCr4Pge);
  CHECK_PAGE_FAULT(try_call(kernel_read, page), kernel_read_at, 0, page);
  pdpt[1] = good;
  write_cr4(read_cr4() ^ kCr4Pge);
  CHECK_EQ(peek(page), 0x2222);
}

KERNEL_CODE(load_cr3, "movl 4(%esp), %eax\n" LABEL(load_cr3_at) "movl %eax, %cr3");
extern char load_cr3_at[];
static void reserved_bits(void) {
  const PaeEntry good = pdpt[1];
  const uint32_t cr3 = read_cr3();
  static const PaeEntry kReservedBits[] = {1 << 1, 1 << 5, 1ull << 63, 1ull << 52};
  for (unsigned i = 0; i < sizeof kReservedBits / sizeof *kReservedBits; i++) {
    pdpt[1] = good | kReservedBits[i];
    CHECK_FAULT(try_call(load_cr3, cr3), kProtection, load_cr3_at, 0);
    CHECK_EQ(peek(page), 0x2222);
  }
  pdpt[1] = good & ~(PaeEntry)kP;
  pdpt[1] |= kReservedBits[0];  // not present: nothing is reserved
  CHECK_EQ(try_call(load_cr3, cr3), kNoTrap);
  pdpt[1] = good;
  flush();
}

// The table need only be 32-byte aligned.
static void unaligned_table(void) {
  PaeEntry* other = (PaeEntry*)((uint32_t)alloc_page() + 0x7E0);
  copy(other, pdpt, 32);
  write_cr3((uint32_t)other);
  CHECK_EQ(peek(page), 0x2222);
  CHECK_EQ(read_cr3(), other);
  write_cr3((uint32_t)pdpt);
}

void guest_main(void) {
  for (int i = 0; i < 2; i++) {
    frames[i] = (uint32_t)alloc_page();
    poke(frames[i], i ? 0x2222 : 0x1111);
  }
  pdpt = new_pae_tables();
  for (uint32_t i = 0; i < 2; i++) *pae_page_entry(pdpt, page + i * 4096) = frames[0] | kP | kW;
  second_directory = alloc_page();
  PaeEntry* table = alloc_page();
  second_directory[0] = (uint32_t)table | kP | kW;
  table[0] = table[1] = frames[1] | kP | kW;
  write_cr4(read_cr4() | kCr4Pae);
  enable_paging(pdpt);
  memory_is_not_watched();
  absent();
  control_register_4();
  reserved_bits();
  unaligned_table();
}
