// String instructions in both rings go from one fresh page to the next, more often than it takes to have
// their accesses checked in software: within a page, over its end, downwards, and not at all. Each page
// faults once, and what they leave is what they should.
#include "paging.h"

enum { kPages = 16, kRounds = 10, kRegions = 4, kValue = 0x5A17C3E1 };
enum {
  kFrom = kTestBase,
  kTo = kTestBase + 0x100000 /* the same place in the TLB */,
  kFill = kTestBase + 0x210000,
  kShifted = kTestBase + 0x230000
};
enum { kNever = kTestBase + 0x300000 };
static Entry* directory;
static uint32_t frames[kRegions][kPages], faults, faults_before_their_turn, user_bit;
static const uint32_t kRegion[kRegions] = {kFrom, kTo, kFill, kShifted};

static int on_fault(struct Frame* f) {
  if (f->vector != kPage) return 0;
  for (uint32_t region = 0; region < kRegions; region++) {
    const uint32_t page = (trap_cr2 - kRegion[region]) / 4096;
    if (page >= kPages) continue;
    // A destination's, before its source's.
    faults_before_their_turn += region == 3 && !(*page_entry(directory, kFrom + page * 4096) & kP);
    map(directory, kRegion[region] + page * 4096, frames[region][page] | kP | kW | user_bit);
    faults++;
    return 1;
  }
  return 0;
}

// Returns what is wrong, a bit each.
USER_FUNCTION uint32_t strings(void) {
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < kPages; i++) {
    uint32_t from, to, count;
    if (i + 1 < kPages) {  // over the end of a page of the source, within one of the destination
      from = kFrom + i * 4096 + 2000, to = kShifted + i * 4096, count = 1024;
      __asm__ volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(count)::"memory");
      wrong |= (from != kFrom + (i + 1) * 4096 + 2000 || to != kShifted + (i + 1) * 4096 || count != 0) << 11;
    }
    from = kFrom + i * 4096, to = kTo + i * 4096, count = 1024;
    __asm__ volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(count)::"memory");
    wrong |= (from != kFrom + (i + 1) * 4096) | (to != kTo + (i + 1) * 4096) << 1 | (count != 0) << 2;
    if (i > 0) {
      from -= 4096 + 31, to -= 4096 + 31, count = 63;
      __asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(count)::"memory");
      wrong |= (from != kFrom + i * 4096 + 32) << 3 | (to != kTo + i * 4096 + 32) << 4;
    }
    from = kFrom + i * 4096 + 60, to = kTo + i * 4096 + 60, count = 16;
    __asm__ volatile("std\n rep movsl\n cld" : "+S"(from), "+D"(to), "+c"(count)::"memory");
    wrong |= (from != kFrom + i * 4096 - 4) << 5 | (to != kTo + i * 4096 - 4) << 6;
    from = kNever, to = kNever, count = 0;
    __asm__ volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(count)::"memory");
    wrong |= (from != kNever || to != kNever) << 7;
    to = kFill + i * 4096, count = 4096 / 4;
    __asm__ volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(kValue) : "memory");
    wrong |= (to != kFill + (i + 1) * 4096) << 8;
    to = kFill + i * 4096, count = 4096 / 4;
    uint8_t equal;
    __asm__ volatile("repe scasl\n sete %2"
                     : "+D"(to), "+c"(count), "=q"(equal)
                     : "a"(kValue)
                     : "memory", "cc");
    wrong |= (to != kFill + (i + 1) * 4096 || count != 0 || !equal) << 9;
    uint32_t loaded;
    from = kFill + i * 4096 + 8;
    __asm__ volatile("lodsl" : "+S"(from), "=a"(loaded)::"memory");
    wrong |= (loaded != kValue || from != kFill + i * 4096 + 12) << 10;
  }
  return wrong;
}
USER_CODE(user_strings, "call strings");

static void check_contents(void) {
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < kPages; i++)
    for (uint32_t n = 0; n < 1024; n++) {
      const uint32_t value = (i * 1024 + n) * 0x9E3779B1u;
      wrong += peek(frames[0][i] + n * 4) != value;
      wrong += peek(frames[1][i] + n * 4) != value;
      wrong += peek(frames[2][i] + n * 4) != kValue;
      if (i + 1 < kPages) wrong += peek(frames[3][i] + n * 4) != (i * 1024 + 500 + n) * 0x9E3779B1u;
    }
  CHECK_EQ(wrong, 0);
}

static void begin_round(void) {
  for (uint32_t region = 0; region < kRegions; region++)
    for (uint32_t i = 0; i < kPages; i++) {
      map(directory, kRegion[region] + i * 4096, 0);
      if (region > 0)
        for (uint32_t n = 0; n < 1024; n++) poke(frames[region][i] + n * 4, 0xDEAD0000 + n);
    }
  flush();
  faults = 0;
}

void guest_main(void) {
  directory = new_identity_directory();
  for (uint32_t region = 0; region < kRegions; region++)
    for (uint32_t i = 0; i < kPages; i++) {
      frames[region][i] = (uint32_t)alloc_page();
      map(directory, kRegion[region] + i * 4096, 0);
      for (uint32_t n = 0; n < 1024; n++) poke(frames[region][i] + n * 4, (i * 1024 + n) * 0x9E3779B1u);
    }
  enable_paging(directory);
  trap_hook = on_fault;
  for (uint32_t round = 0; round < kRounds; round++) {
    user_bit = kU;
    begin_round();
    CHECK_EQ(run_user(user_strings, (uint32_t)user_stack_top, 2, 0), kUserExit);
    CHECK_EQ(trap.eax, 0);
    CHECK_EQ(faults, kRegions * kPages - 1);
    check_contents();
    user_bit = 0;
    begin_round();
    CHECK_EQ(strings(), 0);
    CHECK_EQ(faults, kRegions * kPages - 1);
    check_contents();
  }
  CHECK_EQ(faults_before_their_turn, 0);
}
