#include "images/linux_boot.h"

#include <algorithm>
#include <array>
#include <vector>

#include "images/flat_gdt.h"
#include "images/guest_memory_map.h"
#include "images/guest_ram.h"
#include "images/linux_plan.h"

namespace ringdown {
namespace {

constexpr uint8_t kUndefinedLoader = 0xFF;       // type_of_loader of a loader without a registered number
constexpr uint32_t kExtMemLimitKib = 63 * 1024;  // what INT 15h, AH=88h reports at most

// The fields of the setup header that the protocol has the loader write.
SetupHeader answered_header(const LinuxRequest& request, const LinuxPlan& plan) {
  SetupHeader header = plan.header;
  header.type_of_loader = kUndefinedLoader;
  header.loadflags &= static_cast<uint8_t>(~kKeepSegments);
  header.code32_start = plan.entry;
  header.cmd_line_ptr = kLinuxCommandLineBase;
  header.ramdisk_image = plan.initrd_address;
  header.ramdisk_size = request.initrd ? static_cast<uint32_t>(request.initrd->bytes.size()) : 0;
  return header;
}

void write_memory_map(GuestRam& ram) {
  struct [[gnu::packed]] BootE820Entry {
    uint64_t address;
    uint64_t size;
    E820Type type;
  };
  static_assert(sizeof(BootE820Entry) == 20, "as in the zero page");
  const std::vector<E820Entry> map = pc_memory_map(ram.size());
  uint64_t at = kBootParamsBase + kE820TableOffset;
  for (const E820Entry& entry : map) {
    ram.put(at, BootE820Entry{entry.base, entry.size, entry.type});
    at += sizeof(BootE820Entry);
  }
  ram.put(kBootParamsBase + kE820EntriesOffset, static_cast<uint8_t>(map.size()));
}

void write_boot_params(const LinuxRequest& request, const LinuxPlan& plan, GuestRam& ram) {
  ram.zero(kBootParamsBase, kBootParamsSize);
  // The part of the header that this code has no names for is the kernel's own business: copied as it is.
  const uint64_t header_base = kBootParamsBase + kSetupHeaderOffset;
  ram.write(header_base, request.kernel.bytes.subspan(kSetupHeaderOffset, plan.header_size));
  const SetupHeader header = answered_header(request, plan);
  const auto answered = std::as_bytes(std::span(&header, 1));
  ram.write(header_base, answered.first(std::max(std::min(plan.header_size, sizeof header),
                                                 offsetof(SetupHeader, initrd_addr_max))));
  const uint32_t extended = extended_memory_kib(ram.size());
  ram.put(kBootParamsBase + kExtMemKOffset, static_cast<uint16_t>(std::min(extended, kExtMemLimitKib)));
  ram.put(kBootParamsBase + kAltMemKOffset, extended);
  write_memory_map(ram);
}

BootState boot_state(const LinuxRequest& request, const LinuxPlan& plan) {
  BootState state{.protocol = BootProtocol::kLinux32, .eip = plan.entry, .esi = kBootParamsBase};
  state.esp = kLinuxStackTop;
  state.cs = kBootCs;
  state.ds = state.ss = kBootDs;
  state.gdt_base = kLinuxGdtBase;
  state.gdt_limit = 4 * sizeof(uint64_t) - 1;
  state.loaded = {{"boot_params", kBootParamsBase, kBootParamsSize},
                  {"GDT", kLinuxGdtBase, 4 * sizeof(uint64_t)},
                  {"command line", kLinuxCommandLineBase, request.command_line.size() + 1},
                  {"kernel", plan.load_address, plan.protected_mode.size()}};
  if (request.initrd) state.loaded.push_back({"initrd", plan.initrd_address, request.initrd->bytes.size()});
  return state;
}

}  // namespace

bool is_linux_image(std::span<const std::byte> file) {
  const size_t offset = kSetupHeaderOffset + offsetof(SetupHeader, header);
  return file.size() >= offset + sizeof kSetupMagic && load_at<uint32_t>(file, offset) == kSetupMagic;
}

Expected<BootState> load_linux(const LinuxRequest& request, std::span<std::byte> ram_bytes) {
  if (!is_linux_image(request.kernel.bytes)) return image_error(request.kernel.name, "not a Linux bzImage");
  if (auto checked = check_ram_size(ram_bytes.size()); !checked) return checked.error();
  const Expected<LinuxPlan> plan = plan_linux(request, ram_bytes.size());
  if (!plan) return plan.error();

  GuestRam ram(ram_bytes);
  ram.put(kLinuxGdtBase, std::array<uint64_t, 4>{0, 0, kFlatCode32, kFlatData32});
  ram.write_string(kLinuxCommandLineBase, request.command_line);
  ram.write(plan->load_address, plan->protected_mode);
  if (request.initrd) ram.write(plan->initrd_address, request.initrd->bytes);
  write_boot_params(request, *plan, ram);
  return boot_state(request, *plan);
}

}  // namespace ringdown
