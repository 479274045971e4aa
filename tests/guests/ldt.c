// The LDT (SDM vol. 3, 3.5.1): ring 3 that lives in it, what LLDT refuses, and what VERR, VERW, LAR and LSL
// say.
#include "guest.h"
#include "paging.h"

enum { kLdt = 0x30, kLdtCode = 0x0F, kLdtData = 0x17 };
static uint64_t ldt[4] __attribute__((aligned(8)));

USER_CODE(
    in_ldt,
    "pushl $0x17\n popl %ds\n movl %cs, %ebx\n movl %ds, %ecx\n movl user_stack_top-64, %edx\n sldt %esi\n"
    "lcall $0x0F, $in_ldt_target");
__asm__(".pushsection .user,\"awx\",@progbits\nin_ldt_target: movl $0x123, %edi\n lret\n.popsection");

static void lives_in_it(void) {
  const uint32_t frame[] = {(uint32_t)in_ldt, kLdtCode, 2, (uint32_t)user_stack_top, kLdtData};
  poke((uint32_t)user_stack_top - 64, 0xABCD);
  CHECK_EQ(enter_frame(frame, 5), kUserExit);
  CHECK_EQ(trap.ebx & 0xFFFF, kLdtCode);
  CHECK_EQ(trap.ecx & 0xFFFF, kLdtData);
  CHECK_EQ(trap.edx, 0xABCD);
  CHECK_EQ(trap.esi & 0xFFFF, kLdt);
  CHECK_EQ(trap.edi, 0x123);
  CHECK_EQ(trap.cs, kLdtCode);
  CHECK_EQ(trap.ss, kLdtData);
}

KERNEL_CODE(load_ldt, "movl 4(%esp), %eax\n" LABEL(load_ldt_at) "lldt %ax");
KERNEL_CODE(load_es, "movl 4(%esp), %eax\n" LABEL(load_es_at) "movl %eax, %es");
extern char load_ldt_at[], load_es_at[];
static void refusals(void) {
  CHECK_FAULT(try_call(load_ldt, kKernelDs), kProtection, load_ldt_at, kKernelDs);
  CHECK_FAULT(try_call(load_ldt, kLdtData), kProtection, load_ldt_at, kLdtData & ~3);
  CHECK_FAULT(try_call(load_es, 0x24), kProtection, load_es_at, 0x24);  // beyond the LDT's limit
  gdt[kLdt >> 3] &= ~(1ull << 47);
  CHECK_FAULT(try_call(load_ldt, kLdt), kNotPresent, load_ldt_at, kLdt);
  gdt[kLdt >> 3] |= 1ull << 47;
  CHECK_EQ(try_call(load_ldt, 0), kNoTrap);
  CHECK_FAULT(try_call(load_es, kLdtData), kProtection, load_es_at, kLdtData & ~3);
  CHECK_EQ(try_call(load_ldt, kLdt), kNoTrap);
}

USER_CODE(user_looks,
          "larl %eax, %ebx\n setz %cl\n lsll %eax, %edx\n setz %ch\n verr %ax\n pushfl\n popl %esi\n"
          "verw %ax\n pushfl\n popl %edi");
static void look(uint32_t selector, int visible, uint32_t rights, uint32_t limit, int readable,
                 int writable) {
  CHECK_EQ(try_user(user_looks, selector), kUserExit);
  CHECK_EQ(trap.ecx & 0xFFFF, visible ? 0x101 : 0);
  if (visible) CHECK_EQ(trap.ebx & 0xF0FF00, rights);
  if (visible) CHECK_EQ(trap.edx, limit);
  CHECK_EQ(trap.esi & kFlagZero, readable ? kFlagZero : 0);
  CHECK_EQ(trap.edi & kFlagZero, writable ? kFlagZero : 0);
}

static void what_ring_3_sees(void) {
  look(kUserDs, 1, 0xC0F300, 0xFFFFFFFF, 1, 1);
  look(kUserCs, 1, 0xC0FB00, 0xFFFFFFFF, 1, 0);
  look(kKernelDs, 0, 0, 0, 0, 0);
  look(kLdtData, 1, 0xC0F300, 0xFFFFFFFF, 1, 1);
  look(0, 0, 0, 0, 0, 0);
  look(0x1F8, 0, 0, 0, 0, 0);
  gdt[10] = descriptor(0, 0x123, 0xF1, 0);
  look(0x53, 1, 0xF100, 0x123, 1, 0);
}

void guest_main(void) {
  ldt[1] = descriptor(0, 0xFFFFF, 0xFB, 12);
  ldt[2] = descriptor(0, 0xFFFFF, 0xF3, 12);
  gdt[kLdt >> 3] = descriptor((uint32_t)ldt, sizeof ldt - 1, 0x82, 0);
  CHECK_EQ(try_call(load_ldt, kLdt), kNoTrap);
  for (int with_paging = 0; with_paging < 2; with_paging++) {
    lives_in_it();
    refusals();
    what_ring_3_sees();
    if (!with_paging) enable_paging(new_identity_directory());
  }
}
