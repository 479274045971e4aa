// Ring 0 reaches for pages of ring 3: reads, writes, read-only pages with WP, every kind of operand, one
// instruction with user and supervisor pages in turn, and both in one 4 MiB.
#include "paging.h"

enum { kPages = 8 };  // even: the supervisor's; odd: the user's
static Entry* directory;
static uint32_t frames[kPages];
static uint32_t page_at(uint32_t i) { return kTestBase + i * 4096; }

static void one_instruction_both_kinds(void) {
  for (uint32_t round = 0; round < 50; round++)
    for (uint32_t i = 0; i < kPages; i++) {
      poke(page_at(i), round * 16 + i);
      CHECK_EQ(peek(frames[i]), round * 16 + i);
      poke(frames[i] + 4, round + i);
      CHECK_EQ(peek(page_at(i) + 4), round + i);
    }
}

// An access that begins in a page of one kind and ends in one of the other.
static void across(void) {
  for (uint32_t i = 1; i < kPages; i++)
    for (uint32_t back = 1; back < 4; back++) {
      poke(page_at(i) - back, 0x11223344 + i);
      CHECK_EQ(peek(page_at(i) - back), 0x11223344 + i);
      CHECK_EQ(peek(frames[i]) & ((1u << 8 * (4 - back)) - 1), (0x11223344 + i) >> 8 * back);
    }
}

KERNEL_CODE(stack_there,
            "movl 4(%esp), %eax\n xchgl %eax, %esp\n pushl $0x1234\n pushfl\n popl %ecx\n popl %edx\n"
            "pushal\n popal\n xchgl %eax, %esp\n movl %edx, %eax");
KERNEL_CODE(read_modify_write,
            "movl 4(%esp), %edx\n movl $5, (%edx)\n addl $7, (%edx)\n negl (%edx)\n"
            "lock incl (%edx)\n movl $100, %eax\n xaddl %eax, (%edx)\n btsl $31, (%edx)\n"
            "movl (%edx), %eax");
KERNEL_CODE(exchange_8,
            "movl 4(%esp), %esi\n pushl %ebx\n movl (%esi), %eax\n movl 4(%esi), %edx\n movl $1, %ebx\n"
            "movl $2, %ecx\n lock cmpxchg8b (%esi)\n popl %ebx\n movl 4(%esi), %eax");
KERNEL_CODE(bit_string,
            "movl 4(%esp), %edx\n movl $0, 512(%edx)\n movl $4100, %ecx\n btsl %ecx, (%edx)\n"
            "movl 512(%edx), %eax");
KERNEL_CODE(save_x87,
            "movl 4(%esp), %edx\n fninit\n fld1\n fsts (%edx)\n fistpl 4(%edx)\n fnstcw 8(%edx)\n"
            "movl 4(%edx), %eax");
KERNEL_CODE(call_by_memory,
            "movl 4(%esp), %edx\n movl $1f, (%edx)\n call *(%edx)\n ret\n1: movl $0x600D, %eax");
KERNEL_CODE(segment_there, "movl 4(%esp), %edx\n movl $0, (%edx)\n movw %ds, (%edx)\n movl (%edx), %eax");
KERNEL_CODE(descriptor_there, "movl 4(%esp), %edx\n sgdt (%edx)\n movzwl (%edx), %eax");

static void every_operand(void) {
  const struct {
    void* code;
    uint32_t result;
  } kinds[] = {{stack_there, 0x1234},
               {read_modify_write, ((uint32_t)-12 + 101) | 0x80000000},
               {exchange_8, 2},
               {bit_string, 1 << 4},
               {save_x87, 1},
               {call_by_memory, 0x600D},
               {segment_there, kKernelDs},
               {descriptor_there, 255}};
  for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++)
    for (uint32_t round = 0; round < 3; round++)
      for (uint32_t i = 0; i < kPages; i++) {
        CHECK_EQ(try_call(kinds[k].code, page_at(i) + 256), kNoTrap);
        CHECK_EQ(call_result, kinds[k].result);
      }
}

static void strings(void) {
  for (uint32_t from = 0; from < kPages; from++)
    for (uint32_t to = 0; to < kPages; to++) {
      poke(frames[from] + 1024, from * 256 + to);
      poke(frames[from] + 1024 + 60, 0x55);
      copy((void*)(page_at(to) + 2048), (void*)(page_at(from) + 1024), 64);
      CHECK_EQ(peek(frames[to] + 2048), from * 256 + to);
      CHECK_EQ(peek(frames[to] + 2048 + 60), 0x55);
    }
  fill((void*)page_at(0), 0xA5, kPages * 4096);
  for (uint32_t i = 0; i < kPages; i++) CHECK_EQ(peek(frames[i] + 4092), 0xA5A5A5A5);
}

static void read_only(void) {
  for (uint32_t i = 0; i < kPages; i++) {
    const uint32_t page = page_at(i);
    *page_entry(directory, page) &= ~(Entry)kW;
    invlpg((void*)page);
    poke(frames[i], 77);
    CHECK_EQ(peek(page), 77);
    CHECK_PAGE_FAULT(try_call(kernel_write, page), kernel_write_at, kPresent | kWrite, page);
    CHECK_EQ(peek(frames[i]), 77);
    write_cr0(read_cr0() & ~(uint32_t)kCr0Wp);
    CHECK_EQ(try_call(kernel_write, page), kNoTrap);
    CHECK_EQ(peek(frames[i]), 0x5A5A5A5A);
    write_cr0(read_cr0() | kCr0Wp);
    CHECK_PAGE_FAULT(try_call(kernel_write, page), kernel_write_at, kPresent | kWrite, page);
    *page_entry(directory, page) |= kW;
    CHECK_PAGE_FAULT(try_user(user_write, page_at(i & ~1u)), user_write, kPresent | kWrite | kUser,
                     page_at(i & ~1u));
  }
}

// A page changes sides.
static void changes_sides(void) {
  const uint32_t page = page_at(2);
  for (int round = 0; round < 6; round++) {
    *page_entry(directory, page) ^= kU;
    invlpg((void*)page);
    poke(page, 0x1000 + (uint32_t)round);
    CHECK_EQ(peek(frames[2]), 0x1000 + round);
    const int attempt = try_user(user_read, page);
    CHECK_EQ(attempt, round % 2 ? kPage : kUserExit);
  }
}

// Supervisor code that lies in a page of the user's (no SMEP here).
static void code_in_user_pages(void) {
  for (uint32_t i = 0; i < kPages; i++) {
    write_return((void*)page_at(i), 0xC0DE + i);
    CHECK_EQ(call(page_at(i)), 0xC0DE + i);
  }
}

void guest_main(void) {
  directory = new_identity_directory();
  for (uint32_t i = 0; i < kPages; i++) {
    frames[i] = (uint32_t)alloc_page();
    map(directory, page_at(i), frames[i] | kP | kW | (i & 1 ? kU : 0));
  }
  enable_paging(directory);
  one_instruction_both_kinds();
  across();
  every_operand();
  strings();
  read_only();
  changes_sides();
  code_in_user_pages();
}
