// Two linear addresses of one frame: what is written by one is read and executed by the other at once.
#include "paging.h"

static Entry* directory;
static uint32_t frame;
static const uint32_t one = kTestBase, other = 0x90000000;

static void data(void) {
  for (uint32_t i = 0; i < 4096; i += 4) {
    poke(one + i, i * 3);
    CHECK_EQ(peek(other + i), i * 3);
    poke(other + i, i * 5);
    CHECK_EQ(peek(one + i), i * 5);
    CHECK_EQ(peek(frame + i), i * 5);
  }
}

static void code(void) {
  for (uint32_t i = 0; i < 200; i++) {
    write_return((void*)one, i);
    CHECK_EQ(call(other), i);
    write_return((void*)other, ~i);
    CHECK_EQ(call(one), ~i);
    write_return((void*)frame, i << 8);
    CHECK_EQ(call(one), i << 8);
    CHECK_EQ(call(other), i << 8);
  }
}

// Code that changes its own next instruction through the alias. A jump lies between (SDM vol. 3, 8.1.3:
// cross- modifying needs it, because the prefetch queue is checked by linear address on older processors).
KERNEL_CODE(template_begin,
            "movl 4(%esp), %edx\n movb $0x77, 1f-template_begin+1(%edx)\n jmp 1f\n1: movl $0, %eax");
extern char template_end[];
__asm__(".globl template_end\ntemplate_end:");

static void modifies_itself(void) {
  for (int round = 0; round < 10; round++) {
    copy((void*)one, template_begin, 64);
    CHECK_EQ(try_call((void*)one, other), kNoTrap);
    CHECK_EQ(call_result, 0x77);
  }
}

// The alias is writable, the address that runs is not.
static void read_only_code(void) {
  map(directory, other, frame | kP);
  flush();
  for (uint32_t i = 0; i < 20; i++) {
    write_return((void*)one, i);
    CHECK_EQ(call(other), i);
  }
  CHECK_PAGE_FAULT(try_call(kernel_write, other), kernel_write_at, kPresent | kWrite, other);
  CHECK_EQ(call(other), 19);
}

// Ring 3 runs it, ring 0 writes it elsewhere.
USER_CODE(user_caller, "movl %eax, %edx\n call *%edx");
static void user_code(void) {
  map(directory, other, frame | kP | kU);
  flush();
  for (uint32_t i = 0; i < 50; i++) {
    write_return((void*)one, i + 7);
    CHECK_EQ(try_user(user_caller, other), kUserExit);
    CHECK_EQ(trap.eax, i + 7);
  }
}

void guest_main(void) {
  frame = (uint32_t)alloc_page();
  directory = new_identity_directory();
  map(directory, one, frame | kP | kW);
  map(directory, other, frame | kP | kW);
  enable_paging(directory);
  data();
  code();
  modifies_itself();
  read_only_code();
  user_code();
}
