// An exception that can be delivered nowhere, then a double fault that cannot either: shutdown, which the PC
// answers with a reset (SDM vol. 3, 6.15, interrupt 8).
#include "guest.h"

KERNEL_CODE(fault_without_table,
            "lidt empty_table\n ud2\n"
            " .data\n .globl empty_table\nempty_table: .word 0\n .long 0\n .text");

void guest_main(void) {
  print("READY\n");
  try_call(fault_without_table, 0);
  print("the fault was survived\n");
  check(0, __FILE__, __LINE__, "no triple fault");
}
