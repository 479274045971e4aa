// User code in the same memory at one linear address after the other, as libraries lie elsewhere in each
// process: it always runs where it is, with the return addresses and targets of that place.
#include "paging.h"

enum { kPlaces = 7, kRounds = 12, kStep = 0x00301000, kPages = 2 };
static uint32_t frames;

// Entered with its own address in EDX. A page and a half: calls, loops, jumps over the end of the page, an
// instruction across it; EAX: the number of iterations. EBX ends as the sum of all return addresses that were
// seen.
__asm__(
    ".pushsection .text\n.globl code_begin, code_end\ncode_begin:\n"
    "  xorl %ebx, %ebx\n"
    "1: call 2f\n"
    "  call 5f\n"
    "  decl %eax\n"
    "  jnz 1b\n"
    "  jmp 6f\n"
    "2: addl (%esp), %ebx\n"
    "  leal 3f-code_begin(%edx), %ecx\n"
    "  call *%ecx\n"
    "  ret\n"
    ".skip 0x800\n"
    "3: addl (%esp), %ebx\n"
    "  ret\n"
    ".skip 0xFFD-(.-code_begin), 0x90\n"
    "6: .byte 0xB8, 1, 2, 3, 4\n"  // MOV EAX, imm32 across the end of the page
    "  int $0x30\n"
    "5: addl (%esp), %ebx\n"
    "  ret\n"
    "code_end:\n.popsection\n");
extern char code_begin[], code_end[];

static uint32_t place(uint32_t n) { return kTestBase + n * kStep; }

static void map_code(Entry* directory, uint32_t at) {
  for (uint32_t page = 0; page < kPages; page++)
    map(directory, at + page * 0x1000, (frames + page * 0x1000) | kP | kU);
}

static void unmap_code(Entry* directory, uint32_t at) {
  for (uint32_t page = 0; page < kPages; page++) map(directory, at + page * 0x1000, 0);
}

// The return addresses behind both CALLs of the loop and behind CALL ECX, as offsets.
static uint32_t return_addresses(uint32_t* behind_indirect) {
  const uint8_t* const code = (const uint8_t*)code_begin;
  uint32_t n = 0;
  while (code[n] != 0xFF || code[n + 1] != 0xD1) n++;
  *behind_indirect = n + 2;
  return 2;
}

USER_CODE(enter_code, "movl %eax, %edx\n movl $9, %eax\n jmp *%edx");
USER_CODE(enter_loop, "movl %eax, %edx\n movl $9, %eax\n movl $0, %ebx\n leal 2(%edx), %ecx\n jmp *%ecx");
USER_CODE(enter_across, "addl $0xFFD, %eax\n jmp *%eax");

static void runs_at(uint32_t at) {
  uint32_t behind_indirect;
  const uint32_t first = return_addresses(&behind_indirect) + 5, second = first + 5;
  char* const ways[] = {enter_code, enter_loop};
  for (unsigned n = 0; n < 2; n++) {
    CHECK_EQ(try_user(ways[n], at), kUserExit);
    CHECK_EQ(trap.ebx, 9 * (3 * at + first + second + behind_indirect));
    CHECK_EQ(trap.eax, 0x04030201);
    CHECK_EQ(trap.eip, at + 0x1002 + 2);
  }
  CHECK_EQ(try_user(enter_across, at), kUserExit);
  CHECK_EQ(trap.eax, 0x04030201);
}

static void one_after_the_other(Entry* directory) {
  for (uint32_t round = 0; round < kRounds; round++) {
    const uint32_t at = place(round % kPlaces);
    map_code(directory, at);
    flush();
    runs_at(at);
    runs_at(at);
    unmap_code(directory, at);
    flush();
  }
}

static void side_by_side(Entry* one, Entry* other) {
  map_code(one, place(1));
  map_code(other, place(2));
  for (uint32_t round = 0; round < kRounds; round++) {
    write_cr3((uint32_t)one);
    runs_at(place(1));
    write_cr3((uint32_t)other);
    runs_at(place(2));
  }
  unmap_code(one, place(1));
  write_cr3((uint32_t)one);
  map_code(one, place(3));
  runs_at(place(3));
  write_cr3((uint32_t)other);
  runs_at(place(2));
  unmap_code(other, place(2));
  write_cr3((uint32_t)one);
  unmap_code(one, place(3));
  flush();
}

// Both in one space, and what was written there meanwhile.
static void twice(Entry* directory) {
  map_code(directory, place(4));
  map_code(directory, place(5));
  flush();
  for (uint32_t round = 0; round < kRounds; round++) {
    runs_at(place(4));
    runs_at(place(5));
  }
  unmap_code(directory, place(4));
  flush();
  map_code(directory, place(6));
  runs_at(place(6));
  runs_at(place(5));
  unmap_code(directory, place(5));
  flush();
  uint8_t* const immediate = (uint8_t*)frames + 0xFFE;
  immediate[0] = 7;
  map_code(directory, place(0));
  CHECK_EQ(try_user(enter_across, place(0)), kUserExit);
  CHECK_EQ(trap.eax, 0x04030207);
  immediate[0] = 1;
  runs_at(place(0));
  unmap_code(directory, place(0));
  unmap_code(directory, place(6));
  flush();
}

void guest_main(void) {
  frames = (uint32_t)alloc_page();
  while ((uint32_t)alloc_page() != frames + 0x1000) frames += 0x1000;
  copy((void*)frames, code_begin, (uint32_t)(code_end - code_begin));
  Entry *const one = new_identity_directory(), *const other = new_identity_directory();
  enable_paging(one);
  for (int n = 0; n < 2; n++) {
    one_after_the_other(one);
    side_by_side(one, other);
    twice(one);
  }
}
