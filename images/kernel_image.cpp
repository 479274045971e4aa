#include "images/kernel_image.h"

#include <vector>

#include "images/elf_image.h"
#include "images/guest_memory_map.h"
#include "images/image_file.h"
#include "images/linux_boot.h"
#include "images/module_list.h"
#include "images/multiboot.h"

namespace ringdown {
namespace {

using Bytes = std::vector<std::byte>;

Expected<BootState> load_linux_files(const KernelRequest& request, const BootFile& kernel,
                                     std::span<std::byte> ram) {
  LinuxRequest linux_request{kernel, std::nullopt, request.append, request.cpu_has_long_mode};
  if (!request.initrd) return load_linux(linux_request, ram);
  const Expected<Bytes> initrd = read_image_file(*request.initrd, {ram.size()});
  if (!initrd) return initrd.error();
  linux_request.initrd = BootFile{*request.initrd, *initrd};
  return load_linux(linux_request, ram);
}

Expected<BootState> load_multiboot_files(const KernelRequest& request, const BootFile& kernel,
                                         std::span<std::byte> ram) {
  std::vector<ModuleSpec> specs;
  if (request.initrd) {
    auto parsed = parse_module_list(*request.initrd);
    if (!parsed) return parsed.error();
    specs = std::move(*parsed);
  }
  std::vector<Bytes> contents;
  for (const ModuleSpec& spec : specs) {
    auto content = read_image_file(spec.path, {ram.size()});
    if (!content) return content.error();
    contents.push_back(std::move(*content));
  }
  const std::string command_line = request.append.empty() ? kernel.name : kernel.name + " " + request.append;
  MultibootRequest multiboot{kernel, command_line, {}};
  for (size_t index = 0; index < specs.size(); ++index) {
    multiboot.modules.push_back({{specs[index].path, contents[index]}, specs[index].command_line});
  }
  return load_multiboot(multiboot, ram);
}

bool is_gzip(const BootFile& file) {
  return file.bytes.size() >= 2 && file.bytes[0] == std::byte{0x1F} && file.bytes[1] == std::byte{0x8B};
}

// The likely mistakes get a line that says what to do instead.
ImageError unknown_kernel(const BootFile& kernel) {
  if (is_gzip(kernel)) {
    return image_error(kernel.name, "a gzip-compressed file: uncompress it first (gunzip -k)");
  }
  if (has_elf_magic(kernel.bytes)) {
    return image_error(kernel.name, "an ELF file without a multiboot header (of Linux, give the bzImage)");
  }
  return image_error(kernel.name, "neither a Linux bzImage nor a multiboot kernel");
}

}  // namespace

Expected<BootState> load_kernel(const KernelRequest& request, std::span<std::byte> ram) {
  if (auto checked = check_ram_size(ram.size()); !checked) return checked.error();
  const Expected<Bytes> file = read_image_file(request.kernel, {ram.size()});
  if (!file) return file.error();
  const BootFile kernel{request.kernel, *file};
  if (is_linux_image(kernel.bytes)) return load_linux_files(request, kernel, ram);
  if (is_multiboot_image(kernel.bytes)) return load_multiboot_files(request, kernel, ram);
  return unknown_kernel(kernel);
}

}  // namespace ringdown
