#include "images/multiboot_kernel.h"

#include <algorithm>
#include <cstring>

#include "images/guest_memory_map.h"
#include "images/guest_ram.h"

namespace ringdown {
namespace {

bool has_valid_checksum(const MultibootHeader& header) {
  return header.magic == kMultibootHeaderMagic && header.magic + header.flags + header.checksum == 0;
}

}  // namespace

std::optional<FoundHeader> find_multiboot_header(std::span<const std::byte> file) {
  const auto area = file.first(std::min(file.size(), kMultibootSearch));
  for (size_t offset = 0; offset + kMultibootShortHeader <= area.size(); offset += 4) {
    MultibootHeader header{};
    std::memcpy(&header, area.data() + offset, std::min(sizeof header, area.size() - offset));
    if (has_valid_checksum(header)) return FoundHeader{offset, header};
  }
  return std::nullopt;
}

Expected<Done> add_kernel_segment(const BootFile& kernel, const KernelSegment& segment, uint64_t ram_bytes,
                                  KernelPlan& plan) {
  if (!is_usable_ram(ram_bytes, segment.base, segment.size)) {
    return image_error(kernel.name,
                       "needs memory at 0x%llx to 0x%llx, which is not RAM (the machine has %llu MiB)",
                       static_cast<unsigned long long>(segment.base),
                       static_cast<unsigned long long>(segment.base + segment.size),
                       static_cast<unsigned long long>(ram_bytes >> 20));
  }
  plan.total_size += segment.size;
  if (plan.total_size > ram_bytes) return image_error(kernel.name, "what it loads overlaps itself");
  plan.segments.push_back(segment);
  return Done{};
}

Expected<Done> check_kernel_entry(const BootFile& kernel, const KernelPlan& plan) {
  for (const KernelSegment& segment : plan.segments) {
    if (plan.entry >= segment.base && plan.entry - segment.base < segment.size) return Done{};
  }
  return image_error(kernel.name, "its entry point 0x%x lies outside of what it loads", plan.entry);
}

}  // namespace ringdown
