// The first and the last page of the linear address space: data, stacks and code there; what lies beyond does
// not exist, so an access over the end either wraps or faults (SDM vol. 3, 5.3: either is right), and nothing
// else happens.
#include "paging.h"

enum { kLast = 0xFFFFF000 };
static Entry* directory;
static uint32_t frames[2];

static void data(void) {
  poke(0xFFFFFFFC, 0x12345678);
  CHECK_EQ(peek(frames[0] + 4092), 0x12345678);
  poke(0, 0x9ABCDEF0);
  CHECK_EQ(peek(frames[1]), 0x9ABCDEF0);
  CHECK_EQ(try_user(user_read, 0xFFFFFFFC), kUserExit);
  CHECK_EQ(trap.eax, 0x12345678);
  CHECK_EQ(try_user(user_read, 0), kUserExit);
  CHECK_EQ(trap.eax, 0x9ABCDEF0);
}

static void over_the_end(void) {
  for (uint32_t back = 1; back < 4; back++) {
    const uint32_t address = 0u - back;
    const int attempt = try_call(kernel_read, address);
    CHECK(attempt == kNoTrap || attempt == kProtection);
    if (attempt == kNoTrap) CHECK_EQ(call_result >> 8 * back, 0x9ABCDEF0 & (0xFFFFFFFF >> 8 * back));
    const int in_user = try_user(user_read, address);
    CHECK(in_user == kUserExit || in_user == kProtection);
  }
}

// A push at ESP = 0 goes to the last word; a stack in page 0 is a stack.
KERNEL_CODE(stack_at,
            "movl 4(%esp), %eax\n xchgl %eax, %esp\n pushl $0x2468\n pushl $0x1357\n popl %ecx\n popl %edx\n"
            "xchgl %eax, %esp\n movl %edx, %eax");
USER_CODE(user_stack_at,
          "movl %eax, %esp\n pushl $0x2468\n call 1f\n1: popl %ecx\n popl %eax\n movl %esp, %ebx\n"
          "movl $user_stack_top, %esp");
static void stacks(void) {
  CHECK_EQ(try_call(stack_at, 0), kNoTrap);
  CHECK_EQ(call_result, 0x2468);
  CHECK_EQ(peek(frames[0] + 4092), 0x2468);
  CHECK_EQ(try_call(stack_at, 64), kNoTrap);
  CHECK_EQ(call_result, 0x2468);
  CHECK_EQ(try_user(user_stack_at, 0), kUserExit);
  CHECK_EQ(trap.eax, 0x2468);
  CHECK_EQ(trap.ebx, 0);
  poke(0xFFFFFFFC, 0x12345678);
}

USER_CODE(user_caller, "movl %eax, %edx\n call *%edx");
static void code(void) {
  const uint32_t places[] = {0xFFFFFFFA, kLast, 16};
  for (unsigned i = 0; i < 3; i++)
    for (uint32_t round = 0; round < 5; round++) {
      write_return((void*)places[i], round + i);
      CHECK_EQ(call(places[i]), round + i);
      CHECK_EQ(try_user(user_caller, places[i]), kUserExit);
      CHECK_EQ(trap.eax, round + i);
    }
}

// Repetitions that run into the end, bit strings and table look-ups that reach around it.
KERNEL_CODE(fill_to_the_end,
            "pushl %edi\n movl $0xFFFFFFF0, %edi\n movl $32, %ecx\n xorl %eax, %eax\n rep stosb\n"
            "movl %ecx, %eax\n popl %edi");
KERNEL_CODE(far_bits,
            "movl $0x7FFFFFFF, %ecx\n movl $0xF0000010, %edx\n btl %ecx, (%edx)\n movl $-16, %ecx\n"
            "movl $16, %edx\n btsl %ecx, (%edx)\n setc %al\n movzbl %al, %eax");
KERNEL_CODE(indexed,
            "movl $0xFFFFFFFF, %edx\n movl 1(%edx), %eax\n movl $0x80000000, %ecx\n addl (%ecx,%ecx), %eax");
static void strings_and_bits(void) {
  const int attempt = try_call(fill_to_the_end, 0);
  CHECK(attempt == kNoTrap || attempt == kProtection);
  CHECK_EQ(peek(0xFFFFFFFC), 0);
  poke(0, 0x9ABCDEF0);
  CHECK_EQ(try_call(indexed, 0), kNoTrap);
  CHECK_EQ(call_result, 0x9ABCDEF0u * 2);
  const int bits = try_call(far_bits, 0);
  CHECK(bits == kNoTrap || bits == kPage);
}

void guest_main(void) {
  for (int i = 0; i < 2; i++) frames[i] = (uint32_t)alloc_page();
  directory = new_identity_directory();
  map(directory, kLast, frames[0] | kP | kW | kU);
  map(directory, 0, frames[1] | kP | kW | kU);
  enable_paging(directory);
  for (int round = 0; round < 3; round++) {
    data();
    over_the_end();
    stacks();
    code();
    strings_and_bits();
    poke(0xFFFFFFFC, 0x12345678);
  }
}
