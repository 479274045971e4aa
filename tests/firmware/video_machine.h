#pragma once
#include <cstdint>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "host-driver/host_clock.h"
#include "monitor/board.h"
#include "monitor/vcpu.h"
#include "monitor/video_storage.h"
#include "tests/vdevices/memory_medium.h"

namespace ringdown::testing {

inline std::vector<uint8_t> read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A machine with SeaBIOS, its VGA BIOS and a disk of one sector that boots. Of these there may be one at a
// time, because the host's signals go to it.
class VideoMachine {
 public:
  VideoMachine(std::vector<uint8_t> bios, std::vector<uint8_t> vga_bios,
               const std::vector<uint8_t>& boot_sector, bool pci = true)
      : bios_(std::move(bios)), vga_bios_(std::move(vga_bios)) {
    std::ranges::copy(boot_sector, disk_.data.begin());
    memory_.set_rom(bios_);
    memory_.write<uint8_t>(kSeen, 0);
    vcpu_.on_attention = [this] {
      if (std::exchange(waits_, false)) look();
    };
    vcpu_.on_idle = [] {};
    BoardConfiguration configuration{.ram_bytes = kRamBytes,
                                     .firmware = true,
                                     .pci = pci,
                                     .debug_exit = BoardConfiguration::DebugExitPorts{0x501, 2},
                                     .dma = &no_dma_,
                                     .video = &video_,
                                     .vga_bios = vga_bios_};
    configuration.drives[0] = {.medium = &disk_};
    if (!pci) {
      memory_.copy_rom_to_upper_memory();
      configuration.firmware_files.push_back({"vgaroms/vgabios.bin", vga_bios_});
    }
    board_.emplace(clock_, configuration,
                   BoardOutputs{.intr = [this](bool level) { vcpu_.set_interrupt_request(level); },
                                .reset = [](ResetKind) {},
                                .debug_exit =
                                    [this](uint32_t) {
                                      waits_ = true;
                                      vcpu_.request_attention();
                                    },
                                .serial = [](uint8_t) {},
                                .upper_memory =
                                    [this](unsigned segment, bool reads, bool writes) {
                                      if (memory_.set_upper_memory(segment, {reads, writes}))
                                        vcpu_.memory_map_changed();
                                    }});
    vcpu_.attach(*board_);
    vcpu_.reset();
  }

  // Does each of these after the guest has written to port 501h, which it waits for.
  void run(std::vector<std::function<void()>> looks) {
    looks_ = std::move(looks);
    vcpu_.run();
  }
  Screen& screen() { return *board_->screen(); }

 private:
  static constexpr uint64_t kRamBytes = 64 << 20;
  static constexpr uint64_t kSeen = 0x7000;

  void look() {
    looks_.at(looked_++)();
    memory_.write<uint8_t>(kSeen, 1);
    if (looked_ == looks_.size()) vcpu_.stop();
  }

  struct NoDma : DmaMemory {
    bool read(uint32_t, std::span<uint8_t>) override { return false; }
    bool write(uint32_t, std::span<const uint8_t>) override { return false; }
  };

  const std::vector<uint8_t> bios_, vga_bios_;
  HostClock clock_;
  GuestRam ram_{kRamBytes, VgaMemory::kStorageBytes};
  PhysicalMemory memory_{ram_.bytes(), VgaMemory::kStorageBytes};
  const CpuModel model_ = CpuModel::default_model();
  Vcpu vcpu_{ram_, memory_, model_, clock_};
  VideoStorage video_{memory_, ram_.device_bytes(), vcpu_};
  NoDma no_dma_;
  MemoryMedium disk_{64};
  std::optional<Board> board_;
  std::vector<std::function<void()>> looks_;
  size_t looked_ = 0;
  bool waits_ = false;
};

}  // namespace ringdown::testing
