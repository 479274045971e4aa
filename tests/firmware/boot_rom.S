# An option ROM that can be booted (Plug and Play BIOS Specification 1.0A): it uses the BIOS's services in
# real mode as a boot loader does, and says on the BIOS's screen what they answered. Its end is a write to port 501h.
# Whoever builds it sets the last byte, so that all of them add up to 0.
.code16
.set kUnits, 4
.set kBlock, 0x200000                   # 2 MiB
.set kDescriptors, 0x900

rom:
  .byte 0x55, 0xAA, kUnits
  jmp init
  .org 0x1A
  .word plug_and_play

  .balign 16
plug_and_play:
  .ascii "$PnP"
  .byte 1, 2
  .word 0
  .byte 0, 0
  .long 0
  .word 0, name
  .byte 0, 0, 0, 0x14                   # may be shadowed; initial program load
  .word 0, 0, boot, 0, 0
name: .asciz "boot ROM"

init:                                   # nothing to do: the BIOS is to boot it
  movw $0x20, %ax
  lretw

boot:
  xorw %ax, %ax
  movw %ax, %ss
  movw $0x7C00, %sp
  movw %ax, %es
  pushw %cs
  popw %ds
  sti
  movw $booted, %si
  call say

  movb $'W', %cs:mark                   # ROM by now
  movw $ready, %si
  call say

  int $0x12                             # conventional memory, KiB
  movzwl %ax, %eax
  call say_number
  call say_line

  xorl %ebx, %ebx                       # the memory map
map:
  movl $0xE820, %eax
  movl $0x534D4150, %edx
  movl $20, %ecx
  movw $0x600, %di
  int $0x15
  jc map_ends
  movw $range, %si
  call say
  movl %es:0x600, %eax
  call say_number
  movl %es:0x608, %eax
  call say_number
  movl %es:0x610, %eax
  call say_number
  call say_line
  testl %ebx, %ebx
  jnz map
map_ends:

  movb $0x00, %ah                       # clock ticks: the timer's interrupt comes
  int $0x1A
  movw %dx, %bp
1: hlt
  movb $0x00, %ah
  int $0x1A
  cmpw %dx, %bp
  je 1b
  movw $ticks, %si
  call say

  movl $0x12345678, %es:0x800           # by protected mode to 2 MiB and back
  movw $to_high, %si
  call move
  movw $from_high, %si
  call move
  movl %es:0x804, %eax
  call say_number
  call say_line

  movw $0xB101, %ax                     # PCI BIOS
  int $0x1A
  movl %edx, %eax
  call say_number
  movw $0xB102, %ax
  movw $0x8086, %dx
  movw $0x7000, %cx
  xorw %si, %si
  int $0x1A
  movzwl %bx, %eax
  call say_number
  call say_line

  movb $0x08, %ah                       # drive parameters: there is no drive
  movb $0x80, %dl
  int $0x13
  setc %al
  movzbl %al, %eax
  call say_number
  call say_line

  movw $asks, %si
  call say
  xorw %ax, %ax
  int $0x16
  movw $0x501, %dx
  outb %al, %dx
1: hlt
  jmp 1b

move:                                   # INT 15h, 87h: two words by the descriptors at SI
  movw $kDescriptors, %di               # in RAM, because the BIOS adds its own
  movw $6 * 8, %cx
  cld
  rep movsb
  movw $kDescriptors, %si
  movw $2, %cx
  movb $0x87, %ah
  int $0x15
  ret

say:                                    # the text at DS:SI
  lodsb
  testb %al, %al
  jz 1f
  call say_character
  jmp say
1: ret

say_line:
  movb $'\r', %al
  call say_character
  movb $'\n', %al
say_character:
  pushal
  movb $0x0E, %ah
  movw $7, %bx
  int $0x10
  popal
  ret

say_number:                             # EAX in hexadecimal, and a space
  movw $8, %cx
1: roll $4, %eax
  pushl %eax
  andb $15, %al
  cmpb $10, %al
  sbbb $0x69, %al
  das
  call say_character
  popl %eax
  loop 1b
  movb $' ', %al
  jmp say_character

booted: .asciz "boot ROM runs\r\n"
ready: .ascii "mark "
mark: .asciz "R\r\n"
range: .asciz "range "
ticks: .asciz "ticks\r\n"
asks: .asciz "type: "

.macro move_block source, destination
  .quad 0, 0
  .word 0xFFFF, \source & 0xFFFF
  .byte \source >> 16, 0x93, 0, 0
  .word 0xFFFF, \destination & 0xFFFF
  .byte \destination >> 16, 0x93, 0, 0
  .quad 0, 0
.endm
to_high: move_block 0x800, kBlock
from_high: move_block kBlock, 0x804

  .org kUnits * 512 - 1
  .byte 0
