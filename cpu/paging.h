#pragma once
#include <cstdint>
#include <optional>

#include "cpu/physical_memory.h"
#include "cpu/state.h"

// The guest's page tables, walked as the processor does (SDM vol. 3, chapter 4): 32-bit and PAE paging.
namespace ringdown {

enum class AccessKind : uint8_t { kRead, kWrite, kFetch };

struct Access {
  AccessKind kind;
  bool user;  // CPL 3 and not an implicit supervisor access (descriptor tables, TSS)
};

namespace pte {
constexpr uint64_t kPresent = 1, kWritable = 2, kUser = 4, kAccessed = 0x20, kDirty = 0x40, kLarge = 0x80,
                   kGlobal = 0x100, kNoExecute = 1ull << 63;
}

// What a walk found: the page, what may be done with it, and which entries said so.
struct Translation {
  uint64_t physical;                        // of the byte asked for
  uint32_t page_size;                       // 4 KiB, 2 MiB or 4 MiB; without paging 4 KiB
  bool user, writable, executable, global;  // combined over all levels
  bool dirty;                               // the leaf's D bit, as it is after the walk
  uint8_t levels;  // entries used: 0 (no paging), 1 (large page), 2 (4 KiB page); PDPTEs not counted
  uint64_t entry_address[2];  // physical addresses of the entries: [0] PDE, [1] PTE
  uint64_t entry_value[2];    // their values after the walk has set A and D

  // Whether A is set in all of them. (Those of peek() are as the guest has them.)
  bool accessed() const;
};

struct WalkFailure {
  uint32_t error_code;  // page_fault_error bits
};

// The registers that a walk depends on.
struct PagingRegisters {
  bool enabled, pae, pse, write_protect, no_execute, global;
  uint32_t cr3;
  std::array<uint64_t, 4> pdpte;

  static PagingRegisters of(const CpuState& state);
  // As they would be with another CR3.
  PagingRegisters with_cr3(uint32_t other, const PhysicalMemory& memory) const;
};

// Walks, checks the access, and sets A (and D for a write) as the processor would. On failure nothing is
// changed and `failure` says why.
std::optional<Translation> walk(const PagingRegisters& registers, PhysicalMemory& memory, uint32_t linear,
                                Access access, WalkFailure& failure);

// As walk() for a read by the supervisor but sets no bits: for debuggers, traces and the shadow's mapping
// ahead.
std::optional<Translation> peek(const PagingRegisters& registers, const PhysicalMemory& memory,
                                uint32_t linear);

}  // namespace ringdown
