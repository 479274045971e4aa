// Code that changes code: what was written is what runs (SDM vol. 3, 11.6), by every way of writing.
#include "guest.h"
#include "paging.h"

// The next instruction, without a jump between.
KERNEL_CODE(next_instruction, "movl 4(%esp), %eax\n movb %al, 1f+1\n1: movl $0, %eax");
// Earlier and later in one loop: each round adds what the round before wrote: 0 + 50 + … + 2, twice.
KERNEL_CODE(
    own_loop,
    "pushl %ebx\n movl $0, 1f+1\n movl $0, 2f+1\n xorl %edx, %edx\n movl $50, %ecx\n1: movl $0, %eax\n"
    "addl %eax, %edx\n movl %ecx, 2f+1\n2: movl $0, %ebx\n addl %ebx, %edx\n movl %ecx, 1b+1\n loop 1b\n"
    "movl %edx, %eax\n popl %ebx");
// By a string instruction, over what follows it.
KERNEL_CODE(by_string,
            "pushl %esi\n pushl %edi\n movl 12(%esp), %esi\n movl $1f, %edi\n movl $5, %ecx\n rep movsb\n"
            "1: nop\n nop\n nop\n nop\n nop\n popl %edi\n popl %esi");
// By a push, a locked exchange, a x87 store, and a call that pushes its return address.
KERNEL_CODE(by_push,
            "movl 4(%esp), %eax\n movl %esp, %ecx\n movl $1f+5, %esp\n pushl %eax\n movl %ecx, %esp\n"
            "1: movl $0, %eax");
KERNEL_CODE(by_exchange, "movl 4(%esp), %eax\n lock xchgl %eax, 1f+1\n1: movl $0, %eax");
KERNEL_CODE(by_x87, "fninit\n fildl 4(%esp)\n fistpl 1f+1\n1: movl $0, %eax");
KERNEL_CODE(by_cmpxchg8b,
            "pushl %ebx\n movl 1f+1, %eax\n movl 1f+5, %edx\n movl 8(%esp), %ebx\n movl %edx, %ecx\n"
            "lock cmpxchg8b 1f+1\n1: movl $0, %eax\n nop\n nop\n nop\n nop\n popl %ebx");
KERNEL_CODE(by_sse, "movl 4(%esp), %eax\n movd %eax, %xmm0\n movss %xmm0, 1f+1\n1: movl $0, %eax");

static void immediate_writers(void) {
  static char* const kWriters[] = {by_push, by_exchange, by_x87, by_cmpxchg8b, by_sse};
  for (unsigned k = 0; k < sizeof kWriters / sizeof *kWriters; k++)
    for (uint32_t i = 1; i < 40; i++) {
      CHECK_EQ(try_call(kWriters[k], i * 12345), kNoTrap);
      CHECK_EQ(call_result, i * 12345);
    }
  for (uint32_t i = 0; i < 40; i++) {
    CHECK_EQ(try_call(next_instruction, i), kNoTrap);
    CHECK_EQ(call_result, i);
  }
}

static void loops(void) {
  for (int i = 0; i < 3; i++) {
    CHECK_EQ(try_call(own_loop, 0), kNoTrap);
    CHECK_EQ(call_result, 50 * 51 / 2 + 50 * 51 / 2 - 1);
  }
}

static void string_writer(void) {
  for (uint32_t i = 0; i < 20; i++) {
    const uint8_t code[5] = {0xB8, (uint8_t)i, 1, 2, 3};  // mov eax, imm32
    CHECK_EQ(try_call(by_string, (uint32_t)code), kNoTrap);
    CHECK_EQ(call_result, 0x03020100 | i);
  }
}

static uint8_t pages[3][4096] __attribute__((aligned(4096)));

// One write that changes code in two pages.
static void across_pages(void) {
  uint8_t* at = pages[1] - 3;
  for (uint32_t i = 0; i < 40; i++) {
    write_return(at, 0);
    CHECK_EQ(call((uint32_t)at), 0);
    *(volatile uint32_t*)(at + 1) = i * 0x1010101;  // two bytes in each
    CHECK_EQ(call((uint32_t)at), i * 0x1010101);
  }
}

// A direct call whose target is patched, and the function behind it.
static void patched_call(void) {
  uint8_t *caller = pages[0], *targets[2] = {pages[1] + 64, pages[2] + 128};
  for (uint32_t i = 0; i < 40; i++) {
    uint8_t* target = targets[i & 1];
    write_return(target, i);
    caller[0] = 0xE8;
    poke((uint32_t)caller + 1, (uint32_t)(target - caller - 5));
    caller[5] = 0xC3;
    CHECK_EQ(call((uint32_t)caller), i);
    write_return(target, ~i);
    CHECK_EQ(call((uint32_t)caller), ~i);
  }
}

// Copied, run, copied over, run: as a kernel does with modules and trampolines.
static void copied(void) {
  for (uint32_t i = 0; i < 30; i++) {
    uint8_t code[6];
    write_return(code, i * 7);
    for (int page = 0; page < 3; page++) {
      copy(pages[page] + 256, code, 6);
      CHECK_EQ(call((uint32_t)pages[page] + 256), i * 7);
    }
    fill(pages, 0xCC, sizeof pages);
    CHECK_EQ(try_call(pages[1] + 256, 0), kBreakpoint);
  }
}

USER_CODE(user_self,
          "movb %al, 1f+1\n1: movl $0, %eax\n movl $2f+5, %esp\n pushl $0x1234\n2: movl $0, %ecx\n"
          "movl $user_stack_top, %esp");
static void in_ring_3(void) {
  for (uint32_t i = 0; i < 40; i++) {
    CHECK_EQ(try_user(user_self, i), kUserExit);
    CHECK_EQ(trap.eax, i);
    CHECK_EQ(trap.ecx, 0x1234);
  }
}

void guest_main(void) {
  write_cr4(read_cr4() | kCr4Osfxsr);
  for (int with_paging = 0; with_paging < 2; with_paging++) {
    immediate_writers();
    loops();
    string_writer();
    across_pages();
    patched_call();
    copied();
    in_ring_3();
    if (!with_paging) enable_paging(new_identity_directory());
  }
}
