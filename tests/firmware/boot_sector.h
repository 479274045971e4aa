// What the boot sectors have in common. A file that says more than characters has `line`, a text, and kOrigin, where it
// is. What they say goes to COM1, or to the port kSerial.

.ifndef kSerial
.set kSerial, 0x3F8
.endif

// By AX, in 16-bit and 32-bit code.
.macro load_segments selector
.if \selector
  movw $\selector, %ax
.else
  xorw %ax, %ax
.endif
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
.endm

// With its next tick the BIOS writes what is left of its own text. Interrupts are enabled.
.macro wait_for_bios
  movw 0x46C, %ax
8: hlt
  cmpw %ax, 0x46C
  je 8b
.endm

.macro end_of_test
  movw $0x501, %dx
  movb $1, %al
  outb %al, %dx
8: hlt
  jmp 8b
.endm

.macro define_say
say_outcome:                            // the text at SI, then AH in hexadecimal
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
  movw $kSerial, %dx
  outb %al, %dx
  popw %dx
  ret
.endm
