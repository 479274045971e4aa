// Segments that are not flat (SDM vol. 3, 3.4 and 5.3): bases, limits to the byte, expand-down, types, null
// selectors, in ring 0 and ring 3. TCG checks no limits and few types, so it only runs what must not fault.
#include "guest.h"
#include "paging.h"

enum { kSeg = 0x33, kCodeSelector = 0x3B };
USER_DATA static uint8_t area[8192] __attribute__((aligned(4096)));

static void set_segment(uint32_t base, uint32_t limit, uint8_t access, uint8_t flags) {
  gdt[kSeg >> 3] = descriptor(base, limit, access, flags);
}

// EAX: offset. All four data segment registers.
#define ACCESSES(reg)                                                                                       \
  USER_CODE(read_##reg, "pushl %" #reg "\n movl $0x33, %ecx\n movl %ecx, %" #reg                            \
                        "\n" LABEL(read_##reg##_at) "movl %" #reg ":(%eax), %edx\n popl %" #reg);           \
  USER_CODE(write_##reg, "movl $0x33, %ecx\n movl %ecx, %" #reg "\n" LABEL(                                 \
                             write_##reg##_at) "movb $0x77, %" #reg ":(%eax)\n pushl $0x23\n popl %" #reg); \
  extern char read_##reg##_at[], write_##reg##_at[]
ACCESSES(ds);
ACCESSES(es);
ACCESSES(fs);
ACCESSES(gs);
static char* const kReads[] = {read_ds, read_es, read_fs, read_gs};
static char* const kReadsAt[] = {read_ds_at, read_es_at, read_fs_at, read_gs_at};
static char* const kWrites[] = {write_ds, write_es, write_fs, write_gs};
static char* const kWritesAt[] = {write_ds_at, write_es_at, write_fs_at, write_gs_at};

static void read_succeeds(unsigned reg, uint32_t offset, uint32_t value) {
  CHECK_EQ(try_user(kReads[reg], offset), kUserExit);
  CHECK_EQ(trap.edx, value);
}

static void bases(void) {
  for (uint32_t i = 0; i < sizeof area; i += 4) poke((uint32_t)area + i, i);
  set_segment((uint32_t)area + 400, 0xFFFFF, 0xF3, 12);
  for (unsigned reg = 0; reg < 4; reg++) {
    read_succeeds(reg, 100, 500);
    read_succeeds(reg, (uint32_t)-100, 300);  // the sum wraps
    CHECK_EQ(try_user(kWrites[reg], 3), kUserExit);
    CHECK_EQ(area[403], 0x77);
    area[403] = 0;
  }
}

static void limits(void) {
  set_segment((uint32_t)area, 99, 0xF3, kBig);  // 0…99
  for (unsigned reg = 0; reg < 4; reg++) {
    read_succeeds(reg, 96, 96);
    CHECK_FAULT(try_user(kReads[reg], 97), kProtection, kReadsAt[reg], 0);
    CHECK_FAULT(try_user(kReads[reg], 100), kProtection, kReadsAt[reg], 0);
    CHECK_FAULT(try_user(kReads[reg], 0xFFFFFFFE), kProtection, kReadsAt[reg], 0);
    CHECK_EQ(try_user(kWrites[reg], 99), kUserExit);
    CHECK_FAULT(try_user(kWrites[reg], 100), kProtection, kWritesAt[reg], 0);
    poke((uint32_t)area + 96, 96);
  }
  set_segment((uint32_t)area, 0, 0xF3, kBig | kGranular);  // one page
  read_succeeds(0, 4092, 4092);
  CHECK_FAULT(try_user(read_ds, 4093), kProtection, read_ds_at, 0);
}

static void expand_down(void) {
  set_segment((uint32_t)area, 99, 0xF7, kBig);  // 100…4 GiB
  for (unsigned reg = 0; reg < 4; reg++) {
    read_succeeds(reg, 100, 100);
    CHECK_FAULT(try_user(kReads[reg], 99), kProtection, kReadsAt[reg], 0);
    CHECK_FAULT(try_user(kWrites[reg], 0), kProtection, kWritesAt[reg], 0);
  }
  set_segment((uint32_t)area, 99, 0xF7, 0);  // 100…FFFF
  read_succeeds(0, 104, 104);
  CHECK_FAULT(try_user(read_ds, 0xFFFD), kProtection, read_ds_at, 0);
}

static void types(void) {
  set_segment((uint32_t)area, 0xFFFFF, 0xF1, 12);  // read-only
  for (unsigned reg = 0; reg < 4; reg++) {
    read_succeeds(reg, 8, 8);
    CHECK_FAULT(try_user(kWrites[reg], 8), kProtection, kWritesAt[reg], 0);
  }
  set_segment((uint32_t)area, 0xFFFFF, 0xFB, 12);  // readable code
  read_succeeds(1, 8, 8);
  CHECK_FAULT(try_user(write_es, 8), kProtection, write_es_at, 0);
  set_segment((uint32_t)area, 0xFFFFF, 0xF9, 12);  // execute-only: cannot be loaded
  CHECK_FAULT(try_user(read_ds, 8), kProtection, (uint32_t)read_ds_at - 2, kSeg & ~3);
}

// The descriptor's A bit is set by the load.
static void accessed(void) {
  set_segment((uint32_t)area, 0xFFFFF, 0xF2, 12);
  read_succeeds(2, 4, 4);
  CHECK_EQ(gdt[kSeg >> 3] >> 40 & 0xFF, 0xF3);
}

USER_CODE(stack_segment,
          "movl %ss, %ecx\n movl $0x33, %edx\n movl %edx, %ss\n movl %eax, %esp\n" LABEL(
              stack_segment_at) "pushl $0x1234\n popl %ebx\n movl %ecx, %ss\n movl $user_stack_top, %esp");
USER_CODE(stack_read, "movl %ss, %ecx\n movl $0x33, %edx\n movl %edx, %ss\n movl %eax, %ebp\n" LABEL(
                          stack_read_at) "movl (%ebp), %ebx\n movl %ecx, %ss");
extern char stack_segment_at[], stack_read_at[];
static void stacks(int faults) {
  set_segment((uint32_t)area, 199, 0xF3, kBig);
  CHECK_EQ(try_user(stack_segment, 200), kUserExit);
  CHECK_EQ(peek((uint32_t)area + 196), 0x1234);
  if (!faults) return;
  CHECK_FAULT(try_user(stack_segment, 201), kStack, stack_segment_at, 0);
  CHECK_FAULT(try_user(stack_segment, 3), kStack, stack_segment_at, 0);
  CHECK_FAULT(try_user(stack_read, 198), kStack, stack_read_at, 0);
  set_segment((uint32_t)area, 199, 0xF7, kBig);
  CHECK_EQ(try_user(stack_segment, 204), kUserExit);
  CHECK_FAULT(try_user(stack_segment, 203), kStack, stack_segment_at, 0);
}

USER_CODE(string_copy,
          "pushl $0x33\n popl %es\n movl $user_begin, %esi\n movl %eax, %edi\n movl $8, %ecx\n" LABEL(
              string_copy_at) "rep movsl\n pushl $0x23\n popl %es");
extern char string_copy_at[];
static void strings(int faults) {
  set_segment((uint32_t)area + 64, 31, 0xF3, kBig);
  CHECK_EQ(try_user(string_copy, 0), kUserExit);
  for (uint32_t i = 0; i < 32; i += 4)
    CHECK_EQ(peek((uint32_t)area + 64 + i), peek((uint32_t)user_begin + i));
  if (!faults) return;
  CHECK_FAULT(try_user(string_copy, 12), kProtection, string_copy_at, 0);
  CHECK_EQ(trap.ecx, 3);
  CHECK_EQ(trap.edi, 32);
}

// Code at another base; its limit ends in the middle of an instruction.
static void code(int faults) {
  static const uint8_t kCode[] = {0xB8, 1, 2, 3, 4, 0xEB, 0, 0xCD, kUserExit, 0xB8, 0, 0, 0, 0};
  copy(area + 1000, kCode, sizeof kCode);
  gdt[kCodeSelector >> 3] = descriptor((uint32_t)area + 900, 110, 0xFB, kBig);
  uint32_t frame[] = {100, kCodeSelector, 2, (uint32_t)user_stack_top, kUserDs};
  CHECK_EQ(enter_frame(frame, 5), kUserExit);
  CHECK_EQ(trap.eip, 109);
  CHECK_EQ(trap.cs, kCodeSelector);
  CHECK_EQ(trap.eax, 0x04030201);
  if (!faults) return;
  frame[0] = 109;
  CHECK_FAULT(enter_frame(frame, 5), kProtection, 109, 0);
  frame[0] = 111;
  CHECK_EQ(enter_frame(frame, 5), kProtection);  // IRET itself faults
  CHECK_EQ(trap.cs, kKernelCs);
}

// GS as threads use it: the base changes while the code stays.
static void thread_local_base(void) {
  for (uint32_t i = 0; i < 100; i++) {
    poke((uint32_t)area + 4 * i, i * 3);
    set_segment((uint32_t)area + 4 * i, 0xFFFFF, 0xF3, 12);
    read_succeeds(3, 0, i * 3);
    read_succeeds(2, 0, i * 3);
  }
}

void guest_main(void) {
  for (int with_paging = 0; with_paging < 2; with_paging++) {
    bases();
    accessed();
    thread_local_base();
    stacks(!on_tcg());
    strings(!on_tcg());
    code(!on_tcg());
    if (!on_tcg()) {
      bases();
      limits();
      expand_down();
      types();
    }
    if (!with_paging) enable_paging(new_identity_directory());
  }
}
