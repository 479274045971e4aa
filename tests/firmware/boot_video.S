# A boot sector. It sets modes by the VGA's BIOS, draws by it and by itself, and after each writes to port 501h and waits
# for the byte at kSeen, for whoever looks at the screen. The last is a linear frame buffer, which 32-bit code writes.
.code16
.set kOrigin, 0x7C00
.set kSeen, 0x7000
.set kModeInformation, 0x8000
.set kFrameBuffer, 0x28                 # in it
.set kLinear640x480x32, 0x4142

start:
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %ss
  movw $kOrigin, %sp
  sti
  cld

  movw $0x0003, %ax                     # text
  int $0x10
  movw $hello + kOrigin, %si
1: lodsb
  testb %al, %al
  jz 2f
  movw $0x0007, %bx
  movb $0x0E, %ah
  int $0x10
  jmp 1b
2: movw $0xB800, %ax
  movw %ax, %es
  xorw %si, %si                         # enough reads to be let reach it directly
  movw $1024, %cx
  rep lodsb %es:(%si), %al
  movw $5 * 160, %di
  movw $0x1E21, %ax
  stosw
  call stop

  movw $0x0013, %ax                     # 320 by 200, 256 colours
  int $0x10
  movw $0x0C04, %ax                     # a pixel of colour 4
  movw $10, %cx
  movw $20, %dx
  int $0x10
  movw $0xA000, %ax
  movw %ax, %es
  movw $100 * 320, %di
  movw $320, %cx
  movb $1, %al
  rep stosb
  movb $2, %es:320 * 200 - 1
  call stop

  movw $0x0012, %ax                     # 640 by 480, 16 colours
  int $0x10
  movw $0x0C0E, %ax
  movw $639, %cx
  movw $479, %dx
  int $0x10
  movw $0x0202, %ax                     # plane 1 alone
  movw $0x3C4, %dx
  outw %ax, %dx
  movb $0xA5, %es:80
  call stop

  movw $0x0003, %ax
  int $0x10
  movw $0x0E41, %ax
  int $0x10
  call stop

  movw $0x4F01, %ax
  movw $kLinear640x480x32 & 0xFFF, %cx
  movw $kModeInformation, %di
  movw %ds, %bx
  movw %bx, %es
  int $0x10
  movw $0x4F02, %ax
  movw $kLinear640x480x32, %bx
  int $0x10
  cli
  lgdt gdt_register + kOrigin
  movl %cr0, %eax
  orb $1, %al
  movl %eax, %cr0
  ljmp $8, $flat + kOrigin

stop:
  movw $0x501, %dx
  outb %al, %dx
1: cmpb $0, kSeen
  je 1b
  movb $0, kSeen
  ret

.code32
flat:
  movw $16, %ax
  movw %ax, %ds
  movw %ax, %es
  movl kModeInformation + kFrameBuffer, %ebx
  leal 100 * 2560(%ebx), %edi
  movl $640, %ecx
  movl $0x123456, %eax
  rep stosl
  movl $0xFF00FF, 7 * 2560 + 5 * 4(%ebx)
1: movw $0x501, %dx
  outb %al, %dx
2: cmpb $0, kSeen
  je 2b
  movb $0, kSeen
  incl 479 * 2560(%ebx)
  jmp 1b

hello: .asciz "the BIOS writes"
  .balign 8
gdt:
  .quad 0
  .quad 0x00CF9B000000FFFF
  .quad 0x00CF93000000FFFF
gdt_register:
  .word gdt_register - gdt - 1
  .long gdt + kOrigin

  .org 510
  .byte 0x55, 0xAA
