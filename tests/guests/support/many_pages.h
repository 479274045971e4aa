#pragma once
// More pages of the user's than a software TLB holds. Each becomes present when it faults; the word at 8 is
// counted in.
#include "paging.h"

enum { kPages = 600, kStackTop = kTestBase + 0x400000 };
enum { kFrames = 16 << 20 };  // above this kernel and its pages
static Entry* directory;
static uint32_t faults;

static inline uint32_t page_at(uint32_t page) { return kTestBase + page * 4096; }

static int on_fault(struct Frame* f) {
  const uint32_t page = (trap_cr2 - kTestBase) / 4096;
  if (f->vector != kPage || page >= kPages) return 0;
  faults++;
  map(directory, page_at(page), (kFrames + page * 4096) | kP | kW | kU);
  return 1;
}

// Paging, with none of them present.
static inline void begin_many_pages(void) {
  directory = new_identity_directory();
  for (uint32_t i = 0; i < kPages; i++) map(directory, page_at(i), 0);
  map(directory, kStackTop - 4096, (uint32_t)alloc_page() | kP | kW | kU);
  enable_paging(directory);
  trap_hook = on_fault;
}

// Runs code that goes over all of them, which fault once each, and leaves this count.
static inline void check_pages_of(char* code, uint32_t eax, uint32_t count) {
  faults = 0;
  CHECK_EQ(run_user(code, kStackTop, 2, eax), kUserExit);
  CHECK_EQ(faults, kPages);
  for (uint32_t i = 0; i < kPages; i++) CHECK_EQ(*(uint32_t*)(page_at(i) + 8), count);
}
