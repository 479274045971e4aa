#include "images/firmware_image.h"

#include <unistd.h>

#include <array>
#include <cstring>
#include <span>

#include "images/image_file.h"

namespace ringdown {
namespace {

constexpr std::array kDefaults{"/usr/share/seabios/bios-256k.bin", "/usr/share/seabios/bios.bin"};
// What does not fit below 1 MiB needs PAM to get there.
constexpr std::array kIsaDefaults{"/usr/share/seabios/bios.bin"};

constexpr const char* kVgaBios = "/usr/share/seabios/vgabios-stdvga.bin";
constexpr const char* kIsaVgaBios = "/usr/share/seabios/vgabios-isavga.bin";

Expected<std::string> default_firmware(std::span<const char* const> names) {
  for (const char* const name : names) {
    if (access(name, F_OK) == 0) return std::string(name);
  }
  return image_error(
      "no guest",
      "give a kernel with -kernel FILE, or a BIOS with -bios FILE: %s (Debian's package seabios) "
      "is not there",
      names[0]);
}

std::vector<uint8_t> octets(const std::vector<std::byte>& file) {
  std::vector<uint8_t> bytes(file.size());
  std::memcpy(bytes.data(), file.data(), bytes.size());
  return bytes;
}

}  // namespace

Expected<std::vector<uint8_t>> load_firmware(const std::string& name, bool pci) {
  const auto defaults = pci ? std::span<const char* const>(kDefaults) : kIsaDefaults;
  const Expected<std::string> path = name.empty() ? default_firmware(defaults) : name;
  if (!path) return path.error();
  const auto file = read_image_file(*path, {.bytes = kMaxFirmwareBytes, .owner = "a BIOS may have"});
  if (!file) return file.error();
  if (file->size() % kFirmwareUnit != 0) {
    return image_error(*path, "the file has %zu bytes; a BIOS has a multiple of 64 KiB", file->size());
  }
  return octets(*file);
}

Expected<std::vector<uint8_t>> load_vga_firmware(bool pci) {
  const char* const name = pci ? kVgaBios : kIsaVgaBios;
  if (access(name, F_OK) != 0) return std::vector<uint8_t>{};
  return load_option_rom(name);
}

Expected<std::vector<uint8_t>> load_option_rom(const std::string& name) {
  const auto file = read_image_file(name, {.bytes = kMaxOptionRomBytes, .owner = "an option ROM may have"});
  if (!file) return file.error();
  return octets(*file);
}

}  // namespace ringdown
