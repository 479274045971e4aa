# A boot sector that goes by ACPI alone (its specification 1.0b): from the RSDP to the FADT and to \_S5, through tables
# whose sums it checks; then it enables ACPI, sees the timer count, and switches the machine off. It says on the serial
# port how far it has come.
.code16
.set kOrigin, 0x7C00
.set kSciEnable, 1
.set kSleepEnable, 1 << 13
# Offsets in tables.
.set kLength, 4
.set kFirstEntry, 36
.set kDsdt, 40
.set kSmiCommand, 48
.set kAcpiEnable, 52
.set kPm1aControl, 64
.set kTimer, 76

start:
  cli
  xorw %ax, %ax
  movw %ax, %ds
  lgdtl gdtr + kOrigin
  movl %cr0, %eax
  orb $1, %al
  movl %eax, %cr0
  ljmpl $8, $protected + kOrigin

.code32
protected:
  movw $16, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movl $kOrigin, %esp
  cld
  xorl %ebp, %ebp                       # the FADT
  movb $0xFF, sleep_type + kOrigin

  movl $0xE0000, %ebx                   # where a BIOS has the RSDP
1: cmpl $0x20445352, (%ebx)             # "RSD "
  jne 2f
  cmpl $0x20525450, 4(%ebx)             # "PTR "
  je 3f
2: addl $16, %ebx
  cmpl $0x100000, %ebx
  jb 1b
  movl $no_rsdp, %esi
  jmp fail
3: movl $20, %ecx
  call check_sum

  movl 16(%ebx), %ebx                   # the RSDT, and each of its tables
  call check_table
  movl kLength(%ebx), %edi
  addl %ebx, %edi
  leal kFirstEntry(%ebx), %edx
1: movl (%edx), %ebx
  call take_table
  addl $4, %edx
  cmpl %edi, %edx
  jb 1b
  movl $no_fadt, %esi
  testl %ebp, %ebp
  jz fail
  movl kDsdt(%ebp), %ebx
  call take_table
  movl $no_s5, %esi
  cmpb $0xFF, sleep_type + kOrigin
  je fail
  movl $tables, %esi
  call say

  movl kPm1aControl(%ebp), %edx
  inw %dx, %ax
  testb $kSciEnable, %al
  jnz 1f                                # it is to be enabled by SMI_CMD
  movl kSmiCommand(%ebp), %edx
  movb kAcpiEnable(%ebp), %al
  outb %al, %dx
  movl kPm1aControl(%ebp), %edx
1: inw %dx, %ax
  testb $kSciEnable, %al
  jz 1b
  movl $enabled, %esi
  call say

  movl kTimer(%ebp), %edx
  inl %dx, %eax
  movl %eax, %ebx
1: inl %dx, %eax
  cmpl %eax, %ebx
  je 1b
  movl $counts, %esi
  call say

  movl kPm1aControl(%ebp), %edx
  movzbl sleep_type + kOrigin, %eax
  shll $10, %eax
  orl $kSleepEnable | kSciEnable, %eax
  outw %ax, %dx
  movl $still, %esi
fail:
  call say
1: jmp 1b

take_table:                             # the table at EBX
  call check_table
  cmpl $0x50434146, (%ebx)              # "FACP", the FADT
  jne 1f
  movl %ebx, %ebp
1: movl kLength(%ebx), %ecx             # AML: Name (_S5_, Package () {sleep type, ...})
  leal kFirstEntry(%ebx), %esi
  subl $kFirstEntry + 8, %ecx
  jbe 3f
2: cmpl $0x5F35535F, (%esi)             # "_S5_"
  jne 4f
  cmpb $0x12, 4(%esi)                   # PackageOp
  jne 4f
  movb 7(%esi), %al                     # behind the length, of one byte, and the number of elements: 0, 1
  cmpb $0x0A, %al                       # or BytePrefix
  jne 5f
  movb 8(%esi), %al
5: movb %al, sleep_type + kOrigin
4: incl %esi
  loop 2b
3: ret

check_table:                            # the sum of the table at EBX
  movl kLength(%ebx), %ecx
check_sum:                              # of ECX bytes
  movl %ebx, %esi
  xorl %eax, %eax
1: addb (%esi), %al
  incl %esi
  loop 1b
  movl $sum, %esi
  testb %al, %al
  jnz fail
  ret

say:
  addl $kOrigin, %esi
  pushl %edx
  movw $0x3F8, %dx
1: lodsb
  outb %al, %dx
  cmpb $'\n', %al
  jne 1b
  popl %edx
  ret

gdt:
  .quad 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF
gdtr:
  .word 23
  .long gdt + kOrigin
sleep_type: .byte 0
tables: .ascii "tables\r\n"
enabled: .ascii "enabled\r\n"
counts: .ascii "the timer counts\r\n"
still: .ascii "still on\r\n"
no_rsdp: .ascii "no RSDP\r\n"
no_fadt: .ascii "no FADT\r\n"
no_s5: .ascii "no _S5\r\n"
sum: .ascii "a wrong sum\r\n"

  .org 510
  .byte 0x55, 0xAA
