// Local APIC, I/O APIC and HPET end to end: the 8259A by virtual wire, the APIC's timer, priorities,
// interrupts to itself and NMIs, pins that are edge and level triggered, legacy replacement, and
// IA32_APIC_BASE.
#include "interrupts.h"

enum {
  kLocalApic = 0xFEE00000,
  kIoApic = 0xFEC00000,
  kHpet = 0xFED00000,
  kTpr = 0x80,
  kEoi = 0xB0,
  kSvr = 0xF0,
  kIsr1 = 0x110,  // vectors 20h to 3Fh
  kTmr1 = 0x190,
  kIrr1 = 0x210,
  kIcr = 0x300,
  kLvtTimer = 0x320,
  kLvtLint0 = 0x350,
  kInitialCount = 0x380,
  kCurrentCount = 0x390,
  kDivideConfiguration = 0x3E0,
};
enum {
  kMasked = 0x10000,
  kPeriodic = 0x20000,
  kLevel = 0x8000,
  kRemoteIrr = 0x4000,
  kExtInt = 0x700,
  kNmi = 0x400,
  kSelf = 0x40000
};
enum { kTimerVector = 0x31, kPinVector = 0x32, kHigh = 0x33, kLow = 0x2E, kApicMsr = 0x1B };

static uint32_t apic_base = kLocalApic;
static uint32_t read_apic(uint32_t offset) { return peek(apic_base + offset); }
static void write_apic(uint32_t offset, uint32_t value) { poke(apic_base + offset, value); }
static int is_set(uint32_t set, uint32_t vector) { return read_apic(set) >> (vector & 31) & 1; }

static uint32_t read_io(uint32_t index) {
  poke(kIoApic, index);
  return peek(kIoApic + 0x10);
}
static void write_io(uint32_t index, uint32_t value) {
  poke(kIoApic, index);
  poke(kIoApic + 0x10, value);
}
static void set_pin(uint32_t pin, uint32_t entry) {
  write_io(0x11 + 2 * pin, 0);
  write_io(0x10 + 2 * pin, entry);
}

static volatile uint32_t timers, pins, nmis, nmis_in_handler, order;

static uint8_t read_rtc(uint8_t index) {
  out8(0x70, index);
  return in8(0x71);
}
static void write_rtc(uint8_t index, uint8_t value) {
  out8(0x70, index);
  out8(0x71, value);
}

// A level: interrupts again after its end, until the RTC is asked why.
static void on_pin(void) {
  pins++;
  if (!(read_io(0x10 + 2 * 8) & kLevel)) return write_apic(kEoi, 0);
  CHECK(read_io(0x10 + 2 * 8) & kRemoteIrr);
  CHECK(is_set(kTmr1, kPinVector));
  if (pins % 3 == 0) read_rtc(0x0C);
  write_apic(kEoi, 0);
}

static void on_nmi(void) {
  nmis_in_handler++;
  if (++nmis == 1) {
    write_apic(kIcr, kSelf | kNmi);
    for (volatile int i = 0; i < 100; i++) {
    }
    CHECK_EQ(nmis, 1);  // blocked until the IRET
  }
  nmis_in_handler--;
}

static int on_interrupt(struct Frame* f) {
  switch (f->vector) {
    case 2:
      on_nmi();
      return 1;
    case kTimerVector:
      timers++;
      CHECK(is_set(kIsr1, kTimerVector));
      write_apic(kEoi, 0);
      return 1;
    case kPinVector:
      on_pin();
      return 1;
    case kLow:
    case kHigh:
      order = order << 8 | f->vector;
      write_apic(kEoi, 0);
      return 1;
    case kIrq0 + 8:
      read_rtc(0x0C);
      pic_eoi(8);
      pins++;
      return 1;
  }
  return count_tick(f);
}

static void wait_for(volatile uint32_t* counter, uint32_t count) {
  const uint32_t end = *counter + count;
  while ((int32_t)(*counter - end) < 0) __asm__ volatile("sti\n hlt\n cli" ::: "memory");
}

static void let_interrupts_in(void) {
  sti();
  for (volatile int i = 0; i < 100; i++) {
  }
  cli();
}

static void virtual_wire(void) {
  pic_unmask(0);
  pit_periodic(1193);
  wait_for(&ticks, 5);
  write_apic(kSvr, 0x13F);
  write_apic(kLvtLint0, kExtInt);
  wait_for(&ticks, 5);
  write_apic(kTpr, 0xFF);  // is not theirs
  wait_for(&ticks, 5);
  write_apic(kTpr, 0);
  if (on_tcg()) return;  // finds no vector for what was masked meanwhile
  raise_timer_interrupt();
  write_apic(kLvtLint0, kMasked | kExtInt);
  const uint32_t before = ticks;
  let_interrupts_in();
  CHECK_EQ(ticks, before);
  write_apic(kLvtLint0, kExtInt);
  let_interrupts_in();
  CHECK_EQ(ticks, before + 1);
}

static void timer(void) {
  CHECK_EQ(read_apic(0x30) & 0xFFFF00FF, 0x00050014);
  write_apic(kDivideConfiguration, 0xB);
  write_apic(kLvtTimer, kTimerVector);
  for (uint32_t i = 1; i <= 20; i++) {
    write_apic(kInitialCount, 10000 * i);
    CHECK(read_apic(kCurrentCount) <= 10000 * i);
    wait_for(&timers, 1);
    CHECK_EQ(read_apic(kCurrentCount), 0);
  }
  write_apic(kLvtTimer, kPeriodic | kTimerVector);
  write_apic(kInitialCount, 25000);
  wait_for(&timers, 20);
  CHECK(read_apic(kCurrentCount) <= 25000);
  write_apic(kLvtTimer, kMasked | kPeriodic | kTimerVector);
  let_interrupts_in();  // one may have been requested before
  const uint32_t before = timers;
  const uint32_t count = read_apic(kCurrentCount);
  while (read_apic(kCurrentCount) <= count) {  // until it begins again
  }
  let_interrupts_in();
  CHECK_EQ(timers, before);
  write_apic(kInitialCount, 0);
}

static void priorities(void) {
  order = 0;
  write_apic(kIcr, kSelf | kLow);
  write_apic(kIcr, kSelf | kHigh);
  CHECK(is_set(kIrr1, kLow) && is_set(kIrr1, kHigh));
  let_interrupts_in();
  CHECK_EQ(order, kHigh << 8 | kLow);
  order = 0;
  write_apic(kTpr, 0x20);
  write_apic(kIcr, kSelf | kLow);
  let_interrupts_in();
  CHECK_EQ(order, 0);
  write_apic(kIcr, kSelf | kHigh);
  let_interrupts_in();
  CHECK_EQ(order, kHigh);
  write_apic(kTpr, 0);
  let_interrupts_in();
  CHECK_EQ(order, kHigh << 8 | kLow);
}

static void nmi(void) {
  write_apic(kIcr, kSelf | kNmi);  // with IF clear
  for (volatile int i = 0; i < 100; i++) {
  }
  CHECK_EQ(nmis, 2);
  CHECK_EQ(nmis_in_handler, 0);
}

static void io_apic(void) {
  CHECK_EQ(read_io(1) >> 16, 0x17);
  if (!on_tcg()) CHECK_EQ(read_io(1) & 0xFF, 0x11);  // which has a newer one
  out8(0x21, 0xFF);
  out8(0xA1, 0xFF);
  pins = 0;
  set_pin(2, kPinVector);
  pit_periodic(1193);
  wait_for(&pins, 10);
  set_pin(2, kMasked | kPinVector);
  pins = 0;
  set_pin(8, kLevel | kPinVector);
  write_rtc(0x0A, 0x26);
  write_rtc(0x0B, 0x42);
  read_rtc(0x0C);
  wait_for(&pins, 9);
  write_rtc(0x0B, 0x02);
  read_rtc(0x0C);
  set_pin(8, kMasked | kPinVector);
  CHECK(!(read_io(0x10 + 2 * 8) & kRemoteIrr));
}

static void hpet(void) {
  CHECK_EQ(peek(kHpet) >> 16, 0x8086);
  CHECK_EQ(peek(kHpet + 4), 10000000);
  pit_periodic(1193);
  pic_unmask(0);
  poke(kHpet + 0x100, 0x14C);  // 32 bits, periodic with VAL_SET, enabled
  poke(kHpet + 0x108, 200000);
  poke(kHpet + 0x108, 200000);
  poke(kHpet + 0x010, 3);
  const uint32_t count = peek(kHpet + 0xF0);
  wait_for(&ticks, 5);
  CHECK(peek(kHpet + 0xF0) - count > 700000);  // the 8254 would have been earlier
  poke(kHpet + 0x120, 0x104);
  poke(kHpet + 0x128, peek(kHpet + 0xF0) + 100000);
  pic_unmask(8);
  pins = 0;
  wait_for(&pins, 1);
  poke(kHpet + 0x010, 0);
  pic_unmask(0);
  wait_for(&ticks, 5);  // the 8254's
}

static uint32_t apic_feature(void) {
  uint32_t eax = 1, ebx, ecx = 0, edx;
  __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  return edx >> 9 & 1;
}

static void base(void) {
  CHECK_EQ(rdmsr(kApicMsr), 0xFEE00900);
  CHECK_EQ(apic_feature(), 1);
  if (!on_tcg()) {  // where it does not move
    wrmsr(kApicMsr, 0xFE000900);
    apic_base = 0xFE000000;
    CHECK_EQ(read_apic(0x30), 0x00050014);
    CHECK_EQ(peek(kLocalApic + 0x30), 0xFFFFFFFF);
  }
  wrmsr(kApicMsr, 0xFEE00100);
  CHECK_EQ(apic_feature(), 0);
  pic_unmask(0);
  pit_periodic(1193);
  wait_for(&ticks, 5);
}

void guest_main(void) {
  trap_hook = on_interrupt;
  pic_init();
  virtual_wire();
  timer();
  priorities();
  nmi();
  io_apic();
  hpet();
  base();
}
