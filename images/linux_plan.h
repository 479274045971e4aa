#pragma once
#include <cstdint>
#include <span>

#include "images/expected.h"
#include "images/linux_boot.h"
#include "images/linux_header.h"

namespace ringdown {

// Everything that load_linux() decides before it writes a byte. All ranges have been checked against the
// file and against RAM.
struct LinuxPlan {
  SetupHeader header;                         // as in the file
  size_t header_size;                         // bytes from kSetupHeaderOffset that go into boot_params
  std::span<const std::byte> protected_mode;  // the protected-mode code
  uint32_t load_address;                      // where it goes
  uint32_t entry;
  uint64_t kernel_end;  // the end of all that the kernel overwrites before it knows the memory map
  uint32_t initrd_address = 0;
};

Expected<LinuxPlan> plan_linux(const LinuxRequest& request, uint64_t ram_bytes);

}  // namespace ringdown
