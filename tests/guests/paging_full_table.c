// A page table of which much is in use: a load of CR3 ends what has changed of it and leaves the rest, also
// what was changed and changed back, or was changed while it was global.
#include "paging.h"

enum { kPages = 160 };

static Entry* directory;
static uint8_t memory[kPages + 1][4096] __attribute__((aligned(4096)));
static uint32_t frames[kPages], other;

static uint32_t page(uint32_t n) { return kTestBase + n * 4096; }

// EBX: how many pages do not hold their number; of the last of them: EDI its number, ESI what it holds.
USER_CODE(user_reads_all,
          "xorl %ebx, %ebx\n xorl %ecx, %ecx\n"
          "1: movl %ecx, %edx\n shll $12, %edx\n movl 0x40000000(%edx), %eax\n cmpl %ecx, %eax\n je 2f\n"
          "incl %ebx\n movl %eax, %esi\n movl %ecx, %edi\n"
          "2: incl %ecx\n cmpl $160, %ecx\n jb 1b");
static void expect_all(uint32_t but, uint32_t value) {
  for (uint32_t n = 0; n < kPages; n++) CHECK_EQ(peek(page(n)), n == but ? value : n);
  CHECK_EQ(try_user(user_reads_all, 0), kUserExit);
  CHECK_EQ(trap.ebx, but < kPages);
  if (but >= kPages) return;
  CHECK_EQ(trap.edi, but);
  CHECK_EQ(trap.esi, value);
}

static void set_up(uint32_t flags) {
  for (uint32_t n = 0; n < kPages; n++) map(directory, page(n), frames[n] | kP | kW | kU | flags);
  flush();
  for (uint32_t n = 0; n < kPages; n++) poke(page(n), n);
  poke(other, 1000);
  flush();
  flush();
  expect_all(kPages, 0);
}

static void one_changes(uint32_t n) {
  set_up(0);
  map(directory, page(n), other | kP | kW | kU);
  flush();
  expect_all(n, 1000);
  poke(page(n), 1001);
  CHECK_EQ(peek(other), 1001);
  map(directory, page(n), frames[n] | kP | kW | kU);
  flush();
  expect_all(kPages, 0);
}

// What is mapped while the entry is another one is stale once the entry is as it was.
static void changes_and_changes_back(uint32_t n) {
  set_up(0);
  const Entry before = *page_entry(directory, page(n));
  *page_entry(directory, page(n)) = 0;
  for (int i = 0; i < 3; i++) flush();
  map(directory, page(n), other | kP | kW | kU);
  CHECK_EQ(try_user(user_read, page(n)), kUserExit);
  CHECK_EQ(trap.eax, 1000);
  *page_entry(directory, page(n)) = 0;
  flush();
  CHECK_EQ(try_user(user_read, page(n)), 14);
  *page_entry(directory, page(n)) = before;
  flush();
  expect_all(kPages, 0);
}

static void becomes_read_only(uint32_t n) {
  set_up(0);
  *page_entry(directory, page(n)) &= ~(Entry)kW;
  flush();
  CHECK_EQ(try_user(user_write, page(n)), 14);
  *page_entry(directory, page(n)) |= kW;
  flush();
  CHECK_EQ(try_user(user_write, page(n)), kUserExit);
}

static void becomes_dirty_again(uint32_t n) {
  set_up(0);
  *page_entry(directory, page(n)) &= ~(Entry)kD;
  flush();
  CHECK_EQ(peek(page(n)), n);
  CHECK_EQ(*page_entry(directory, page(n)) & kD, 0);
  poke(page(n), 5);
  CHECK_EQ(*page_entry(directory, page(n)) & kD, kD);
}

// A global page may stay through loads of CR3, but not through a change of CR4.PGE.
static void changes_while_global(uint32_t n) {
  set_up(n % 2 ? kG : 0);
  map(directory, page(n), frames[n] | kP | kW | kU | kG);
  flush();
  CHECK_EQ(peek(page(n)), n);
  map(directory, page(n), other | kP | kW | kU | kG);
  for (int i = 0; i < 3; i++) flush();
  const uint32_t either = peek(page(n));
  CHECK(either == n || either == 1000);
  toggle_global();
  expect_all(n, 1000);
  map(directory, page(n), frames[n] | kP | kW | kU);
  toggle_global();
}

static uint32_t kernel_reads(uint32_t n) {
  CHECK_EQ(try_call(kernel_read, page(n)), kNoTrap);
  return call_result;
}

// Pages of the kernel's own, one of them not global: loads of CR3 look at that, and must not take the others
// for looked at.
static void changes_while_global_among_others(void) {
  enum { kMiddle = 80, kChanged = kMiddle + 5 };
  set_up(0);
  for (uint32_t n = 0; n < kPages; n++)
    map(directory, page(n), frames[n] | kP | kW | kA | kD | (n == 0 ? 0 : kG));
  toggle_global();
  CHECK_EQ(kernel_reads(0), 0);
  CHECK_EQ(kernel_reads(kMiddle), kMiddle);
  CHECK_EQ(kernel_reads(kChanged), kChanged);
  map(directory, page(kChanged), other | kP | kW | kA | kD | kG);
  for (int i = 0; i < 3; i++) flush();
  toggle_global();
  CHECK_EQ(kernel_reads(kChanged), 1000);
  set_up(0);
  toggle_global();
}

void guest_main(void) {
  static const uint32_t kSome[] = {0, 1, 77, kPages - 1};
  for (uint32_t n = 0; n < kPages; n++) frames[n] = (uint32_t)memory[n];
  other = (uint32_t)memory[kPages];
  directory = new_identity_directory();
  enable_paging(directory);
  write_cr4(read_cr4() | kCr4Pge);
  for (uint32_t i = 0; i < sizeof kSome / sizeof *kSome; i++) {
    one_changes(kSome[i]);
    changes_and_changes_back(kSome[i]);
    becomes_read_only(kSome[i]);
    becomes_dirty_again(kSome[i]);
    changes_while_global(kSome[i]);
    changes_while_global_among_others();
  }
}
