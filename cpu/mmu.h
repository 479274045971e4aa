#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "cpu/paging.h"

namespace ringdown {

// Linear memory as the interpreter reaches it: walks the guest's page tables through a small TLB of its own.
// Every access may throw Fault (a page fault); a write that crosses a page checks both before it changes one.
class Mmu {
 public:
  Mmu(CpuState& state, PhysicalMemory& memory) : state_(state), memory_(memory) {}

  template <class T>
  T read(uint32_t linear, bool user) {
    T value;
    read_bytes(linear, &value, sizeof(T), user);
    return value;
  }
  template <class T>
  void write(uint32_t linear, T value, bool user) {
    write_bytes(linear, &value, sizeof(T), user);
  }
  void read_bytes(uint32_t linear, void* to, unsigned length, bool user);
  void write_bytes(uint32_t linear, const void* from, unsigned length, bool user);
  // Faults as a write would, without writing: for instructions that must know before they change anything.
  void check_write(uint32_t linear, unsigned length, bool user);

  // Guest-physical address of a byte. Throws.
  uint64_t translate(uint32_t linear, Access access);
  // Reads up to `length` bytes of code, at least one; stops short before a page that cannot be fetched
  // unless that is the first, which throws. Returns how many.
  unsigned fetch(uint32_t linear, uint8_t* to, unsigned length, bool user);

  // Where the linear address of each access to data that is not a user's is put from now on, and who owns
  // that; nullptr: nowhere.
  void note_accesses(std::vector<uint32_t>* place) { accesses_ = place; }

  void flush();  // everything, global or not
  void flush_page(uint32_t linear);

  PhysicalMemory& memory() { return memory_; }

 private:
  struct TlbEntry {
    uint32_t tag = 1;  // linear page address, which is never 1
    uint64_t frame_address = 0;
    bool user = false, writable_by_user = false, writable_by_supervisor = false, dirty = false,
         executable = false;
  };
  static constexpr unsigned kTlbEntries = 256;

  bool permits(const TlbEntry& entry, Access access) const;

  CpuState& state_;
  PhysicalMemory& memory_;
  std::vector<uint32_t>* accesses_ = nullptr;
  std::array<TlbEntry, kTlbEntries> tlb_;
};

}  // namespace ringdown
