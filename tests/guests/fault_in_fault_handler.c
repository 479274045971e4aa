// Page faults within page-fault handlers: each with its own CR2, error code and EIP, and each return repeats
// the right instruction.
#include "paging.h"

enum { kDepth = 6 };
static Entry* directory;
static uint32_t frame, order[2 * kDepth], orders;

static uint32_t page_of(uint32_t depth) { return 0x40000000 + depth * 0x1400000; }

// Handles the fault at depth n by first touching what depth n + 1 lacks.
static int nest(struct Frame* f) {
  if (f->vector == kBreakpoint) return 1;
  if (f->vector != kPage) return 0;
  const uint32_t cr2 = trap_cr2, depth = (cr2 - 0x40000000) / 0x1400000;
  if (cr2 != page_of(depth) || depth >= kDepth) return 0;
  order[orders++] = depth;
  if (depth + 1 < kDepth) CHECK_EQ(peek(page_of(depth + 1)), frame);
  __asm__ volatile("int3");
  CHECK_EQ(read_cr2(), page_of(kDepth - 1));
  map(directory, page_of(depth), frame | kP | kW | kU);
  order[orders++] = depth;
  return 1;
}

static void check_order(void) {
  CHECK_EQ(orders, 2 * kDepth);
  for (uint32_t i = 0; i < kDepth; i++) {
    CHECK_EQ(order[i], i);
    CHECK_EQ(order[kDepth + i], kDepth - 1 - i);
  }
  orders = 0;
  for (uint32_t i = 0; i < kDepth; i++) {
    CHECK_EQ(*page_entry(directory, page_of(i)) & kA, kA);
    map(directory, page_of(i), 0);
    invlpg((void*)page_of(i));
  }
}

void guest_main(void) {
  frame = (uint32_t)alloc_page();
  poke(frame, frame);
  directory = new_identity_directory();
  for (uint32_t i = 0; i < kDepth; i++) page_entry(directory, page_of(i));
  enable_paging(directory);
  trap_hook = nest;
  for (int round = 0; round < 5; round++) {
    CHECK_EQ(try_call(kernel_read, page_of(0)), kNoTrap);
    CHECK_EQ(call_result, frame);
    check_order();
    CHECK_EQ(try_user(user_read, page_of(0)), kUserExit);
    CHECK_EQ(trap.eax, frame);
    check_order();
  }
}
