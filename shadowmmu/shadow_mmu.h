#pragma once
#include <cstdint>
#include <list>
#include <memory>

#include "cpu/cpu_bus.h"
#include "cpu/paging.h"
#include "shadowmmu/window_space.h"

namespace ringdown {

// Why an access in a window faulted, and what was done about it.
enum class Miss : uint8_t {
  kMapped,      // the page is mapped now: repeat the access
  kGuestFault,  // the guest's tables forbid it: `failure` holds the error code
  kCodeWrite,   // the guest may write here, but code was translated from this page: discard that, then repeat
  kEmulate,     // not RAM: the interpreter must do it
  kUserPage,    // a supervisor access in the supervisor space to a page of the user's
  kSupervisorPage,  // a supervisor access in the user space to a page that is not the user's
};

// The shadow spaces of a virtual processor. Supervisor code has one, whatever CR3 holds, because kernels map
// themselves alike everywhere; what differs is taken out when CR3 is loaded. User code has one for each CR3,
// kept while there is room. U/S is thereby "mapped here or not"; R/W is the host's own protection, and D=0
// pages are mapped read-only until they are written.
class ShadowMmu {
 public:
  ShadowMmu(int ram_file, PhysicalMemory& memory, CpuState& state);

  WindowSpace& supervisor() { return supervisor_; }
  WindowSpace& user() { return *user_; }

  // Resolves a host fault at `host_address`. `user_access`: the guest's CPL is 3.
  Miss resolve(uint64_t host_address, bool write, bool user_access, WalkFailure& failure, uint32_t& linear);
  // The space that a host address lies in (guards included); nullptr if in neither of the current two.
  WindowSpace* space_at(uint64_t host_address);
  // Resolves a fault of user code that runs as it is, in a space of its own for the current CR3: kGuestFault,
  // kCodeWrite, kEmulate or kMapped, with the page of storage.
  Miss resolve_native(ShadowSpace& space, uint32_t linear, AccessKind kind, WalkFailure& failure,
                      uint64_t& storage_page);
  // Maps into such a space what the guest's user has accessed.
  void map_accessed_native(ShadowSpace& space, unsigned most_calls) const {
    space.map_accessed(registers_, most_calls);
  }
  // The same of one page; nothing if it has not been accessed.
  void map_accessed_page_native(ShadowSpace& space, uint32_t linear) const;
  // Makes such a space forget what the tables no longer say: of all pages, or of one.
  void revalidate_native(ShadowSpace& space) const { space.revalidate(registers_, true); }
  void revalidate_page_native(ShadowSpace& space, uint32_t linear) const {
    space.revalidate_page(registers_, linear);
  }
  // Maps a page into the user space ahead of its use if the tables allow it (`write`: for writing). Sets A
  // (and D).
  void map_ahead(uint32_t linear, bool write);
  // Maps a user's page into the supervisor space, for accesses that cannot be pointed at the user space.
  Miss map_user_page_for_supervisor(uint32_t linear, bool write);

  // The guest flushed its TLB, or loaded CR3: both spaces forget what its tables no longer say, and user()
  // becomes the space of the CR3 now loaded.
  void flush(TlbFlush kind);
  void invalidate_page(uint32_t linear);
  void clear();

  // Write-protects every mapping, but for those of native spaces, of what is watched among these frames.
  void protect_watched(uint64_t first_frame, uint64_t frames);

 private:
  static constexpr size_t kMaxUserSpaces = 96;
  // Of the host's 65,530 mappings per process; a page is a mapping at worst.
  static constexpr size_t kMaxMappedPages = 28000;

  WindowSpace& user_space_for(uint32_t cr3);
  WindowSpace* dead_user_space();
  void map_or_evict(WindowSpace& space, uint32_t linear, const Translation& t, bool writable);
  void make_room();

  int ram_file_;
  PhysicalMemory& memory_;
  CpuState& state_;
  PagingRegisters registers_{};
  WindowSpace supervisor_;
  std::vector<std::unique_ptr<WindowSpace>> user_spaces_;
  WindowSpace* user_;
  uint64_t time_ = 0;
};

}  // namespace ringdown
