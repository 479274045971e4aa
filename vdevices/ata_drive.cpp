#include "vdevices/ata_drive.h"

#include <algorithm>
#include <utility>

namespace ringdown {
namespace {

constexpr uint8_t kDeviceReset = 0x08;
constexpr uint8_t kDeviceObsoleteBits = 0xA0;  // read as ones
constexpr uint8_t kDiagnosticPassed = 0x01;

}  // namespace

uint8_t AtaDrive::read_register(uint16_t index, bool previous) const {
  if (index == kAtaErrorFeatures) return error_;
  if (index == kAtaDevice) return device() | kDeviceObsoleteBits;
  const Register& held = registers_[index];
  return previous ? held.previous : held.now;
}

void AtaDrive::write_register(uint16_t index, uint8_t value) {
  Register& held = registers_[index];
  held = {.now = value, .previous = held.now};
}

void AtaDrive::write_command(uint8_t command) {
  if (packet_ && command == kDeviceReset && !software_reset_) {
    stop();
    if (!reset_waits_) reset();
    return signal();
  }
  if (busy()) return;
  interrupt_ = false;
  error_ = 0;
  status_ = kAtaBsy;
  execute(command);
  signal();
}

// ---- Reset.

// Nothing of the command is left, but for a request of the medium that is under way.
void AtaDrive::stop() {
  interrupt_ = false;
  status_ = kAtaBsy;
  phase_ = Phase::kNone;
  forget_command();
  reset_waits_ = request_under_way();
}

void AtaDrive::reset() {
  error_ = kDiagnosticPassed;
  set_signature();
  status_ = packet_ ? 0 : kAtaDrdy | kAtaDsc;
}

void AtaDrive::set_software_reset(bool asserted) {
  if (asserted == software_reset_) return;
  software_reset_ = asserted;
  if (asserted) {
    stop();
  } else if (!reset_waits_) {
    reset();
  }
  signal();
}

void AtaDrive::diagnose() {
  if (request_under_way()) return;  // of a reset that waits
  interrupt_ = false;
  reset();
}

void AtaDrive::set_signature() {
  reg(kAtaSectorCount) = reg(kAtaLbaLow) = {.now = 0x01};
  reg(kAtaLbaMid) = {.now = static_cast<uint8_t>(packet_ ? 0x14 : 0)};
  reg(kAtaLbaHigh) = {.now = static_cast<uint8_t>(packet_ ? 0xEB : 0)};
  reg(kAtaDevice) = {};
}

// ---- Signals and the ends of commands.

void AtaDrive::signal() {
  if (on_signal_) on_signal_();
}

void AtaDrive::raise_interrupt() {
  interrupt_ = true;
  signal();
}

void AtaDrive::complete(uint8_t error) {
  complete_silently();
  set_error_bits(error);
  raise_interrupt();
}

void AtaDrive::complete_silently() {
  phase_ = Phase::kNone;
  status_ = packet_ ? kAtaDrdy : kAtaDrdy | kAtaDsc;
}

void AtaDrive::set_error_bits(uint8_t error) {
  error_ = error;
  if (error != 0) status_ |= kAtaErr;
}

// ---- Requests of the medium.

BlockDone AtaDrive::await(Continuation done) {
  continuation_ = done;
  return [this](BlockResult result) { request_ended(result); };
}

void AtaDrive::request_ended(BlockResult result) {
  const Continuation done = std::exchange(continuation_, nullptr);
  if (!std::exchange(reset_waits_, false)) return (this->*done)(result);
  if (!software_reset_) reset();
  signal();
}

// ---- Data.

void AtaDrive::begin_data(Phase phase, size_t size, size_t block, FirstInterrupt first) {
  phase_ = phase;
  position_ = 0;
  size_ = size;
  block_ = block;
  begin_block(first == FirstInterrupt::kYes);
}

void AtaDrive::begin_block(bool interrupt) {
  const bool pio = phase_ == Phase::kPioIn || phase_ == Phase::kPioOut;
  block_end_ = pio ? std::min(position_ + block_, size_) : size_;
  status_ = (packet_ ? kAtaDrdy : kAtaDrdy | kAtaDsc) | kAtaDrq;
  if (pio) announce_block(block_end_ - position_);
  if (pio && interrupt) interrupt_ = true;
  signal();
}

void AtaDrive::end_block() {
  status_ = kAtaBsy;
  if (position_ < size_) return begin_block(true);
  phase_ = Phase::kNone;
  data_moved(size_);
}

// A block of an odd length ends in the lower half of a word.
uint16_t AtaDrive::read_data() {
  if (phase_ != Phase::kPioIn) return 0;
  unsigned value = buffer_[position_];
  if (position_ + 1 < block_end_) value |= unsigned{buffer_[position_ + 1]} << 8;
  position_ = std::min(position_ + 2, block_end_);
  if (position_ == block_end_) end_block();
  return static_cast<uint16_t>(value);
}

void AtaDrive::write_data(uint16_t value) {
  if (phase_ != Phase::kPioOut) return;
  buffer_[position_] = static_cast<uint8_t>(value);
  if (position_ + 1 < block_end_) buffer_[position_ + 1] = static_cast<uint8_t>(value >> 8);
  position_ = std::min(position_ + 2, block_end_);
  if (position_ == block_end_) end_block();
}

DmaRequest AtaDrive::dma_request() const {
  if (phase_ == Phase::kDmaIn) return DmaRequest::kToMemory;
  if (phase_ == Phase::kDmaOut) return DmaRequest::kFromMemory;
  return DmaRequest::kNone;
}

std::span<uint8_t> AtaDrive::dma_data() {
  if (dma_request() == DmaRequest::kNone) return {};
  return std::span(buffer_).subspan(position_, block_end_ - position_);
}

void AtaDrive::dma_moved(size_t bytes) {
  position_ += std::min(bytes, dma_data().size());
  if (dma_request() != DmaRequest::kNone && position_ == block_end_) end_block();
}

}  // namespace ringdown
