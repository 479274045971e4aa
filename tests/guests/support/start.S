# Start-up, exception entry, and the two ways to run code that is expected to trap.
.set KERNEL_CS, 0x08
.set KERNEL_DS, 0x10
.set USER_CS, 0x1B
.set USER_DS, 0x23

.section .multiboot, "a"
.align 4
.long 0x1BADB002, 3, -(0x1BADB002 + 3)

.text
.globl start
start:
  movl %ebx, multiboot_info
  movl $main_stack_top, %esp
  pushl $0
  popfl
  cld
  movl %cr4, %eax
  orl $0x600, %eax              # OSFXSR, OSXMMEXCPT: without them no user code runs natively
  movl %eax, %cr4
  call guest_start
1: hlt
  jmp 1b

.globl load_tables
load_tables:                    # (gdtr, idtr)
  movl 4(%esp), %eax
  lgdt (%eax)
  movl 8(%esp), %eax
  lidt (%eax)
  ljmp $KERNEL_CS, $1f
1: movl $KERNEL_DS, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  xorl %eax, %eax
  movl %eax, %fs
  movl %eax, %gs
  lldt %ax
  movl $0x28, %eax
  ltr %ax
  ret

# ---- Exceptions and interrupts: struct Frame is what is on the stack at the call ----
.altmacro
.macro stub vector
  .align 16
  .if (\vector == 8) || ((\vector >= 10) && (\vector <= 14)) || (\vector == 17)
  .else
    pushl $0
  .endif
  pushl $\vector
  jmp trap_common
.endm

.align 16
.globl trap_stubs
trap_stubs:                     # 16 bytes each
.set i, 0
.rept 64
  stub %i
  .set i, i + 1
.endr

trap_common:
  pushal
  pushl %ds
  pushl %es
  pushl %fs
  pushl %gs
  movl $KERNEL_DS, %eax
  movl %eax, %ds
  movl %eax, %es
  cld
  pushl %esp
  call handle_trap
  addl $4, %esp
leave_trap:
  popl %gs
  popl %fs
  popl %es
  popl %ds
  popal
  addl $8, %esp
  iretl

# ---- Attempts: each returns the vector of the trap that ended it ----
.macro save_landing
  pushl %ebp
  pushl %ebx
  pushl %esi
  pushl %edi
  pushfl
  pushl landing
  movl %esp, landing
.endm

.globl try_call
try_call:                       # (code, argument)
  save_landing
  movl 28(%esp), %eax
  pushl 32(%esp)
  call *%eax
  addl $4, %esp
  movl %eax, call_result
  movl $-1, %eax
leave_attempt:
  popl landing
  popfl
  popl %edi
  popl %esi
  popl %ebx
  popl %ebp
  ret

.globl run_user
run_user:                       # (eip, esp, eflags, eax)
  save_landing
  movl %esp, %ecx
  movl $USER_DS, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %fs
  movl %eax, %gs
  pushl $USER_DS
  pushl %ss:32(%ecx)
  pushl %ss:36(%ecx)
  pushl $USER_CS
  pushl %ss:28(%ecx)
  movl %ss:40(%ecx), %eax
  xorl %ecx, %ecx
  iretl

.globl enter_frame
enter_frame:                    # (five to nine words for IRET, count)
  save_landing
  movl 28(%esp), %esi
  movl 32(%esp), %ecx
  leal 0(,%ecx,4), %edx
  subl %edx, %esp
  movl %esp, %edi
  cld
  rep movsl
  iretl

.globl resume
resume:                         # (frame): what a trap recorded goes on
  save_landing
  movl 28(%esp), %esi
  subl $76, %esp
  movl %esp, %edi
  movl $19, %ecx
  cld
  rep movsl
  jmp leave_trap

.globl unwind
unwind:                         # (vector)
  movl 4(%esp), %eax
  movl $KERNEL_DS, %ecx
  movl %ecx, %ss
  movl landing, %esp
  jmp leave_attempt

.bss
.align 4096
.skip 16384
.globl main_stack_top
main_stack_top:
.skip 16384
.globl trap_stack_top
trap_stack_top:
.globl landing
landing: .skip 4
.globl multiboot_info
multiboot_info: .skip 4
.globl call_result
call_result: .skip 4

.section .user, "awx"
.align 4096
.skip 4096
.globl user_stack_top
user_stack_top:

.section .note.GNU-stack, "", @progbits
