#include "monitor/firmware_files.h"

#include "images/firmware_image.h"
#include "monitor/exit_codes.h"
#include "monitor/text.h"

namespace ringdown {
namespace {

// Where SeaBIOS looks for the BIOS of a VGA that is not on PCI.
constexpr const char* kIsaVgaBios = "vgaroms/vgabios.bin";

// Where SeaBIOS looks for option ROMs that belong to no PCI device.
std::string option_rom_name(std::string_view path) {
  return concat("genroms/", path.substr(path.rfind('/') + 1)).substr(0, FwCfg::kLongestName);
}

}  // namespace

std::optional<int> FirmwareFiles::load(const Options& options) {
  auto image = load_firmware(options.bios, options.pci);
  if (!image) return refuse(ExitCode::kBadImage, image.error().message);
  bios = std::move(*image);
  if (options.vga) {
    if (const auto status = load_vga_bios(options.pci)) return status;
  }
  if (const auto status = load_option_roms(options)) return status;
  if (const auto& time = options.boot.splash_time) add_number("etc/boot-menu-wait", *time, 2);
  if (const auto& time = options.boot.reboot_timeout) add_number("etc/boot-fail-wait", *time, 4);
  return std::nullopt;
}

std::optional<int> FirmwareFiles::load_vga_bios(bool pci) {
  auto image = load_vga_firmware(pci);
  if (!image) return refuse(ExitCode::kBadImage, image.error().message);
  if (image->empty()) {
    print_error_line(
        "no VGA BIOS (Debian's package seabios): the screen stays dark until the guest sets a mode");
  } else if (pci) {
    vga_bios = std::move(*image);
  } else {
    files.push_back({kIsaVgaBios, std::move(*image)});
  }
  return std::nullopt;
}

std::optional<int> FirmwareFiles::load_option_roms(const Options& options) {
  for (const std::string& path : options.option_roms) {
    auto rom = load_option_rom(path);
    if (!rom) return refuse(ExitCode::kBadImage, rom.error().message);
    files.push_back({option_rom_name(path), std::move(*rom)});
  }
  return std::nullopt;
}

void FirmwareFiles::add_number(const char* name, uint64_t value, unsigned size) {
  FwCfg::Bytes content;
  append_little_endian(content, value, size);
  files.push_back({name, std::move(content)});
}

}  // namespace ringdown
