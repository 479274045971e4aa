#include "images/multiboot.h"

#include <algorithm>
#include <array>

#include "images/flat_gdt.h"
#include "images/guest_memory_map.h"
#include "images/guest_ram.h"
#include "images/multiboot_format.h"
#include "images/multiboot_kernel.h"
#include "images/multiboot_symbols.h"
#include "images/ram_allocator.h"

namespace ringdown {
namespace {

constexpr std::string_view kBootLoaderName = "ringdown";

// The page that holds the information structure, the GDT and the memory map; a stack fills its rest.
constexpr uint32_t kInfoPageGdt = 0x100;
constexpr uint32_t kInfoPageMap = 0x200;
constexpr size_t kGdtBytes = 3 * sizeof(uint64_t);

// One load in progress.
struct Loading {
  const MultibootRequest& request;
  GuestRam ram;
  RamAllocator allocator;
  MultibootInfo info{};
  BootState state{.protocol = BootProtocol::kMultiboot1};
};

Expected<Done> check_flags(const BootFile& kernel, uint32_t flags, std::vector<std::string>& warnings) {
  const uint32_t known = kHeaderPageAlign | kHeaderMemoryInfo | kHeaderVideoMode;
  const uint32_t unknown = flags & kHeaderMandatoryFlags & ~known;
  if (unknown != 0) {
    return image_error(kernel.name, "its multiboot header demands unknown features (flags 0x%x)", unknown);
  }
  if (flags & kHeaderVideoMode) {
    warnings.push_back(kernel.name + ": asks for a video mode, which is not set: it starts without one");
  }
  return Done{};
}

uint64_t end_of(const KernelPlan& plan) {
  uint64_t end = 0;
  for (const KernelSegment& segment : plan.segments) end = std::max(end, segment.base + segment.size);
  return end;
}

bool covers_info_page(const KernelSegment& segment) {
  return segment.base < kMultibootInfoPage + kPageSize && segment.base + segment.size > kMultibootInfoPage;
}

void write_kernel(const KernelPlan& plan, Loading& load) {
  for (const KernelSegment& segment : plan.segments) {
    load.ram.write(segment.base, segment.bytes);
    load.ram.zero(segment.base + segment.bytes.size(), segment.size - segment.bytes.size());
    load.state.loaded.push_back({"kernel", segment.base, segment.size});
  }
}

uint64_t strings_size(const MultibootRequest& request) {
  uint64_t size = kBootLoaderName.size() + 1 + request.command_line.size() + 1;
  for (const MultibootModule& module : request.modules) size += module.command_line.size() + 1;
  return size;
}

uint32_t write_string(GuestRam& ram, uint32_t& at, std::string_view text) {
  const uint32_t base = at;
  ram.write_string(base, text);
  at += static_cast<uint32_t>(text.size() + 1);
  return base;
}

Expected<MultibootModuleEntry> load_module(const MultibootModule& module, Loading& load) {
  const uint64_t size = module.file.bytes.size();
  const uint64_t room = load.allocator.room();
  const auto base = load.allocator.take(size);
  if (!base) {
    return image_error(module.file.name, "the module of %llu bytes does not fit: %llu bytes of RAM are left",
                       static_cast<unsigned long long>(size), static_cast<unsigned long long>(room));
  }
  load.ram.write(*base, module.file.bytes);
  load.state.loaded.push_back({module.file.name, *base, size});
  return MultibootModuleEntry{.mod_start = *base, .mod_end = static_cast<uint32_t>(*base + size)};
}

// The module list and all strings share one range; the modules follow, a page boundary each.
Expected<Done> load_modules_and_strings(Loading& load) {
  const MultibootRequest& request = load.request;
  const uint64_t list_size = request.modules.size() * sizeof(MultibootModuleEntry);
  const uint64_t size = list_size + strings_size(request);
  const auto list = load.allocator.take(size);
  if (!list) return image_error(request.kernel.name, "leaves no RAM for its command line");
  load.state.loaded.push_back({"command line", *list, size});

  uint32_t string = static_cast<uint32_t>(*list + list_size);
  load.info.boot_loader_name = write_string(load.ram, string, kBootLoaderName);
  load.info.cmdline = write_string(load.ram, string, request.command_line);
  load.info.mods_count = static_cast<uint32_t>(request.modules.size());
  load.info.mods_addr = *list;
  for (size_t index = 0; index < request.modules.size(); ++index) {
    auto entry = load_module(request.modules[index], load);
    if (!entry) return entry.error();
    entry->string = write_string(load.ram, string, request.modules[index].command_line);
    load.ram.put(*list + index * sizeof *entry, *entry);
  }
  return Done{};
}

void write_memory_map(uint32_t base, Loading& load) {
  const std::vector<E820Entry> map = pc_memory_map(load.ram.size());
  for (size_t index = 0; index < map.size(); ++index) {
    const MultibootMemoryEntry entry{sizeof entry - sizeof entry.size, map[index].base, map[index].size,
                                     static_cast<uint32_t>(map[index].type)};
    load.ram.put(base + index * sizeof entry, entry);
  }
  load.info.mmap_addr = base;
  load.info.mmap_length = static_cast<uint32_t>(map.size() * sizeof(MultibootMemoryEntry));
  load.info.mem_lower = kLowRamEnd / 1024;
  load.info.mem_upper = extended_memory_kib(load.ram.size());
}

void write_info_page(uint32_t page, Loading& load) {
  load.ram.zero(page, kPageSize);
  load.ram.put(page + kInfoPageGdt, std::array<uint64_t, 3>{0, kFlatCode32, kFlatData32});
  write_memory_map(page + kInfoPageMap, load);
  load.info.flags |= kInfoMemory | kInfoCommandLine | kInfoModules | kInfoMemoryMap | kInfoBootLoaderName;
  load.ram.put(page, load.info);
  load.state.loaded.push_back({"multiboot information", page, kPageSize});
}

void set_registers(const KernelPlan& plan, uint32_t page, BootState& state) {
  state.eip = plan.entry;
  state.eax = kMultibootBootloaderMagic;
  state.ebx = page;
  state.esp = page + kPageSize;
  state.cs = kMultibootCs;
  state.ds = state.ss = kMultibootDs;
  state.gdt_base = page + kInfoPageGdt;
  state.gdt_limit = kGdtBytes - 1;
}

Expected<KernelPlan> plan_kernel(const BootFile& kernel, const FoundHeader& found, uint64_t ram_bytes) {
  if (found.header.flags & kHeaderAoutKludge) return plan_multiboot_aout(kernel, found, ram_bytes);
  return plan_multiboot_elf(kernel, ram_bytes);
}

// In low memory, where QEMU puts it too and small kernels can map it, unless the kernel is there itself.
std::optional<uint32_t> place_info_page(const KernelPlan& plan, RamAllocator& allocator) {
  if (std::none_of(plan.segments.begin(), plan.segments.end(), covers_info_page)) return kMultibootInfoPage;
  return allocator.take(kPageSize);
}

}  // namespace

bool is_multiboot_image(std::span<const std::byte> file) { return find_multiboot_header(file).has_value(); }

Expected<BootState> load_multiboot(const MultibootRequest& request, std::span<std::byte> ram_bytes) {
  const BootFile& kernel = request.kernel;
  if (auto checked = check_ram_size(ram_bytes.size()); !checked) return checked.error();
  const auto found = find_multiboot_header(kernel.bytes);
  if (!found) return image_error(kernel.name, "not a multiboot image");
  std::vector<std::string> warnings;
  if (auto checked = check_flags(kernel, found->header.flags, warnings); !checked) return checked.error();
  const Expected<KernelPlan> plan = plan_kernel(kernel, *found, ram_bytes.size());
  if (!plan) return plan.error();

  const uint64_t free_base = std::max<uint64_t>(end_of(*plan), kHighRamBase);
  Loading load{request, GuestRam(ram_bytes), RamAllocator(free_base, ram_bytes.size())};
  load.state.warnings = std::move(warnings);
  const auto page = place_info_page(*plan, load.allocator);
  if (!page) return image_error(kernel.name, "leaves no RAM for the multiboot information");
  write_kernel(*plan, load);
  if (auto loaded = load_modules_and_strings(load); !loaded) return loaded.error();
  if (!(found->header.flags & kHeaderAoutKludge)) {
    load_elf_symbols(kernel.bytes, load.allocator, load.ram, load.info);
  }
  write_info_page(*page, load);
  set_registers(*plan, *page, load.state);
  return load.state;
}

}  // namespace ringdown
