#pragma once
#include <cstddef>
#include <cstdint>

namespace ringdown {

// The setup header of a bzImage, and where it lies in the file and in boot_params alike. Names, offsets
// and versions: "The Linux/x86 Boot Protocol", chapter "Details of Header Fields".
constexpr size_t kSetupHeaderOffset = 0x1F1;

struct [[gnu::packed]] SetupHeader {
  uint8_t setup_sects;
  uint16_t root_flags;
  uint32_t syssize;  // protected-mode code in units of 16 bytes; 16 bits wide before 2.04
  uint16_t ram_size;
  uint16_t vid_mode;
  uint16_t root_dev;
  uint16_t boot_flag;
  uint8_t jump_opcode;
  uint8_t jump_offset;  // the header ends at 0x202 + this
  uint32_t header;      // kSetupMagic
  uint16_t version;
  uint32_t realmode_swtch;
  uint16_t start_sys_seg;
  uint16_t kernel_version;
  uint8_t type_of_loader;
  uint8_t loadflags;
  uint16_t setup_move_size;
  uint32_t code32_start;
  uint32_t ramdisk_image;
  uint32_t ramdisk_size;
  uint32_t bootsect_kludge;
  uint16_t heap_end_ptr;
  uint8_t ext_loader_ver;
  uint8_t ext_loader_type;
  uint32_t cmd_line_ptr;     // 2.02
  uint32_t initrd_addr_max;  // 2.03: the highest address that an initrd's last byte may have
  uint32_t kernel_alignment;
  uint8_t relocatable_kernel;  // 2.05
  uint8_t min_alignment;
  uint16_t xloadflags;    // 2.12
  uint32_t cmdline_size;  // 2.06: without the NUL
  uint32_t hardware_subarch;
  uint64_t hardware_subarch_data;
  uint32_t payload_offset;
  uint32_t payload_length;
  uint64_t setup_data;
  uint64_t pref_address;  // 2.10
  uint32_t init_size;     // 2.10: bytes from where the kernel runs that it needs before it reads the map
  uint32_t handover_offset;
  uint32_t kernel_info_offset;
};
static_assert(kSetupHeaderOffset + offsetof(SetupHeader, header) == 0x202, "as the protocol documents");
static_assert(kSetupHeaderOffset + offsetof(SetupHeader, cmd_line_ptr) == 0x228, "as the protocol documents");
static_assert(kSetupHeaderOffset + offsetof(SetupHeader, xloadflags) == 0x236, "as the protocol documents");
static_assert(kSetupHeaderOffset + offsetof(SetupHeader, init_size) == 0x260, "as the protocol documents");
static_assert(kSetupHeaderOffset + sizeof(SetupHeader) == 0x26C, "as the protocol documents");

constexpr uint32_t kSetupMagic = 0x53726448;  // "HdrS"
constexpr uint8_t kLoadedHigh = 0x01;         // loadflags: a bzImage
constexpr uint8_t kKeepSegments = 0x40;       // loadflags: the entry code must not load segment registers
constexpr uint16_t kXloadKernel64 = 0x0001;   // xloadflags: the kernel proper is 64-bit code

// boot_params, the "zero page": offsets of what a 32-bit loader fills in.
constexpr size_t kBootParamsSize = 4096;
constexpr size_t kExtMemKOffset = 0x002;
constexpr size_t kAltMemKOffset = 0x1E0;
constexpr size_t kE820EntriesOffset = 0x1E8;
constexpr size_t kSetupHeaderLimit = 0x290;  // what follows the header in boot_params starts here
constexpr size_t kE820TableOffset = 0x2D0;

}  // namespace ringdown
