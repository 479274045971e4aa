# The rows of group "pc" that a BIOS starts: a boot sector that says so on the serial port, loads what follows it, and then
# loops of 16-bit code in real mode, for each of which it says a line of its name and, in hexadecimal, the time-stamp
# counter's cycles. The stack is on another page than the code.
.code16
.set kOrigin, 0x7C00
.set kStack, 0x7000
.set kSectors, 4                        # behind the boot sector
.set kCom1, 0x3F8
.set kDrive, 0x80                       # the first hard disk
.set kData, 0x2000                      # a segment of the rows' own
.set kRounds, 600
.set kScrolls, 4000
.set kFills, 20000

start:
  cli
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movw $kStack, %sp
  ljmp $0, $1f + kOrigin
1: sti
  cld
  movw $up + kOrigin, %si
  call say
  movb $kDrive, %dl
  movw $0x0200 + kSectors, %ax          # of the drive in DL: cylinder 0, head 0, from sector 2
  movw $2, %cx
  movb $0, %dh
  movw $kOrigin + 512, %bx
  int $0x13
  jc failed

.macro row name, work
  rdtsc
  pushl %edx
  pushl %eax
  call \work
  rdtsc
  popl %ebx
  popl %ecx
  subl %ebx, %eax
  sbbl %ecx, %edx
  movw $\name + kOrigin, %si
  call say_cycles
.endm
  row real_mode, compute
  movw $3, %ax                          # 80 x 25, text
  int $0x10
  row text_scroll, scroll
  movw $0x13, %ax                       # 320 x 200, 256 colours
  int $0x10
  row mode_13h, fill
  movw $0x501, %dx
  xorw %ax, %ax
  outb %al, %dx
failed:
  hlt
  jmp failed

say_cycles:                             # what DS:SI points to, up to a 0, then EDX:EAX
  pushl %eax
  pushl %edx
  call say
  popl %ebx
  call say_dword
  popl %ebx
  call say_dword
  movb $'\n', %al
  jmp say_character

say_dword:                              # EBX
  movw $8, %cx
1: roll $4, %ebx
  movb %bl, %al
  andb $15, %al
  cmpb $10, %al
  sbbb $0x69, %al
  das
  call say_character
  loop 1b
  ret

say:                                    # what DS:SI points to, up to a 0
  lodsb
  testb %al, %al
  jz 2f
  call say_character
  jmp say
say_character:
  movb %al, %ah
1: movw $kCom1 + 5, %dx
  inb %dx, %al
  testb $0x20, %al
  jz 1b
  movw $kCom1, %dx
  movb %ah, %al
  outb %al, %dx
2: ret

up: .asciz "up\n"
real_mode: .asciz "real_mode "
text_scroll: .asciz "text_scroll "
mode_13h: .asciz "mode_13h "
.org 510
.word 0xAA55

# The primes below 32768, then a cyclic redundancy check of what that leaves, by a routine for each byte.
compute:
  pushw %ds
  movw $kData, %ax
  movw %ax, %ds
  movw %ax, %es
  movw $kRounds, %bp
1: call sieve
  call checksum
  decw %bp
  jnz 1b
  popw %ds
  pushw %ds
  popw %es
  ret

sieve:
  xorw %di, %di
  movw $0x4000, %cx
  movw $0x0101, %ax
  rep stosw
  movw $2, %bx
1: cmpb $0, (%bx)
  je 3f
  movw %bx, %si
  addw %bx, %si
2: movb $0, (%si)
  addw %bx, %si
  jns 2b                                # below 8000h
3: incw %bx
  cmpw $182, %bx
  jb 1b
  ret

checksum:
  xorw %si, %si
  movw $0xFFFF, %dx
  movw $0x2000, %cx
1: lodsb
  call add_byte
  loop 1b
  ret

add_byte:                               # AL into the check in DX
  pushw %cx
  xorb %al, %dl
  movw $8, %cx
1: shrw $1, %dx
  jnc 2f
  xorw $0xA001, %dx
2: loop 1b
  popw %cx
  ret

# The whole screen up by a line, and a new last line.
scroll:
  pushw %ds
  movw $0xB800, %ax
  movw %ax, %ds
  movw %ax, %es
  movw $kScrolls, %bp
1: movw $160, %si
  xorw %di, %di
  movw $80 * 24, %cx
  rep movsw
  movw %bp, %ax
  movb $7, %ah
  movw $80, %cx
  rep stosw
  decw %bp
  jnz 1b
  popw %ds
  pushw %ds
  popw %es
  ret

# All 64,000 pixels, in one colour after the other.
fill:
  movw $0xA000, %ax
  movw %ax, %es
  movw $kFills, %bp
1: movw %bp, %ax
  movb %al, %ah
  movw %ax, %bx
  shll $16, %eax
  movw %bx, %ax
  xorw %di, %di
  movw $16000, %cx
  rep stosl
  decw %bp
  jnz 1b
  pushw %ds
  popw %es
  ret
.org 512 * (1 + kSectors)
