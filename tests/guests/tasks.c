// Task switches (SDM vol. 3, 7.3): by far call, far jump, task gate in the IDT, and IRET; links, busy bits,
// CR0.TS, CR3, the LDT and the T bit.
#include "paging.h"

enum { kOther = 0x30, kTaskGateSelector = 0x38, kLdt = 0x48 };
static struct Tss other;
static uint8_t stack[4096];
static Entry *directory, *second;
static uint32_t seen, seen_flags, seen_ldt, seen_tr, seen_cr3, debug_traps, debug_dr6;

static uint8_t type_of(uint32_t selector) { return (uint8_t)(gdt[selector >> 3] >> 40) & 0xF; }

void in_other_task(void);
void in_other_task(void) {
  seen = peek(kTestBase);
  __asm__ volatile("pushfl\n popl %0" : "=r"(seen_flags));
  __asm__ volatile("sldt %0" : "=r"(seen_ldt));
  __asm__ volatile("str %0" : "=r"(seen_tr));
  seen_cr3 = read_cr3();
  CHECK_EQ(read_cr0() & kCr0Ts, kCr0Ts);
  CHECK_EQ(type_of(kTss), seen_flags & kFlagNt ? 0xB : 0x9);
  CHECK_EQ(type_of(kOther), 0xB);
}
KERNEL_CODE(task_entry, "1: call in_other_task\n iretl\n jmp 1b");
KERNEL_CODE(jump_entry, "1: call in_other_task\n ljmp $0x28, $0\n jmp 1b");

static void prepare(void* entry) {
  fill(&other, 0, sizeof other);
  other.eip = (uint32_t)entry;
  other.cr3 = (uint32_t)second;
  other.eflags = 2;
  other.esp = (uint32_t)(stack + sizeof stack);
  other.cs = kKernelCs;
  other.ss = other.ds = other.es = kKernelDs;
  other.ldt = kLdt;
  other.trap_and_io_base = sizeof other << 16;
  gdt[kOther >> 3] = descriptor((uint32_t)&other, sizeof other - 1, 0x89, 0);
  seen = 0;
}

KERNEL_CODE(far_call, "movl $0x1234567, %eax\n lcall $0x30, $0\n movl %eax, %eax");
KERNEL_CODE(far_jump, "movl $0x1234567, %eax\n ljmp $0x30, $0\n movl %eax, %eax");
KERNEL_CODE(gate_call, "movl $0x1234567, %eax\n lcall $0x38, $0");
KERNEL_CODE(interrupt, "movl $0x1234567, %eax\n int $0x35");
USER_CODE(user_interrupt, "int $0x35\n nop");

static void check_switch(int nested) {
  CHECK_EQ(seen, 0x2222);
  CHECK_EQ(seen_tr & 0xFFFF, kOther);
  CHECK_EQ(seen_ldt & 0xFFFF, kLdt);
  CHECK_EQ(seen_cr3, second);
  CHECK_EQ(seen_flags & kFlagNt, nested ? kFlagNt : 0);
  CHECK_EQ(peek(kTestBase), 0x1111);
  CHECK_EQ(read_cr3(), directory);
  CHECK_EQ(type_of(kTss), 0xB);
  CHECK_EQ(type_of(kOther), 0x9);
  if (nested) CHECK_EQ(other.link, kTss);
  uint32_t ldt;
  __asm__ volatile("sldt %0" : "=r"(ldt));
  CHECK_EQ(ldt & 0xFFFF, 0);
  CHECK_EQ(read_cr0() & kCr0Ts, kCr0Ts);
  __asm__ volatile("clts");
}

static void switches(void) {
  static char* const kNested[] = {far_call, gate_call, interrupt};
  for (unsigned i = 0; i < 3; i++) {
    prepare(task_entry);
    for (int again = 0; again < 2; again++) {  // the second time it continues behind its IRET
      CHECK_EQ(try_call(kNested[i], 0), kNoTrap);
      CHECK_EQ(call_result, 0x1234567);
      check_switch(1);
    }
  }
  prepare(jump_entry);
  CHECK_EQ(try_call(far_jump, 0), kNoTrap);
  CHECK_EQ(call_result, 0x1234567);
  check_switch(0);
  prepare(task_entry);
  CHECK_EQ(try_user(user_interrupt, 9), kUserExit);
  CHECK_EQ(trap.eip, user_interrupt + 5);
  CHECK_EQ(trap.eax, 9);
  check_switch(1);
}

KERNEL_CODE(call_self, LABEL(call_self_at) "lcall $0x28, $0");
extern char call_self_at[], far_call_at[];
static void refusals(void) {
  CHECK_FAULT(try_call(call_self, 0), kProtection, call_self_at, kTss);  // busy
  prepare(task_entry);
  gdt[kOther >> 3] &= ~(1ull << 47);
  CHECK_FAULT(try_call(far_call, 0), kNotPresent, far_call + 5, kOther);
  gdt[kOther >> 3] = descriptor((uint32_t)&other, 0x66, 0x89, 0);
  CHECK_FAULT(try_call(far_call, 0), kInvalidTss, far_call + 5, kOther);  // limit below 67h
}

static int on_debug(struct Frame* f) {
  if (f->vector != kDebug) return 0;
  debug_traps++;
  debug_dr6 = read_dr6();
  CHECK_EQ(f->eip, task_entry);
  write_dr6(0);
  return 1;
}

static void debug_trap(void) {
  prepare(task_entry);
  other.trap_and_io_base |= 1;
  debug_traps = 0;
  trap_hook = on_debug;
  CHECK_EQ(try_call(far_call, 0), kNoTrap);
  trap_hook = 0;
  CHECK_EQ(debug_traps, 1);
  CHECK_EQ(debug_dr6 & 0x8000, 0x8000);
  __asm__ volatile("clts");
}

void guest_main(void) {
  const uint32_t frames[2] = {(uint32_t)alloc_page(), (uint32_t)alloc_page()};
  poke(frames[0], 0x1111);
  poke(frames[1], 0x2222);
  directory = new_identity_directory();
  second = new_directory();
  copy(second, directory, 8);
  map(directory, kTestBase, frames[0] | kP | kW);
  map(second, kTestBase, frames[1] | kP | kW);
  tss.cr3 = (uint32_t)directory;
  gdt[kLdt >> 3] = descriptor((uint32_t)gdt, 63, 0x82, 0);
  gdt[kTaskGateSelector >> 3] = gate(kTaskGate, kOther, 0);
  idt[0x35] = gate(kTaskGate | kDpl3, kOther, 0);
  enable_paging(directory);
  for (int round = 0; round < 2; round++) {
    switches();
    refusals();
    if (!on_tcg()) debug_trap();  // TCG has no T bit (7.2.1)
  }
}
