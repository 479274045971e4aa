// Where RET goes is what is on the stack then, and what runs there is what is there then: whatever the call
// knew.
#include "paging.h"

static Entry* directory;

// Depth in ECX: each round one call deeper and back, on a stack that holds return addresses only.
KERNEL_CODE(deep,
            "movl 4(%esp), %ecx\n movl %esp, %edx\n movl $deep_stack_top, %esp\n xorl %eax, %eax\n call 1f\n"
            "movl %edx, %esp\n ret\n"
            "1: jecxz 3f\n decl %ecx\n testl $1, %ecx\n jz 2f\n call 1b\n addl $2, %eax\n ret\n"
            "2: call 1b\n addl $3, %eax\n3:");
enum { kDeepest = 4000 };
uint32_t deep_stack[kDeepest + 16];
__asm__(".globl deep_stack_top\n.set deep_stack_top, deep_stack + (4000 + 16) * 4\n");

static void deeper_than_any_memory_of_it(void) {
  for (uint32_t n = 0; n <= kDeepest; n = n * 2 + 1) {
    CHECK_EQ(try_call(deep, n), kNoTrap);
    CHECK_EQ(call_result, (n + 1) / 2 * 3 + n / 2 * 2);
  }
}

// EAX: how many of the three-byte instructions behind the call to skip.
#define SKIPS                                                                                           \
  "leal (%eax,%eax,2), %ecx\n xorl %eax, %eax\n call 1f\n orl $1, %eax\n orl $2, %eax\n orl $4, %eax\n" \
  "orl $8, %eax\n jmp 2f\n1: addl %ecx, (%esp)\n ret\n2:"
KERNEL_CODE(skips, "movl 4(%esp), %eax\n" SKIPS);
USER_CODE(user_skips, SKIPS);
// EAX: where to jump, as compilers write it that do not trust branch predictors.
#define RETPOLINE "call 1f\n ud2\n1: movl %eax, (%esp)\n ret\n"
KERNEL_CODE(retpoline, "movl 4(%esp), %eax\n" RETPOLINE);
USER_CODE(user_retpoline, RETPOLINE);
KERNEL_CODE(first_target, "movl $0xF1, %eax");
KERNEL_CODE(second_target, "movl $0xF2, %eax");
USER_CODE(first_user_target, "movl $0xF1, %eax");
USER_CODE(second_user_target, "movl $0xF2, %eax");
// What RET takes off besides, and leaves.
KERNEL_CODE(pops, "pushl $1\n pushl $2\n pushl $3\n call 1f\n popl %eax\n jmp 2f\n1: ret $8\n2:");

static void elsewhere(void) {
  for (uint32_t i = 0; i < 40; i++) {
    const uint32_t skipped = i * 7 % 5;
    CHECK_EQ(try_call(skips, skipped), kNoTrap);
    CHECK_EQ(call_result, 15 >> skipped << skipped);
    CHECK_EQ(try_user(user_skips, skipped), kUserExit);
    CHECK_EQ(trap.eax, 15 >> skipped << skipped);
    CHECK_EQ(try_call(retpoline, (uint32_t)(i % 3 ? first_target : second_target)), kNoTrap);
    CHECK_EQ(call_result, i % 3 ? 0xF1 : 0xF2);
    CHECK_EQ(try_user(user_retpoline, (uint32_t)(i % 3 ? first_user_target : second_user_target)), kUserExit);
    CHECK_EQ(trap.eax, i % 3 ? 0xF1 : 0xF2);
    CHECK_EQ(try_call(pops, 0), kNoTrap);
    CHECK_EQ(call_result, 1);
  }
}

static const uint32_t page = kTestBase;
static uint32_t frames[2], wanted;

// The code behind the call writes over itself, or changes frames, before it is returned to.
static void write_over(void) { poke(page + 0x106, wanted); }
static void remap(void) {
  map(directory, page, frames[wanted & 1] | kP | kW | kU);
  invlpg((void*)page);
}
static void remap_and_flush(void) {
  map(directory, page, frames[wanted & 1] | kP | kW | kU);
  flush();
}
// The call may end its page, or lie across its end.
static void remap_next(void) {
  map(directory, page + 4096, frames[wanted & 1] | kP | kW | kU);
  invlpg((void*)(page + 4096));
}

static void write_call(uint32_t at, uint32_t target) {
  *(volatile uint8_t*)at = 0xE8;
  poke(at + 1, target - at - 5);
}

// `call callee; mov eax, value; ret`, in ring 3 with INT 30h in place of RET.
static void write_caller(uint32_t at, uint32_t callee, uint32_t value, int user) {
  write_call(at, callee);
  write_return((void*)(at + 5), value);
  if (user) {
    *(volatile uint8_t*)(at + 10) = 0xCD;
    *(volatile uint8_t*)(at + 11) = kUserExit;
  }
}

static void changed_meanwhile(void) {
  void (*const changes[])(void) = {write_over, remap, remap_and_flush};
  for (int kind = 0; kind < 3; kind++) {
    for (uint32_t i = 0; i < 2; i++) {
      map(directory, page, frames[i] | kP | kW);
      flush();
      write_caller(page + 0x100, (uint32_t)changes[kind], i, 0);
    }
    for (wanted = 2; wanted < 40; wanted++) {
      CHECK_EQ(try_call((void*)(page + 0x100), 0), kNoTrap);
      CHECK_EQ(call_result, kind ? wanted & 1 : wanted);
    }
  }
}

static void behind_the_end_of_the_page(void) {
  for (uint32_t offset = 4096 - 5; offset < 4096; offset++) {
    map(directory, page, frames[0] | kP | kW);
    flush();
    for (uint32_t i = 0; i < 2; i++) {
      // All but the last of the call's bytes are alike in both frames.
      wanted = i;
      remap_next();
      write_call(page + offset, (uint32_t)remap_next);
      write_return((void*)(page + offset + 5), i);
    }
    for (wanted = 2; wanted < 20; wanted++) {
      CHECK_EQ(try_call((void*)(page + offset), 0), kNoTrap);
      CHECK_EQ(call_result, wanted & 1);
    }
  }
}

// Ring 3 asks for the change by a trap.
USER_CODE(user_callee, "int3\n ret");
USER_CODE(user_caller, "jmp *%eax");
static void (*change)(void);
static int on_breakpoint(struct Frame* frame) {
  if (frame->vector != kBreakpoint) return 0;
  change();
  return 1;
}

static void changed_under_ring_3(void) {
  void (*const changes[])(void) = {write_over, remap, remap_and_flush};
  trap_hook = on_breakpoint;
  idt[kBreakpoint] |= (uint64_t)kDpl3 << 40;
  for (int kind = 0; kind < 3; kind++) {
    change = changes[kind];
    for (uint32_t i = 0; i < 2; i++) {
      map(directory, page, frames[i] | kP | kW | kU);
      flush();
      write_caller(page + 0x100, (uint32_t)user_callee, i, 1);
    }
    for (wanted = 2; wanted < 40; wanted++) {
      CHECK_EQ(try_user(user_caller, page + 0x100), kUserExit);
      CHECK_EQ(trap.eax, kind ? wanted & 1 : wanted);
    }
  }
  trap_hook = 0;
  idt[kBreakpoint] &= ~((uint64_t)kDpl3 << 40);
}

void guest_main(void) {
  for (int i = 0; i < 2; i++) frames[i] = (uint32_t)alloc_page();
  directory = new_identity_directory();
  *page_entry(directory, (uint32_t)user_callee) |= kU;
  enable_paging(directory);
  for (int round = 0; round < 3; round++) {
    deeper_than_any_memory_of_it();
    elsewhere();
    changed_meanwhile();
    behind_the_end_of_the_page();
    changed_under_ring_3();
  }
}
