#pragma once
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "images/guest_memory_map.h"

namespace ringdown {

static_assert(std::endian::native == std::endian::little, "images and guest structures are little-endian");

constexpr uint64_t page_align_up(uint64_t address) {
  return (address + kPageSize - 1) & ~uint64_t{kPageSize - 1};
}
constexpr uint64_t page_align_down(uint64_t address) { return address & ~uint64_t{kPageSize - 1}; }

// Reads a T at `offset` of an image. The caller has checked that it is there: otherwise aborts.
template <class T>
T load_at(std::span<const std::byte> bytes, size_t offset) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (offset > bytes.size() || sizeof(T) > bytes.size() - offset) std::abort();
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

// Guest RAM as loaders write it: address 0 is the first byte. Loaders check what an image asks for first
// and report it; a write outside of RAM that still gets here is a bug of ours and aborts.
class GuestRam {
 public:
  explicit GuestRam(std::span<std::byte> ram) : ram_(ram) {}

  uint64_t size() const { return ram_.size(); }

  void write(uint64_t address, std::span<const std::byte> bytes) {
    if (!bytes.empty()) std::memcpy(at(address, bytes.size()), bytes.data(), bytes.size());
  }
  void zero(uint64_t address, uint64_t size) {
    if (size != 0) std::memset(at(address, size), 0, size);
  }
  // The text and a NUL.
  void write_string(uint64_t address, std::string_view text) {
    write(address, std::as_bytes(std::span(text)));
    zero(address + text.size(), 1);
  }
  template <class T>
  void put(uint64_t address, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::memcpy(at(address, sizeof(T)), &value, sizeof(T));
  }

 private:
  std::byte* at(uint64_t address, uint64_t size) {
    if (address > ram_.size() || size > ram_.size() - address) std::abort();
    return ram_.data() + address;
  }

  std::span<std::byte> ram_;
};

}  // namespace ringdown
