// The page that code runs in, or jumps to, gets another frame: by code in that very page, by a load of CR3,
// and behind direct jumps and calls that were taken before.
#include "paging.h"

static Entry *directory, *second;
static uint32_t frames[2];
static const uint32_t page = kTestBase, caller = kTestBase + 4096;

// Argument: address of the PTE in EDX's place, its new value in ECX's. What follows INVLPG differs in the two
// frames.
KERNEL_CODE(
    remaps_itself,
    "movl 4(%esp), %eax\n movl (%eax), %edx\n movl 4(%eax), %ecx\n movl 8(%eax), %eax\n movl %ecx, (%edx)\n"
    "invlpg (%eax)\n" LABEL(remaps_itself_value) "movl $0, %eax");
KERNEL_CODE(switches_space,
            "movl 4(%esp), %eax\n movl %eax, %cr3\n" LABEL(switches_space_value) "movl $0, %eax");
extern char remaps_itself_value[], switches_space_value[];

static void fill_frames(char* code, char* value) {
  for (uint32_t i = 0; i < 2; i++) {
    copy((void*)frames[i], code, 64);
    poke(frames[i] + (uint32_t)(value - code) + 1, 0xF0 + i);
  }
}

static void under_itself(void) {
  fill_frames(remaps_itself, remaps_itself_value);
  for (uint32_t i = 0; i < 10; i++) {
    const uint32_t now = i & 1;
    uint32_t arguments[3] = {(uint32_t)page_entry(directory, page), frames[!now] | kP | kW, page};
    map(directory, page, frames[now] | kP | kW);
    invlpg((void*)page);
    CHECK_EQ(try_call((void*)page, (uint32_t)arguments), kNoTrap);
    CHECK_EQ(call_result, 0xF0 + !now);
  }
}

static void by_cr3(void) {
  fill_frames(switches_space, switches_space_value);
  map(directory, page, frames[0] | kP | kW);
  map(second, page, frames[1] | kP | kW);
  flush();
  for (uint32_t i = 0; i < 10; i++) {
    CHECK_EQ(try_call((void*)page, (uint32_t)second), kNoTrap);
    CHECK_EQ(call_result, 0xF1);
    CHECK_EQ(try_call((void*)page, (uint32_t)directory), kNoTrap);
    CHECK_EQ(call_result, 0xF0);
  }
}

USER_CODE(user_caller, "movl %eax, %edx\n call *%edx");
// A jump and a call in another page, linked by then.
static void behind_a_jump(uint8_t opcode, int user) {
  const uint32_t all = kP | kW | kU;
  for (uint32_t i = 0; i < 2; i++) write_return((void*)(frames[i] + 32), 0xA0 + i);
  uint8_t* code = (uint8_t*)caller;
  code[0] = opcode;
  poke(caller + 1, page + 32 - caller - 5);
  code[5] = 0xC3;
  for (uint32_t i = 0; i < 10; i++) {
    map(directory, page, frames[i & 1] | all);
    if (i & 2)
      invlpg((void*)page);
    else
      flush();
    for (int again = 0; again < 3; again++) {
      CHECK_EQ(user ? try_user(user_caller, caller) : try_call(code, 0), user ? kUserExit : kNoTrap);
      CHECK_EQ(user ? trap.eax : call_result, 0xA0 + (i & 1));
    }
  }
  // A load of CR3 alone: each space has its own page behind the shared jump.
  map(directory, page, frames[0] | all);
  map(second, page, frames[1] | all);
  for (uint32_t i = 0; i < 10; i++) {
    write_cr3((uint32_t)(i & 1 ? second : directory));
    CHECK_EQ(user ? try_user(user_caller, caller) : try_call(code, 0), user ? kUserExit : kNoTrap);
    CHECK_EQ(user ? trap.eax : call_result, 0xA0 + (i & 1));
  }
  write_cr3((uint32_t)directory);
  // Then it is gone.
  map(directory, page, 0);
  invlpg((void*)page);
  const int attempt = user ? try_user(user_caller, caller) : try_call(code, 0);
  CHECK_PAGE_FAULT(attempt, page + 32, user ? kUser : 0, page + 32);
}

// An instruction that reaches from a frame into the same frame.
static void across_one_frame(void) {
  for (uint32_t next = page; next <= page + 4096; next += 4096) map(directory, next, frames[0] | kP | kW);
  flush();
  for (uint32_t i = 0; i < 40; i++) {
    write_return((void*)(page + 4096 - 3), i * 0x1010101);
    CHECK_EQ(try_call((void*)(page + 4096 - 3), 0), kNoTrap);
    CHECK_EQ(call_result, i * 0x1010101);
  }
}

void guest_main(void) {
  for (int i = 0; i < 2; i++) frames[i] = (uint32_t)alloc_page();
  const uint32_t shared = (uint32_t)alloc_page();
  directory = new_identity_directory();
  second = new_directory();
  copy(second, directory, 8);
  map(directory, caller, shared | kP | kW | kU);
  map(second, caller, shared | kP | kW | kU);
  enable_paging(directory);
  under_itself();
  by_cr3();
  for (int user = 0; user < 2; user++) {
    behind_a_jump(0xE9, user);
    behind_a_jump(0xE8, user);
  }
  across_one_frame();
}
