# A boot sector that says on the serial port, in hexadecimal, each byte that the keyboard (k) or the mouse (m) sends. It
# counts in ECX meanwhile. At first it enables the mouse, and its wheel if the byte at kWheel is not 0.
.code16
.set kWheel, 0x1F0
.set kOrigin, 0x7C00

start:
  cli
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %ss
  movw $kOrigin, %sp
  cld
  movb $0x60, %al                       # configuration: translate, no interrupts, both ports enabled
  call command
  movb $0x44, %al
  outb %al, $0x60
  movw $plain + kOrigin, %si
  cmpb $0, kWheel + kOrigin
  je 1f
  movw $wheel + kOrigin, %si
1: lodsb
  testb %al, %al
  jz 2f
  call to_mouse
  jmp 1b
2: movb $0xF4, %al
  call to_mouse
  movw $ready + kOrigin, %si
3: lodsb
  testb %al, %al
  jz poll
  call say
  jmp 3b

poll:
  incl %ecx
  inb $0x64, %al
  testb $1, %al
  jz poll
  testb $0x20, %al
  movb $'k', %al
  jz 1f
  movb $'m', %al
1: call say
  inb $0x60, %al
  movb %al, %ah
  shrb $4, %al
  call say_digit
  movb %ah, %al
  call say_digit
  movb $' ', %al
  call say
  jmp poll

command:
  outb %al, $0x64
1: inb $0x64, %al
  testb $2, %al
  jnz 1b
  ret

to_mouse:                               # the byte AL, and takes its answer
  movb %al, %ah
  movb $0xD4, %al
  call command
  movb %ah, %al
  outb %al, $0x60
1: inb $0x64, %al
  testb $1, %al
  jz 1b
  inb $0x60, %al
  ret

say_digit:
  andb $15, %al
  cmpb $10, %al
  sbbb $0x69, %al
  das
say:
  movw $0x3F8, %dx
  outb %al, %dx
  ret

wheel: .byte 0xF3, 200, 0xF3, 100, 0xF3, 80
plain: .byte 0
ready: .asciz "ready\r\n"

  .org kWheel
  .byte 0
  .org 510
  .byte 0x55, 0xAA
