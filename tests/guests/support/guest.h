#pragma once
// What a guest of ours needs to check its processor: a small multiboot kernel without a C library. A guest
// defines guest_main(), checks with CHECK…, and ends by returning: the machine then ends with PASS or FAIL on
// the serial port and the exit status that run_guest.py expects.
#include <stdint.h>

#include "cpu.h"

// ---- Checks ----
void check(int holds, const char* file, int line, const char* what);
void check_equal(uint32_t got, uint32_t want, const char* file, int line, const char* what);
#define CHECK(what) check(!!(what), __FILE__, __LINE__, #what)
#define CHECK_EQ(got, want) check_equal((uint32_t)(got), (uint32_t)(want), __FILE__, __LINE__, #got)
void print(const char* text);
void print_hex(uint32_t value);
_Noreturn void finish(void);
void guest_main(void);
extern const uint32_t* multiboot_info;  // what the loader left in EBX

// ---- Traps ----
struct Frame {
  uint32_t gs, fs, es, ds;
  uint32_t edi, esi, ebp, esp_at_entry, ebx, edx, ecx, eax;
  uint32_t vector, error;
  uint32_t eip, cs, eflags;
  uint32_t esp, ss;  // only of traps that changed the ring
  uint32_t v86_es, v86_ds, v86_fs, v86_gs;
};
enum {
  kNoTrap = -1,
  kDivide = 0,
  kDebug = 1,
  kBreakpoint = 3,
  kOverflow = 4,
  kBound = 5,
  kInvalidOpcode = 6,
  kNoDevice = 7,
  kDoubleFault = 8,
  kInvalidTss = 10,
  kNotPresent = 11,
  kStack = 12,
  kProtection = 13,
  kPage = 14,
  kFloat = 16,
  kAlignment = 17,
  kVector = 19,
  kIrq0 = 0x20,
  kUserExit = 0x30,
};
// What traps see first. Nonzero: dealt with, resume as the frame says. Zero: record it and end the attempt.
extern int (*trap_hook)(struct Frame*);
extern struct Frame trap;  // the recorded one; esp is that before the trap also within ring 0
extern uint32_t trap_cr2;
extern uint32_t call_result;  // EAX after a call that returned

// Calls code; returns kNoTrap, or the vector of the trap that ended it.
int try_call(void* code, uint32_t argument);
// Runs code in ring 3 until it traps; USER_CODE ends with INT 30h (kUserExit).
int run_user(void* eip, uint32_t esp, uint32_t eflags, uint32_t eax);
// IRET with these words on the stack.
int enter_frame(const uint32_t* words, uint32_t count);
// Goes on with what was recorded in ring 3.
int resume(const struct Frame* frame);
static inline int try_user(void* code, uint32_t eax);
_Noreturn void unwind(int vector);

// Checks that the attempt ended in this trap, at this EIP.
#define CHECK_TRAP(attempt, vector, at)                                            \
  do {                                                                             \
    check_equal((uint32_t)(attempt), (vector), __FILE__, __LINE__, #attempt);      \
    check_equal(trap.eip, (uint32_t)(at), __FILE__, __LINE__, "EIP of " #attempt); \
  } while (0)
#define CHECK_FAULT(attempt, vector, at, code)                                      \
  do {                                                                              \
    CHECK_TRAP(attempt, vector, at);                                                \
    check_equal(trap.error, (code), __FILE__, __LINE__, "error code of " #attempt); \
  } while (0)
#define CHECK_PAGE_FAULT(attempt, at, code, address)                                    \
  do {                                                                                  \
    CHECK_FAULT(attempt, kPage, at, code);                                              \
    check_equal(trap_cr2, (uint32_t)(address), __FILE__, __LINE__, "CR2 of " #attempt); \
  } while (0)
enum { kPresent = 1, kWrite = 2, kUser = 4, kReserved = 8, kFetch = 16 };  // error code of a page fault

// ---- Code in assembly ----
#define LABEL(name) ".globl " #name "\n" #name ":\n"
#define KERNEL_CODE(name, body)                              \
  __asm__(".text\n.align 16\n" LABEL(name) body "\n ret\n"); \
  extern char name[]
#define USER_CODE(name, body)                                                                       \
  __asm__(".pushsection .user,\"awx\",@progbits\n" LABEL(name) body "\n int $0x30\n.popsection\n"); \
  extern char name[]
#define USER_DATA __attribute__((section(".user.data")))
#define USER_FUNCTION __attribute__((section(".user.text"), noinline))
extern char user_begin[], user_end[], image_begin[], image_end[];
extern char main_stack_top[], trap_stack_top[], user_stack_top[];
static inline int try_user(void* code, uint32_t eax) {
  return run_user(code, (uint32_t)user_stack_top, 2 | kFlagIf, eax);
}

// ---- Descriptors ----
enum { kKernelCs = 0x08, kKernelDs = 0x10, kUserCs = 0x1B, kUserDs = 0x23, kTss = 0x28, kSpare = 0x30 };
struct Tss {
  uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
  uint32_t es, cs, ss, ds, fs, gs, ldt, trap_and_io_base;
};
extern uint64_t gdt[32], idt[64];
extern struct Tss tss;
// A descriptor: `limit` in bytes or, with kGranular in `flags`, in pages.
enum { kGranular = 8, kBig = 4 };
uint64_t descriptor(uint32_t base, uint32_t limit, uint8_t access, uint8_t flags);
enum { kInterruptGate = 0x8E, kTrapGate = 0x8F, kTaskGate = 0x85, kCallGate = 0x8C, kDpl3 = 0x60 };
uint64_t gate(uint8_t type, uint16_t selector, void* target);

// ---- Memory ----
void* alloc_page(void);  // zeroed, identity-mapped
void copy(void* to, const void* from, uint32_t bytes);
void fill(void* to, uint8_t value, uint32_t bytes);
