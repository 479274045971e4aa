// 8254, 8259A and the processor end to end: ticks, masks, EOI, in-service and request registers, the cascade.
#include "interrupts.h"

static volatile uint32_t clock_ticks;
static int skip_eoi;

static int on_interrupt(struct Frame* f) {
  if (f->vector == kIrq0) {
    ticks++;
    if (!skip_eoi) pic_eoi(0);
    return 1;
  }
  if (f->vector == kIrq0 + 8) {
    clock_ticks++;
    out8(0x70, 0x0C);
    in8(0x71);
    pic_eoi(8);
    return 1;
  }
  return 0;
}

static uint8_t in_service(void) {
  out8(0x20, 0x0B);
  return in8(0x20);
}

static void ticks_come(void) {
  pic_unmask(0);
  pit_periodic(1193);
  ticks = 0;
  sti();
  while (ticks < 50) {
  }
  cli();
  CHECK_EQ(in_service(), 0);
}

static void masked(void) {
  pic_unmask(1);
  ticks = 0;
  sti();
  // Three periods by the counter's output, which port 61h does not show for counter 0: wait for IRR instead.
  for (int i = 0; i < 3; i++) {
    while (!(pic_requests() & 1)) {
    }
  }
  CHECK_EQ(ticks, 0);
  pic_unmask(0);  // what was requested comes now
  while (!ticks) {
  }
  cli();
}

static void without_eoi(void) {
  skip_eoi = 1;
  ticks = 0;
  sti();
  while (!ticks) {
  }
  while (!(pic_requests() & 1)) {  // the next one waits
  }
  for (int i = 0; i < 1000; i++) in_service();
  cli();
  CHECK_EQ(ticks, 1);
  CHECK_EQ(in_service(), 1);
  skip_eoi = 0;
  out8(0x20, 0x60);  // specific EOI
  CHECK_EQ(in_service(), 0);
  sti();
  while (ticks < 3) {
  }
  cli();
}

// The RTC's periodic interrupt, 1024 Hz, by the slave.
static void cascade(void) {
  pic_unmask(8);
  out8(0x70, 0x0A);
  out8(0x71, 0x26);
  out8(0x70, 0x0B);
  out8(0x71, 0x42);
  out8(0x70, 0x0C);
  in8(0x71);
  sti();
  while (clock_ticks < 20) {
  }
  cli();
  out8(0x70, 0x0B);
  out8(0x71, 0x02);
}

// Between the OUT that lets a request through and what is behind it.
KERNEL_CODE(unmasks,
            "sti\n xorl %eax, %eax\n outb %al, $0x21\n" LABEL(unmasks_behind) "incl %eax\n incl %eax\n cli");
extern char unmasks_behind[];

static void unmasked_by_out(void) {
  if (on_tcg()) return;  // looks for interrupts later
  trap_hook = 0;
  for (int i = 0; i < 20; i++) {
    raise_timer_interrupt();
    out8(0x21, 0xFF);
    CHECK_TRAP(try_call(unmasks, 0), kIrq0, unmasks_behind);
    pic_eoi(0);
  }
}

void guest_main(void) {
  trap_hook = on_interrupt;
  pic_init();
  ticks_come();
  masked();
  without_eoi();
  cascade();
  unmasked_by_out();
}
