// Repeated string instructions that fault in the middle, in ring 0 and ring 3: the registers say exactly how
// far they came (SDM vol. 2, REP), and they go on from there.
#include "paging.h"

static Entry* directory;
static uint32_t frames[4];
enum { kFrom = 0x40000000, kTo = 0x50000000 };

// Argument: address of {esi, edi, ecx, eax}.
struct Arguments {
  uint32_t esi, edi, ecx, eax;
};
#define STRING_CODE(name, instruction)                                                             \
  KERNEL_CODE(name,                                                                                \
              "movl 4(%esp), %edx\n movl (%edx), %esi\n movl 4(%edx), %edi\n movl 8(%edx), %ecx\n" \
              "movl 12(%edx), %eax\n" LABEL(name##_at) instruction "\n movl %ecx, %eax\n cld");    \
  USER_CODE(name##_user,                                                                           \
            "movl %eax, %edx\n movl (%edx), %esi\n movl 4(%edx), %edi\n movl 8(%edx), %ecx\n"      \
            "movl 12(%edx), %eax\n" LABEL(name##_user_at) instruction "\n cld");                   \
  extern char name##_at[], name##_user_at[]
STRING_CODE(move_bytes, "rep movsb");
STRING_CODE(move_dwords, "rep movsl");
STRING_CODE(store_dwords, "rep stosl");
STRING_CODE(compare_bytes, "repe cmpsb");
STRING_CODE(scan_bytes, "repne scasb");
STRING_CODE(load_dwords, "rep lodsl");
USER_DATA static struct Arguments arguments;

static void set_pages(uint32_t from_second, uint32_t to_second) {
  map(directory, kFrom, frames[0] | kP | kW | kU);
  map(directory, kFrom + 4096, frames[1] | from_second);
  map(directory, kTo, frames[2] | kP | kW | kU);
  map(directory, kTo + 4096, frames[3] | to_second);
  flush();
}

struct Case {
  char *kernel, *kernel_at, *user, *user_at;
  struct Arguments start, end;
  uint32_t address, error;
};

#define CODE(name) name, name##_at, name##_user, name##_user_at
enum { kAll = kP | kW | kU };

static void run(const struct Case* c, int user) {
  arguments = c->start;
  const uint32_t error = c->error | (user ? kUser : 0);
  const int attempt =
      user ? try_user(c->user, (uint32_t)&arguments) : try_call(c->kernel, (uint32_t)&arguments);
  CHECK_PAGE_FAULT(attempt, user ? c->user_at : c->kernel_at, error, c->address);
  CHECK_EQ(trap.esi, c->end.esi);
  CHECK_EQ(trap.edi, c->end.edi);
  CHECK_EQ(trap.ecx, c->end.ecx);
}

static void run_both(uint32_t from_second, uint32_t to_second, const struct Case c) {
  set_pages(from_second, to_second);
  for (int round = 0; round < 3; round++) {
    run(&c, 0);
    run(&c, 1);
  }
}

static void moves(void) {
  for (uint32_t i = 0; i < 1024; i++) poke(frames[0] + i * 4, i * 0x01010101u);
  fill((void*)frames[2], 0, 4096);
  run_both(
      0, kAll,
      (struct Case){
          CODE(move_bytes), {kFrom + 4000, kTo + 100, 300}, {kFrom + 4096, kTo + 196, 204}, kFrom + 4096, 0});
  CHECK_EQ(peek(frames[2] + 192), 1023 * 0x01010101u);
  CHECK_EQ(peek(frames[2] + 196), 0);
  run_both(
      kAll, 0,
      (struct Case){
          CODE(move_dwords), {kFrom, kTo + 4096 - 40, 30}, {kFrom + 40, kTo + 4096, 20}, kTo + 4096, kWrite});
  run_both(kAll, kP | kU,
           (struct Case){CODE(move_bytes),
                         {kFrom, kTo + 4096 - 7, 9},
                         {kFrom + 7, kTo + 4096, 2},
                         kTo + 4096,
                         kWrite | kPresent});
  // An element that straddles the border is not moved at all.
  poke(frames[2] + 4092, 0x99999999);
  run_both(kAll, 0,
           (struct Case){CODE(move_dwords),
                         {kFrom, kTo + 4096 - 42, 30},
                         {kFrom + 40, kTo + 4096 - 2, 20},
                         kTo + 4096,
                         kWrite});
  CHECK_EQ(peek(frames[2] + 4092) >> 16, 0x9999);
}

static void others(void) {
  fill((void*)frames[0], 0x42, 4096);
  fill((void*)frames[2], 0x42, 4096);
  run_both(
      kAll, 0,
      (struct Case){
          CODE(store_dwords), {5, kTo + 4096 - 12, 4, 0x42424242}, {5, kTo + 4096, 1}, kTo + 4096, kWrite});
  run_both(kAll, 0,
           (struct Case){
               CODE(compare_bytes), {kFrom, kTo + 4000, 200}, {kFrom + 96, kTo + 4096, 104}, kTo + 4096, 0});
  run_both(
      0, kAll,
      (struct Case){
          CODE(compare_bytes), {kFrom + 4000, kTo, 200}, {kFrom + 4096, kTo + 96, 104}, kFrom + 4096, 0});
  run_both(kAll, 0,
           (struct Case){CODE(scan_bytes), {9, kTo + 4090, 100, 7}, {9, kTo + 4096, 94}, kTo + 4096, 0});
  run_both(0, kAll,
           (struct Case){CODE(load_dwords), {kFrom + 4080, 3, 100}, {kFrom + 4096, 3, 96}, kFrom + 4096, 0});
}

KERNEL_CODE(move_down,
            "movl 4(%esp), %edx\n movl (%edx), %esi\n movl 4(%edx), %edi\n movl 8(%edx), %ecx\n std\n" LABEL(
                move_down_at) "rep movsl\n cld");
extern char move_down_at[];
static void backwards(void) {
  map(directory, kTo + 4096, frames[3] | kAll);
  map(directory, kTo, 0);
  flush();
  arguments = (struct Arguments){kFrom + 400, kTo + 4096 + 16, 50};
  CHECK_PAGE_FAULT(try_call(move_down, (uint32_t)&arguments), move_down_at, kWrite, kTo + 4092);
  CHECK_EQ(trap.edi, kTo + 4092);
  CHECK_EQ(trap.esi, kFrom + 380);
  CHECK_EQ(trap.ecx, 45);
  CHECK_EQ(trap.eflags & 0x400, 0x400);
}

// The handler maps what is missing; the copy ends as if nothing had been.
static int map_it(struct Frame* f) {
  if (f->vector != kPage) return 0;
  const uint32_t index = trap_cr2 >= kTo ? 2 + (trap_cr2 - kTo) / 4096 : (trap_cr2 - kFrom) / 4096;
  *page_entry(directory, trap_cr2) = frames[index] | kAll;
  return 1;
}

static void continues(void) {
  for (int user = 0; user < 2; user++) {
    for (uint32_t i = 0; i < 2048; i++) poke(frames[i / 1024] + i % 1024 * 4, i * 77 + (uint32_t)user);
    for (uint32_t i = 0; i < 2; i++) fill((void*)frames[2 + i], 0, 4096);
    for (uint32_t i = 0; i < 2; i++) map(directory, kFrom + i * 4096, 0), map(directory, kTo + i * 4096, 0);
    flush();
    trap_hook = map_it;
    arguments = (struct Arguments){kFrom + 2, kTo + 1, 2 * 1024 - 1};
    if (user)
      CHECK_EQ(try_user(move_dwords_user, (uint32_t)&arguments), kUserExit);
    else
      CHECK_EQ(try_call(move_dwords, (uint32_t)&arguments), kNoTrap);
    trap_hook = 0;
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < 2 * 4096 - 4; i += 1)
      wrong += *(volatile uint8_t*)(kTo + 1 + i) != *(volatile uint8_t*)(kFrom + 2 + i);
    CHECK_EQ(wrong, 0);
  }
}

void guest_main(void) {
  for (int i = 0; i < 4; i++) frames[i] = (uint32_t)alloc_page();
  directory = new_identity_directory();
  enable_paging(directory);
  moves();
  others();
  backwards();
  continues();
}
