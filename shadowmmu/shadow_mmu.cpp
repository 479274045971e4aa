#include "shadowmmu/shadow_mmu.h"

#include <algorithm>

#include "host-driver/counters.h"
#include "host-driver/host_error.h"

namespace ringdown {

ShadowMmu::ShadowMmu(int ram_file, PhysicalMemory& memory, CpuState& state)
    : ram_file_(ram_file), memory_(memory), state_(state), supervisor_(ram_file, memory) {
  registers_ = PagingRegisters::of(state);
  user_ = &user_space_for(0);
}

WindowSpace* ShadowMmu::space_at(uint64_t host_address) {
  if (supervisor_.contains_or_guards(host_address)) return &supervisor_;
  if (user_->contains_or_guards(host_address)) return user_;
  return nullptr;
}

Miss ShadowMmu::resolve(uint64_t host_address, bool write, bool user_access, WalkFailure& failure,
                        uint32_t& linear) {
  WindowSpace* space = space_at(host_address);
  const uint64_t offset = host_address - space->base();
  if (offset >= Window::kSize) return Miss::kEmulate;  // an access that wraps around at 4 GiB
  linear = static_cast<uint32_t>(offset);
  const AccessKind kind = write ? AccessKind::kWrite : AccessKind::kRead;
  const auto t = walk(registers_, memory_, linear, {kind, user_access}, failure);
  if (!t) return Miss::kGuestFault;
  const uint64_t frame = t->physical >> kPageShift;
  if (memory_.storage_page(frame) == PhysicalMemory::kNoStorage) return Miss::kEmulate;
  if (write && memory_.announce_write(frame)) return Miss::kCodeWrite;
  const bool in_user_space = space != &supervisor_;
  if (registers_.enabled && !user_access && in_user_space != t->user)
    return in_user_space ? Miss::kSupervisorPage : Miss::kUserPage;
  const bool writable = t->writable || (!in_user_space && !registers_.write_protect);
  if (write && !writable) return Miss::kEmulate;  // CR0.WP = 0: the user space must stay read-only
  map_or_evict(*space, linear, *t, writable);
  return Miss::kMapped;
}

Miss ShadowMmu::map_user_page_for_supervisor(uint32_t linear, bool write) {
  WalkFailure failure;
  const AccessKind kind = write ? AccessKind::kWrite : AccessKind::kRead;
  const auto t = walk(registers_, memory_, linear, {kind, false}, failure);
  if (!t) return Miss::kGuestFault;
  map_or_evict(supervisor_, linear, *t, t->writable || !registers_.write_protect);
  return Miss::kMapped;
}

Miss ShadowMmu::resolve_native(ShadowSpace& space, uint32_t linear, AccessKind kind, WalkFailure& failure,
                               uint64_t& storage_page) {
  const auto t = walk(registers_, memory_, linear, {kind, true}, failure);
  if (!t) return Miss::kGuestFault;
  const uint64_t frame = t->physical >> kPageShift;
  storage_page = memory_.storage_page(frame);
  if (storage_page == PhysicalMemory::kNoStorage) return Miss::kEmulate;
  if (kind == AccessKind::kWrite && memory_.announce_write(frame)) return Miss::kCodeWrite;
  if (space.map(registers_, linear, *t, t->writable)) return Miss::kMapped;
  // The limit is the space's own.
  space.clear();
  return space.map(registers_, linear, *t, t->writable) ? Miss::kMapped : Miss::kEmulate;
}

void ShadowMmu::map_accessed_page_native(ShadowSpace& space, uint32_t linear) const {
  if (space.is_mapped(registers_, linear)) return;
  const auto t = peek(registers_, memory_, linear);
  if (!t || !t->user || !t->accessed()) return;
  if (memory_.storage_page(t->physical >> kPageShift) == PhysicalMemory::kNoStorage) return;
  (void)space.map(registers_, linear, *t, t->writable);  // at the host's limit it traps
}

void ShadowMmu::map_ahead(uint32_t linear, bool write) {
  WalkFailure failure;
  const auto t =
      walk(registers_, memory_, linear, {write ? AccessKind::kWrite : AccessKind::kRead, true}, failure);
  if (!t || !memory_.is_ram_page(t->physical >> kPageShift)) return;
  if (write && memory_.holds_code(t->physical)) return;
  map_or_evict(*user_, linear, *t, t->writable);
}

void ShadowMmu::map_or_evict(WindowSpace& space, uint32_t linear, const Translation& t, bool writable) {
  ShadowSpace& pages = space.pages();
  if (pages.map(registers_, linear, t, writable)) return;
  make_room();
  if (pages.map(registers_, linear, t, writable)) return;
  // A TLB may forget everything at any time.
  clear();
  if (!pages.map(registers_, linear, t, writable))
    host_refuses("mappings of guest memory (vm.max_map_count)");
}

// Drops user spaces, the least recently used first, then the current ones if they alone are too large.
void ShadowMmu::make_room() {
  counters().shadow_spaces_dropped++;
  WindowSpace* victim = nullptr;
  for (auto& space : user_spaces_) {
    if (space.get() == user_ || space->pages().mapped_pages() == 0) continue;
    if (!victim || space->last_used < victim->last_used) victim = space.get();
  }
  const bool user_is_larger = user_->pages().mapped_pages() > supervisor_.pages().mapped_pages();
  if (!victim) victim = user_is_larger ? user_ : &supervisor_;
  victim->pages().clear();
}

WindowSpace& ShadowMmu::user_space_for(uint32_t cr3) {
  WindowSpace* oldest = nullptr;
  for (auto& space : user_spaces_) {
    if (space->cr3 == cr3) return *space;
    if (!oldest || space->last_used < oldest->last_used) oldest = space.get();
  }
  if (WindowSpace* const dead = dead_user_space()) {
    oldest = dead;
    oldest->pages().clear();
  } else if (user_spaces_.size() < kMaxUserSpaces) {
    counters().shadow_spaces_created++;
    user_spaces_.push_back(std::make_unique<WindowSpace>(ram_file_, memory_));
    oldest = user_spaces_.back().get();
  } else {
    counters().shadow_spaces_dropped++;
    oldest->pages().clear();
  }
  oldest->cr3 = cr3;
  return *oldest;
}

// That of a process that has ended: what it has used on the host is warm, and need not be made again.
WindowSpace* ShadowMmu::dead_user_space() {
  const auto dead = std::ranges::find_if(user_spaces_, [&](const auto& space) {
    return space->pages().is_stale(registers_.with_cr3(space->cr3, memory_));
  });
  return dead == user_spaces_.end() ? nullptr : dead->get();
}

void ShadowMmu::flush(TlbFlush kind) {
  const PagingRegisters now = PagingRegisters::of(state_);
  const bool switched = now.cr3 != registers_.cr3;
  registers_ = now;
  if (switched) {
    counters().shadow_space_switches++;
    user_ = &user_space_for(now.cr3);
  }
  user_->last_used = ++time_;
  size_t pages = supervisor_.pages().mapped_pages();
  for (auto& space : user_spaces_) pages += space->pages().mapped_pages();
  if (pages > kMaxMappedPages) make_room();
  supervisor_.pages().revalidate(now, kind == TlbFlush::kAll);
  user_->pages().revalidate(now, true);
}

void ShadowMmu::invalidate_page(uint32_t linear) {
  supervisor_.pages().revalidate_page(registers_, linear);
  user_->pages().revalidate_page(registers_, linear);
}

void ShadowMmu::clear() {
  supervisor_.pages().clear();
  for (auto& space : user_spaces_) space->pages().clear();
}

void ShadowMmu::protect_watched(uint64_t first_frame, uint64_t frames) {
  supervisor_.pages().protect_watched(first_frame, frames);
  for (auto& space : user_spaces_) space->pages().protect_watched(first_frame, frames);
}

}  // namespace ringdown
