#include "monitor/board.h"

#include <algorithm>

namespace ringdown {
namespace {

constexpr uint16_t kCom1 = 0x3F8;
constexpr uint32_t kE820Usable = 1;  // ACPI specification, "System Address Map Interfaces"

}  // namespace

Board::Board(const Clock& clock, const BoardConfiguration& configuration, BoardOutputs outputs)
    : outputs_(std::move(outputs)),
      pic_(outputs_.intr),
      pit_(clock, pic_.ir(0)),
      port_b_(clock, pit_),
      // A20 is not gated: no 32-bit guest depends on its being closed.
      port_a_([](bool) {}, outputs_.reset),
      reset_control_(outputs_.reset),
      rtc_(clock, pic_.ir(8), configuration.utc_seconds),
      com1_(clock, pic_.ir(4), outputs_.serial),
      kbc_({pic_.ir(1), pic_.ir(12), [](bool) {}, [this] { outputs_.reset(ResetKind::kProcessor); }}),
      debug_exit_(outputs_.debug_exit) {
  rtc_.set_memory_size(configuration.ram_bytes, 0);
  PortBus& bus = *ports_;
  bus.map(0x20, 2, pic_.master());
  bus.map(0xA0, 2, pic_.slave());
  bus.map(0x4D0, 2, pic_.elcr());
  bus.map(0x40, 4, pit_);
  bus.map(0x60, 1, kbc_.data_port());
  bus.map(0x61, 1, port_b_);
  bus.map(0x64, 1, kbc_.command_port());
  bus.map(0x70, 2, rtc_);
  bus.map(0x80, 1, post_code_);
  bus.map(0x92, 1, port_a_);
  if (configuration.firmware)
    map_firmware(configuration);
  else
    bus.map(0xCF9, 1, reset_control_);
  if (configuration.serial_port) bus.map(kCom1, 8, com1_);
  if (const auto& ports = configuration.debug_exit)
    bus.map(ports->first, static_cast<uint16_t>(ports->count), debug_exit_, 4);
}

Board::Firmware::Firmware(const BoardConfiguration& configuration, const BoardOutputs& outputs,
                          ResetControl& reset_control)
    : pci(reset_control), host_bridge(outputs.upper_memory), log(outputs.firmware_log) {
  pci.add(PciHost::address(0, 0), host_bridge);
  pci.add(PciHost::address(1, 0), isa_bridge);
  fw_cfg.add(FwCfg::kRamSize, configuration.ram_bytes, 8);
  fw_cfg.add(FwCfg::kCpus, 1, 2);
  fw_cfg.add(FwCfg::kMaxCpus, 1, 2);
  fw_cfg.add(FwCfg::kBootMenu, configuration.boot_menu, 2);
  FwCfg::Bytes map;
  append_little_endian(map, 0, 8);
  append_little_endian(map, configuration.ram_bytes, 8);
  append_little_endian(map, kE820Usable, 4);
  fw_cfg.add_file("etc/e820", std::move(map));
  for (const auto& file : configuration.firmware_files) fw_cfg.add_file(file.name, file.content);
  if (!configuration.serial_port) return;
  // There is no screen: SeaBIOS shows its text here, and takes keys from here.
  FwCfg::Bytes port;
  append_little_endian(port, kCom1, 2);
  fw_cfg.add_file("etc/sercon-port", std::move(port));
}

void Board::map_firmware(const BoardConfiguration& configuration) {
  firmware_ = std::make_unique<Firmware>(configuration, outputs_, reset_control_);
  ports_->map(0xCF8, 8, firmware_->pci, 4);
  ports_->map(0x510, 2, firmware_->fw_cfg, 2);
  if (outputs_.firmware_log) ports_->map(0x402, 1, firmware_->log);
}

Nanoseconds Board::next_event() const {
  Nanoseconds next = kNever;
  for (const TimedDevice* device : timed_) next = std::min(next, device->next_event());
  return next;
}

void Board::advance(Nanoseconds now) {
  for (TimedDevice* device : timed_) {
    if (device->next_event() <= now) device->advance();
  }
}

}  // namespace ringdown
