#include "vdevices/i82077aa.h"

#include <algorithm>

namespace ringdown {
namespace {

enum Offset : uint16_t { kDor = 2, kTdr = 3, kMsrDsr = 4, kFifo = 5 };
enum Dor : uint8_t { kDriveSelect = 0x03, kNotReset = 0x04, kDmaGate = 0x08 };
enum Msr : uint8_t { kCommandBusy = 0x10, kNonDma = 0x20, kDio = 0x40, kRqm = 0x80 };
enum Dsr : uint8_t { kRateMask = 0x03, kSoftwareReset = 0x80 };
constexpr uint8_t kDskchg = 0x80;                // of DIR
constexpr uint8_t kTristated = 0xFF;             // SRA and SRB, in this mode
constexpr uint8_t kNd = 0x01;                    // of SPECIFY's second byte
constexpr uint8_t kPolled = 0xC0;                // ST0 after a reset: the ready line changed
constexpr uint8_t kDefaultConfiguration = 0x20;  // EFIFO: off

constexpr FloppyFormat kFormats[] = {
    {40, 1, 8, 2, 1}, {40, 1, 9, 2, 1},  {40, 2, 8, 2, 1},  {40, 2, 9, 2, 1},
    {80, 2, 9, 2, 3}, {80, 2, 15, 0, 2}, {80, 2, 18, 0, 4}, {80, 2, 36, 3, 5},
};

}  // namespace

std::optional<FloppyFormat> FloppyFormat::of(uint64_t sectors) {
  for (const FloppyFormat& format : kFormats) {
    if (sectors == uint64_t{format.cylinders} * format.heads * format.sectors) return format;
  }
  return std::nullopt;
}

bool FloppyFormat::fits(uint8_t type) const {
  constexpr uint8_t k360 = 1, k1200 = 2, k720 = 3;
  if (type == k360 || type == k1200) return drive_type == k360 || drive_type == type;
  return drive_type >= k720 && drive_type <= type;
}

I82077aa::I82077aa(Line& irq, IsaDmaChannel& dma) : irq_(irq), dma_(dma) {
  configured_[0] = kDefaultConfiguration;
}

void I82077aa::connect(unsigned drive, uint8_t type) { drives_[drive & 1].type = type; }

bool I82077aa::insert(unsigned drive, BlockMedium& medium) {
  const std::optional<FloppyFormat> format = FloppyFormat::of(medium.sectors());
  Drive& into = drives_[drive & 1];
  if (!format || !format->fits(into.type)) return false;
  into.changed = true;
  into.medium = &medium;
  into.format = *format;
  return true;
}

void I82077aa::remove(unsigned drive) {
  Drive& from = drives_[drive & 1];
  from.changed = true;
  from.medium = nullptr;
}

// ---- Registers.

uint8_t I82077aa::read_register(uint16_t offset) {
  switch (offset) {
    case kDor:
      return dor_;
    case kTdr:
      return tdr_;
    case kMsrDsr:
      return read_msr();
    case kFifo:
      return read_fifo();
    default:
      return kTristated;
  }
}

void I82077aa::write_register(uint16_t offset, uint8_t value) {
  switch (offset) {
    case kDor:
      return write_dor(value);
    case kTdr:
      tdr_ = value & 0x03;
      return;
    case kMsrDsr:
      return write_dsr(value);
    case kFifo:
      return write_fifo(value);
    default:
      return;
  }
}

uint8_t I82077aa::read_dir(uint16_t) { return drives_[dor_ & kDriveSelect].changed ? kDskchg : 0; }

void I82077aa::write_ccr(uint16_t, uint8_t value) { data_rate_ = value & kRateMask; }

bool I82077aa::in_reset() const { return (dor_ & kNotReset) == 0; }
bool I82077aa::non_dma() const { return (specified_[1] & kNd) != 0; }

uint8_t I82077aa::read_msr() const {
  if (deaf()) return 0;
  switch (phase_) {
    case Phase::kCommand:
      return command_size_ == 0 ? kRqm : kRqm | kCommandBusy;
    case Phase::kResult:
      return kRqm | kDio | kCommandBusy;
    case Phase::kExecution:
      break;
  }
  if (!non_dma() || moving_ == Moving::kNothing) return kCommandBusy;
  return kCommandBusy | kNonDma | kRqm | (moving_ == Moving::kToHost ? kDio : 0);
}

void I82077aa::write_dor(uint8_t value) {
  const bool was_in_reset = in_reset();
  dor_ = value;
  if (!was_in_reset && in_reset()) enter_reset();
  if (was_in_reset && !in_reset()) leave_reset();
  update_irq();
  if (dma_request() != DmaRequest::kNone) dma_.dma_requested();
}

void I82077aa::write_dsr(uint8_t value) {
  data_rate_ = value & kRateMask;
  if ((value & kSoftwareReset) == 0 || in_reset()) return;
  enter_reset();
  leave_reset();
}

void I82077aa::enter_reset() {
  phase_ = Phase::kCommand;
  command_size_ = 0;
  result_.clear();
  seek_status_.clear();
  moving_ = Moving::kNothing;
  reset_meanwhile_ = request_under_way_;
  if (!locked_) configured_ = {kDefaultConfiguration, 0};
  perpendicular_ = 0;
  lower_interrupt();
}

// As if polling had found every drive's ready line changed.
void I82077aa::leave_reset() {
  if (reset_meanwhile_) return;
  for (uint8_t drive = 0; drive < 4; ++drive) seek_status_.push(kPolled | drive);
  raise_interrupt();
}

void I82077aa::raise_interrupt() {
  interrupt_ = true;
  update_irq();
}

void I82077aa::lower_interrupt() {
  interrupt_ = false;
  update_irq();
}

void I82077aa::update_irq() { irq_.set(interrupt_ && (dor_ & kDmaGate) != 0); }

// ---- The FIFO.

uint8_t I82077aa::read_fifo() {
  if (deaf()) return kTristated;
  if (phase_ == Phase::kExecution && non_dma() && moving_ == Moving::kToHost) {
    const uint8_t byte = buffer_[position_];
    moved(1, false);
    return byte;
  }
  if (phase_ != Phase::kResult) return kTristated;
  lower_interrupt();
  const uint8_t byte = result_.pop();
  if (result_.empty()) end_command();
  return byte;
}

void I82077aa::write_fifo(uint8_t value) {
  if (deaf()) return;
  if (phase_ == Phase::kExecution && non_dma() && moving_ == Moving::kFromHost) {
    buffer_[position_] = value;
    return moved(1, false);
  }
  if (phase_ != Phase::kCommand) return;
  command_bytes_[command_size_++] = value;
  run_command();
}

void I82077aa::end_command() {
  phase_ = Phase::kCommand;
  command_size_ = 0;
}

// ---- DMA.

DmaRequest I82077aa::dma_request() const {
  const bool gate = (dor_ & kDmaGate) != 0 && !non_dma();
  if (!gate || moving_ == Moving::kNothing) return DmaRequest::kNone;
  return moving_ == Moving::kToHost ? DmaRequest::kToMemory : DmaRequest::kFromMemory;
}

std::span<uint8_t> I82077aa::dma_data() {
  if (dma_request() == DmaRequest::kNone) return {};
  return std::span(buffer_).subspan(position_, size_ - position_);
}

void I82077aa::dma_moved(size_t bytes, bool terminal_count) {
  if (dma_request() != DmaRequest::kNone) moved(std::min(bytes, size_ - position_), terminal_count);
}

void I82077aa::begin_moving(Moving moving, size_t bytes) {
  moving_ = moving;
  position_ = 0;
  size_ = bytes;
  if (non_dma()) return raise_interrupt();
  if (dma_request() != DmaRequest::kNone) dma_.dma_requested();
}

void I82077aa::moved(size_t bytes, bool terminal_count) {
  position_ += bytes;
  terminal_count_ |= terminal_count;
  if (position_ < size_ && !terminal_count) return;
  if (non_dma()) lower_interrupt();
  // What the host did not send is zero.
  if (moving_ == Moving::kFromHost)
    std::fill(buffer_.begin() + position_, buffer_.begin() + size_, uint8_t{0});
  moving_ = Moving::kNothing;
  all_moved();
}

}  // namespace ringdown
