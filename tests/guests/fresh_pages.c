// Ring 3 goes from one fresh page to the next with the same few instructions, more often than it takes to
// have their accesses checked in software: each page faults when it should and only then, whatever was
// remembered of it.
#include "paging.h"

// The stack lies apart from the user's code: writing beside translated code makes Ringdown forget all pages.
enum { kPages = 64, kRounds = 3, kStackTop = kTestBase + 0x400000 };
static Entry* directory;
static uint32_t frames[kPages], faults, expected_error;

static uint32_t page_at(uint32_t page) { return kTestBase + page * 4096; }

static int on_fault(struct Frame* f) {
  const uint32_t page = (trap_cr2 - kTestBase) / 4096;
  if (f->vector != kPage || page >= kPages) return 0;
  CHECK_EQ(f->error, expected_error);
  CHECK_EQ(trap_cr2 % 4096, 8);  // by the first access to the page
  faults++;
  map(directory, page_at(page), frames[page] | kP | kW | kU);
  if (expected_error & kPresent) invlpg((void*)page_at(page));
  return 1;
}

USER_FUNCTION uint32_t sweep(volatile uint8_t* memory, uint32_t value) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < kPages; i++) {
    *(volatile uint32_t*)(memory + i * 4096 + 8) = value + i;
    memory[i * 4096 + 4095] = (uint8_t)value;
  }
  for (uint32_t i = 0; i < kPages; i++) {
    *(volatile uint32_t*)(memory + i * 4096 + 8) += 1;
    sum += *(volatile uint32_t*)(memory + i * 4096 + 8);
  }
  // Over each boundary between two pages.
  for (uint32_t i = 1; i < kPages; i++) *(volatile uint32_t*)(memory + i * 4096 - 2) = value ^ i;
  return sum;
}
USER_CODE(user_sweep, "pushl %eax\n pushl $0x40000000\n call sweep");

static void check_contents(uint32_t value) {
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < kPages; i++) {
    wrong += *(uint32_t*)(frames[i] + 8) != value + i + 1;
    const uint16_t low = i + 1 < kPages ? (uint16_t)(value ^ (i + 1)) : (uint16_t)((value & 0xFF) << 8);
    if (i + 1 < kPages) wrong += *(uint16_t*)(frames[i] + 4094) != low;
    if (i > 0) wrong += *(uint16_t*)frames[i] != (uint16_t)((value ^ i) >> 16);
  }
  CHECK_EQ(wrong, 0);
  for (uint32_t i = 0; i < kPages; i++) CHECK((*page_entry(directory, page_at(i)) & (kA | kD)) == (kA | kD));
}

static void sweep_with(uint32_t value, uint32_t error) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < kPages; i++) sum += value + i + 1;
  faults = 0;
  expected_error = error;
  trap_hook = on_fault;
  CHECK_EQ(run_user(user_sweep, kStackTop, 2, value), kUserExit);
  trap_hook = 0;
  CHECK_EQ(trap.eax, sum);
  CHECK_EQ(faults, error ? kPages : 0);
  check_contents(value);
}

// From page to page until, before the EAXth, an x87 exception is pending: it comes before that page's fault.
USER_CODE(user_load,
          "fninit\n pushl $0x037B\n fldcw (%esp)\n movl $0x40000008, %ebx\n"
          "1: decl %eax\n jnz 2f\n fld1\n fldz\n fdivrp\n nop\n 2:" LABEL(
              user_load_at) "flds (%ebx)\n fstp %st(0)\n addl $4096, %ebx\n jmp 1b");
extern char user_load_at[];
static void check_pending_exception(void) {
  const uint32_t before = kPages / 2;
  write_cr0((read_cr0() & ~(uint32_t)(kCr0Em | kCr0Ts)) | kCr0Mp | kCr0Ne);
  faults = 0;
  expected_error = kUser;
  trap_hook = on_fault;
  CHECK_FAULT(run_user(user_load, kStackTop, 2, before), kFloat, user_load_at, 0);
  trap_hook = 0;
  __asm__ volatile("fnclex\n fninit");
  CHECK_EQ(trap.ebx, page_at(before - 1) + 8);
  CHECK_EQ(faults, before - 1);
  for (uint32_t i = 0; i < kPages; i++) map(directory, page_at(i), 0);
  flush();
}

void guest_main(void) {
  directory = new_identity_directory();
  for (uint32_t i = 0; i < kPages; i++) {
    frames[i] = (uint32_t)alloc_page();
    map(directory, page_at(i), 0);
  }
  map(directory, kStackTop - 4096, (uint32_t)alloc_page() | kP | kW | kU);
  enable_paging(directory);
  for (uint32_t round = 0; round < kRounds; round++) {
    const uint32_t value = 0x12345600 + round * 0x01010101;
    sweep_with(value, kWrite | kUser);
    sweep_with(value + 7, 0);
    // Read-only, seen by INVLPG: a write faults, and nothing that was remembered lets it through.
    for (uint32_t i = 0; i < kPages; i++) {
      map(directory, page_at(i), frames[i] | kP | kU | kA | kD);
      invlpg((void*)page_at(i));
    }
    sweep_with(value + 9, kPresent | kWrite | kUser);
    // Other frames behind the same addresses, seen by a flush.
    for (uint32_t i = 0; i < kPages / 2; i++) {
      const uint32_t other = frames[i];
      frames[i] = frames[kPages - 1 - i];
      frames[kPages - 1 - i] = other;
    }
    for (uint32_t i = 0; i < kPages; i++) map(directory, page_at(i), frames[i] | kP | kW | kU);
    flush();
    sweep_with(value + 11, 0);
    for (uint32_t i = 0; i < kPages; i++) map(directory, page_at(i), 0);
    flush();
    if (!on_tcg()) check_pending_exception();  // TCG waits with FWAIT only
  }
}
