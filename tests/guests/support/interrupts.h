#pragma once
#include "guest.h"

// 8259A and 8254. IRQ n is vector kIrq0 + n.
void pic_init(void);             // every line masked
void pic_unmask(unsigned line);  // only this one
void pic_eoi(unsigned line);
uint8_t pic_requests(void);  // the master's IRR
// Counter 0: square waves or pulses of this divisor, or one interrupt after it.
void pit_periodic(uint16_t divisor);
void pit_once(uint16_t divisor);
// Interrupts off: counter 0 raises its line, and this returns when the master PIC has it.
void raise_timer_interrupt(void);
// Takes IR0 back: acknowledges what is pending without running a handler. Interrupts off.
void drop_timer_interrupt(void);

// A trap_hook that counts IRQ 0 and returns to what was interrupted.
extern volatile uint32_t ticks;
int count_tick(struct Frame* frame);
