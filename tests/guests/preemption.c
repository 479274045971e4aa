// Four tasks of ring 3 in address spaces of their own, preempted by the timer wherever it comes: integer,
// string, x87, SSE and flag state of each must be as if it ran alone. So must that of ring 0, which the same
// timer interrupts.
#include "interrupts.h"
#include "paging.h"

enum { kTasks = 4, kFrameBytes = __builtin_offsetof(struct Frame, v86_es) };
static struct Task {
  struct Frame frame;
  Entry* directory;
  uint32_t want, done;
  uint8_t fpu[512] __attribute__((aligned(16)));
} tasks[kTasks];
static uint32_t current, slices;

// A mix whose result depends on every flag and register that it carries along. EAX: seed. The task's own page
// holds its stack and its data.
#define MIX(rounds)                                                                                         \
  "movl $0x40000F00, %esp\n movl $0x40000000, %edi\n movl %eax, %ebp\n movl $" rounds                       \
  ", %ecx\n fninit\n fldz\n"                                                                                \
  "movd %eax, %xmm1\n pxor %xmm2, %xmm2\n clc\n"                                                            \
  "1: pushl %ecx\n pushfl\n movl %ebp, %edx\n popfl\n rcll $3, %ebp\n adcl %edx, %ebp\n pushfl\n popl "     \
  "%ebx\n"                                                                                                  \
  "andl $0xCD5, %ebx\n xorl %ebx, %ebp\n movl %ebp, 128(%edi)\n fildl 128(%edi)\n faddp\n movd %ebp, "      \
  "%xmm0\n"                                                                                                 \
  "paddd %xmm0, %xmm2\n pxor %xmm1, %xmm2\n pushl %edi\n movl $0x40000080, %esi\n movl $0x40000100, %edi\n" \
  "movl $32, %ecx\n rep movsb\n popl %edi\n movd %xmm2, %eax\n call 2f\n testb $7, %cl\n popl %ecx\n loop " \
  "1b\n jmp 3f\n"                                                                                           \
  "2: xorl %eax, %ebp\n imull $0x10DCD, %ebp, %ebp\n btl $9, %ebp\n ret\n"                                  \
  "3: fstpl 136(%edi)\n xorl 136(%edi), %ebp\n xorl 140(%edi), %ebp\n addl 256(%edi), %ebp\n"
USER_CODE(task_code, MIX("40000") "movl %ebp, %eax");
KERNEL_CODE(kernel_mix, "movl 4(%esp), %eax\n pushal\n movl %esp, saved_esp\n" MIX("40000") "movl saved_esp, %esp\n"
                        "movl %ebp, mix_result\n popal\n movl mix_result, %eax");
uint32_t saved_esp, mix_result;

static int on_tick(struct Frame* f) {
  if (f->vector != kIrq0) return 0;
  pic_eoi(0);
  slices++;
  if (!(f->cs & 3)) {
    // As busy a handler as possible: it uses the FPU, too.
    static uint8_t state[512] __attribute__((aligned(16)));
    __asm__ volatile(
        "fxsave %0\n fninit\n fld1\n fld1\n pxor %%xmm0, %%xmm0\n pxor %%xmm2, %%xmm2\n fxrstor %0"
        : "+m"(state));
    return 1;
  }
  copy(&tasks[current].frame, f, kFrameBytes);
  __asm__ volatile("fxsave %0" : "=m"(tasks[current].fpu));
  do current = (current + 1) % kTasks;
  while (tasks[current].done);
  __asm__ volatile("fxrstor %0" ::"m"(tasks[current].fpu));
  copy(f, &tasks[current].frame, kFrameBytes);
  write_cr3((uint32_t)tasks[current].directory);
  return 1;
}

static uint32_t alone(uint32_t i) {
  write_cr3((uint32_t)tasks[i].directory);
  CHECK_EQ(run_user(task_code, 0x40000800, 2, i * 77 + 1), kUserExit);
  return trap.eax;
}

static void prepare(Entry* shared) {
  for (uint32_t i = 0; i < kTasks; i++) {
    tasks[i].directory = new_directory();
    copy(tasks[i].directory, shared, 8);
    map(tasks[i].directory, kTestBase, (uint32_t)alloc_page() | kP | kW | kU);
    tasks[i].want = alone(i);
    CHECK_EQ(alone(i), tasks[i].want);
  }
}

static void restart(void) {
  for (uint32_t i = 0; i < kTasks; i++) {
    tasks[i].done = 0;
    tasks[i].frame = (struct Frame){.ds = kUserDs,
                                    .es = kUserDs,
                                    .eax = i * 77 + 1,
                                    .eip = (uint32_t)task_code,
                                    .cs = kUserCs,
                                    .eflags = 2 | kFlagIf,
                                    .esp = 0x40000800,
                                    .ss = kUserDs};
    __asm__ volatile("fninit\n fxsave %0" : "=m"(tasks[i].fpu));
  }
}

// Each attempt ends when one task does; the next one goes on with the others.
static void all_together(void) {
  for (uint32_t left = kTasks; left > 0; left--) {
    while (tasks[current].done) current = (current + 1) % kTasks;
    const struct Frame f = tasks[current].frame;
    write_cr3((uint32_t)tasks[current].directory);
    __asm__ volatile("fxrstor %0" ::"m"(tasks[current].fpu));
    CHECK_EQ(resume(&f), kUserExit);
    CHECK_EQ(trap.eax, tasks[current].want);
    tasks[current].done = 1;
  }
}

void guest_main(void) {
  write_cr4(read_cr4() | kCr4Osfxsr);
  Entry* shared = new_identity_directory();
  map(shared, kTestBase, (uint32_t)alloc_page() | kP | kW | kU);
  enable_paging(shared);
  prepare(shared);
  write_cr3((uint32_t)shared);
  CHECK_EQ(try_call(kernel_mix, 5), kNoTrap);
  const uint32_t want = call_result;
  pic_init();
  pic_unmask(0);
  pit_periodic(120);
  trap_hook = on_tick;
  while (slices < 200) {
    restart();
    all_together();
  }
  write_cr3((uint32_t)shared);
  while (slices < 300) {
    sti();
    CHECK_EQ(try_call(kernel_mix, 5), kNoTrap);
    cli();
    CHECK_EQ(call_result, want);
  }
}
