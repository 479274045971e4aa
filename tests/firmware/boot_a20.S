# A boot sector that opens and closes the A20 gate in every way that there is, and says each time on the serial port
# whether addresses wrap at 1 MiB (1) or not (0). Its end is a write of 1 to port 501h.
#include "boot_sector.h"
.code16
.set kOrigin, 0x7C00
.set kLow, 0x500                        # and 1 MiB above that
.set kCode, 8
.set kData, 16
.set kCode16, 24

start:
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %ss
  movw $kOrigin, %sp
  cld
  sti
  wait_for_bios
  call say_wrap                         # as the BIOS leaves it

  movb $0, %al                          # port 92h
  outb %al, $0x92
  call say_wrap
  movb $2, %al
  outb %al, $0x92
  call say_wrap

  movb $0xDD, %al                       # a command of the 8042
  call command
  call say_wrap
  inb $0x92, %al
  shrb $1, %al
  andb $1, %al
  call say_digit
  movb $0xDF, %al
  call command
  call say_wrap

  movb $0xDD, %ah                       # the 8042's output port
  call write_output_port
  call say_wrap
  movb $0xDF, %ah
  call write_output_port
  call say_wrap

  movw $0x2400, %ax                     # the BIOS
  int $0x15
  call say_wrap
  movw $0x2401, %ax
  int $0x15
  call say_wrap

  cli                                   # by 32-bit code, which is translated
  lgdt gdtr + kOrigin
  movl %cr0, %eax
  orb $1, %al
  movl %eax, %cr0
  ljmp $kCode, $protected + kOrigin
real:
  load_segments "kCode16 + 8"
  movl %cr0, %eax
  andb $0xFE, %al
  movl %eax, %cr0
  ljmp $0, $1f + kOrigin
1: xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %ss
  movw $8, %cx
  movw $found + kOrigin, %si
1: lodsb
  call say_digit
  loop 1b

  end_of_test

.code32
protected:
  load_segments kData
  movl $kOrigin, %esp
  movl $found + kOrigin, %edi
  movl $4, %ecx
1: movb $0, %al
  call gate_and_look
  movb $2, %al
  call gate_and_look
  loop 1b
  ljmp $kCode16, $real + kOrigin

gate_and_look:                          # port 92h is AL; whether addresses wrap goes to EDI
  outb %al, $0x92
  movl $1, kLow
  movl $2, kLow + 0x100000
  movl kLow, %eax
  decl %eax
  stosb
  ret
.code16

command:                                # AL to the 8042
  pushw %ax
  call wait_8042
  popw %ax
  outb %al, $0x64
wait_8042:
  inb $0x64, %al
  testb $2, %al
  jnz wait_8042
  ret

write_output_port:                      # AH
  movb $0xD1, %al
  call command
  movb %ah, %al
  outb %al, $0x60
  jmp wait_8042

say_wrap:
  movw $0xFFFF, %ax
  movw %ax, %es
  movw $1, kLow
  movw $2, %es:kLow + 16
  movw kLow, %ax
  decw %ax
say_digit:                              # AL, 0 or 1
  pushw %dx
  addb $'0', %al
  movw $0x3F8, %dx
  outb %al, %dx
  popw %dx
  ret

found: .fill 8
  .balign 8
gdt:
  .quad 0
  .quad 0x00CF9A000000FFFF, 0x00CF92000000FFFF, 0x00009A000000FFFF, 0x000092000000FFFF
gdtr:
  .word gdtr - gdt - 1
  .long gdt + kOrigin

  .org 510
  .byte 0x55, 0xAA
