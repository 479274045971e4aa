# void ringdown_run_on_host(HostFrame* rdi, const void* rsi)
#
# Calls generated code (one instruction and RET) with the x87, MMX and SSE state of the frame, the guest's
# general registers in r8d..r15d, copies of its EAX, ECX and EDX where instructions use these implicitly,
# rdi at the buffer that stands for the memory operand, and the guest's status flags; stores all of it back.
# Nothing between FXRSTOR and FNINIT is a waiting x87 instruction but the guest's own, so an unmasked x87
# exception that it raises stays pending in the image and never reaches the host.

#define FRAME_MEMORY   512
#define FRAME_GPR      576
#define FRAME_IMPLICIT 608
#define FRAME_FLAGS    624

        .text
        .globl  ringdown_run_on_host
        .type   ringdown_run_on_host, @function
ringdown_run_on_host:
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $16, %rsp
        stmxcsr (%rsp)
        fnstcw  4(%rsp)

        movq    %rdi, %rbx
        fxrstor (%rbx)
        movl    FRAME_GPR+0(%rbx), %r8d
        movl    FRAME_GPR+4(%rbx), %r9d
        movl    FRAME_GPR+8(%rbx), %r10d
        movl    FRAME_GPR+12(%rbx), %r11d
        movl    FRAME_GPR+16(%rbx), %r12d
        movl    FRAME_GPR+20(%rbx), %r13d
        movl    FRAME_GPR+24(%rbx), %r14d
        movl    FRAME_GPR+28(%rbx), %r15d
        movl    FRAME_IMPLICIT+0(%rbx), %eax
        movl    FRAME_IMPLICIT+4(%rbx), %ecx
        movl    FRAME_IMPLICIT+8(%rbx), %edx
        leaq    FRAME_MEMORY(%rbx), %rdi
        pushq   FRAME_FLAGS(%rbx)
        popfq
        call    *%rsi
        pushfq
        popq    FRAME_FLAGS(%rbx)
        movl    %r8d, FRAME_GPR+0(%rbx)
        movl    %r9d, FRAME_GPR+4(%rbx)
        movl    %r10d, FRAME_GPR+8(%rbx)
        movl    %r11d, FRAME_GPR+12(%rbx)
        movl    %r12d, FRAME_GPR+16(%rbx)
        movl    %r13d, FRAME_GPR+20(%rbx)
        movl    %r14d, FRAME_GPR+24(%rbx)
        movl    %r15d, FRAME_GPR+28(%rbx)
        movl    %eax, FRAME_IMPLICIT+0(%rbx)
        movl    %ecx, FRAME_IMPLICIT+4(%rbx)
        movl    %edx, FRAME_IMPLICIT+8(%rbx)
        fxsave  (%rbx)

        fninit
        fldcw   4(%rsp)
        ldmxcsr (%rsp)
        addq    $16, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        ret
        .size   ringdown_run_on_host, .-ringdown_run_on_host

        .section .note.GNU-stack,"",@progbits
