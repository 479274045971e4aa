#pragma once
#include "cpu/physical_memory.h"
#include "monitor/vcpu.h"
#include "vdevices/video_memory.h"

namespace ringdown {

// A display adapter's memory: the devices' storage behind guest RAM.
class VideoStorage final : public VideoMemory {
 public:
  // None is owned; `bytes` is all of the storage that `memory` knows of.
  VideoStorage(PhysicalMemory& memory, std::span<uint8_t> bytes, Vcpu& vcpu)
      : memory_(memory), bytes_(bytes), vcpu_(vcpu) {}

  std::span<uint8_t> bytes() override { return bytes_; }
  void set_apertures(std::span<const Aperture> apertures) override;
  void take_written(uint32_t first_page, std::span<uint8_t> written) override;

 private:
  PhysicalMemory& memory_;
  std::span<uint8_t> bytes_;
  Vcpu& vcpu_;
};

}  // namespace ringdown
