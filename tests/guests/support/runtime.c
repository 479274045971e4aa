#include "guest.h"

// ---- Report ----
static unsigned failures;

static void put(char c) {
  while (!(in8(0x3FD) & 0x20)) {
  }
  out8(0x3F8, (uint8_t)c);
}

void print(const char* text) {
  while (*text) put(*text++);
}

void print_hex(uint32_t value) {
  for (int shift = 28; shift >= 0; shift -= 4) put("0123456789abcdef"[value >> shift & 15]);
}

static void print_place(const char* file, int line, const char* what) {
  print("failed: ");
  print(file);
  print(":0x");
  print_hex((uint32_t)line);
  print(" ");
  print(what);
}

void check(int holds, const char* file, int line, const char* what) {
  if (holds) return;
  failures++;
  print_place(file, line, what);
  print("\n");
}

void check_equal(uint32_t got, uint32_t want, const char* file, int line, const char* what) {
  if (got == want) return;
  failures++;
  print_place(file, line, what);
  print(": got ");
  print_hex(got);
  print(", want ");
  print_hex(want);
  print("\n");
}

_Noreturn void finish(void) {
  print(failures ? "FAIL\n" : "PASS\n");
  while (!(in8(0x3FD) & 0x40)) {
  }
  out32(0xF4, failures ? 0x11 : 0x10);
  for (;;) __asm__ volatile("cli; hlt");
}

// ---- Tables ----
uint64_t gdt[32] __attribute__((aligned(16)));
uint64_t idt[64] __attribute__((aligned(16)));
struct Tss tss;
struct [[gnu::packed]] TableRegister {
  uint16_t limit;
  const void* base;
};
void load_tables(const struct TableRegister* gdtr, const struct TableRegister* idtr);
extern char trap_stubs[];

uint64_t descriptor(uint32_t base, uint32_t limit, uint8_t access, uint8_t flags) {
  const uint32_t low = base << 16 | (limit & 0xFFFF);
  const uint32_t high = (base & 0xFF000000) | (uint32_t)flags << 20 | (limit & 0xF0000) |
                        (uint32_t)access << 8 | (base >> 16 & 0xFF);
  return (uint64_t)high << 32 | low;
}

uint64_t gate(uint8_t type, uint16_t selector, void* target) {
  const uint32_t offset = (uint32_t)target;
  return (uint64_t)((offset & 0xFFFF0000) | (uint32_t)type << 8) << 32 | (uint32_t)selector << 16 |
         (offset & 0xFFFF);
}

static void set_tables(void) {
  gdt[1] = descriptor(0, 0xFFFFF, 0x9B, kGranular | kBig);
  gdt[2] = descriptor(0, 0xFFFFF, 0x93, kGranular | kBig);
  gdt[3] = descriptor(0, 0xFFFFF, 0xFB, kGranular | kBig);
  gdt[4] = descriptor(0, 0xFFFFF, 0xF3, kGranular | kBig);
  gdt[5] = descriptor((uint32_t)&tss, sizeof tss - 1, 0x89, 0);
  tss.esp0 = (uint32_t)trap_stack_top;
  tss.ss0 = kKernelDs;
  tss.trap_and_io_base = sizeof tss << 16;
  for (int i = 0; i < 64; i++) idt[i] = gate(kInterruptGate, kKernelCs, trap_stubs + 16 * i);
  idt[kUserExit] = gate(kInterruptGate | kDpl3, kKernelCs, trap_stubs + 16 * kUserExit);
  const struct TableRegister gdtr = {sizeof gdt - 1, gdt}, idtr = {sizeof idt - 1, idt};
  load_tables(&gdtr, &idtr);
}

// Called by start.S.
void guest_start(void);
void guest_start(void) {
  set_tables();
  guest_main();
  finish();
}

// ---- Traps ----
int (*trap_hook)(struct Frame*);
struct Frame trap;
uint32_t trap_cr2;
extern uint32_t landing;
void handle_trap(struct Frame* frame);

static _Noreturn void unexpected(const struct Frame* frame) {
  print("unexpected trap ");
  print_hex(frame->vector);
  print(" error ");
  print_hex(frame->error);
  print(" at ");
  print_hex(frame->eip);
  print(" cr2 ");
  print_hex(trap_cr2);
  print("\n");
  failures++;
  finish();
}

void handle_trap(struct Frame* frame) {
  trap_cr2 = read_cr2();
  if (trap_hook && trap_hook(frame)) return;
  const int from_outside = (frame->cs & 3) || (frame->eflags & kFlagVm);
  copy(&trap, frame, from_outside ? sizeof trap : __builtin_offsetof(struct Frame, esp));
  if (!from_outside) trap.esp = (uint32_t)&frame->esp;
  if (!landing) unexpected(frame);
  unwind((int)frame->vector);
}

// ---- Memory ----
static uint8_t pool[96][4096] __attribute__((aligned(4096)));
static unsigned pool_used;

void* alloc_page(void) {
  if (pool_used == sizeof pool / sizeof pool[0]) {
    print("out of pages\n");
    failures++;
    finish();
  }
  return pool[pool_used++];
}

void copy(void* to, const void* from, uint32_t bytes) {
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes)::"memory");
}

void fill(void* to, uint8_t value, uint32_t bytes) {
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
}
// What the compiler may call.
void* memcpy(void* to, const void* from, unsigned bytes);
void* memcpy(void* to, const void* from, unsigned bytes) {
  copy(to, from, bytes);
  return to;
}
void* memset(void* to, int value, unsigned bytes);
void* memset(void* to, int value, unsigned bytes) {
  fill(to, (uint8_t)value, bytes);
  return to;
}
