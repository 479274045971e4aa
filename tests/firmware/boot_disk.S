# A boot sector. It reads one sector of the disk that it came from, inverts every byte, writes that to another sector,
# reads it again, and says on the serial port how each step went. Its end is a write of 1 to port 501h.
# Whoever makes the image sets the two sectors' numbers at kFrom and kTo.
.code16
.set kFrom, 0x1E0
.set kTo, 0x1E8
.set kBuffer, 0x8000
.set kAgain, 0x8200
.set kOrigin, 0x7C00

start:
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movw $kOrigin, %sp
  sti
  cld
  movb %dl, drive + kOrigin
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
  movw $kBuffer, %si
  movw $kAgain, %di
  movw $512, %cx
  repe cmpsb
  setne %ah
  movw $rereads, %si
  call say_outcome

  movw $0x501, %dx
  movb $1, %al
  outb %al, %dx
1: hlt
  jmp 1b

disk:                                   # service AH on the sector whose number is at BX, and DI; AH says how it went
  movl kOrigin(%bx), %ecx
  movl %ecx, packet + 8 + kOrigin
  movw %di, packet + 4 + kOrigin
  movb $0, %al
  movb drive + kOrigin, %dl
  movw $packet + kOrigin, %si
  int $0x13
  ret

say_outcome:                            # the text at SI, then AH in hexadecimal
  pushw %ax
  call say
  popw %ax
  movb %ah, %al
  shrb $4, %al
  call say_digit
  movb %ah, %al
  call say_digit
  movw $line, %si
say:
  addw $kOrigin, %si
1: lodsb
  testb %al, %al
  jz 2f
  call say_character
  jmp 1b
2: ret

say_digit:
  andb $15, %al
  cmpb $10, %al
  sbbb $0x69, %al
  das
say_character:
  pushw %dx
  movw $0x3F8, %dx
  outb %al, %dx
  popw %dx
  ret

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
line: .asciz "\r\n"

  .org kFrom
  .quad 0, 0
  .org 510
  .byte 0x55, 0xAA
