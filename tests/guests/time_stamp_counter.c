// RDTSC never goes back, also from ring 3, and runs at one rate: two measurements against the 8254 agree
// within 1 %.
#include "interrupts.h"

enum { kMeasuredTicks = 119318 };  // 100 ms

static uint16_t read_counter(void) {
  out8(0x43, 0);
  const uint16_t low = in8(0x40);
  return (uint16_t)(low | in8(0x40) << 8);
}

// TSC cycles while counter 0 counts down kMeasuredTicks. What a slow host adds at the end is counted in both.
static uint32_t measure(void) {
  uint16_t before = read_counter();
  const uint64_t start = rdtsc();
  uint32_t counted = 0;
  while (counted < kMeasuredTicks) {
    const uint16_t now = read_counter();
    counted += (uint16_t)(before - now);
    before = now;
  }
  const uint32_t cycles = (uint32_t)(rdtsc() - start);
  return cycles / (counted / 256);
}

static void monotonic(void) {
  uint64_t last = rdtsc();
  for (int i = 0; i < 100000; i++) {
    const uint64_t now = rdtsc();
    if (now < last) return check(0, __FILE__, __LINE__, "RDTSC went back");
    last = now;
  }
}

USER_CODE(user_tsc, "rdtsc");
static void rings_agree(void) {
  for (int i = 0; i < 100; i++) {
    const uint64_t before = rdtsc();
    CHECK_EQ(try_user(user_tsc, 0), kUserExit);
    const uint64_t inside = (uint64_t)trap.edx << 32 | trap.eax;
    const uint64_t after = rdtsc();
    CHECK(before <= inside && inside <= after);
  }
}

static void can_be_forbidden(void) {
  write_cr4(read_cr4() | kCr4Tsd);
  CHECK_EQ(try_user(user_tsc, 0), 13);
  write_cr4(read_cr4() & ~(uint32_t)kCr4Tsd);
  CHECK_EQ(try_user(user_tsc, 0), kUserExit);
}

static void can_be_set(void) {
  wrmsr(0x10, 0x100000000);
  const uint64_t now = rdtsc();
  CHECK(now >= 0x100000000 && now < 0x180000000);
  CHECK((rdmsr(0x10) >> 32) == 1);
}

void guest_main(void) {
  pic_init();
  pit_periodic(0);  // 65536
  monotonic();
  rings_agree();
  can_be_forbidden();
  int agree = 0;
  for (int attempt = 0; attempt < 8 && !agree; attempt++) {
    const uint32_t first = measure(), second = measure();
    const uint32_t difference = first > second ? first - second : second - first;
    agree = difference <= first / 100;
  }
  CHECK(agree);
  if (on_tcg()) return;  // which ignores the write
  can_be_set();
  rings_agree();
  can_be_forbidden();
}
