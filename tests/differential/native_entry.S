// Into and out of 32-bit code, for the native helper. The guest has every general register, so the way out
// is a signal: the kernel switches to the alternate stack, and signal_entry either unwinds to the caller of
// enter_guest or returns into the guest.
//
// FS is flat while the guest runs, which takes the thread pointer away: no C++ runs before it is back.

#include <asm/prctl.h>
#include <asm/unistd_64.h>

        .set kUserCode32, 0x23
        .set kUserData, 0x2b

        .intel_syntax noprefix
        .text

// void enter_guest(const uint32_t registers[10], const FxsaveImage*): gpr[8], eip, eflags.
        .globl enter_guest
        .type enter_guest, @function
enter_guest:
        push rbx
        push rbp
        push r12
        push r13
        push r14
        push r15
        mov [rip + saved_stack], rsp
        fxrstor [rsi]
        mov eax, kUserData
        mov ds, eax
        mov es, eax
        mov fs, eax
        mov gs, eax
        mov r8, rdi
        mov eax, [r8 + 16]
        mov ecx, [r8 + 32]
        mov edx, [r8 + 36]
        push kUserData
        push rax
        push rdx
        push kUserCode32
        push rcx
        mov eax, [r8]
        mov ecx, [r8 + 4]
        mov edx, [r8 + 8]
        mov ebx, [r8 + 12]
        mov ebp, [r8 + 20]
        mov esi, [r8 + 24]
        mov edi, [r8 + 28]
        iretq

// The signal handler: rdi = signal, rsi = siginfo_t*, rdx = ucontext_t*.
        .globl signal_entry
        .type signal_entry, @function
signal_entry:
        push 0x202                      // the guest may have set AC, under which C++ must not run
        popfq
        push rbx
        push r12
        push r13
        mov ebx, edi
        mov r12, rdx
        mov r13d, fs
        mov rsi, [rip + thread_pointer]
        mov edi, ARCH_SET_FS
        mov eax, __NR_arch_prctl
        syscall
        mov edi, ebx
        mov rsi, r12
        call on_signal
        test al, al
        jnz leave_guest
        mov fs, r13d
        pop r13
        pop r12
        pop rbx
        ret
leave_guest:
        mov rsp, [rip + saved_stack]
        pop r15
        pop r14
        pop r13
        pop r12
        pop rbp
        pop rbx
        ret

        .bss
        .balign 8
saved_stack:
        .quad 0
        .globl thread_pointer
thread_pointer:
        .quad 0

        .section .note.GNU-stack, "", @progbits
