# The first two sectors of a diskette. The first loads the second, reads one sector by INT 13h, inverts every byte,
# writes that to another, and reads it again; then it does the last two by a driver of its own, which knows the
# 82077AA, channel 2 of the 8237A and IRQ 6, with a third sector. How each step went it says on the serial port. Its
# end is a write of 1 to port 501h. Whoever makes the image sets the places of the three sectors, the data rate (CCR)
# and the sectors of a track.
#include "boot_sector.h"
.code16
.set kPlaces, 0x1E0                     # sector, cylinder, head, 0: as CX and DX have them
.set kRate, 0x1EC
.set kTrack, 0x1ED
.set kBuffer, 0x8000
.set kAgain, 0x8200
.set kOrigin, 0x7C00
.set kWrite, 0x4A                       # modes of channel 2
.set kRead, 0x46

start:
  load_segments 0
  movw $kOrigin, %sp
  sti
  cld
  wait_for_bios
  movw $boots, %si
  call say

  movw $second + kOrigin, %di
  movw $drive + kOrigin, %bx
  movb $2, %ah
  call bios
  movw $kPlaces + kOrigin, %di
  movw $kBuffer, %bx
  movb $2, %ah
  call bios
  movw $reads, %si
  call say_outcome

  movw $kBuffer, %si
  movw $256, %cx
1: notw (%si)
  addw $2, %si
  loop 1b

  movw $kPlaces + kOrigin + 4, %di
  movw $kBuffer, %bx
  movb $3, %ah
  call bios
  movw $writes, %si
  call say_outcome

  movw $kAgain, %bx
  movb $2, %ah
  call bios
  call compare
  movw $rereads, %si
  call say_outcome

  jmp drive

bios:                                   # service AH of one sector, of the place at DI, and BX; AH says how it went
  movb $1, %al
  movw (%di), %cx
  movb 2(%di), %dh
  movb $0, %dl
  int $0x13
  ret

compare:                                # AH is 0 if the buffers are equal
  pushw %di
  movw $kBuffer, %si
  movw $kAgain, %di
  movw $512, %cx
  repe cmpsb
  setne %ah
  popw %di
  ret

  define_say

boots: .asciz "the disk boots\r\n"
reads: .asciz "read "
writes: .asciz "write "
rereads: .asciz "reread "
line: .asciz "\r\n"

second: .byte 2, 0, 0, 0

  .org kPlaces
  .long 0, 0, 0
  .byte 0, 0
  .org 510
  .byte 0x55, 0xAA

# ---- The second sector

drive:
  movb $0xBF, %al                       # IRQ 6 alone: the BIOS would go on with its own text
  outb %al, $0x21
  movw $kPlaces + kOrigin + 8, %di
  notb kAgain
  call start_controller
  movw $kBuffer, %bx
  movw $kWrite << 8 | 0xC5, %ax         # WRITE DATA, MT, MFM
  call transfer
  movw $kAgain, %bx
  movw $kRead << 8 | 0xC6, %ax          # READ DATA
  call transfer
  movw $ends, %si
  call say_outcome                      # ST0
  call compare
  movw $dma, %si
  call say_outcome

  end_of_test

start_controller:                       # and seek to the place at DI
  movl $interrupted + kOrigin, 0x0E * 4
  movw $0x3F2, %dx
  movb $0, %al
  outb %al, %dx                         # DOR: reset
  movb $0x1C, %al
  outb %al, %dx                         # motor A, DMA and interrupt
  call wait_interrupt
  movw $4, %bp
1: call sense_interrupt                 # one for each drive
  decw %bp
  jnz 1b
  movw $0x3F7, %dx
  movb kRate + kOrigin, %al
  outb %al, %dx                         # CCR
  movl $0x0002DF03, %eax                # SPECIFY
  movw $3, %cx
  call command
  movw $0x0007, %ax                     # RECALIBRATE
  movw $2, %cx
  call command
  call wait_interrupt
  call sense_interrupt
  movl $0x0000000F, %eax                # SEEK, with the head
  movb 2(%di), %ah
  shlb $2, %ah
  movzbl 1(%di), %ecx
  shll $16, %ecx
  orl %ecx, %eax
  movw $3, %cx
  call command
  call wait_interrupt
sense_interrupt:
  movb $8, %al
  movw $1, %cx
  call command
  jmp results

transfer:                               # command AL of one sector, of the place at DI and BX, by mode AH; ST0 in AH
  pushw %ax
  movb $6, %al
  outb %al, $0x0A                       # mask channel 2
  outb %al, $0x0C                       # clear the flip-flop
  movb %ah, %al
  outb %al, $0x0B
  movb %bl, %al
  outb %al, $0x04
  movb %bh, %al
  outb %al, $0x04
  movb $0, %al
  outb %al, $0x81
  movb $0xFF, %al
  outb %al, $0x05
  movb $1, %al
  outb %al, $0x05
  movb $2, %al
  outb %al, $0x0A
  popw %ax
  movb 2(%di), %ah
  shlb $2, %ah
  movw $2, %cx
  call command
  movb 1(%di), %al                      # cylinder, head, sector, 512 bytes, last sector, gap
  movb 2(%di), %ah
  movw $2, %cx
  call command
  movl $0x1B000200, %eax
  movb (%di), %al
  rorl $8, %eax
  movb kTrack + kOrigin, %ah
  roll $8, %eax
  movw $4, %cx
  call command
  movb $0xFF, %al
  movw $1, %cx
  call command
  call wait_interrupt
results:                                # until there is none; ST0 in AH
  call read_result
  movb %al, %ah
1: movw $0x3F4, %dx
  inb %dx, %al
  testb $0x10, %al                      # busy
  jz 2f
  pushw %ax
  call read_result
  popw %ax
  jmp 1b
2: ret

read_result:
  movw $0x3F4, %dx
1: inb %dx, %al
  notb %al
  testb $0xC0, %al
  jnz 1b
  incw %dx
  inb %dx, %al
  ret

command:                                # CX bytes of EAX
  movw $0x3F4, %dx
  movl %eax, %esi
1: inb %dx, %al
  andb $0xC0, %al
  cmpb $0x80, %al
  jne 1b
  incw %dx
  movl %esi, %eax
  outb %al, %dx
  shrl $8, %eax
  loop command
  ret

wait_interrupt:
  xorw %ax, %ax
1: xchgb %al, came + kOrigin
  testb %al, %al
  jz 1b
  ret

interrupted:
  pushw %ax
  movb $1, %cs:came + kOrigin
  movb $0x20, %al
  outb %al, $0x20
  popw %ax
  iretw

came: .byte 0
ends: .asciz "ends "
dma: .asciz "dma "
  .org 1024
