#include "cpu/paging.h"

#include <algorithm>

#include "cpu/fault.h"

namespace ringdown {
namespace {

// One entry of either format, widened to 64 bits.
struct Entry {
  uint64_t address;
  uint64_t value;
};

// Bits that must be 0. A physical address has 36 bits under PAE (as CPUID 80000008h reports) and PSE-36 is
// not offered, so bits 13..21 of a 4 MiB PDE are reserved.
constexpr uint64_t kPaeReserved = 0x7FFFFFF000000000ull;
constexpr uint64_t kPaeLargeReserved = 0x1FE000;
constexpr uint64_t kPseLargeReserved = 0x3FE000;

struct Walker {
  const PagingRegisters& r;
  const PhysicalMemory& memory;
  uint32_t linear;

  Entry read(uint64_t table, unsigned index) const {
    const uint64_t address = table + index * (r.pae ? 8 : 4);
    return {address, r.pae ? memory.read<uint64_t>(address) : memory.read<uint32_t>(address)};
  }
  uint64_t frame(uint64_t value) const { return value & (r.pae ? 0xFFFFFF000ull : 0xFFFFF000ull); }

  bool reserved(const Entry& entry, bool large) const {
    if (!r.pae) return large && (entry.value & kPseLargeReserved);
    uint64_t bad = kPaeReserved | (large ? kPaeLargeReserved : 0);
    if (!r.no_execute) bad |= pte::kNoExecute;
    return entry.value & bad;
  }

  // nullopt with failure.error_code = 0 (not present) or kPresent | kReserved.
  std::optional<Translation> find(WalkFailure& failure) const {
    uint64_t directory = r.cr3 & 0xFFFFF000;
    failure.error_code = 0;
    if (r.pae) {
      const uint64_t pdpte = r.pdpte[linear >> 30];
      if (!(pdpte & pte::kPresent)) return std::nullopt;
      directory = frame(pdpte);
    }
    const Entry pde = read(directory, r.pae ? linear >> 21 & 0x1FF : linear >> 22);
    if (!(pde.value & pte::kPresent)) return std::nullopt;
    const bool large = (pde.value & pte::kLarge) && (r.pae || r.pse);
    if (reserved(pde, large)) return fail_reserved(failure);

    Translation t{};
    t.levels = large ? 1 : 2;
    t.entry_address[0] = pde.address;
    t.entry_value[0] = pde.value;
    uint64_t allowed = pde.value;
    uint64_t no_execute = pde.value & pte::kNoExecute;
    if (large) {
      t.page_size = r.pae ? 2u << 20 : 4u << 20;
      t.physical = (frame(pde.value) & ~uint64_t{t.page_size - 1}) | (linear & (t.page_size - 1));
    } else {
      const Entry entry = read(frame(pde.value), r.pae ? linear >> 12 & 0x1FF : linear >> 12 & 0x3FF);
      if (!(entry.value & pte::kPresent)) return std::nullopt;
      if (reserved(entry, false)) return fail_reserved(failure);
      t.entry_address[1] = entry.address;
      t.entry_value[1] = entry.value;
      allowed &= entry.value;
      no_execute |= entry.value & pte::kNoExecute;
      t.page_size = kPageSize;
      t.physical = frame(entry.value) | (linear & kPageMask);
    }
    const uint64_t leaf = t.entry_value[t.levels - 1];
    t.user = allowed & pte::kUser;
    t.writable = allowed & pte::kWritable;
    t.executable = !no_execute;
    t.global = r.global && (leaf & pte::kGlobal);
    t.dirty = leaf & pte::kDirty;
    return t;
  }

  static std::nullopt_t fail_reserved(WalkFailure& failure) {
    failure.error_code = page_fault_error::kPresent | page_fault_error::kReserved;
    return std::nullopt;
  }
};

Translation unpaged(uint32_t linear) {
  Translation t{};
  t.physical = linear;
  t.page_size = kPageSize;
  t.user = t.writable = t.executable = t.dirty = true;
  return t;
}

bool allowed(const PagingRegisters& r, const Translation& t, Access access) {
  if (access.user && !t.user) return false;
  if (access.kind == AccessKind::kFetch) return t.executable;
  if (access.kind == AccessKind::kWrite) return t.writable || (!access.user && !r.write_protect);
  return true;
}

uint32_t access_bits(const PagingRegisters& r, Access access) {
  using namespace page_fault_error;
  uint32_t bits = access.user ? kUser : 0;
  if (access.kind == AccessKind::kWrite) bits |= kWrite;
  if (access.kind == AccessKind::kFetch && r.pae && r.no_execute) bits |= kFetch;
  return bits;
}

// A and D live in the low byte of an entry of either format, and only that byte is written.
void set_bits(PhysicalMemory& memory, Translation& t, int level, uint64_t bits) {
  if ((t.entry_value[level] & bits) == bits) return;
  t.entry_value[level] |= bits;
  memory.write<uint8_t>(t.entry_address[level], static_cast<uint8_t>(t.entry_value[level]));
}

}  // namespace

bool Translation::accessed() const {
  return std::all_of(entry_value, entry_value + levels,
                     [](uint64_t entry) { return entry & pte::kAccessed; });
}

PagingRegisters PagingRegisters::of(const CpuState& state) {
  return {.enabled = state.paging(),
          .pae = state.pae(),
          .pse = (state.cr4 & cr4::kPse) != 0,
          .write_protect = (state.cr0 & cr0::kWp) != 0,
          .no_execute = (state.msr.efer & efer::kNxe) != 0,
          .global = (state.cr4 & cr4::kPge) != 0,
          .cr3 = state.cr3,
          .pdpte = state.pdpte};
}

PagingRegisters PagingRegisters::with_cr3(uint32_t other, const PhysicalMemory& memory) const {
  PagingRegisters result = *this;
  result.cr3 = other;
  const uint64_t table = other & 0xFFFFFFE0;
  for (unsigned n = 0; pae && n < result.pdpte.size(); n++)
    result.pdpte[n] = memory.read<uint64_t>(table + n * sizeof(uint64_t));
  return result;
}

std::optional<Translation> walk(const PagingRegisters& registers, PhysicalMemory& memory, uint32_t linear,
                                Access access, WalkFailure& failure) {
  if (!registers.enabled) return unpaged(linear);
  auto t = Walker{registers, memory, linear}.find(failure);
  if (t && !allowed(registers, *t, access)) {
    failure.error_code = page_fault_error::kPresent;
    t.reset();
  }
  if (!t) {
    failure.error_code |= access_bits(registers, access);
    return t;
  }
  const bool write = access.kind == AccessKind::kWrite;
  if (t->levels == 2) set_bits(memory, *t, 0, pte::kAccessed);
  set_bits(memory, *t, t->levels - 1, pte::kAccessed | (write ? pte::kDirty : 0));
  t->dirty |= write;
  return t;
}

std::optional<Translation> peek(const PagingRegisters& registers, const PhysicalMemory& memory,
                                uint32_t linear) {
  if (!registers.enabled) return unpaged(linear);
  WalkFailure failure;
  return Walker{registers, memory, linear}.find(failure);
}

}  // namespace ringdown
