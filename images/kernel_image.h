#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "images/expected.h"
#include "images/guest_image.h"

namespace ringdown {

// What the user asked for with -kernel, -initrd and -append.
struct KernelRequest {
  std::string kernel;  // path
  // As QEMU takes it. Linux: one path. Multiboot: modules "path1 arguments,path2", a comma doubled if meant.
  std::optional<std::string> initrd;
  std::string append;
  bool cpu_has_long_mode = false;  // whether a 64-bit Linux kernel can run
};

// Loads a kernel and what belongs to it into guest RAM, and says how the processor must start.
//
// The content decides what the kernel is, in QEMU's order: a file with a Linux setup header is Linux even if
// a multiboot header is in it; then multiboot; anything else is an error. A multiboot kernel sees its path
// in front of `append`, as under QEMU and GRUB.
//
// `ram` is all of guest RAM: 2 MiB to 3 GiB. On an error (one line that names the file at fault) its content
// is unspecified.
Expected<BootState> load_kernel(const KernelRequest& request, std::span<std::byte> ram);

}  // namespace ringdown
