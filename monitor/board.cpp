#include "monitor/board.h"

#include <algorithm>

#include "vdevices/ata_disk.h"
#include "vdevices/atapi_cdrom.h"

namespace ringdown {
namespace {

constexpr uint16_t kCom1 = 0x3F8;
constexpr uint16_t kVga = 0x3B0, kDispi = 0x1CE;
constexpr uint32_t kIsaFrameBuffer = 0xE0000000;  // of a VGA that is not on PCI
constexpr uint32_t kE820Usable = 1;               // ACPI specification, "System Address Map Interfaces"

// CMOS RAM, as QEMU leaves it for SeaBIOS.
constexpr uint8_t kCmosBootOrder2 = 0x38, kCmosTranslation = 0x39, kCmosBootOrder = 0x3D;
constexpr uint8_t kBootFloppy = 1, kBootDisk = 2, kBootCdrom = 3;
constexpr uint8_t kTranslateByLba = 1;
constexpr uint64_t kUntranslatedSectors = 1024 * 16 * 63;  // what INT 13h's cylinders reach as they are

using Drives = decltype(BoardConfiguration::drives);

std::unique_ptr<AtaDrive> make_drive(const Drives& drives, size_t index) {
  const auto& drive = drives[index];
  if (!drive) return nullptr;
  const std::string serial = "RD0000" + std::to_string(index + 1);
  if (drive->cdrom)
    return std::make_unique<AtapiCdrom>(drive->medium, AtaIdentity{"RINGDOWN CD-ROM", serial, "1"});
  return std::make_unique<AtaDisk>(*drive->medium, AtaIdentity{"RINGDOWN HARDDISK", serial, "1"});
}

uint8_t translations(const Drives& drives) {
  unsigned translations = 0;
  for (size_t i = 0; i < drives.size(); i++) {
    if (drives[i] && !drives[i]->cdrom && drives[i]->medium->sectors() > kUntranslatedSectors)
      translations |= kTranslateByLba << (2 * i);
  }
  return static_cast<uint8_t>(translations);
}

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
      input_(clock, kbc_),
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
  if (std::ranges::any_of(configuration.drives, [](const auto& drive) { return drive.has_value(); }))
    map_disks(configuration);
  if (configuration.video) map_video(clock, configuration);
  if (configuration.serial_port) bus.map(kCom1, 8, com1_);
  if (const auto& ports = configuration.debug_exit) map_debug_exit(*ports);
}

void Board::map_debug_exit(const BoardConfiguration::DebugExitPorts& ports) {
  const auto count = static_cast<uint16_t>(ports.count);
  debug_exit_overlaps_ = !ports_->is_free(ports.first, count);
  if (!debug_exit_overlaps_) ports_->map(ports.first, count, debug_exit_, 4);
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
  if (!configuration.serial_port || configuration.display) return;
  // Nobody sees the screen, if there is one: SeaBIOS shows its text here, and takes keys from here.
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

Board::Disks::Disks(const BoardConfiguration& configuration, I8259aPair& pic)
    : drives{make_drive(configuration.drives, 0), make_drive(configuration.drives, 1),
             make_drive(configuration.drives, 2), make_drive(configuration.drives, 3)},
      primary(pic.ir(14), drives[0].get(), drives[1].get()),
      secondary(pic.ir(15), drives[2].get(), drives[3].get()) {}

void Board::map_disks(const BoardConfiguration& configuration) {
  disks_ = std::make_unique<Disks>(configuration, pic_);
  rtc_.set_cmos(kCmosTranslation, translations(configuration.drives));
  rtc_.set_cmos(kCmosBootOrder, kBootDisk | kBootFloppy << 4);
  rtc_.set_cmos(kCmosBootOrder2, kBootCdrom << 4);
  if (firmware_) {
    disks_->controller.emplace(*ports_, disks_->primary, disks_->secondary, *configuration.dma);
    firmware_->pci.add(PciHost::address(1, 1), *disks_->controller);
    return;
  }
  for (unsigned i = 0; AtaChannel * channel : {&disks_->primary, &disks_->secondary}) {
    ports_->map(kAtaPorts[i].command, kAtaCommandPorts, channel->command_block(), 4);
    ports_->map(kAtaPorts[i++].control, 1, channel->control_block());
  }
}

void Board::map_video(const Clock& clock, const BoardConfiguration& configuration) {
  video_ = std::make_unique<Video>(clock, *configuration.video);
  Vga& vga = video_->vga;
  ports_->map(kVga, VgaRegisters::kPorts, vga.ports());
  ports_->map(kDispi, Vga::kDispiPorts, vga.dispi_ports(), 2);
  memory_.map(VgaMemory::kWindow, VgaMemory::kWindowBytes, vga.window());
  if (!firmware_) return vga.set_frame_buffer(kIsaFrameBuffer);
  video_->pci.emplace(vga, memory_, configuration.vga_bios);
  firmware_->pci.add(PciHost::address(2, 0), *video_->pci);
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
