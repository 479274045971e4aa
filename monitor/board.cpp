#include "monitor/board.h"

#include <algorithm>

#include "cpu/cpu_model.h"
#include "vdevices/ata_disk.h"
#include "vdevices/ticks.h"

namespace ringdown {
namespace {

constexpr uint16_t kCom1 = 0x3F8, kCom2 = 0x2F8;
constexpr unsigned kSci = 9;
constexpr uint32_t kLocalApicBytes = 0x1000;
constexpr uint32_t kIoApic = 0xFEC00000, kIoApicBytes = 0x1000;
constexpr uint32_t kHpet = 0xFED00000, kHpetBytes = 0x400;
constexpr Nanoseconds kApicTimerPeriod = kNanosecondsPerSecond / (CpuModel::kCrystalKhz * 1000);
// Of the I/O APIC, where ISA interrupt n is at pin n otherwise.
constexpr unsigned kPicPin = 0, kTimerPin = 2;
constexpr uint16_t kVga = 0x3B0, kDispi = 0x1CE;
constexpr uint32_t kIsaFrameBuffer = 0xE0000000;  // of a VGA that is not on PCI
constexpr uint32_t kE820Usable = 1;               // ACPI specification, "System Address Map Interfaces"

// CMOS RAM, as QEMU leaves it for SeaBIOS.
constexpr uint8_t kCmosBootOrder2 = 0x38, kCmosTranslation = 0x39, kCmosBootOrder = 0x3D;
constexpr uint8_t kNoFloppySignature = 1;  // in the lower half of kCmosBootOrder2
constexpr uint8_t kTranslateByLba = 1;
constexpr uint8_t kCmosShutdown = 0x0F;
constexpr uint8_t kCmosFloppies = 0x10;
constexpr uint8_t kCmosDiskTypes = 0x12, kCmosDiskTypeExtended[] = {0x19, 0x1A}, kCmosDisk[] = {0x1B, 0x24};
constexpr uint8_t kDiskTypeIsExtended = 0x0F, kDiskTypeOfUser = 47;
constexpr uint8_t kMoreThan8Heads = 0x08, kNoRetries = 0xC0;  // of a disk's control byte
constexpr uint8_t kEquippedWithFloppy = 0x01;
constexpr unsigned kEquipmentFloppies = 6;  // its shift; how many there are, less one
constexpr unsigned kFloppyChannel = 2;
constexpr uint16_t kFloppyPorts = 0x3F0, kFloppyInputPort = 0x3F7;  // the disk controller's lies between
constexpr uint64_t kUntranslatedSectors = 1024 * 16 * 63;  // what INT 13h's cylinders reach as they are

// Of ACPI's states S0 to S5: whether there is one, and its SLP_TYP (QEMU, etc/system-states). S4 is S5: what
// is to be kept the guest has written to disk.
constexpr uint8_t kStateExists = 0x80;
constexpr std::array<uint8_t, 6> kSystemStates = {
    kStateExists, 0, 0, 0, kStateExists | AcpiPm::kSoftOff, kStateExists | AcpiPm::kSoftOff};

std::unique_ptr<AtaDrive> make_drive(const BoardConfiguration::Drives& drives, size_t index) {
  const auto& drive = drives[index];
  if (!drive) return nullptr;
  const std::string serial = "RD0000" + std::to_string(index + 1);
  if (drive->cdrom)
    return std::make_unique<AtapiCdrom>(drive->medium, AtaIdentity{"RINGDOWN CD-ROM", serial, "1"});
  return std::make_unique<AtaDisk>(*drive->medium, AtaIdentity{"RINGDOWN HARDDISK", serial, "1"});
}

uint8_t translations(const BoardConfiguration::Drives& drives) {
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
      apics_(configuration.apic ? make_apics(clock) : nullptr),
      pic_([this](bool level) { set_intr(level); }),
      hpet_(apics_ && configuration.hpet ? make_hpet(clock) : nullptr),
      pit_(clock, hpet_ ? hpet_->irq0_input() : irqs_.isa(0)),
      port_b_(clock, pit_),
      a20_(outputs_.a20),
      port_a_(a20_, outputs_.reset),
      reset_control_(outputs_.reset),
      isa_dma_(configuration.dma),
      rtc_(clock, hpet_ ? hpet_->irq8_input() : irqs_.isa(8), configuration.utc_seconds),
      com1_(clock, irqs_.isa(4), outputs_.serial),
      com2_(clock, irqs_.isa(3), outputs_.serial2),
      kbc_({irqs_.isa(1), irqs_.isa(12), a20_, [this] { outputs_.reset(ResetKind::kProcessor); }}),
      input_(clock, kbc_),
      debug_exit_(outputs_.debug_exit) {
  a20_.set(true);
  rtc_.set_memory_size(configuration.ram_bytes, 0);
  PortBus& bus = *ports_;
  bus.map(0x00, 16, isa_dma_.byte_channels());
  bus.map(0xC0, 32, isa_dma_.word_channels());
  bus.map(0x81, DmaPageRegisters::kPorts, isa_dma_.pages());
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
  if (apics_) map_apics();
  set_boot_order(configuration);
  if (configuration.firmware)
    map_firmware(configuration);
  else
    bus.map(0xCF9, 1, reset_control_);
  if (pci_ && configuration.acpi) map_power_management(clock, configuration);
  if (std::ranges::any_of(configuration.drives, [](const auto& drive) { return drive.has_value(); }))
    map_disks(configuration);
  if (configuration.video) map_video(clock, configuration);
  if (std::ranges::any_of(configuration.floppies, [](const auto& drive) { return drive.has_value(); }))
    map_floppies(configuration);
  if (configuration.serial_port) bus.map(kCom1, 8, com1_);
  if (configuration.serial_port2) {
    bus.map(kCom2, 8, com2_);
    timed_.push_back(&com2_);
  }
  if (const auto& ports = configuration.debug_exit) map_debug_exit(*ports);
}

std::unique_ptr<Board::Apics> Board::make_apics(const Clock& clock) {
  LocalApic::Outputs outputs{
      .intr = outputs_.intr,
      .nmi = outputs_.nmi,
      .end_of_interrupt = [this](uint8_t vector) { apics_->io.end_of_interrupt(vector); },
      .acknowledge_external = [this] { return pic_.acknowledge(); },
  };
  return std::unique_ptr<Apics>(new Apics{.local{clock, kApicTimerPeriod, std::move(outputs)}});
}

std::unique_ptr<Hpet> Board::make_hpet(const Clock& clock) {
  return std::unique_ptr<Hpet>(new Hpet(
      clock, {.irq0 = irqs_.isa(0), .irq8 = irqs_.isa(8), .io_apic = [this](unsigned pin, bool level) {
                apics_->io.set_pin(pin, level);
              }}));
}

// The 8259A's output.
void Board::set_intr(bool level) {
  if (!apics_) return outputs_.intr(level);
  apics_->local.set_lint(0, level);
  apics_->io.set_pin(kPicPin, level);
}

// Every controller sees every line.
void Board::set_irq(unsigned irq, bool level) {
  pic_.ir(irq).set(level);
  if (apics_) apics_->io.set_pin(irq == 0 ? kTimerPin : irq, level);
}

void Board::map_apics() {
  memory_.map(kIoApic, kIoApicBytes, apics_->io);
  timed_.push_back(&apics_->local);
  if (!hpet_) return;
  memory_.map(kHpet, kHpetBytes, *hpet_);
  timed_.push_back(hpet_.get());
}

// Where something else is it has no registers. RAM comes before it, too.
void Board::set_apic_base(uint64_t value) {
  if (!apics_) return;
  constexpr uint64_t kAddress = ~uint64_t{kLocalApicBytes - 1};
  const uint64_t address = value & kAddress;
  const bool enabled = value & LocalApic::kGlobalEnable;
  memory_.unmap(apics_->local);
  apics_->local.set_enabled(enabled);
  if (!enabled || address >> 32) return;
  const auto first = static_cast<uint32_t>(address);
  if (memory_.is_free(first, kLocalApicBytes)) memory_.map(first, kLocalApicBytes, apics_->local);
}

bool Board::firmware_resumes() const { return rtc_.cmos(kCmosShutdown) != 0; }

void Board::map_debug_exit(const BoardConfiguration::DebugExitPorts& ports) {
  const auto count = static_cast<uint16_t>(ports.count);
  debug_exit_overlaps_ = !ports_->is_free(ports.first, count);
  if (!debug_exit_overlaps_) ports_->map(ports.first, count, debug_exit_, 4);
}

Board::Pci::Pci(const BoardOutputs& outputs, ResetControl& reset_control, IrqLines& irqs)
    : host(reset_control), host_bridge(outputs.upper_memory), isa_bridge(irqs) {
  host.add(PciHost::address(0, 0), host_bridge);
  host.add(PciHost::address(1, 0), isa_bridge);
}

Board::Firmware::Firmware(const BoardConfiguration& configuration, const BoardOutputs& outputs)
    : log(outputs.firmware_log) {
  fw_cfg.add(FwCfg::kRamSize, configuration.ram_bytes, 8);
  fw_cfg.add(FwCfg::kCpus, 1, 2);
  fw_cfg.add(FwCfg::kMaxCpus, 1, 2);
  fw_cfg.add(FwCfg::kBootMenu, configuration.boot_menu, 2);
  fw_cfg.add(FwCfg::kIrq0Override, 1, 1);
  FwCfg::Bytes map;
  append_little_endian(map, 0, 8);
  append_little_endian(map, configuration.ram_bytes, 8);
  append_little_endian(map, kE820Usable, 4);
  fw_cfg.add_file("etc/e820", std::move(map));
  fw_cfg.add_file("etc/system-states", {kSystemStates.begin(), kSystemStates.end()});
  for (const auto& file : configuration.firmware_files) fw_cfg.add_file(file.name, file.content);
  if (!configuration.serial_port || configuration.display) return;
  // Nobody sees the screen, if there is one: SeaBIOS shows its text here, and takes keys from here.
  FwCfg::Bytes port;
  append_little_endian(port, kCom1, 2);
  fw_cfg.add_file("etc/sercon-port", std::move(port));
}

void Board::map_firmware(const BoardConfiguration& configuration) {
  firmware_ = std::make_unique<Firmware>(configuration, outputs_);
  ports_->map(0x510, 2, firmware_->fw_cfg, 2);
  if (outputs_.firmware_log) ports_->map(0x402, 1, firmware_->log);
  if (!configuration.pci) return;
  pci_ = std::make_unique<Pci>(outputs_, reset_control_, irqs_);
  ports_->map(0xCF8, 8, pci_->host, 4);
}

Board::PowerManagement::PowerManagement(const Clock& clock, const BoardConfiguration& configuration,
                                        const BoardOutputs& outputs, PortBus& bus, IrqLines& irqs)
    : function(clock, bus, irqs.isa(kSci), outputs.power_off, {.com1 = configuration.serial_port}),
      apm([this](bool enable) { function.acpi().set_sci_enable(enable); }) {}

void Board::map_power_management(const Clock& clock, const BoardConfiguration& configuration) {
  power_management_ = std::make_unique<PowerManagement>(clock, configuration, outputs_, *ports_, irqs_);
  pci_->host.add(PciHost::address(1, 3), power_management_->function);
  ports_->map(0xB2, 2, power_management_->apm);
  ports_->map(0xAFE0, AcpiEvents::kPorts, power_management_->events);
  ports_->map(0xAE00, PciHotPlug::kPorts, power_management_->hot_plug, 4);
  timed_.push_back(&power_management_->function.acpi());
}

bool Board::press_power_button() {
  if (power_management_) power_management_->function.acpi().press_power_button();
  return power_management_ != nullptr;
}

// The two disks of an AT, each of a type that says what it is like: cylinders, heads, where write
// precompensation begins (nowhere), control byte, landing zone, sectors.
void Board::describe_disks(const BoardConfiguration::Drives& drives) {
  unsigned types = 0;
  for (size_t i = 0; i < 2; i++) {
    types <<= 4;
    if (!drives[i] || drives[i]->cdrom) continue;
    types |= kDiskTypeIsExtended;
    rtc_.set_cmos(kCmosDiskTypeExtended[i], kDiskTypeOfUser);
    const auto [cylinders, heads, sectors] = AtaDisk::default_geometry(drives[i]->medium->sectors());
    const auto low = static_cast<uint8_t>(cylinders), high = static_cast<uint8_t>(cylinders >> 8);
    uint8_t at = kCmosDisk[i];
    for (const uint8_t byte : {low, high, heads, uint8_t{0xFF}, uint8_t{0xFF},
                               uint8_t{kNoRetries | kMoreThan8Heads}, low, high, sectors})
      rtc_.set_cmos(at++, byte);
  }
  rtc_.set_cmos(kCmosDiskTypes, static_cast<uint8_t>(types));
}

Board::Disks::Disks(const BoardConfiguration& configuration, IrqLines& irqs)
    : drives{make_drive(configuration.drives, 0), make_drive(configuration.drives, 1),
             make_drive(configuration.drives, 2), make_drive(configuration.drives, 3)},
      primary(irqs.isa(14), drives[0].get(), drives[1].get()),
      secondary(irqs.isa(15), drives[2].get(), drives[3].get()) {}

void Board::map_disks(const BoardConfiguration& configuration) {
  disks_ = std::make_unique<Disks>(configuration, irqs_);
  rtc_.set_cmos(kCmosTranslation, translations(configuration.drives));
  describe_disks(configuration.drives);
  if (pci_) {
    disks_->controller.emplace(*ports_, disks_->primary, disks_->secondary, *configuration.dma);
    pci_->host.add(PciHost::address(1, 1), *disks_->controller);
    return;
  }
  for (unsigned i = 0; AtaChannel * channel : {&disks_->primary, &disks_->secondary}) {
    ports_->map(kAtaPorts[i].command, kAtaCommandPorts, channel->command_block(), 4);
    ports_->map(kAtaPorts[i++].control, 1, channel->control_block());
  }
}

AtapiCdrom* Board::cdrom(size_t drive) {
  if (!disks_ || drive >= disks_->drives.size()) return nullptr;
  return dynamic_cast<AtapiCdrom*>(disks_->drives[drive].get());
}

// A guest that has another timer may leave the 8254 as the BIOS has: nobody has to wake up for that.
bool Board::ignores_ticks() const {
  if (hpet_ && hpet_->legacy_replacement()) return true;
  return pic_.ignores_edge(0) && (!apics_ || apics_->io.masked(kTimerPin));
}

void Board::map_video(const Clock& clock, const BoardConfiguration& configuration) {
  video_ = std::make_unique<Video>(clock, *configuration.video);
  Vga& vga = video_->vga;
  ports_->map(kVga, VgaRegisters::kPorts, vga.ports());
  ports_->map(kDispi, Vga::kDispiPorts, vga.dispi_ports(), 2);
  memory_.map(VgaMemory::kWindow, VgaMemory::kWindowBytes, vga.window());
  if (!pci_) return vga.set_frame_buffer(kIsaFrameBuffer);
  video_->pci.emplace(vga, memory_, configuration.vga_bios);
  pci_->host.add(PciHost::address(2, 0), *video_->pci);
}

// A digit of each byte for each place, but for the lowest of the second.
void Board::set_boot_order(const BoardConfiguration& configuration) {
  static constexpr std::string_view kLetters = " acd";  // a drive's digit is its place in this
  const std::string_view order =
      configuration.boot_order.empty() ? "cad" : std::string_view(configuration.boot_order);
  unsigned digits = 0;
  for (size_t place = 0; place < order.size(); place++)
    digits |= static_cast<unsigned>(kLetters.find(order[place])) << (4 * place);
  const unsigned no_signature = configuration.check_floppy_signature ? 0 : kNoFloppySignature;
  rtc_.set_cmos(kCmosBootOrder, static_cast<uint8_t>(digits));
  rtc_.set_cmos(kCmosBootOrder2, static_cast<uint8_t>((digits >> 4 & 0xF0) | no_signature));
}

void Board::map_floppies(const BoardConfiguration& configuration) {
  floppies_ = std::make_unique<I82077aa>(irqs_.isa(6), isa_dma_.channel(kFloppyChannel));
  isa_dma_.connect(kFloppyChannel, *floppies_);
  unsigned types = 0, count = 0;
  for (unsigned i = 0; const auto& drive : configuration.floppies) {
    types <<= 4;
    if (drive) {
      floppies_->connect(i, drive->type);
      if (drive->medium) floppies_->insert(i, *drive->medium);
      types |= drive->type;
      count = i + 1;
    }
    i++;
  }
  rtc_.set_cmos(kCmosFloppies, static_cast<uint8_t>(types));
  rtc_.set_equipment(static_cast<uint8_t>(kEquippedWithFloppy | (count - 1) << kEquipmentFloppies));
  ports_->map(kFloppyPorts, I82077aa::kRegisterPorts, floppies_->registers());
  ports_->map(kFloppyInputPort, 1, floppies_->input_register());
}

Nanoseconds Board::next_event() const {
  Nanoseconds next = kNever;
  for (const TimedDevice* device : timed_) {
    if (device->next_event() < next && (device != &pit_ || !ignores_ticks())) next = device->next_event();
  }
  return next;
}

void Board::advance(Nanoseconds now) {
  for (TimedDevice* device : timed_) {
    if (device->next_event() <= now) device->advance();
  }
}

}  // namespace ringdown
