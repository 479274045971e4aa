#include "interrupts.h"

enum { kMaster = 0x20, kSlave = 0xA0, kCounter0 = 0x40, kPitControl = 0x43, kPitHz = 1193182 };

void pic_init(void) {
  out8(kMaster, 0x11);
  out8(kSlave, 0x11);
  out8(kMaster + 1, kIrq0);
  out8(kSlave + 1, kIrq0 + 8);
  out8(kMaster + 1, 4);
  out8(kSlave + 1, 2);
  out8(kMaster + 1, 1);
  out8(kSlave + 1, 1);
  out8(kMaster + 1, 0xFF);
  out8(kSlave + 1, 0xFF);
}

void pic_unmask(unsigned line) {
  const uint16_t mask = (uint16_t) ~(1u << line & 0xFFFF);
  out8(kMaster + 1, (uint8_t)(line < 8 ? mask : mask & 0xFB));
  out8(kSlave + 1, (uint8_t)(mask >> 8));
}

void pic_eoi(unsigned line) {
  if (line >= 8) out8(kSlave, 0x20);
  out8(kMaster, 0x20);
}

uint8_t pic_requests(void) {
  out8(kMaster, 0x0A);
  return in8(kMaster);
}

static void pit_program(uint8_t mode, uint16_t divisor) {
  out8(kPitControl, (uint8_t)(0x30 | mode << 1));
  out8(kCounter0, (uint8_t)divisor);
  out8(kCounter0, (uint8_t)(divisor >> 8));
}

void pit_periodic(uint16_t divisor) { pit_program(2, divisor); }
void pit_once(uint16_t divisor) { pit_program(0, divisor); }

void raise_timer_interrupt(void) {
  pic_unmask(0);
  pit_once(20);
  while (!(pic_requests() & 1)) {
  }
}

void drop_timer_interrupt(void) {
  out8(kMaster, 0x0C);  // poll: the read acknowledges
  in8(kMaster);
  pic_eoi(0);
}

volatile uint32_t ticks;

int count_tick(struct Frame* frame) {
  if (frame->vector != kIrq0) return 0;
  ticks++;
  pic_eoi(0);
  return 1;
}
