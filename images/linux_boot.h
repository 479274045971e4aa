#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "images/expected.h"
#include "images/guest_image.h"

namespace ringdown {

struct LinuxRequest {
  BootFile kernel;
  std::optional<BootFile> initrd;
  std::string_view command_line;
  bool cpu_has_long_mode = false;  // otherwise a 64-bit kernel is refused: it would halt without a word
};

// Whether the file has a Linux setup header ("HdrS"). Says nothing about whether it can be started.
bool is_linux_image(std::span<const std::byte> file);

// Loads a bzImage by the 32-bit boot protocol. The real-mode part of the file never runs: its header goes
// into boot_params, whose screen_info stays zero but for ext_mem_k (no VGA text mode is announced).
//
// `ram` is all of guest RAM, 2 MiB to 3 GiB. On an error nothing has been written to it.
// Errors: truncated, a zImage or older than protocol 2.02, a 64-bit kernel, too little RAM for the kernel
// or for the initrd, a command line longer than the kernel takes.
Expected<BootState> load_linux(const LinuxRequest& request, std::span<std::byte> ram);

// Where the low structures go. boot_params lies at 0x90000 because kernels before 2.6 use all memory below
// it as scratch; the rest lies between it and the EBDA.
constexpr uint32_t kBootParamsBase = 0x90000;
constexpr uint32_t kLinuxGdtBase = 0x91000;
constexpr uint32_t kLinuxCommandLineBase = 0x92000;
constexpr uint32_t kLinuxCommandLineRoom = 0x8000;  // bytes, with the NUL
constexpr uint32_t kLinuxStackTop = 0x9F000;

constexpr uint16_t kBootCs = 0x10;  // __BOOT_CS
constexpr uint16_t kBootDs = 0x18;  // __BOOT_DS

}  // namespace ringdown
