// The "a.out kludge": the Multiboot header itself says what goes where, the file's format does not matter.
#include "images/multiboot_kernel.h"

namespace ringdown {
namespace {

// Bytes to load from `offset` on, or nothing if the addresses contradict each other.
std::optional<uint64_t> load_size(const MultibootHeader& header, uint64_t offset, uint64_t file_size) {
  if (header.load_end_addr == 0) return file_size - offset;  // all the rest
  if (header.load_end_addr < header.load_addr) return std::nullopt;
  return header.load_end_addr - header.load_addr;
}

}  // namespace

Expected<KernelPlan> plan_multiboot_aout(const BootFile& kernel, const FoundHeader& found,
                                         uint64_t ram_bytes) {
  const MultibootHeader& header = found.header;
  if (found.offset + sizeof header > kMultibootSearch || found.offset + sizeof header > kernel.bytes.size()) {
    return image_error(kernel.name, "truncated: its multiboot header is cut off");
  }
  const uint64_t before_header = uint64_t{header.header_addr} - header.load_addr;
  if (header.header_addr < header.load_addr || before_header > found.offset) {
    return image_error(kernel.name,
                       "its multiboot header has a load_addr that does not match its header_addr");
  }
  const uint64_t offset = found.offset - before_header;
  const auto size = load_size(header, offset, kernel.bytes.size());
  if (!size) return image_error(kernel.name, "its multiboot header has a load_end_addr below load_addr");
  if (*size > kernel.bytes.size() - offset) {
    return image_error(kernel.name, "truncated: its multiboot header announces %llu bytes, the file has %llu",
                       static_cast<unsigned long long>(offset + *size),
                       static_cast<unsigned long long>(kernel.bytes.size()));
  }
  const uint64_t load_end = header.load_addr + *size;
  if (header.bss_end_addr != 0 && header.bss_end_addr < load_end) {
    return image_error(kernel.name, "its multiboot header has a bss_end_addr below the end of what it loads");
  }
  const uint64_t end = header.bss_end_addr != 0 ? header.bss_end_addr : load_end;
  KernelPlan plan{.entry = header.entry_addr};
  const KernelSegment segment{header.load_addr, end - header.load_addr, kernel.bytes.subspan(offset, *size)};
  if (auto added = add_kernel_segment(kernel, segment, ram_bytes, plan); !added) return added.error();
  if (auto checked = check_kernel_entry(kernel, plan); !checked) return checked.error();
  return plan;
}

}  // namespace ringdown
