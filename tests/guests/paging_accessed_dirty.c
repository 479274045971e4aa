// A and D (SDM vol. 3, 4.8): exactly when they are set, in the table and in the directory.
#include "paging.h"

static Entry *directory, *pte, *pde;
static uint32_t page = kTestBase, frame;

static void clean(void) {
  *pte &= ~(Entry)(kA | kD);
  *pde &= ~(Entry)(kA | kD);
  flush();
}
#define CHECK_BITS(pte_bits)              \
  do {                                    \
    CHECK_EQ(*pte&(kA | kD), (pte_bits)); \
    CHECK_EQ(*pde&(kA | kD), kA);         \
  } while (0)

KERNEL_CODE(exchange, "movl 4(%esp), %eax\n movl (%eax), %edx\n cmpxchg %edx, (%eax)");
KERNEL_CODE(compare, "movl 4(%esp), %eax\n cmpl $0, (%eax)");
KERNEL_CODE(push_there, "movl 4(%esp), %eax\n xchgl %eax, %esp\n pushl %eax\n xchgl %eax, %esp");
KERNEL_CODE(repeat_nothing, "movl 4(%esp), %edi\n xorl %ecx, %ecx\n rep stosb");
KERNEL_CODE(store_bits, "movl 4(%esp), %eax\n btsl $5, (%eax)");

static void data(void) {
  clean();
  CHECK_EQ(*pte & (kA | kD), 0);
  CHECK_EQ(try_call(kernel_read, page), kNoTrap);
  CHECK_BITS(kA);
  CHECK_EQ(try_call(kernel_write, page), kNoTrap);
  CHECK_BITS(kA | kD);
  clean();
  CHECK_EQ(try_call(kernel_write, page), kNoTrap);
  CHECK_BITS(kA | kD);
  clean();
  CHECK_EQ(try_call(compare, page), kNoTrap);
  CHECK_BITS(kA);
  clean();
  CHECK_EQ(try_call(store_bits, page), kNoTrap);
  CHECK_BITS(kA | kD);
  clean();
  CHECK_EQ(try_call(push_there, page + 64), kNoTrap);
  CHECK_BITS(kA | kD);
  clean();
  // A locked compare writes in any case (SDM vol. 2, CMPXCHG).
  CHECK_EQ(try_call(exchange, page), kNoTrap);
  CHECK_BITS(kA | kD);
  clean();
  CHECK_EQ(try_call(repeat_nothing, page), kNoTrap);
  CHECK_EQ(*pte & (kA | kD), 0);
}

static void code(void) {
  write_return((void*)page, 0xC0DE);
  clean();
  CHECK_EQ(call(page), 0xC0DE);
  CHECK_BITS(kA);
  clean();
  CHECK_EQ(call(page), 0xC0DE);  // already translated
  CHECK_BITS(kA);
}

static void user(void) {
  clean();
  CHECK_EQ(try_user(user_read, page), kUserExit);
  CHECK_BITS(kA);
  CHECK_EQ(try_user(user_write, page), kUserExit);
  CHECK_BITS(kA | kD);
}

// What faults sets neither bit of the entry that refuses.
static void faults(void) {
  *pte = frame | kP | kU;
  clean();
  CHECK_PAGE_FAULT(try_user(user_write, page), user_write, kPresent | kWrite | kUser, page);
  CHECK_EQ(*pte & kD, 0);
  *pte = frame | kP | kW;
  clean();
  CHECK_PAGE_FAULT(try_user(user_read, page), user_read, kPresent | kUser, page);
  CHECK_EQ(*pte & kD, 0);
  *pte = frame | kP | kW | kU;
}

// Neighbours that are mapped alike must not get bits from an access next to them.
static void neighbours(void) {
  for (uint32_t i = 1; i < 16; i++) map(directory, page + i * 4096, (frame + i * 4096) | kP | kW | kU);
  clean();
  CHECK_EQ(try_call(kernel_write, page), kNoTrap);
  for (uint32_t i = 1; i < 16; i++) CHECK_EQ(*page_entry(directory, page + i * 4096) & (kA | kD), 0);
  CHECK_EQ(try_call(kernel_read, page + 5 * 4096), kNoTrap);
  CHECK_EQ(*page_entry(directory, page + 4 * 4096) & (kA | kD), 0);
  CHECK_EQ(*page_entry(directory, page + 5 * 4096) & (kA | kD), kA);
}

void guest_main(void) {
  frame = (uint32_t)alloc_page();
  for (int i = 1; i < 16; i++) alloc_page();
  directory = new_identity_directory();
  map(directory, page, frame | kP | kW | kU);
  pte = page_entry(directory, page);
  pde = &directory[page >> 22];
  enable_paging(directory);
  data();
  code();
  user();
  faults();
  neighbours();
}
