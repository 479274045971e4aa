#pragma once
#include <stdint.h>

// The instructions that C does not have.
static inline void out8(uint16_t port, uint8_t v) { __asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port)); }
static inline void out32(uint16_t port, uint32_t v) { __asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port)); }
static inline uint8_t in8(uint16_t port) {
  uint8_t v;
  __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
  return v;
}
#define CONTROL_REGISTER(n)                            \
  static inline uint32_t read_cr##n(void) {            \
    uint32_t v;                                        \
    __asm__ volatile("movl %%cr" #n ", %0" : "=r"(v)); \
    return v;                                          \
  }                                                    \
  static inline void write_cr##n(uint32_t v) { __asm__ volatile("movl %0, %%cr" #n ::"r"(v) : "memory"); }
CONTROL_REGISTER(0)
CONTROL_REGISTER(2)
CONTROL_REGISTER(3)
CONTROL_REGISTER(4)
#define DEBUG_REGISTER(n)                              \
  static inline uint32_t read_dr##n(void) {            \
    uint32_t v;                                        \
    __asm__ volatile("movl %%db" #n ", %0" : "=r"(v)); \
    return v;                                          \
  }                                                    \
  static inline void write_dr##n(uint32_t v) { __asm__ volatile("movl %0, %%db" #n ::"r"(v) : "memory"); }
DEBUG_REGISTER(0)
DEBUG_REGISTER(1)
DEBUG_REGISTER(6)
DEBUG_REGISTER(7)
enum { kCr0Pe = 1, kCr0Mp = 2, kCr0Em = 4, kCr0Ts = 8, kCr0Ne = 0x20, kCr0Wp = 0x10000, kCr0Am = 0x40000 };
#define kCr0Pg 0x80000000u
enum { kCr4Vme = 1, kCr4Pvi = 2, kCr4Tsd = 4 };
enum { kCr4Pse = 0x10, kCr4Pae = 0x20, kCr4Pge = 0x80, kCr4Osfxsr = 0x200, kCr4Osxmmexcpt = 0x400 };
enum {
  kFlagCarry = 1,
  kFlagZero = 0x40,
  kFlagTf = 0x100,
  kFlagIf = 0x200,
  kFlagNt = 0x4000,
  kFlagRf = 0x10000,
  kFlagVm = 0x20000,
  kFlagAc = 0x40000,
  kFlagVif = 0x80000,
  kFlagVip = 0x100000,
  kIopl3 = 0x3000
};

static inline void invlpg(void* linear) { __asm__ volatile("invlpg (%0)" ::"r"(linear) : "memory"); }
static inline uint64_t rdtsc(void) {
  uint64_t v;
  __asm__ volatile("rdtsc" : "=A"(v));
  return v;
}
static inline void wrmsr(uint32_t msr, uint64_t v) { __asm__ volatile("wrmsr" ::"c"(msr), "A"(v)); }
static inline uint64_t rdmsr(uint32_t msr) {
  uint64_t v;
  __asm__ volatile("rdmsr" : "=A"(v) : "c"(msr));
  return v;
}
// Whether this is QEMU's TCG: where it and the manual differ, the manual's answer is not asked for.
static inline int on_tcg(void) {
  uint32_t eax = 0x40000000, ebx, ecx, edx;
  __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
  return ebx == 0x54474354;
}
static inline void cli(void) { __asm__ volatile("cli" ::: "memory"); }
static inline void sti(void) { __asm__ volatile("sti" ::: "memory"); }

// Memory that is looked at behind the compiler's back.
static inline uint32_t peek(uint32_t linear) { return *(volatile uint32_t*)linear; }
static inline void poke(uint32_t linear, uint32_t v) { *(volatile uint32_t*)linear = v; }
