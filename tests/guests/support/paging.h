#pragma once
#include "guest.h"

// Bits of page-table entries (SDM vol. 3, 4.3 and 4.4).
enum { kP = 1, kW = 2, kU = 4, kA = 0x20, kD = 0x40, kLarge = 0x80, kG = 0x100 };
#define kNx (1ull << 63)
// Linear addresses that the identity map leaves free.
enum { kTestBase = 0x40000000 };

// ---- Two-level ----
typedef uint32_t Entry;
Entry* new_directory(void);
// Maps what the guest consists of (8 MiB) at its own addresses: user_begin…user_end for ring 3 as well.
Entry* new_identity_directory(void);
// The address of the entry for a 4 KiB page; makes its table (present, writable, user) if there is none.
Entry* page_entry(Entry* directory, uint32_t linear);
static inline void map(Entry* directory, uint32_t linear, uint32_t frame_and_flags) {
  *page_entry(directory, linear) = frame_and_flags;
}

// ---- PAE ----
typedef uint64_t PaeEntry;
PaeEntry* new_pae_tables(void);  // the PDPT, its four page directories in place, 8 MiB identity-mapped
PaeEntry* pae_directory_entry(PaeEntry* pdpt, uint32_t linear);
PaeEntry* pae_page_entry(PaeEntry* pdpt, uint32_t linear);

// Loads CR3 and sets CR0.PG and CR0.WP; for PAE, CR4.PAE must be set before.
void enable_paging(const void* top);
static inline void flush(void) { write_cr3(read_cr3()); }
static inline void toggle_global(void) {
  write_cr4(read_cr4() & ~(uint32_t)kCr4Pge);
  write_cr4(read_cr4() | kCr4Pge);
}

// Calls a function that returns a value in EAX.
static inline uint32_t call(uint32_t code) { return ((uint32_t(*)(void))code)(); }
// Writes `mov eax, value; ret` (6 bytes).
static inline void write_return(void* to, uint32_t value) {
  volatile uint8_t* p = to;
  p[0] = 0xB8;
  for (int i = 0; i < 4; i++) p[1 + i] = (uint8_t)(value >> 8 * i);
  p[5] = 0xC3;
}

// Accesses whose faults have known addresses. Kernel ones for try_call (argument: linear address), user ones
// for try_user (EAX: linear address). The instruction that faults is at the name itself, or at …_at.
extern char kernel_read[], kernel_read_at[], kernel_write[], kernel_write_at[], kernel_call[];
extern char user_read[], user_write[], user_jump[];
