// Transfers through gates (SDM vol. 3, 5.8 and 6.12): software interrupts and DPL, interrupt and trap gates,
// conforming handlers and code, call gates with parameters, far returns to ring 3.
#include "guest.h"

enum { kConforming = 0x58, kCallGate3 = 0x60, kCallGate0 = 0x68 };
static uint32_t seen_flags, seen_cs, seen_esp;

static int note(struct Frame* f) {
  if (f->vector < 0x31 || f->vector > 0x33) return 0;
  __asm__ volatile("pushfl\n popl %0" : "=r"(seen_flags));
  seen_cs = f->cs;
  seen_esp = f->esp;
  return 1;
}

USER_CODE(user_interrupts, "int $0x31\n movl %esp, %esi\n int $0x32\n movl $3, %ecx");
USER_CODE(user_trap_gate, "int $0x32");
USER_CODE(user_forbidden, LABEL(user_forbidden_at) "int $0x33");
extern char user_forbidden_at[];
static void software_interrupts(void) {
  trap_hook = note;
  CHECK_EQ(try_user(user_interrupts, 0), kUserExit);
  CHECK_EQ(trap.esi, user_stack_top);
  CHECK_EQ(trap.ecx, 3);
  CHECK_EQ(seen_esp, user_stack_top);
  CHECK_EQ(seen_cs, kUserCs);
  CHECK_EQ(run_user(user_trap_gate, (uint32_t)user_stack_top, 2 | kFlagIf, 0), kUserExit);
  CHECK_EQ(seen_flags & kFlagIf, kFlagIf);  // a trap gate leaves IF
  CHECK_EQ(seen_flags & kFlagTf, 0);
  CHECK_FAULT(try_user(user_forbidden, 0), kProtection, user_forbidden_at, 0x33 * 8 + 2);
  trap_hook = 0;
  cli();
}

// A handler in a conforming segment of ring 0 runs in ring 3, on the same stack.
USER_CODE(conforming_handler, "movl %cs, %edi\n movl (%esp), %esi\n iretl");
USER_CODE(user_conforming, "movl %esp, %ebp\n int $0x34\n" LABEL(user_conforming_at) "subl %esp, %ebp");
extern char user_conforming_at[];
static void conforming_interrupt(void) {
  idt[0x34] = gate(kInterruptGate | kDpl3, kConforming, conforming_handler);
  CHECK_EQ(try_user(user_conforming, 0), kUserExit);
  CHECK_EQ(trap.edi, kConforming | 3);
  CHECK_EQ(trap.esi, user_conforming_at);
  CHECK_EQ(trap.ebp, 0);
  CHECK_EQ(trap.cs, kUserCs);
}

USER_CODE(conforming_routine, "movl %cs, %edi\n movl 4(%esp), %esi\n lret");
USER_CODE(user_far_call,
          "lcall $0x58, $conforming_routine\n movl %cs, %ebx\n pushl $0x1B\n pushl $1f\n lret\n nop\n1: nop");
static void conforming_call(void) {
  CHECK_EQ(try_user(user_far_call, 0), kUserExit);
  CHECK_EQ(trap.edi, kConforming | 3);
  CHECK_EQ(trap.esi, kUserCs);
  CHECK_EQ(trap.ebx, kUserCs);
}

// Three parameters are copied to ring 0's stack, and dropped by the return.
KERNEL_CODE(gate_target,
            "movl %cs, %edi\n movl 8(%esp), %eax\n shll $8, %eax\n orl 12(%esp), %eax\n shll $8, %eax\n"
            "orl 16(%esp), %eax\n movl 20(%esp), %ebx\n movl %ss, %edx\n movl %esp, %ebp\n lret $12");
USER_CODE(user_call_gate, "pushl $0x33\n pushl $0x22\n pushl $0x11\n lcall $0x60, $0xDEAD\n movl %esp, %esi");
USER_CODE(user_gate_of_0, LABEL(user_gate_of_0_at) "lcall $0x68, $0");
extern char user_gate_of_0_at[];
static void call_gate(void) {
  gdt[kCallGate3 >> 3] = gate(kCallGate | kDpl3, kKernelCs, gate_target) | 3ull << 32;
  gdt[kCallGate0 >> 3] = gate(kCallGate, kKernelCs, gate_target);
  for (int round = 0; round < 3; round++) {
    CHECK_EQ(try_user(user_call_gate, 0), kUserExit);
    CHECK_EQ(trap.eax, 0x112233);
    CHECK_EQ(trap.edi, kKernelCs);
    CHECK_EQ(trap.edx & 0xFFFF, kKernelDs);
    CHECK_EQ(trap.ebx, (uint32_t)user_stack_top - 12);
    CHECK_EQ(trap.ebp, (uint32_t)trap_stack_top - 4 * 7);
    CHECK_EQ(trap.esi, user_stack_top);
    CHECK_EQ(trap.cs, kUserCs);
  }
  CHECK_FAULT(try_user(user_gate_of_0, 0), kProtection, user_gate_of_0_at, kCallGate0);
}

// A gate in ring 0 to ring 0 keeps the stack.
KERNEL_CODE(near_gate, "movl %esp, %edx\n lcall $0x68, $0\n movl %edx, %eax\n subl %esp, %eax");
KERNEL_CODE(near_target, "lret");
static void call_gate_within_ring_0(void) {
  gdt[kCallGate0 >> 3] = gate(kCallGate, kKernelCs, near_target);
  CHECK_EQ(try_call(near_gate, 0), kNoTrap);
  CHECK_EQ(call_result, 0);
}

// Segments of ring 0 do not survive the way to ring 3 (vol. 2, IRET and RET).
USER_CODE(user_segments, "movl %ds, %eax\n movl %es, %ebx\n movl %fs, %ecx\n movl %gs, %edx");
static void segments_are_cleared(void) {
  const uint32_t frame[] = {(uint32_t)user_segments, kUserCs, 2, (uint32_t)user_stack_top, kUserDs};
  __asm__ volatile("movl %0, %%fs\n movl %1, %%gs" ::"r"(kKernelDs), "r"(kUserDs));
  CHECK_EQ(enter_frame(frame, 5), kUserExit);
  CHECK_EQ(trap.eax & 0xFFFF, 0);
  CHECK_EQ(trap.ebx & 0xFFFF, 0);
  CHECK_EQ(trap.ecx & 0xFFFF, 0);
  CHECK_EQ(trap.edx & 0xFFFF, kUserDs);
  __asm__ volatile("movl %0, %%fs\n movl %0, %%gs" ::"r"(0));
}

void guest_main(void) {
  gdt[kConforming >> 3] = descriptor(0, 0xFFFFF, 0x9F, 12);
  idt[0x31] |= (uint64_t)kDpl3 << 40;
  idt[0x32] |= (uint64_t)(kDpl3 | 1) << 40;  // a trap gate
  software_interrupts();
  conforming_interrupt();
  conforming_call();
  call_gate();
  call_gate_within_ring_0();
  segments_are_cleared();
}
