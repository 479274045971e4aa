// x87 and SSE for a kernel (SDM vol. 3, 2.5, 13; 6.15 interrupts 7, 16, 19): #NM by CR0.TS and EM, a lazy
// switch of two contexts, #MF at the next waiting instruction, #XM, #UD where SSE is off.
#include "guest.h"
#include "paging.h"

USER_CODE(user_fpu, LABEL(user_fpu_at) "fld1\n faddp");
USER_CODE(user_sse, LABEL(user_sse_at) "xorps %xmm0, %xmm0");
USER_CODE(user_mmx, LABEL(user_mmx_at) "pxor %mm0, %mm0\n emms");
KERNEL_CODE(kernel_fpu, LABEL(kernel_fpu_at) "fldz\n fstp %st(0)");
KERNEL_CODE(kernel_wait, LABEL(kernel_wait_at) "fwait");
extern char user_fpu_at[], user_sse_at[], user_mmx_at[], kernel_fpu_at[], kernel_wait_at[];

static void set_cr0(uint32_t clear, uint32_t set) { write_cr0((read_cr0() & ~clear) | set); }

static void not_available(void) {
  write_cr4(read_cr4() | kCr4Osfxsr | kCr4Osxmmexcpt);
  set_cr0(kCr0Em, kCr0Ts | kCr0Mp | kCr0Ne);
  CHECK_FAULT(try_user(user_fpu, 0), kNoDevice, user_fpu_at, 0);
  CHECK_FAULT(try_user(user_sse, 0), kNoDevice, user_sse_at, 0);
  CHECK_FAULT(try_user(user_mmx, 0), kNoDevice, user_mmx_at, 0);
  CHECK_FAULT(try_call(kernel_fpu, 0), kNoDevice, kernel_fpu_at, 0);
  CHECK_FAULT(try_call(kernel_wait, 0), kNoDevice, kernel_wait_at, 0);
  set_cr0(kCr0Mp, 0);
  CHECK_EQ(try_call(kernel_wait, 0), kNoTrap);
  set_cr0(kCr0Ts, kCr0Em);
  CHECK_FAULT(try_call(kernel_fpu, 0), kNoDevice, kernel_fpu_at, 0);
  CHECK_FAULT(try_user(user_mmx, 0), kInvalidOpcode, user_mmx_at, 0);
  CHECK_FAULT(try_user(user_sse, 0), kInvalidOpcode, user_sse_at, 0);
  set_cr0(kCr0Em, kCr0Mp);
  write_cr4(read_cr4() & ~(uint32_t)kCr4Osfxsr);
  CHECK_FAULT(try_user(user_sse, 0), kInvalidOpcode, user_sse_at, 0);
  write_cr4(read_cr4() | kCr4Osfxsr | kCr4Osxmmexcpt);
  CHECK_EQ(try_user(user_sse, 0), kUserExit);
  CHECK_EQ(try_user(user_fpu, 0), kUserExit);
}

// Two users of the FPU, switched as a kernel does: state moves in the #NM handler.
static uint8_t saved[2][512] __attribute__((aligned(16)));
static uint32_t owner, current, switches;
static int switch_fpu(struct Frame* f) {
  if (f->vector != kNoDevice) return 0;
  __asm__ volatile("clts");
  if (owner != current) {
    __asm__ volatile("fxsave %0\n fxrstor %1" : "=m"(saved[owner]) : "m"(saved[current]));
    owner = current;
    switches++;
  }
  return 1;
}
// Adds EAX to its sum in st(0) and in XMM1; returns the first.
USER_CODE(add_up,
          "pushl %eax\n fildl (%esp)\n faddp\n fistl (%esp)\n movd %eax, %xmm0\n paddd %xmm0, %xmm1\n"
          "movd %xmm1, %ebx\n popl %eax");
static void lazy_switch(void) {
  __asm__ volatile("fninit\n fldz\n pxor %%xmm1, %%xmm1\n fxsave %0\n fxsave %1"
                   : "=m"(saved[0]), "=m"(saved[1]));
  uint32_t sums[2] = {0, 0};
  trap_hook = switch_fpu;
  for (uint32_t i = 1; i < 300; i++) {
    current = i % 3 == 0;
    set_cr0(0, kCr0Ts);
    CHECK_EQ(try_user(add_up, i), kUserExit);
    sums[current] += i;
    CHECK_EQ(trap.eax, sums[current]);
    CHECK_EQ(trap.ebx, sums[current]);
  }
  trap_hook = 0;
  CHECK(switches > 100);
  __asm__ volatile("clts");
}

// TS set and cleared in the midst of straight code, which goes on in another mode: with and without SSE, FS
// usable or not, more modes than are kept at hand.
KERNEL_CODE(set_then_use, "movl %cr0, %eax\n orl $8, %eax\n movl %eax, %cr0\n nop\n" LABEL(
                              set_then_use_at) "fldz\n fstp %st(0)");
KERNEL_CODE(set_then_use_sse, "movl %cr0, %eax\n orl $8, %eax\n stc\n movl %eax, %cr0\n" LABEL(
                                  set_then_use_sse_at) "xorps %xmm0, %xmm0");
KERNEL_CODE(clear_then_use, "clts\n fld1\n fstp %st(0)\n movl %cr0, %eax");
KERNEL_CODE(write_then_use,
            "movl %cr0, %eax\n andl $-9, %eax\n movl %eax, %cr0\n fld1\n fstp %st(0)\n movl %cr0, %eax");
KERNEL_CODE(set_and_clear,
            "pushl %ebx\n movl %cr0, %ecx\n movl %ecx, %edx\n orl $8, %edx\n movl $100, %ebx\n"
            "1: movl %edx, %cr0\n movl %cr0, %eax\n testl $8, %eax\n jz 2f\n"
            "clts\n movl %cr0, %eax\n testl $8, %eax\n jnz 2f\n"
            "fld1\n fstp %st(0)\n decl %ebx\n jnz 1b\n 2: movl %ebx, %eax\n popl %ebx");
extern char set_then_use_at[], set_then_use_sse_at[];

static void load_fs(uint32_t selector) { __asm__ volatile("movl %0, %%fs" ::"r"(selector)); }

static void check_task_switched(int with_sse) {
  CHECK_FAULT(try_call(set_then_use, 0), kNoDevice, set_then_use_at, 0);
  CHECK_FAULT(try_user(user_fpu, 0), kNoDevice, user_fpu_at, 0);
  CHECK_EQ(try_call(clear_then_use, 0), kNoTrap);
  CHECK_EQ(call_result & kCr0Ts, 0);
  CHECK_EQ(try_user(user_fpu, 0), kUserExit);
  CHECK_FAULT(try_call(set_then_use_sse, 0), with_sse ? kNoDevice : kInvalidOpcode, set_then_use_sse_at, 0);
  CHECK_EQ(trap.eflags & kFlagCarry, kFlagCarry);
  CHECK_FAULT(try_user(user_sse, 0), with_sse ? kNoDevice : kInvalidOpcode, user_sse_at, 0);
  CHECK_EQ(try_call(write_then_use, 0), kNoTrap);
  CHECK_EQ(call_result & kCr0Ts, 0);
  CHECK_EQ(try_call(set_and_clear, 0), kNoTrap);
  CHECK_EQ(call_result, 0);
  // What changes TS among other bits, and TS where EM does the same.
  set_cr0(kCr0Mp, kCr0Ts | kCr0Em);
  CHECK_FAULT(try_call(kernel_fpu, 0), kNoDevice, kernel_fpu_at, 0);
  __asm__ volatile("clts");
  CHECK_FAULT(try_call(kernel_fpu, 0), kNoDevice, kernel_fpu_at, 0);
  CHECK_FAULT(try_call(set_then_use, 0), kNoDevice, set_then_use_at, 0);
  set_cr0(kCr0Ts | kCr0Em, kCr0Mp);
  CHECK_EQ(try_call(kernel_fpu, 0), kNoTrap);
}

static void task_switched(void) {
  for (unsigned round = 0; round < 24; round++) {
    load_fs(round & 1 ? kKernelDs : 0);
    write_cr4(round & 2 ? read_cr4() | kCr4Osfxsr : read_cr4() & ~(uint32_t)kCr4Osfxsr);
    check_task_switched(round & 2);
  }
  load_fs(0);
  write_cr4(read_cr4() | kCr4Osfxsr);
}

USER_CODE(user_divide,
          "fninit\n pushl $0x037B\n fldcw (%esp)\n popl %ecx\n fld1\n fldz\n fdivrp\n nop\n" LABEL(
              user_divide_at) "fld1\n fnclex");
USER_CODE(user_divide_wait,
          "fninit\n pushl $0x037B\n fldcw (%esp)\n popl %ecx\n fld1\n fldz\n fdivrp\n nop\n" LABEL(
              user_divide_wait_at) "fwait\n nop");
USER_CODE(user_quiet, "fninit\n fld1\n fldz\n fdivrp\n fld1\n fnstsw %ax\n fninit");
extern char user_divide_at[], user_divide_wait_at[];
static void x87_exception(void) {
  // TCG waits with FWAIT only (vol. 1, 8.3.11 and 8.6 have nearly all instructions wait).
  if (!on_tcg()) CHECK_FAULT(try_user(user_divide, 0), kFloat, user_divide_at, 0);
  __asm__ volatile("fnclex\n fninit");
  CHECK_FAULT(try_user(user_divide_wait, 0), kFloat, user_divide_wait_at, 0);
  __asm__ volatile("fnclex\n fninit");
  CHECK_EQ(try_user(user_quiet, 0), kUserExit);
  CHECK_EQ(trap.eax & 4, 4);
}

USER_CODE(user_sse_divide,
          "pushl $0x1D80\n ldmxcsr (%esp)\n popl %eax\n movl $0x3F800000, %eax\n movd %eax, %xmm0\n"
          "xorps %xmm1, %xmm1\n nop\n" LABEL(user_sse_divide_at) "divss %xmm1, %xmm0\n nop");
extern char user_sse_divide_at[];
static void sse_exception(void) {
  const uint32_t usual = 0x1F80;
  CHECK_FAULT(try_user(user_sse_divide, 0), kVector, user_sse_divide_at, 0);
  uint32_t mxcsr;
  __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
  CHECK_EQ(mxcsr, 0x1D84);
  write_cr4(read_cr4() & ~(uint32_t)kCr4Osxmmexcpt);
  CHECK_FAULT(try_user(user_sse_divide, 0), kInvalidOpcode, user_sse_divide_at, 0);
  write_cr4(read_cr4() | kCr4Osxmmexcpt);
  __asm__ volatile("ldmxcsr %0" ::"m"(usual));
}

void guest_main(void) {
  for (int with_paging = 0; with_paging < 2; with_paging++) {
    not_available();
    lazy_switch();
    task_switched();
    for (int round = 0; round < 3; round++) {
      x87_exception();
      if (!on_tcg()) sse_exception();  // TCG raises no #XM (6.15)
    }
    if (!with_paging) enable_paging(new_identity_directory());
  }
}
