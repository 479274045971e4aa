// Breakpoints by DR0…DR7 (SDM vol. 3, 17.2 and 17.3): instruction breakpoints are faults that RF passes by,
// data breakpoints are traps, GD guards the registers; in ring 0 and ring 3.
#include "guest.h"
#include "paging.h"

enum { kExecute = 0, kWrites = 1, kReadsWrites = 3, kByte = 0, kWord = 1, kDword = 3 };
USER_DATA static uint32_t watched[4], copied[4];
static uint32_t hits, hit_eip, hit_dr6, hit_flags;

static int on_debug(struct Frame* f) {
  if (f->vector != kDebug) return 0;
  hits++;
  hit_eip = f->eip;
  hit_dr6 = read_dr6() & 0xE00F;
  hit_flags = f->eflags;
  write_dr6(0);
  f->eflags |= kFlagRf;
  return 1;
}

static void watch(void* address, uint32_t kind, uint32_t length) {
  write_dr0((uint32_t)address);
  write_dr7(1 << 1 | kind << 16 | length << 18);
  hits = 0;
}

#define CHECK_HIT(attempt, result, count, at) \
  do {                                        \
    hits = 0;                                 \
    CHECK_EQ(attempt, result);                \
    CHECK_EQ(hits, count);                    \
    if (count) CHECK_EQ(hit_eip, at);         \
    if (count) CHECK_EQ(hit_dr6, 1);          \
  } while (0)

KERNEL_CODE(nops, "nop\n" LABEL(nops_at) "incl %eax\n nop");
USER_CODE(user_nops, "nop\n" LABEL(user_nops_at) "incl %eax\n nop");
extern char nops_at[], user_nops_at[];

static void instructions(void) {
  for (int round = 0; round < 3; round++) {
    watch(nops_at, kExecute, kByte);
    CHECK_HIT(try_call(nops, 0), kNoTrap, 1, nops_at);
    CHECK_EQ(hit_flags & kFlagRf, 0);  // unlike other faults' images (17.3.1.1)
    watch(user_nops_at, kExecute, kByte);
    CHECK_HIT(try_user(user_nops, 5), kUserExit, 1, user_nops_at);
    CHECK_EQ(trap.eax, 6);
    watch(nops_at + 1, kExecute, kByte);
    CHECK_HIT(try_call(nops, 0), kNoTrap, 1, nops_at + 1);
    write_dr7(0);
    CHECK_HIT(try_call(nops, 0), kNoTrap, 0, 0);
  }
}

KERNEL_CODE(write_word, "movl 4(%esp), %eax\n movl $7, (%eax)\n" LABEL(write_word_at) "nop");
KERNEL_CODE(read_word, "movl 4(%esp), %eax\n movl (%eax), %eax\n" LABEL(read_word_at) "nop");
USER_CODE(user_write_word, "movl $7, (%eax)\n" LABEL(user_write_word_at) "nop");
USER_CODE(user_push, "movl %eax, %esp\n pushl $9\n" LABEL(user_push_at) "nop\n movl $user_stack_top, %esp");
extern char write_word_at[], read_word_at[], user_write_word_at[], user_push_at[];

static void data(void) {
  const uint32_t at = (uint32_t)&watched[1];
  watch(&watched[1], kWrites, kDword);
  CHECK_HIT(try_call(write_word, at), kNoTrap, 1, write_word_at);
  CHECK_EQ(watched[1], 7);
  CHECK_HIT(try_call(read_word, at), kNoTrap, 0, 0);
  CHECK_HIT(try_call(write_word, at + 4), kNoTrap, 0, 0);
  CHECK_HIT(try_call(write_word, at - 4), kNoTrap, 0, 0);
  CHECK_HIT(try_call(write_word, at - 3), kNoTrap, 1, write_word_at);  // overlaps
  CHECK_HIT(try_user(user_write_word, at), kUserExit, 1, user_write_word_at);
  CHECK_HIT(try_user(user_push, at + 4), kUserExit, 1, user_push_at);
  watch(&watched[1], kReadsWrites, kDword);
  CHECK_HIT(try_call(read_word, at), kNoTrap, 1, read_word_at);
  watch((char*)&watched[1] + 2, kWrites, kWord);
  CHECK_HIT(try_call(write_word, at - 2), kNoTrap, 0, 0);
  CHECK_HIT(try_call(write_word, at), kNoTrap, 1, write_word_at);
  write_dr7(0);
  CHECK_HIT(try_call(write_word, at), kNoTrap, 0, 0);
}

// In a repeated string instruction the trap comes behind the iteration.
KERNEL_CODE(move,
            "pushl %esi\n pushl %edi\n movl $3, %ecx\n movl $user_begin, %esi\n movl 12(%esp), %edi\n" LABEL(
                move_at) "rep movsl\n popl %edi\n popl %esi");
extern char move_at[];
static void strings(void) {
  watch(&copied[1], kWrites, kDword);
  CHECK_HIT(try_call(move, (uint32_t)copied), kNoTrap, 1, move_at);
}

KERNEL_CODE(touch_dr, "movl $0x2002, %eax\n movl %eax, %db7\n" LABEL(
                          touch_dr_at) "movl %db0, %eax\n movl %eax, %db0\n");
extern char touch_dr_at[];
static void general_detect(void) {
  watch(watched, kWrites, kDword);
  hits = 0;
  CHECK_EQ(try_call(touch_dr, 0), kNoTrap);
  CHECK_EQ(hits, 1);
  CHECK_EQ(hit_eip, touch_dr_at);
  CHECK_EQ(hit_dr6, 0x2000);
  CHECK_EQ(read_dr7() & 0x2000, 0);  // entry cleared GD
  write_dr7(0);
}

static void fixed_bits(void) {
  write_dr6(0);
  CHECK_EQ(read_dr6(), 0xFFFF0FF0);
  write_dr7(0);
  CHECK_EQ(read_dr7(), 0x400);
}

void guest_main(void) {
  trap_hook = on_debug;
  fixed_bits();
  for (int with_paging = 0; with_paging < 2; with_paging++) {
    instructions();
    data();
    strings();
    if (!on_tcg()) general_detect();  // TCG has no GD (17.2.4)
    if (!with_paging) enable_paging(new_identity_directory());
  }
}
