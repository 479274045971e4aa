# A boot sector that computes in real mode, ROUNDS times (bench/real): a sieve and a copy in another segment, a CRC, calls.
# It ends by isa-debug-exit at F4h.
.code16
.set kStack, 0x7000
.set kData, 0x1000                      # a paragraph

start:
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %ss
  movw $kStack, %sp
  movw $kData, %ax
  movw %ax, %es
  cld
  movw $ROUNDS, %bp
round:
  call sieve
  call copy
  call crc
  pushw %dx
  call increment
  popw %dx
  decw %bp
  jnz round
  movb $0, %al
  outb %al, $0xF4
1: hlt
  jmp 1b

sieve:                                  # of the numbers below 32000, at ES:0
  xorw %di, %di
  movw $0x0101, %ax
  movw $16384, %cx
  rep stosw
  movw $2, %bx
1: cmpb $0, %es:(%bx)
  je 3f
  movw %bx, %si
  addw %bx, %si
2: movb $0, %es:(%si)
  addw %bx, %si
  cmpw $32000, %si
  jb 2b
3: incw %bx
  cmpw $180, %bx
  jb 1b
  ret

copy:                                   # its first 16 KiB, behind it
  pushw %ds
  pushw %es
  popw %ds
  xorw %si, %si
  movw $0x8000, %di
  movw $8192, %cx
  rep movsw
  popw %ds
  ret

crc:                                    # DX = CRC-16 of the copy's first 4 KiB
  movw $0x8000, %si
  movw $0xFFFF, %dx
1: movb %es:(%si), %al
  xorb %al, %dl
  movw $8, %cx
2: shrw $1, %dx
  jnc 3f
  xorw $0xA001, %dx
3: loop 2b
  incw %si
  cmpw $0x9000, %si
  jb 1b
  ret

increment:                              # its argument on the stack
  pushw %bp
  movw %sp, %bp
  incw 4(%bp)
  popw %bp
  ret

  .org 510
  .byte 0x55, 0xAA
