#include "vdevices/ata_channel.h"

namespace ringdown {
namespace {

enum DeviceControl : uint8_t { kNien = 0x02, kSrst = 0x04, kHob = 0x80 };
constexpr unsigned kDevShift = 4;  // of the Device register
constexpr uint8_t kExecuteDeviceDiagnostic = 0x90;
constexpr uint8_t kFloating = 0x7F;

}  // namespace

AtaChannel::AtaChannel(Line& irq, AtaDrive* drive0, AtaDrive* drive1) : irq_(irq), drives_{drive0, drive1} {
  for (AtaDrive* drive : drives_) {
    if (drive == nullptr) continue;
    drive->on_signal([this] { update(); });
    drive->diagnose();  // as a reset by power-on ends
  }
}

// ---- Ports.

// Registers other than Data are a byte wide: the bus makes several accesses of a wider one.
uint32_t AtaChannel::CommandBlock::read_port(uint16_t offset, unsigned size) {
  if (offset == kAtaData) return channel_.read_data(size);
  uint32_t value = 0;
  for (unsigned i = 0; i < size; ++i) {
    value |= uint32_t{channel_.read_register(static_cast<uint16_t>(offset + i))} << (8 * i);
  }
  return value;
}

void AtaChannel::CommandBlock::write_port(uint16_t offset, unsigned size, uint32_t value) {
  if (offset == kAtaData) return channel_.write_data(size, value);
  for (unsigned i = 0; i < size; ++i) {
    channel_.write_register(static_cast<uint16_t>(offset + i), static_cast<uint8_t>(value >> (8 * i)));
  }
}

uint32_t AtaChannel::read_data(unsigned size) {
  AtaDrive* drive = selected();
  if (drive == nullptr) return ~0u >> (32 - 8 * size);
  uint32_t value = drive->read_data();
  if (size == 4) value |= uint32_t{drive->read_data()} << 16;
  return size == 1 ? value & 0xFF : value;
}

void AtaChannel::write_data(unsigned size, uint32_t value) {
  AtaDrive* drive = selected();
  if (drive == nullptr) return;
  drive->write_data(static_cast<uint16_t>(value));
  if (size == 4) drive->write_data(static_cast<uint16_t>(value >> 16));
}

uint8_t AtaChannel::read_register(uint16_t index) {
  if (responding() == nullptr || index > kAtaStatusCommand) return kFloating;
  if (index == kAtaDevice) return read_device();
  if (index != kAtaStatusCommand) return responding()->read_register(index, (device_control_ & kHob) != 0);
  if (selected() != nullptr) selected()->acknowledge_interrupt();
  update();
  return read_status();
}

uint8_t AtaChannel::read_device() const {
  const unsigned rest = responding()->read_register(kAtaDevice, false) & ~(1u << kDevShift);
  return static_cast<uint8_t>(rest | selected_ << kDevShift);
}

void AtaChannel::write_register(uint16_t index, uint8_t value) {
  device_control_ &= static_cast<uint8_t>(~kHob);
  if (index == kAtaStatusCommand) return write_command(value);
  const bool taken = responding() != nullptr && !responding()->busy() && index < kAtaStatusCommand;
  if (!taken) return;
  for (AtaDrive* drive : drives_) {
    if (drive != nullptr) drive->write_register(index, value);
  }
  if (index == kAtaDevice) selected_ = value >> kDevShift & 1;
  update();
}

uint8_t AtaChannel::read_status() const {
  if (responding() == nullptr) return kFloating;
  return selected() != nullptr ? selected()->status() : 0;
}

void AtaChannel::write_command(uint8_t command) {
  if (command == kExecuteDeviceDiagnostic) return diagnose();
  if (selected() != nullptr) selected()->write_command(command);
}

void AtaChannel::diagnose() {
  if (responding() == nullptr || responding()->busy()) return;
  for (AtaDrive* drive : drives_) {
    if (drive != nullptr) drive->diagnose();
  }
  selected_ = 0;
  if (selected() != nullptr) selected()->raise_interrupt();
  update();
}

void AtaChannel::write_device_control(uint8_t value) {
  device_control_ = value;
  const bool reset = (value & kSrst) != 0;
  if (reset) selected_ = 0;
  for (AtaDrive* drive : drives_) {
    if (drive != nullptr) drive->set_software_reset(reset);
  }
  update();
}

// ---- Signals.

void AtaChannel::update() {
  const bool intrq = selected() != nullptr && selected()->interrupt() && (device_control_ & kNien) == 0;
  if (bus_master_ != nullptr && intrq && !irq_.level()) bus_master_->interrupt_raised();
  irq_.set(intrq);
  if (bus_master_ != nullptr && dma_request() != DmaRequest::kNone) bus_master_->dma_requested();
}

DmaRequest AtaChannel::dma_request() const {
  return selected() != nullptr ? selected()->dma_request() : DmaRequest::kNone;
}

std::span<uint8_t> AtaChannel::dma_data() {
  return selected() != nullptr ? selected()->dma_data() : std::span<uint8_t>();
}

void AtaChannel::dma_moved(size_t bytes) {
  if (selected() != nullptr) selected()->dma_moved(bytes);
}

}  // namespace ringdown
