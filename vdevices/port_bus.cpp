#include "vdevices/port_bus.h"

#include <cstdio>
#include <cstdlib>

namespace ringdown {
namespace {

[[noreturn]] void abort_mapping(uint16_t first, uint16_t count, const char* why) {
  std::fprintf(stderr, "port bus: cannot map %u ports at %04xh: %s\n", unsigned{count}, unsigned{first}, why);
  std::abort();
}

}  // namespace

void PortBus::map(uint16_t first, uint16_t count, PortDevice& device, unsigned max_access_size) {
  if (count == 0 || first + count > 65536) abort_mapping(first, count, "no such range");
  if (max_access_size != 1 && max_access_size != 2 && max_access_size != 4) {
    abort_mapping(first, count, "the access size is not 1, 2 or 4");
  }
  if (!is_free(first, count)) abort_mapping(first, count, "it overlaps another device");
  const uint8_t slot = free_slot();
  if (slot == 0) abort_mapping(first, count, "too many mappings");
  const uint32_t end = uint32_t{first} + count;
  mappings_[slot] = {&device, end, first, static_cast<uint16_t>(max_access_size)};
  for (uint32_t port = first; port < end; ++port) index_[port] = slot;
}

void PortBus::unmap(const PortDevice& device) {
  for (Mapping& mapping : mappings_) {
    if (mapping.device != &device) continue;
    for (uint32_t port = mapping.first; port < mapping.end; ++port) index_[port] = 0;
    mapping = {};
  }
}

bool PortBus::is_free(uint16_t first, uint16_t count) const {
  for (uint32_t i = 0; i < count; ++i) {
    if (index_[static_cast<uint16_t>(first + i)] != 0) return false;
  }
  return true;
}

uint8_t PortBus::free_slot() const {
  for (unsigned slot = 1; slot < kMaxMappings; ++slot) {
    if (mappings_[slot].device == nullptr) return static_cast<uint8_t>(slot);
  }
  return 0;
}

bool PortBus::is_unassigned(uint16_t port, unsigned size) const {
  return is_free(port, static_cast<uint16_t>(size));
}

uint32_t PortBus::read_slow(uint16_t port, unsigned size) {
  if (is_unassigned(port, size)) {
    ++unassigned_accesses_;
    return low_bytes(~0u, size);
  }
  const unsigned half = size / 2;
  const uint32_t low = read(port, half);
  return low | read(static_cast<uint16_t>(port + half), half) << (8 * half);
}

void PortBus::write_slow(uint16_t port, unsigned size, uint32_t value) {
  if (is_unassigned(port, size)) {
    ++unassigned_accesses_;
    return;
  }
  const unsigned half = size / 2;
  write(port, half, value);
  write(static_cast<uint16_t>(port + half), half, value >> (8 * half));
}

}  // namespace ringdown
