#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "monitor/board.h"
#include "monitor/options.h"

namespace ringdown {

// What a machine with a BIOS is given to start with.
struct FirmwareFiles {
  std::vector<uint8_t> bios;
  std::vector<uint8_t> vga_bios;                        // of the PCI function; on isapc it is a file
  std::vector<BoardConfiguration::FirmwareFile> files;  // of fw_cfg

  // The exit status if something is wrong.
  std::optional<int> load(const Options& options);

 private:
  std::optional<int> load_vga_bios(bool pci);
  std::optional<int> load_option_roms(const Options& options);
  void add_number(const char* name, uint64_t value, unsigned size);
};

}  // namespace ringdown
