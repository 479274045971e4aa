# A boot sector that has the 8254 interrupt once and no more (mode 0), and then the RTC by its alarm (IRQ 8). On the
# serial port it says how often the 8254 has: 1 behind its count, 1 after another timer's 55 ms, 2 behind another count;
# then A if register C says that it was the alarm, and 1 if that was at the second asked for. Its end is a write of 1 to
# port 501h.
#include "boot_sector.h"
.code16
.set kOrigin, 0x7C00
.set kCount, 1000                       # of 1193182 a second
.set kAlarmEnable, 0x20                 # register B
.set kAlarmFlags, 0xA0                  # register C: IRQF, AF

start:
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %ss
  movw $kOrigin, %sp
  sti
  wait_for_bios

  cli
  xorw %ax, %ax
  movw $on_timer + kOrigin, 4 * 8
  movw %ax, 4 * 8 + 2
  movw $on_clock + kOrigin, 4 * 0x70
  movw %ax, 4 * 0x70 + 2
  movb $0x30, %al                       # counter 0, both bytes, mode 0: it does not count before it is told from where
  outb %al, $0x43
  sti
  movb $1, %bl
  call count_once
  movb timers + kOrigin, %al
  call say_digit

  inb $0x61, %al                        # counter 2, without the speaker
  andb $0xFC, %al
  orb $1, %al
  outb %al, $0x61
  movb $0xB0, %al
  outb %al, $0x43
  movb $0xFF, %al
  outb %al, $0x42
  outb %al, $0x42
1: inb $0x61, %al
  testb $0x20, %al                      # its output
  jz 1b
  movb timers + kOrigin, %al
  call say_digit

  movb $2, %bl
  call count_once
  movb timers + kOrigin, %al
  call say_digit

  inb $0xA1, %al                        # IRQ 8, and what it comes by
  andb $0xFE, %al
  outb %al, $0xA1
  inb $0x21, %al
  andb $0xFB, %al
  outb %al, $0x21
1: movb $0x0A, %al                      # while no update is in progress
  call read_clock
  testb $0x80, %al
  jnz 1b
  xorb %al, %al
  call read_clock
  addb $1, %al
  daa
  cmpb $0x60, %al
  jb 1f
  xorb %al, %al
1: movb %al, second + kOrigin
  movb %al, %ah
  movb $0x01, %al                       # the alarm's second, of any minute and hour
  call write_clock
  movw $0xFF03, %ax
  call write_clock
  movw $0xFF05, %ax
  call write_clock
  movb $0x0C, %al
  call read_clock
  movb $0x0B, %al
  call read_clock
  andb $0x8F, %al
  orb $kAlarmEnable, %al
  movb %al, %ah
  movb $0x0B, %al
  call write_clock
1: cli
  cmpb $0, flags + kOrigin
  jne 2f
  sti                                   # the interrupt comes behind HLT at the earliest
  hlt
  jmp 1b
2: movb flags + kOrigin, %al
  andb $kAlarmFlags, %al
  shrb $4, %al
  call say_digit
  movb at + kOrigin, %al
  cmpb second + kOrigin, %al
  sete %al
  call say_digit
  end_of_test

count_once:                             # and wait until there have been BL interrupts
  movb $kCount & 0xFF, %al
  outb %al, $0x40
  movb $kCount >> 8, %al
  outb %al, $0x40
1: cli
  cmpb %bl, timers + kOrigin
  jae 2f
  sti
  hlt
  jmp 1b
2: sti
  ret

read_clock:                             # register AL
  outb %al, $0x70
  inb $0x71, %al
  ret

write_clock:                            # register AL is to be AH
  outb %al, $0x70
  movb %ah, %al
  outb %al, $0x71
  ret

on_timer:
  pushw %ax
  incb timers + kOrigin
  movb $0x20, %al
  outb %al, $0x20
  popw %ax
  iretw

on_clock:
  pushw %ax
  movb $0x0C, %al
  call read_clock
  movb %al, flags + kOrigin
  xorb %al, %al
  call read_clock
  movb %al, at + kOrigin
  movb $0x20, %al
  outb %al, $0xA0
  outb %al, $0x20
  popw %ax
  iretw

say_digit:                              # AL
  andb $15, %al
  cmpb $10, %al
  sbbb $0x69, %al
  das
  movw $0x3F8, %dx
  outb %al, %dx
  ret

timers: .byte 0
second: .byte 0
at: .byte 0
flags: .byte 0

  .org 510
  .byte 0x55, 0xAA
