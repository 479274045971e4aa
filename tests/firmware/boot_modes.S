# A boot sector that goes through the processor's modes as the software of their time did: real mode with segments of
# 4 GiB; a virtual-8086 monitor, whose program is stopped where it must be; a task behind a task gate, by an interrupt
# and by a call. On the serial port it says a digit at each step. Its end is a write of 1 to port 501h.
#include "boot_sector.h"
.code16
.set kOrigin, 0x7C00
.set kFar, 0x300000
.set kCode, 8
.set kData, 16
.set kMainTss, 24
.set kOtherTss, 32
.set kTaskGate, 40
.set kVirtual8086, 1 << 17
.set kNested, 1 << 14
# Memory behind the sector, which is cleared.
.set kIdt, 0x8000
.set kMain, 0x8800                      # TSS with I/O permission bits, of which one is set
.set kOther, 0x9800
.set kProgramStack, 0xA000              # SS is 0
.set kBits, 0x68                        # in a TSS
.set kTssSize, kBits + 0x81             # ports to 3FFh, and a byte of ones
.set kOtherStack, 0xB000
.set kMonitorStack, 0xC000
# Of a 32-bit TSS.
.set kEsp0, 4
.set kSs0, 8
.set kEip, 32
.set kFlags, 36
.set kEsp, 56
.set kSegments, 72                      # ES, CS, SS, DS

start:
  cli
  load_segments 0
  movw $kOrigin, %sp
  cld
  movw $kIdt, %di
  movw $0x2000, %cx
  rep stosb
  sti
  movw $0x0201, %ax                     # the sector behind this one, of the drive that the BIOS names
  movw $2, %cx
  movb $0, %dh
  movw $kOrigin + 512, %bx
  int $0x13
  jc stop
  cli

  lgdt gdtr + kOrigin
  movl %cr0, %edx
  leal 1(%edx), %eax
  movl %eax, %cr0
  movw $kData, %bx                      # FS keeps the limit
  movw %bx, %fs
  movl %edx, %cr0
  movw %ds, %ax
  movw %ax, %fs
  sti                                   # and through an interrupt of the BIOS
  movb $1, %ah
  int $0x16
  cli
  movl $kFar, %ebx
  movl $0x13579BDF, %fs:(%ebx)
  cmpl $0x13579BDF, %fs:(%ebx)
  jne 1f
  movb $'1', %al
  movw $0x3F8, %dx
  outb %al, %dx
1: movl %cr0, %eax
  orb $1, %al
  movl %eax, %cr0
  ljmpl $kCode, $protected + kOrigin
stop:
  hlt
  jmp stop

  .balign 8
gdt:
  .quad 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF
  .word kTssSize - 1, kMain, 0x8900, 0
  .word 0x67, kOther, 0x8900, 0
  .word 0, kOtherTss, 0x8500, 0
gdtr:
  .word gdtr - gdt - 1
  .long gdt + kOrigin

  .org 510
  .byte 0x55, 0xAA

.code32
protected:
  load_segments kData
  movl $kMonitorStack, %esp
  movl $kCode << 16, kIdt + 8 * 13
  movw $on_protection + kOrigin, kIdt + 8 * 13
  movl $0x8E00, kIdt + 8 * 13 + 4       # a gate for interrupts
  movl $kOtherTss << 16, kIdt + 8 * 0x30
  movl $0x8500, kIdt + 8 * 0x30 + 4     # for tasks
  lidt idtr + kOrigin
  movl $kMonitorStack, kMain + kEsp0
  movl $kData, kMain + kSs0
  movl $kBits << 16, kMain + 100
  movb $1 << 7, kMain + kBits + 0x2FF / 8   # COM2's last
  movb $0xFF, kMain + kTssSize - 1
  movl $other_task + kOrigin, kOther + kEip
  movl $2, kOther + kFlags
  movl $kOtherStack, kOther + kEsp
  movl $kOther + kSegments, %edi
  movl %eax, (%edi)
  movl $kCode, 4(%edi)
  movl %eax, 8(%edi)
  movl %eax, 12(%edi)
  movw $kMainTss, %ax
  ltr %ax

  pushl $0                              # GS, FS, DS, ES
  pushl $0
  pushl $0
  pushl $0
  pushl $0                              # SS, ESP
  pushl $kProgramStack
  pushl $kVirtual8086 | 2
  pushl $kOrigin >> 4                   # CS, EIP
  pushl $program
  iretl

on_protection:                          # of the program: an error code, EIP, CS, EFLAGS, ESP, ...
  movw $kData, %bx                      # null behind virtual-8086 mode, and that mode's own again behind IRET
  movw %bx, %ds
  popl %ebx
  testl $kVirtual8086, 8(%esp)
  jz fail
  movzwl 4(%esp), %esi
  shll $4, %esi
  addl (%esp), %esi
  movb (%esi), %cl
  cmpb $0xF4, %cl                       # HLT is its end
  je program_ended
  cmpb $0xFA, %cl                       # CLI
  je 1f
  cmpb $0xEE, %cl                       # OUT DX, AL
  je 1f
  cmpb $0xCD, %cl                       # INT n
  jne fail
  testl %ebx, %ebx
  jne fail
  incl (%esp)
1: incl (%esp)
  call say
  iretl

program_ended:
  movl $kMonitorStack, %esp
  int $0x30
  movb $'7', %al
  call say
  lcall $kTaskGate, $0
  movb $'9', %al
  call say
  str %ax
  cmpw $kMainTss, %ax
  jne fail
  movw $0x501, %dx
  movb $1, %al
  outb %al, %dx
fail:
  movb $'F', %al
  call say
1: hlt
  jmp 1b

other_task:
  movb $'6', %al
1: pushfl
  testl $kNested, (%esp)
  jz fail
  popl %ecx
  call say
  iretl                                 # to whose task it was; it goes on here the next time
  movb $'8', %al
  jmp 1b

say:                                    # AL
  movw $0x3F8, %dx
  outb %al, %dx
  ret

.code16
program:
  movw $0x3F8, %dx                      # by itself
  movb $'2', %al
  outb %al, %dx
  incw %ax
  cli                                   # the others by its monitor
  incw %ax
  movw $0x2FF, %dx
  outb %al, %dx
  incw %ax
  int $0x21
  hlt

idtr:
  .word 0x31 * 8 - 1
  .long kIdt

  .org 1024
