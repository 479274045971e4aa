#include "images/linux_plan.h"

#include <algorithm>

#include "images/guest_memory_map.h"
#include "images/guest_ram.h"

namespace ringdown {
namespace {

constexpr size_t kSectorSize = 512;
constexpr size_t kMinFileSize = 2 * kSectorSize;  // the boot sector and one setup sector hold the header
constexpr uint32_t kDefaultInitrdAddrMax = 0x37FFFFFF;  // before 2.03
constexpr uint32_t kDefaultCmdlineSize = 255;           // before 2.06

unsigned mebibytes(uint64_t bytes) { return static_cast<unsigned>((bytes + 0xFFFFF) >> 20); }

Expected<Done> check_kind(const LinuxRequest& request, const SetupHeader& header) {
  const std::string& name = request.kernel.name;
  const unsigned version = header.version;
  if (version < 0x0202) {
    return image_error(name, "Linux boot protocol %u.%02u is too old, 2.02 is the oldest supported",
                       version >> 8, version & 0xFF);
  }
  if (!(header.loadflags & kLoadedHigh)) {
    return image_error(name, "a Linux zImage, which loads below 1 MiB: only a bzImage can be started");
  }
  if (version >= 0x020C && (header.xloadflags & kXloadKernel64) && !request.cpu_has_long_mode) {
    return image_error(name, "a 64-bit Linux kernel, but the machine has a 32-bit processor");
  }
  return Done{};
}

// Cuts the protected-mode code out of the file. Build tools before 2.08 did not pad it to a multiple of 16;
// what follows it (a signature) is left out. Before 2.04 syssize is unreliable: take all there is.
Expected<Done> find_protected_mode(const BootFile& kernel, LinuxPlan& plan) {
  const SetupHeader& header = plan.header;
  const size_t setup_sects = header.setup_sects == 0 ? 4 : header.setup_sects;
  const uint64_t start = (setup_sects + 1) * kSectorSize;
  const uint64_t announced = header.version >= 0x0204 ? uint64_t{header.syssize} * 16 : 16;
  const uint64_t padding = header.version >= 0x0208 ? 0 : 15;
  const uint64_t file_size = kernel.bytes.size();
  if (announced == 0) return image_error(kernel.name, "its header announces an empty kernel");
  if (file_size < start || file_size - start < announced - padding) {
    return image_error(kernel.name, "truncated: its header announces %llu bytes, the file has %llu",
                       static_cast<unsigned long long>(start + announced),
                       static_cast<unsigned long long>(file_size));
  }
  plan.protected_mode = kernel.bytes.subspan(start);
  if (header.version >= 0x0204 && plan.protected_mode.size() > announced) {
    plan.protected_mode = plan.protected_mode.first(announced);
  }
  return Done{};
}

// A kernel runs at pref_address whatever happens: one that is not relocatable moves itself there, one that
// is never runs below it. Loading a relocatable one there at once saves it a copy.
Expected<Done> place_kernel(const BootFile& kernel, uint64_t ram_bytes, LinuxPlan& plan) {
  const SetupHeader& header = plan.header;
  const bool has_preference = header.version >= 0x020A && header.pref_address != 0;
  const uint64_t preferred = has_preference ? header.pref_address : kHighRamBase;
  const uint64_t needed = header.version >= 0x020A ? header.init_size : 0;
  const uint64_t load = header.relocatable_kernel && has_preference ? preferred : uint64_t{kHighRamBase};
  const uint64_t size = plan.protected_mode.size();

  if (preferred < kHighRamBase) return image_error(kernel.name, "its header asks to run below 1 MiB");
  if (preferred >= kMaxRamBytes) return image_error(kernel.name, "its header asks to run above 3 GiB");
  plan.kernel_end = std::max(load + size, preferred + std::max(needed, has_preference ? size : 0));
  if (!is_usable_ram(ram_bytes, kHighRamBase, plan.kernel_end - kHighRamBase)) {
    return image_error(kernel.name, "needs %u MiB of RAM to start, the machine has %u MiB",
                       mebibytes(plan.kernel_end), mebibytes(ram_bytes));
  }
  const uint64_t entry_offset = uint64_t{header.code32_start} - kHighRamBase;
  if (header.code32_start < kHighRamBase || entry_offset >= size) {
    return image_error(kernel.name, "its entry point 0x%x lies outside of its code",
                       static_cast<unsigned>(header.code32_start));
  }
  plan.load_address = static_cast<uint32_t>(load);
  plan.entry = static_cast<uint32_t>(load + entry_offset);
  return Done{};
}

// As high as the kernel and RAM allow, so that the kernel need not move it.
Expected<Done> place_initrd(const LinuxRequest& request, uint64_t ram_bytes, LinuxPlan& plan) {
  if (!request.initrd) return Done{};
  const uint64_t size = request.initrd->bytes.size();
  const uint64_t last = plan.header.version >= 0x0203 ? plan.header.initrd_addr_max : kDefaultInitrdAddrMax;
  const uint64_t end = page_align_down(std::min(ram_bytes, last + 1));
  const uint64_t floor = page_align_up(plan.kernel_end);
  if (size > end || page_align_down(end - size) < floor) {
    return image_error(request.initrd->name,
                       "the initrd of %llu bytes does not fit: the kernel leaves it %llu bytes",
                       static_cast<unsigned long long>(size),
                       static_cast<unsigned long long>(end > floor ? end - floor : 0));
  }
  plan.initrd_address = static_cast<uint32_t>(page_align_down(end - size));
  return Done{};
}

Expected<Done> check_command_line(const LinuxRequest& request, const SetupHeader& header) {
  const uint32_t kernel_limit = header.version >= 0x0206 ? header.cmdline_size : kDefaultCmdlineSize;
  const uint32_t limit = std::min(kernel_limit, kLinuxCommandLineRoom - 1);
  if (request.command_line.size() <= limit) return Done{};
  return image_error(request.kernel.name, "the command line has %zu bytes, this kernel takes at most %u",
                     request.command_line.size(), limit);
}

}  // namespace

Expected<LinuxPlan> plan_linux(const LinuxRequest& request, uint64_t ram_bytes) {
  const BootFile& kernel = request.kernel;
  if (kernel.bytes.size() < kMinFileSize)
    return image_error(kernel.name, "truncated: its setup header is cut off");
  LinuxPlan plan{.header = load_at<SetupHeader>(kernel.bytes, kSetupHeaderOffset)};
  plan.header_size =
      std::min<size_t>(0x202 + plan.header.jump_offset, kSetupHeaderLimit) - kSetupHeaderOffset;
  if (auto checked = check_kind(request, plan.header); !checked) return checked.error();
  if (auto found = find_protected_mode(kernel, plan); !found) return found.error();
  if (auto placed = place_kernel(kernel, ram_bytes, plan); !placed) return placed.error();
  if (auto placed = place_initrd(request, ram_bytes, plan); !placed) return placed.error();
  if (auto checked = check_command_line(request, plan.header); !checked) return checked.error();
  return plan;
}

}  // namespace ringdown
