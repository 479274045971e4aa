#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "images/expected.h"
#include "images/guest_image.h"
#include "images/multiboot_format.h"

namespace ringdown {

// A piece of the kernel: `bytes` of the file go to `base`, zeroes follow up to `size`. Lies in usable RAM.
struct KernelSegment {
  uint32_t base;
  uint64_t size;
  std::span<const std::byte> bytes;
};

// What to load, checked against the file and against RAM; nothing has been written.
struct KernelPlan {
  std::vector<KernelSegment> segments;  // at least one
  uint32_t entry;                       // in one of them
  uint64_t total_size = 0;              // of all segments; more than RAM means that they overlap wildly
};

struct FoundHeader {
  size_t offset;           // in the file
  MultibootHeader header;  // its address fields are zero where the search area ends before them
};
std::optional<FoundHeader> find_multiboot_header(std::span<const std::byte> file);

// By the addresses in the header (multiboot_aout.cpp), or by ELF program headers (multiboot_elf.cpp).
Expected<KernelPlan> plan_multiboot_aout(const BootFile& kernel, const FoundHeader& found,
                                         uint64_t ram_bytes);
Expected<KernelPlan> plan_multiboot_elf(const BootFile& kernel, uint64_t ram_bytes);

// What both check of a piece and, at the end, of the whole.
Expected<Done> add_kernel_segment(const BootFile& kernel, const KernelSegment& segment, uint64_t ram_bytes,
                                  KernelPlan& plan);
Expected<Done> check_kernel_entry(const BootFile& kernel, const KernelPlan& plan);

}  // namespace ringdown
