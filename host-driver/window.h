#pragma once
#include <cstdint>

#include "host-driver/page_mapper.h"
#include "host-driver/reservation.h"

namespace ringdown {

// A shadow space's place in the host: 4 GiB of reserved, inaccessible addresses, aligned to 4 GiB and with
// inaccessible guards before and behind. Guest-linear address a is host address base() + a. Parts of guest
// RAM are mapped into it; an access elsewhere is a host fault. An access can name no address outside of
// [base, base + 4 GiB + 512), which is within the guard.
class Window final : public PageMapper {
 public:
  static constexpr uint64_t kSize = 1ull << 32;

  // `ram_file` backs all mappings; it stays the caller's.
  explicit Window(int ram_file);
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  uint64_t base() const { return base_; }
  bool contains_or_guards(uint64_t host_address) const {
    return host_address - (base_ - kGuard) < kSize + 2 * kGuard;
  }

  // PageMapper. Nothing is executable in a window.
  [[nodiscard]] bool map(uint32_t linear, uint64_t ram_offset, uint64_t length, Protection protection,
                         bool executable = false) override;
  [[nodiscard]] bool protect(uint32_t linear, uint64_t length, Protection protection) override;
  [[nodiscard]] bool unmap(uint32_t linear, uint64_t length) override;
  void unmap_all() override;

 private:
  static constexpr uint64_t kGuard = 1ull << 20;

  int ram_file_;
  const Reservation reservation_;
  const uint64_t base_;
};

}  // namespace ringdown
