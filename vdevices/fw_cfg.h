#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "vdevices/port_device.h"

namespace ringdown {

// QEMU's firmware configuration device (QEMU, docs/specs/fw_cfg.rst): read-only items of bytes, by key, and
// files by name. Ports (PC: 510h): +0 selector (w, a word), +1 data (r, the item's next byte; 0 behind its
// end). No DMA interface.
class FwCfg : public PortDevice {
 public:
  using Bytes = std::vector<uint8_t>;

  // Keys that are not files.
  static constexpr uint16_t kSignature = 0x00, kId = 0x01, kRamSize = 0x03, kCpus = 0x05, kBootMenu = 0x0E,
                            kMaxCpus = 0x0F, kFileDirectory = 0x19, kFirstFile = 0x20,
                            kIrq0Override = 0x8002;  // ISA interrupt 0 is at pin 2 of the I/O APIC

  static constexpr size_t kLongestName = 55;

  FwCfg();

  // An item of `size` bytes, low byte first.
  void add(uint16_t key, uint64_t value, unsigned size);
  // The name has at most kLongestName characters.
  void add_file(std::string_view name, Bytes content);

  uint32_t read_port(uint16_t offset, unsigned size) override;
  void write_port(uint16_t offset, unsigned size, uint32_t value) override;

 private:
  struct File {
    std::string name;
    uint32_t size;
  };

  Bytes directory() const;

  std::map<uint16_t, Bytes> items_;
  std::vector<File> files_;  // with keys from kFirstFile on
  const Bytes* selected_ = nullptr;
  size_t position_ = 0;
};

// `size` bytes, low byte first, at the end.
void append_little_endian(FwCfg::Bytes& bytes, uint64_t value, unsigned size);

}  // namespace ringdown
