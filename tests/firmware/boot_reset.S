# A boot sector that goes to protected mode and comes back as 286 software does: by a reset of the processor, behind
# which the BIOS goes on at 40h:67h, because the shutdown status byte of CMOS RAM says so. It does so in every way
# that there is, and says on the serial port which have kept memory and devices: 1 to 4. Its end is a write of 1 to
# port 501h.
#include "boot_sector.h"
.code16
.set kOrigin, 0x7C00
.set kMark, 0x100010                    # FFFFh:20h
.set kMask, 0x5A                        # of the second interrupt controller, which the BIOS leaves alone
.set kCode, 8
.set kData, 16

start:
  cli
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %ss
  movw $kOrigin, %sp
  movb $0x8F, %al                       # shutdown status byte
  outb %al, $0x70
  movb $0x0A, %al
  outb %al, $0x71
  movw $resumed + kOrigin, 0x467
  movw $0, 0x469
  movb $kMask, %al
  outb %al, $0xA1
  lgdt gdtr + kOrigin
  movl %cr0, %eax
  orb $1, %al
  movl %eax, %cr0
  ljmp $kCode, $1f + kOrigin
1: movw $kData, %ax
  movw %ax, %ds
  movl way + kOrigin, %eax
  movl $kMark, %edi
  movl %eax, (%edi)
  movw %ax, %bx
  addw %bx, %bx
  jmp *ways - 2 * 0x31 + kOrigin(%bx)

by_8042:
  movb $0xFE, %al
  outb %al, $0x64
  jmp fail
by_port_92:
  movb $2, %al
  outb %al, $0x92
  movb $3, %al
  outb %al, $0x92
  jmp fail
by_reset_control:
  movw $0xCF9, %dx
  movb $0, %al
  outb %al, %dx
  movb $4, %al
  outb %al, %dx
  jmp fail
by_triple_fault:
  lidt nothing + kOrigin
  int3
fail:
  movb $'F', %al
  movw $0x3F8, %dx
  outb %al, %dx
1: hlt
  jmp 1b

resumed:
  cli
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %ss
  movw $kOrigin, %sp
  movl %cr0, %eax
  testb $1, %al
  jnz fail
  inb $0xA1, %al
  cmpb $kMask, %al
  jne fail
  movw $0xFFFF, %ax
  movw %ax, %es
  movl way + kOrigin, %eax
  cmpl %es:0x20, %eax
  jne fail
  incl way + kOrigin
  movw $0x3F8, %dx
  outb %al, %dx
  cmpb $'4', %al
  jne start
  end_of_test

way: .long 0x31                         # the digit to say
ways: .word by_8042 + kOrigin, by_port_92 + kOrigin, by_reset_control + kOrigin, by_triple_fault + kOrigin
nothing: .word 0, 0, 0
  .balign 8
gdt:
  .quad 0
  .quad 0x00009A000000FFFF, 0x00CF92000000FFFF
gdtr:
  .word gdtr - gdt - 1
  .long gdt + kOrigin

  .org 510
  .byte 0x55, 0xAA
