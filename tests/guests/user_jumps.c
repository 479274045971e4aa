// Ring 3 goes where it may not: missing, supervisor and execute-disabled pages, by every kind of branch. The
// fault is at the target, what the branch pushed is pushed.
#include "paging.h"

enum { kMissing = 0x40001000, kKernelPage = 0x40002000, kNoExecutePage = 0x40003000, kNoTable = 0x7F000000 };

USER_CODE(by_jump, "jmp *%eax");
USER_CODE(by_call, "call *%eax\n" LABEL(behind_call));
USER_CODE(by_return, "pushl %eax\n ret");
USER_CODE(by_memory, "pushl %eax\n jmp *(%esp)");
USER_CODE(by_far_return, "pushl $0x1B\n pushl %eax\n lret");
USER_CODE(by_iret, "pushl $2\n pushl $0x1B\n pushl %eax\n iretl");
USER_CODE(by_direct_jump, "jmp 0x40001000");
USER_CODE(by_branch, "testl %esp, %esp\n jnz 0x40001000");
USER_CODE(by_direct_call, "call 0x40001000");
extern char behind_call[];
// A branch within a page to an instruction that reaches into the next one.
USER_CODE(page_end,
          ".balign 4096\n .skip 0xFF0\n" LABEL(branch_to_crossing) "testl %eax, %eax\n jnz crossing\n int $0x30\n"
          ".org branch_to_crossing + 0xE\n" LABEL(crossing) "movl $0x12345678, %ebx");
extern char branch_to_crossing[], crossing[];

static void check_target(uint32_t target, uint32_t error) {
  static const struct {
    char* code;
    uint32_t pushed;
  } kWays[] = {{by_jump, 0}, {by_call, 4}, {by_return, 0}, {by_memory, 4}, {by_far_return, 0}, {by_iret, 0}};
  for (unsigned i = 0; i < sizeof kWays / sizeof *kWays; i++) {
    CHECK_PAGE_FAULT(try_user(kWays[i].code, target), target, error, target);
    CHECK_EQ((uint32_t)user_stack_top - trap.esp, kWays[i].pushed);
    CHECK_EQ(trap.cs, kUserCs);
    if (kWays[i].code == by_call) CHECK_EQ(peek(trap.esp), behind_call);
  }
}

static void direct(void) {
  const uint32_t error = kUser | kFetch;
  CHECK_PAGE_FAULT(try_user(by_direct_jump, 0), kMissing, error, kMissing);
  CHECK_PAGE_FAULT(try_user(by_branch, 0), kMissing, error, kMissing);
  CHECK_PAGE_FAULT(try_user(by_direct_call, 0), kMissing, error, kMissing);
}

// Where a translator knows the target before the branch is first taken, and has met other code meanwhile.
static void branch_across_pages(void* page) {
  CHECK_EQ(try_user(crossing, 0), 0x30);
  CHECK_EQ(try_user(branch_to_crossing, 0), 0x30);
  write_return(page, 2);
  CHECK_EQ(call((uint32_t)page), 2);
  for (int i = 0; i < 3; i++) {
    CHECK_EQ(try_user(branch_to_crossing, 1), 0x30);
    CHECK_EQ(trap.eip, (uint32_t)crossing + 7);
    CHECK_EQ(trap.ebx, 0x12345678);
  }
}

void guest_main(void) {
  const uint32_t frame = (uint32_t)alloc_page();
  PaeEntry* tables = new_pae_tables();
  *pae_page_entry(tables, kMissing) = 0;
  *pae_page_entry(tables, kKernelPage) = frame | kP | kW;
  *pae_page_entry(tables, kNoExecutePage) = frame | kP | kW | kU | kNx;
  write_return((void*)frame, 1);
  void* fresh = alloc_page();
  write_cr4(read_cr4() | kCr4Pae);
  wrmsr(0xC0000080, 0x800);  // EFER.NXE
  enable_paging(tables);
  branch_across_pages(fresh);
  for (int round = 0; round < 3; round++) {
    check_target(kMissing, kUser | kFetch);
    check_target(kNoTable, kUser | kFetch);
    check_target(kKernelPage, kUser | kFetch | kPresent);
    check_target(kNoExecutePage, kUser | kFetch | kPresent);
    check_target((uint32_t)kernel_read, kUser | kFetch | kPresent);
    direct();
    CHECK_EQ(call(kKernelPage), 1);
  }
}
