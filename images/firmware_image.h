#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "images/expected.h"

namespace ringdown {

// The least ROM that a PC has, and a multiple of which every other has.
constexpr uint64_t kFirmwareUnit = 64 << 10;
constexpr uint64_t kMaxFirmwareBytes = 16 << 20;

constexpr uint64_t kMaxOptionRomBytes = 1 << 20;

// Reads a BIOS image, which ends at 4 GiB. An empty name: Debian's SeaBIOS, of its package seabios, for a
// machine with PCI or without. Errors, one line each: those of read_image_file(), and a size that is no
// multiple of 64 KiB.
Expected<std::vector<uint8_t>> load_firmware(const std::string& name, bool pci = true);

// Reads the BIOS of the VGA that -vga std is, of SeaBIOS's VGA BIOSes. One that is not installed is empty,
// and no error: the machine then starts with a VGA that nothing drives but its guest.
Expected<std::vector<uint8_t>> load_vga_firmware(bool pci = true);

// Reads an option ROM. The BIOS decides whether it is one.
Expected<std::vector<uint8_t>> load_option_rom(const std::string& name);

}  // namespace ringdown
