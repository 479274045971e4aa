// The only code of the sandbox's process that is not the guest's. It is data here: stub_image.cpp makes a
// program of it. Guest code may jump to any byte of it, with any registers: nothing depends on its being
// entered where it begins (docs/decisions/014-sandbox-process.md).
#include <asm/prctl.h>
#include <asm/unistd.h>

#include "sandbox/stub_layout.h"

#define FUTEX_WAIT 0
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define PR_SET_TSC 26
#define USER_DATA_SELECTOR 0x2b

// A system call's number and six arguments, from the seven words at \base.
.macro load_call base
  movq 0(\base), %rax
  movq 8(\base), %rdi
  movq 16(\base), %rsi
  movq 24(\base), %rdx
  movq 32(\base), %r10
  movq 40(\base), %r8
  movq 48(\base), %r9
.endm

  .section .rodata
  .code64
  .balign 16
  .globl ringdown_stub, ringdown_stub_started, ringdown_stub_handler, ringdown_stub_end
  .globl ringdown_stub_after_futex, ringdown_stub_after_sigreturn, ringdown_stub_after_arch_prctl
  .globl ringdown_stub_after_prctl
  .globl ringdown_mapper, ringdown_mapper_after_call, ringdown_mapper_after_futex
  .globl ringdown_mapper_after_write, ringdown_mapper_after_wake

// Runs the script behind this code: 56 bytes for each system call, number and arguments; a negative number
// is its end, followed by where to go on. There is no stack. A call that is refused ends the process with its
// ordinal, from 1, as the status. clone(2) has two arguments that it does not look at: the new thread's
// script, and the number of the calls before that.
ringdown_stub:
  leaq ringdown_stub_end(%rip), %rbx
  xorl %ebp, %ebp
1:
  incl %ebp
  load_call %rbx
  testq %rax, %rax
  js 3f
  syscall
  cmpq $-4095, %rax
  jae 4f
  cmpq $__NR_clone, (%rbx)
  jne 2f
  testq %rax, %rax
  jnz 2f
  movq %r9, %rbx
  movl %r8d, %ebp
  jmp 1b
2:
  addq $56, %rbx
  jmp 1b
3:
  jmp *%rdi
4:
  movl %ebp, %edi
  movl $__NR_exit_group, %eax
  syscall

ringdown_stub_started:
  int3                            // the first frame of the signal handler, for the monitor to write to

// The handler of every signal, with all signals blocked. A fault in here is the process's end.
ringdown_stub_handler:
  movabsq $STUB_SHARED, %rbx
  movq %rsp, %r12
  movl %edi, STUB_OUT_SIGNAL(%rbx)
  movq %rdx, STUB_OUT_CONTEXT(%rbx)
  movq %rsi, STUB_OUT_INFO(%rbx)
  rdfsbase %rax
  movq %rax, STUB_OUT_FS_BASE(%rbx)
  rdgsbase %rax
  movq %rax, STUB_OUT_GS_BASE(%rbx)
  movw %ds, STUB_OUT_DS(%rbx)
  movw %es, STUB_OUT_ES(%rbx)
  movw %fs, STUB_OUT_FS(%rbx)
  movw %gs, STUB_OUT_GS(%rbx)

  movl $STUB_TURN_MONITOR, %eax
  xchgl %eax, STUB_TURN(%rbx)     // a barrier: the turn is given before the sleeper is looked for
  cmpl $0, STUB_MONITOR_SLEEPS(%rbx)
  je take_turn
  movl $STUB_WAKES_MONITOR, %r9d
  movl $FUTEX_WAKE_BITSET, %esi
  movl $1, %edx
  call futex

take_turn:
  movl STUB_SPINS(%rbx), %ecx
1:
  cmpl $STUB_TURN_CHILD, STUB_TURN(%rbx)
  je enter_guest
  pause
  decl %ecx
  jg 1b
  movl $1, %eax
  xchgl %eax, STUB_CHILD_SLEEPS(%rbx)
2:
  movl STUB_TURN(%rbx), %edx
  cmpl $STUB_TURN_CHILD, %edx
  je 3f
  movl $STUB_WAKES_CHILD, %r9d
  movl $FUTEX_WAIT_BITSET, %esi
  call futex
  jmp 2b
3:
  movl $0, STUB_CHILD_SLEEPS(%rbx)
  jmp enter_guest

trap_cpuid:
  movl $ARCH_SET_CPUID, %edi
  xorl %esi, %esi
  movl $__NR_arch_prctl, %eax
  syscall
ringdown_stub_after_arch_prctl:
  movl $0, STUB_TRAP_CPUID(%rbx)
  jmp enter_guest

set_tsc:
  movl $PR_SET_TSC, %edi
  movl STUB_SET_TSC(%rbx), %esi
  movl $__NR_prctl, %eax
  syscall
ringdown_stub_after_prctl:
  movl $0, STUB_SET_TSC(%rbx)

// A null selector faults in 32-bit code whatever its base is, so FS and GS get the flat one and a base unless
// they are to be null.
enter_guest:
  cmpl $0, STUB_TRAP_CPUID(%rbx)
  jne trap_cpuid
  cmpl $0, STUB_SET_TSC(%rbx)
  jne set_tsc
  movl $USER_DATA_SELECTOR, %eax
  movl %eax, %ds
  movl %eax, %es
  movw STUB_FS(%rbx), %fs
  movw STUB_GS(%rbx), %gs
  movq STUB_FS_BASE(%rbx), %rax
  wrfsbase %rax
  movq STUB_GS_BASE(%rbx), %rax
  wrgsbase %rax
  movq %r12, %rsp
  pushq STUB_FLAGS(%rbx)
  popfq
  leaq 8(%r12), %rsp              // as behind the handler's RET
  movl $__NR_rt_sigreturn, %eax
  syscall
ringdown_stub_after_sigreturn:
  ud2

futex:
  leaq STUB_TURN(%rbx), %rdi
  xorl %r10d, %r10d
  movl $__NR_futex, %eax
  syscall
ringdown_stub_after_futex:
  ret

// The mapper, a thread of its own with all signals blocked: it waits for orders, makes the calls that they
// are, says so, and gives the turn to the guest's thread if that is ordered. What that thread can write it does
// not read, and it has no stack. EBP: the last order. R14: whether the turn is to be given.
ringdown_mapper:
  movabsq $STUB_ORDERS, %rbx
  xorl %ebp, %ebp
  xorl %r14d, %r14d
report_done:
  leaq done(%rip), %rsi
report:
  movl $STUB_REPORTS_FILE, %edi
  movl $1, %edx
  movl $__NR_write, %eax
  syscall
ringdown_mapper_after_write:
  testl %r14d, %r14d
  jz await_order
  xorl %r14d, %r14d
  movabsq $STUB_SHARED + STUB_TURN, %rdi
  movl $STUB_TURN_CHILD, %eax
  xchgl %eax, (%rdi)
  movl $STUB_WAKES_CHILD, %r9d
  movl $FUTEX_WAKE_BITSET, %esi
  movl $1, %edx
  xorl %r10d, %r10d
  movl $__NR_futex, %eax
  syscall
ringdown_mapper_after_wake:

await_order:
  movl ORDERS_SEQUENCE(%rbx), %eax
  cmpl %ebp, %eax
  jne carry_out
  leaq ORDERS_SEQUENCE(%rbx), %rdi
  movl $FUTEX_WAIT, %esi
  movl %ebp, %edx
  xorl %r10d, %r10d
  movl $__NR_futex, %eax
  syscall
ringdown_mapper_after_futex:
  jmp await_order

carry_out:
  movl %eax, %ebp
  movl ORDERS_COUNT(%rbx), %r13d
  movl ORDERS_GIVES_TURN(%rbx), %r14d
  leaq ORDERS_CALLS(%rbx), %r12
1:
  load_call %r12
  syscall
ringdown_mapper_after_call:
  cmpq $-4095, %rax
  jae 2f
  addq $ORDERS_CALL_BYTES, %r12
  decl %r13d
  jnz 1b
  jmp report_done
2:
  xorl %r14d, %r14d
  leaq failed(%rip), %rsi
  jmp report

done:
  .byte REPORT_DONE
failed:
  .byte REPORT_FAILED

  .balign 16
ringdown_stub_end:

  .section .note.GNU-stack, "", @progbits
