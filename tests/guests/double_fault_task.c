// A page fault whose frame cannot be pushed, because the kernel's stack is not present: a double fault, taken
// by a task gate (SDM vol. 3, 6.15). Its task sees the state of the faulting instruction and returns by IRET.
#include "paging.h"

enum { kNoStack = 0x70000000 };
static struct Tss fault_task;
static uint8_t fault_task_stack[4096], resume_stack[4096];
static uint32_t seen_cr2, seen_error, count;
static struct Tss interrupted;

static void resume_attempt(void) { unwind(kDoubleFault); }

// The double fault's task: remembers, and sends the interrupted one to resume_attempt().
void on_double_fault(uint32_t error);
void on_double_fault(uint32_t error) {
  count++;
  seen_cr2 = read_cr2();
  seen_error = error;
  interrupted = tss;
  tss.eip = (uint32_t)resume_attempt;
  tss.esp = (uint32_t)(resume_stack + sizeof resume_stack - 16);
  tss.eflags = 2;
  tss.cs = kKernelCs;
  tss.ss = tss.ds = tss.es = kKernelDs;
  tss.fs = tss.gs = 0;
}
// The next double fault continues behind the IRET.
KERNEL_CODE(double_fault_entry, "1: call on_double_fault\n addl $4, %esp\n iretl\n jmp 1b");

static void set_up(Entry* directory) {
  fault_task.cr3 = (uint32_t)directory;
  fault_task.eip = (uint32_t)double_fault_entry;
  fault_task.eflags = 2;
  fault_task.esp = (uint32_t)(fault_task_stack + sizeof fault_task_stack);
  fault_task.cs = kKernelCs;
  fault_task.ss = fault_task.ds = fault_task.es = kKernelDs;
  fault_task.trap_and_io_base = sizeof fault_task << 16;
  tss.cr3 = (uint32_t)directory;
  gdt[kSpare >> 3] = descriptor((uint32_t)&fault_task, sizeof fault_task - 1, 0x89, 0);
  idt[kDoubleFault] = gate(kTaskGate, kSpare, 0);
}

#define CHECK_DOUBLE_FAULT(attempt, at)             \
  do {                                              \
    CHECK_EQ(attempt, kDoubleFault);                \
    CHECK_EQ(interrupted.eip, at);                  \
    CHECK_EQ(seen_error, 0);                        \
    CHECK_EQ(fault_task.link, kTss);                \
    CHECK_EQ(seen_cr2 >> 12, (kNoStack >> 12) - 1); \
  } while (0)

static void from_ring_3(void) {
  const uint32_t good = tss.esp0;
  tss.esp0 = kNoStack;
  CHECK_DOUBLE_FAULT(try_user(user_read, 0x66000000), user_read);
  CHECK_EQ(interrupted.cs, kUserCs);
  CHECK_EQ(interrupted.esp, user_stack_top);
  CHECK_EQ(interrupted.eax, 0x66000000);
  tss.esp0 = good;
}

// The push itself faults first.
KERNEL_CODE(push_nowhere, "movl 4(%esp), %esp\n" LABEL(push_nowhere_at) "pushl %eax");
extern char push_nowhere_at[];
static void from_ring_0(void) {
  CHECK_DOUBLE_FAULT(try_call(push_nowhere, kNoStack), push_nowhere_at);
  CHECK_EQ(interrupted.cs, kKernelCs);
  CHECK_EQ(interrupted.esp, kNoStack);
}

void guest_main(void) {
  Entry* directory = new_identity_directory();
  set_up(directory);
  enable_paging(directory);
  for (uint32_t round = 0; round < 3; round++) {
    from_ring_3();
    from_ring_0();
    CHECK_EQ(count, 2 * round + 2);
    CHECK_EQ(gdt[kTss >> 3] >> 40 & 0xFF, 0x8B);    // busy again
    CHECK_EQ(gdt[kSpare >> 3] >> 40 & 0xFF, 0x89);  // available again
  }
}
