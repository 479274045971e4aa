// A pager: 48 pages of ring 3 and ring 0 in 10 frames, evicted by A bits (clock) and written back only if D
// is set. A lost D bit loses data, a mapping that outlives its eviction reads poison; the result must be that
// of plain memory.
#include "paging.h"

enum { kPages = 48, kFrames = 10, kRounds = 4000 };
static Entry* directory;
static uint8_t store[kPages][4096] __attribute__((aligned(4096)));
static uint8_t plain[kPages][4096] __attribute__((aligned(4096)));
static struct {
  uint32_t frame, page;
  int used;
} slots[kFrames];
static uint32_t hand, faults, write_backs, second_chances;

static uint32_t page_at(uint32_t page) { return kTestBase + page * 4096; }

static void evict(uint32_t slot) {
  Entry* entry = page_entry(directory, page_at(slots[slot].page));
  const Entry old = *entry;
  *entry = 0;
  invlpg((void*)page_at(slots[slot].page));
  if (old & kD) {
    copy(store[slots[slot].page], (void*)slots[slot].frame, 4096);
    write_backs++;
  }
  fill((void*)slots[slot].frame, 0xEE, 4096);
  slots[slot].used = 0;
}

static uint32_t find_slot(void) {
  for (;; hand = (hand + 1) % kFrames) {
    if (!slots[hand].used) return hand;
    const uint32_t linear = page_at(slots[hand].page);
    Entry* entry = page_entry(directory, linear);
    if (!(*entry & kA)) {
      evict(hand);
      return hand;
    }
    *entry &= ~(Entry)kA;
    invlpg((void*)linear);
    second_chances++;
  }
}

// A page that is only read stays read-only and clean: its D bit must not appear.
static int on_fault(struct Frame* f) {
  const uint32_t page = (trap_cr2 - kTestBase) / 4096;
  if (f->vector != kPage || page >= kPages) return 0;
  CHECK_EQ(f->error & ~(uint32_t)(kWrite | kUser), 0);  // never a protection fault
  faults++;
  const uint32_t slot = find_slot();
  slots[slot].page = page;
  slots[slot].used = 1;
  copy((void*)slots[slot].frame, store[page], 4096);
  map(directory, page_at(page), slots[slot].frame | kP | kW | kU);
  hand = (hand + 1) % kFrames;
  return 1;
}

// Reads, writes, across pages, strings; the checksum depends on all that was read.
USER_FUNCTION uint32_t churn(uint8_t* memory, uint32_t seed) {
  uint32_t x = seed, sum = 0;
  for (uint32_t i = 0; i < kRounds; i++) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    const uint32_t page = (x >> 8) % kPages, offset = x % (kPages * 4096 - 64);
    volatile uint32_t* word = (volatile uint32_t*)(memory + offset);
    uint8_t *to = memory + page * 4096, *from = memory + (offset & ~63u);
    uint32_t count = 16;
    switch (x >> 20 & 7) {
      case 0:
        *word = x;
        break;
      case 1:
        *word += x;
        break;
      case 2:
        memory[page * 4096 + 5] ^= (uint8_t)x;
        break;
      case 3:
        __asm__ volatile("cld\n rep movsl" : "+D"(to), "+S"(from), "+c"(count)::"memory");
        break;
      default:
        sum = (sum << 3 | sum >> 29) + *word;
        break;
    }
    sum += memory[page * 4096 + (x >> 25)];
  }
  return sum;
}
USER_CODE(user_churn, "pushl %eax\n pushl $0x40000000\n call churn");
KERNEL_CODE(kernel_churn, "pushl 4(%esp)\n pushl $0x40000000\n call churn\n addl $8, %esp");

static void round_with(uint32_t seed, int user) {
  const uint32_t want = churn((uint8_t*)plain, seed);
  trap_hook = on_fault;
  if (user) {
    CHECK_EQ(try_user(user_churn, seed), kUserExit);
    CHECK_EQ(trap.eax, want);
  } else {
    CHECK_EQ(try_call(kernel_churn, seed), kNoTrap);
    CHECK_EQ(call_result, want);
  }
  trap_hook = 0;
  for (uint32_t i = 0; i < kFrames; i++)
    if (slots[i].used) evict(i);
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < kPages * 4096; i++) wrong += ((uint8_t*)store)[i] != ((uint8_t*)plain)[i];
  CHECK_EQ(wrong, 0);
}

void guest_main(void) {
  directory = new_identity_directory();
  for (uint32_t i = 0; i < kFrames; i++) slots[i].frame = (uint32_t)alloc_page();
  enable_paging(directory);
  for (uint32_t i = 1; i <= 6; i++) round_with(i * 7919, i & 1);
  CHECK(faults > 100 && write_backs > 100 && second_chances > 100);
  CHECK(write_backs < faults);
}
