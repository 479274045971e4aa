# A boot sector. It reads one sector of the disk that it came from, inverts every byte, writes that to another sector,
# reads it again, and says on the serial port how each step went. Its end is a write of 1 to port 501h.
# Whoever makes the image sets the two sectors' numbers at kFrom and kTo, and at kByDma whether the first disk is to be
# read again by the bus master.
#include "boot_sector.h"
.code16
.set kByDma, 0x1DF
.set kFrom, 0x1E0
.set kTo, 0x1E8
.set kBuffer, 0x8000
.set kAgain, 0x8200
.set kOrigin, 0x7C00
.set kTable, 0x9000

start:
  load_segments 0
  movw $kOrigin, %sp
  sti
  cld
  movb %dl, drive + kOrigin
  wait_for_bios
  movw $boots, %si
  call say

  movw $kFrom, %bx
  movw $kBuffer, %di
  movb $0x42, %ah
  call disk
  movw $reads, %si
  call say_outcome

  movw $kBuffer, %si
  movw $256, %cx
1: notw (%si)
  addw $2, %si
  loop 1b

  movw $kTo, %bx
  movw $kBuffer, %di
  movb $0x43, %ah
  call disk
  movw $writes, %si
  call say_outcome

  movw $kTo, %bx
  movw $kAgain, %di
  movb $0x42, %ah
  call disk
  call compare
  movw $rereads, %si
  call say_outcome

  cmpb $0, kByDma + kOrigin
  je end
  notb kAgain                           # the reread has filled it
  call read_by_dma
  call compare
  movw $dma, %si
  call say_outcome

end:
  end_of_test

disk:                                   # service AH on the sector whose number is at BX, and DI; AH says how it went
  movl kOrigin(%bx), %ecx
  movl %ecx, packet + 8 + kOrigin
  movw %di, packet + 4 + kOrigin
  movb $0, %al
  movb drive + kOrigin, %dl
  movw $packet + kOrigin, %si
  int $0x13
  ret

compare:                                # AH is 0 if the buffers are equal
  movw $kBuffer, %si
  movw $kAgain, %di
  movw $512, %cx
  repe cmpsb
  setne %ah
  ret

read_by_dma:                            # READ DMA of the sector at kTo, by function 1 of device 1
  movl $0x80000904, %eax                # its command register: I/O and bus master
  call select_register
  movb $5, %al
  outb %al, %dx
  movl $0x80000920, %eax
  call select_register
  inl %dx, %eax
  leaw -1(%eax), %bx                    # the bus master's ports
  movl $kAgain, kTable
  movl $0x80000200, kTable + 4
  leaw 4(%bx), %dx
  movl $kTable, %eax
  outl %eax, %dx
  movw $0x1F2, %dx
  movb $1, %al
  outb %al, %dx
  movl kTo + kOrigin, %eax
  orl $0xE0000000, %eax
  movw $4, %cx
1: incw %dx
  outb %al, %dx
  shrl $8, %eax
  loop 1b
  incw %dx
  movb $0xC8, %al
  outb %al, %dx
  movw %bx, %dx
  movb $9, %al                          # start, towards memory
  outb %al, %dx
  leaw 2(%bx), %dx
1: inb %dx, %al
  testb $6, %al                         # interrupt or error
  jz 1b
  ret

select_register:
  movw $0xCF8, %dx
  outl %eax, %dx
  movw $0xCFC, %dx
  ret

  define_say

packet:                                 # one sector
  .byte 16, 0
  .word 1
  .word 0, 0
  .quad 0
drive: .byte 0
boots: .asciz "the disk boots\r\n"
reads: .asciz "read "
writes: .asciz "write "
rereads: .asciz "reread "
dma: .asciz "dma "
line: .asciz "\r\n"

  .org kByDma
  .byte 0
  .quad 0, 0
  .org 510
  .byte 0x55, 0xAA
