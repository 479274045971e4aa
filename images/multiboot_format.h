#pragma once
#include <cstddef>
#include <cstdint>

namespace ringdown {

// The structures of the Multiboot Specification 0.6.96, chapters 3.1 and 3.3, under its names.
constexpr uint32_t kMultibootHeaderMagic = 0x1BADB002;
constexpr size_t kMultibootSearch = 8192;  // the header lies within that many bytes, 4-byte aligned

struct MultibootHeader {
  uint32_t magic;
  uint32_t flags;
  uint32_t checksum;
  // Only with kHeaderAoutKludge:
  uint32_t header_addr;
  uint32_t load_addr;
  uint32_t load_end_addr;
  uint32_t bss_end_addr;
  uint32_t entry_addr;
};
constexpr size_t kMultibootShortHeader = 12;
static_assert(sizeof(MultibootHeader) == 32, "as the specification lays it out");

constexpr uint32_t kHeaderPageAlign = 1u << 0;  // modules on page boundaries: they always are
constexpr uint32_t kHeaderMemoryInfo = 1u << 1;
constexpr uint32_t kHeaderVideoMode = 1u << 2;
constexpr uint32_t kHeaderAoutKludge = 1u << 16;
constexpr uint32_t kHeaderMandatoryFlags = 0xFFFF;  // an unknown flag among these must be refused

struct MultibootInfo {
  uint32_t flags;
  uint32_t mem_lower;  // KiB
  uint32_t mem_upper;  // KiB from 1 MiB
  uint32_t boot_device;
  uint32_t cmdline;
  uint32_t mods_count;
  uint32_t mods_addr;
  uint32_t elf_num;
  uint32_t elf_size;
  uint32_t elf_addr;
  uint32_t elf_shndx;
  uint32_t mmap_length;
  uint32_t mmap_addr;
  uint32_t drives_length;
  uint32_t drives_addr;
  uint32_t config_table;
  uint32_t boot_loader_name;
  uint32_t apm_table;
  uint32_t vbe_and_framebuffer[12];  // never present
};
static_assert(offsetof(MultibootInfo, boot_loader_name) == 64, "as the specification lays it out");
static_assert(sizeof(MultibootInfo) == 120, "no loader's structure is longer");

constexpr uint32_t kInfoMemory = 1u << 0;
constexpr uint32_t kInfoCommandLine = 1u << 2;
constexpr uint32_t kInfoModules = 1u << 3;
constexpr uint32_t kInfoElfSections = 1u << 5;
constexpr uint32_t kInfoMemoryMap = 1u << 6;
constexpr uint32_t kInfoBootLoaderName = 1u << 9;

struct MultibootModuleEntry {
  uint32_t mod_start;
  uint32_t mod_end;  // one past the last byte
  uint32_t string;
  uint32_t reserved;
};
static_assert(sizeof(MultibootModuleEntry) == 16, "as the specification lays it out");

struct [[gnu::packed]] MultibootMemoryEntry {
  uint32_t size;  // of what follows
  uint64_t base_addr;
  uint64_t length;
  uint32_t type;
};
static_assert(sizeof(MultibootMemoryEntry) == 24, "as the specification lays it out");

}  // namespace ringdown
