// Segment registers that user code loads by itself: what it addresses then, and what its kernel finds in them. The
// selectors are those that a Linux host has in use: 33h is its 64-bit code segment, 2Bh and 23h are flat.
#include "paging.h"

enum { kSpareUser = kSpare | 3, kOffset = 0x10, kValue = 0x7157A1 };

USER_CODE(load_gs, "movl $0x33, %eax\n movw %ax, %gs\n movl %gs:0x10, %eax");
USER_CODE(load_fs, "movl $0x33, %eax\n movw %ax, %fs\n movl %fs:0x10, %eax\n");
USER_CODE(load_both, "movl $0x33, %eax\n movw %ax, %fs\n movw %ax, %gs\n movl %gs:0x10, %eax\n addl %fs:0x10, %eax");
USER_CODE(load_null, "movl $0x33, %eax\n movw %ax, %gs\n movl %gs:0x10, %ecx\n xorl %eax, %eax\n movw %ax, %gs\n"
                     LABEL("read_null") "movl %gs:0x10, %eax");
extern char read_null[];
USER_CODE(save_and_load, "movl $0x33, %eax\n movw %ax, %gs\n movl %gs:0x10, %ecx\n movw %gs, %dx\n movw %dx, %gs\n"
                         "movl %gs:0x10, %eax");

void guest_main(void) {
  Entry* directory = new_identity_directory();
  map(directory, kTestBase, (uint32_t)alloc_page() | kP | kW | kU);
  gdt[kSpare / 8] = descriptor(kTestBase, 0xFFFFF, 0xF2, kGranular | kBig);
  enable_paging(directory);
  poke(kTestBase + kOffset, kValue);
  for (int round = 0; round < 3; round++) {
    CHECK_EQ(try_user(load_gs, 0), kUserExit);
    CHECK_EQ(trap.eax, kValue);
    CHECK_EQ(trap.gs, kSpareUser);
    CHECK_EQ(try_user(load_fs, 0), kUserExit);
    CHECK_EQ(trap.eax, kValue);
    CHECK_EQ(trap.fs, kSpareUser);
    CHECK_EQ(try_user(load_both, 0), kUserExit);
    CHECK_EQ(trap.eax, 2 * kValue);
    CHECK_FAULT(try_user(load_null, 0), kProtection, read_null, 0);
    CHECK_EQ(trap.ecx, kValue);
    CHECK_EQ(try_user(save_and_load, 0), kUserExit);
    CHECK_EQ(trap.eax, kValue);
  }
}
