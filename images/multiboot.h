#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "images/expected.h"
#include "images/guest_image.h"

namespace ringdown {

struct MultibootModule {
  BootFile file;
  std::string command_line;  // as the kernel sees it: by custom the file's name, a space, the arguments
};

struct MultibootRequest {
  BootFile kernel;
  std::string_view command_line;  // the whole string: by custom it starts with the kernel's name
  std::vector<MultibootModule> modules;
};

// Whether a Multiboot 1 header with a right checksum lies in the first 8192 bytes.
bool is_multiboot_image(std::span<const std::byte> file);

// Loads a Multiboot 1 image (Multiboot Specification 0.6.96): ELF32 by physical addresses, or by the
// addresses in the header (flag bit 16). Modules, strings and the module list follow the kernel, above
// 1 MiB; the information structure and the memory map take a page of low memory. A wish for a video mode
// is not granted, with a warning: the specification leaves that to the loader.
//
// `ram` is all of guest RAM, 2 MiB to 3 GiB. On an error its content is unspecified.
// Errors: truncated or malformed, a 64-bit ELF file, mandatory features that nobody defined, segments that
// are not in RAM, an entry point outside of them, and modules that do not fit.
Expected<BootState> load_multiboot(const MultibootRequest& request, std::span<std::byte> ram);

constexpr uint32_t kMultibootBootloaderMagic = 0x2BADB002;  // EAX at entry
constexpr uint32_t kMultibootInfoPage = 0x9000;  // unless the kernel lies there: then it follows the kernel
constexpr uint16_t kMultibootCs = 0x08;
constexpr uint16_t kMultibootDs = 0x10;

}  // namespace ringdown
