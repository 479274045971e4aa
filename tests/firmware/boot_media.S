# A boot sector that does to drives what it is told on COM2, where it says how that went:
#   d HH     from now on drive HHh of the BIOS (of which 0 is the first diskette)
#   t HH     from now on cylinder HHh, of which 0 is the first
#   r, w     INT 13h reads, writes sector 2 there, by the first head: its code and the first byte, in hexadecimal
#   c        the floppy controller's DIR: bit 7 for a diskette that was changed
#   p 12*HH  a packet for the secondary master: its status, Error register, and the first 16 bytes that it sends
#   q        a write of 1 to port 501h
# The BIOS has COM1, and would take what is sent there.
.set kSerial, 0x2F8
#include "boot_sector.h"
.code16
.set kBuffer, 0x8000
.set kOrigin, 0x7C00
.set kCommandBlock, 0x170

start:
  load_segments 0
  movw $kOrigin, %sp
  sti
  cld
  movw $0x376, %dx
  movb $2, %al
  outb %al, %dx                         # packets do not interrupt
  movw $ready, %si
  call say

next:
  call get
  cmpb $'d', %al
  je choose
  movb $2, %ah
  cmpb $'r', %al
  je disk
  movb $3, %ah
  cmpb $'w', %al
  je disk
  cmpb $'t', %al
  je track
  cmpb $'c', %al
  je change
  cmpb $'p', %al
  je packet
  cmpb $'q', %al
  jne next
  end_of_test

choose:
  call get_byte
  movb %al, drive + kOrigin
  jmp next

track:
  call get_byte
  movb %al, cylinder + kOrigin
  jmp next

disk:                                   # service AH on one sector
  movb $1, %al
  movw $kBuffer, %bx
  movb cylinder + kOrigin, %ch
  movb $2, %cl
  movb $0, %dh
  movb drive + kOrigin, %dl
  int $0x13
  call say_ah
  movb kBuffer, %ah
  call say_ah
  jmp end_line

change:
  movw $0x3F7, %dx
  inb %dx, %al
  movb %al, %ah
  call say_ah
end_line:
  movw $line, %si
  call say
  jmp next

packet:
  movw $kBuffer, %di
  movw $8, %cx
  xorw %ax, %ax
  rep stosw
  movw $12, %cx                         # behind what it may send
1: call get_byte
  stosb
  loop 1b
  movw $kCommandBlock + 6, %dx
  movb $0xA0, %al
  outb %al, %dx
  decw %dx
  movb $0xFF, %al                       # blocks as large as they like
  outb %al, %dx
  decw %dx
  outb %al, %dx
  movw $kCommandBlock + 1, %dx
  movb $0, %al
  outb %al, %dx
  movw $kCommandBlock + 7, %dx
  movb $0xA0, %al
  outb %al, %dx
  call wait_drive
  movw $kCommandBlock, %dx
  movw $kBuffer + 16, %si
  movw $6, %cx
  rep outsw
  movw $kBuffer, %di
take:
  call wait_drive
  testb $8, %al                         # DRQ
  jz 1f
  movw $kCommandBlock + 5, %dx
  inb %dx, %al
  movb %al, %ch
  decw %dx
  inb %dx, %al
  movb %al, %cl
  shrw $1, %cx
  movw $kCommandBlock, %dx
  rep insw
  jmp take
1: movb %al, %ah
  call say_ah
  movw $kCommandBlock + 1, %dx
  inb %dx, %al
  movb %al, %ah
  call say_ah
  movw $kBuffer, %si
  movw $16, %cx
1: lodsb
  movb %al, %ah
  call say_ah
  loop 1b
  jmp end_line

wait_drive:                             # its status, when it is not busy
  movw $kCommandBlock + 7, %dx
1: inb %dx, %al
  testb $0x80, %al
  jnz 1b
  ret

say_ah:
  pushw %ax
  movb %ah, %al
  shrb $4, %al
  call say_digit
  popw %ax
  pushw %ax
  movb %ah, %al
  call say_digit
  popw %ax
  ret

get_byte:                               # two digits
  call get_digit
  shlb $4, %al
  movb %al, %bl
  call get_digit
  orb %bl, %al
  ret
get_digit:
  call get
  subb $'0', %al
  cmpb $10, %al
  jb 1f
  subb $'A' - '0' - 10, %al
1: ret
get:
  movw $kSerial + 5, %dx
1: inb %dx, %al
  testb $1, %al
  jz 1b
  movw $kSerial, %dx
  inb %dx, %al
  ret

  define_say

drive: .byte 0
cylinder: .byte 0
ready: .asciz "ready\r\n"
line: .asciz "\r\n"

  .org 510
  .byte 0x55, 0xAA
