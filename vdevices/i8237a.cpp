#include "vdevices/i8237a.h"

#include <algorithm>
#include <span>
#include <utility>

namespace ringdown {
namespace {

enum Register : unsigned {
  kStatusCommand = 8,
  kRequest,
  kSingleMask,
  kMode,
  kClearFlipFlop,
  kMasterClear,
  kClearMask,
  kAllMasks,
};
constexpr uint8_t kSelect = 0x03, kSet = 0x04;  // of request and single mask; kSelect of mode, too
constexpr uint8_t kDisable = 0x04;              // of command
enum Mode : uint8_t { kTransferShift = 2, kTransferMask = 3, kAutoInitialize = 0x10, kDecrement = 0x20 };
constexpr uint8_t kCascade = 0xC0, kModeMask = 0xC0;
constexpr unsigned kAll = 0x0F;
constexpr uint8_t kNotDriven = 0xFF;  // what a bus holds that nothing drives
constexpr size_t kBlock = 4096;       // RAM begins and ends at multiples of that

}  // namespace

uint8_t DmaPageRegisters::page(unsigned channel) const {
  static constexpr std::array<uint8_t, 8> kOffsets{6, 2, 0, 1, 14, 10, 8, 9};
  return pages_[kOffsets[channel]];
}

I8237a::I8237a(Unit unit, unsigned first_channel, const DmaPageRegisters& pages, DmaMemory* memory)
    : unit_(unit), first_channel_(first_channel), pages_(pages), memory_(memory) {}

void I8237a::cascade(unsigned channel, I8237a& other) {
  downstream_ = &other;
  other.upstream_ = this;
  other.upstream_channel_ = channel;
}

// ---- Registers.

uint32_t I8237a::read_port(uint16_t offset, unsigned) { return read_register(offset / unit_bytes()); }

void I8237a::write_port(uint16_t offset, unsigned, uint32_t value) {
  write_register(offset / unit_bytes(), static_cast<uint8_t>(value));
  run();
}

uint8_t I8237a::read_register(unsigned index) {
  if (index < kStatusCommand) return read_channel(index);
  switch (index) {
    case kStatusCommand:
      return status();
    case kMasterClear:  // temporary, which only a transfer from memory to memory fills
      return 0;
    case kAllMasks:
      return masks_;
    default:
      return kNotDriven;
  }
}

void I8237a::write_register(unsigned index, uint8_t value) {
  if (index < kStatusCommand) return write_channel(index, value);
  switch (index) {
    case kStatusCommand:
      command_ = value;
      return;
    case kRequest:
      return set_bit(requests_, value);
    case kSingleMask:
      return set_bit(masks_, value);
    case kMode:
      channels_[value & kSelect].mode = value;
      return;
    case kClearFlipFlop:
      high_byte_ = false;
      return;
    case kMasterClear:
      return master_clear();
    case kClearMask:
      masks_ = 0;
      return;
    case kAllMasks:
      masks_ = value & kAll;
      return;
    default:
      return;
  }
}

uint8_t I8237a::read_channel(unsigned index) {
  const Channel& channel = channels_[index / 2];
  const uint16_t value = index % 2 ? channel.count : channel.address;
  const bool high = std::exchange(high_byte_, !high_byte_);
  return static_cast<uint8_t>(high ? value >> 8 : value);
}

// Each byte goes to the base register and to the current one.
void I8237a::write_channel(unsigned index, uint8_t value) {
  Channel& channel = channels_[index / 2];
  const bool high = std::exchange(high_byte_, !high_byte_);
  const auto put = [&](uint16_t& word) {
    word = static_cast<uint16_t>(high ? (word & 0x00FF) | value << 8 : (word & 0xFF00) | value);
  };
  put(index % 2 ? channel.base_count : channel.base_address);
  put(index % 2 ? channel.count : channel.address);
}

void I8237a::set_bit(uint8_t& bits, uint8_t value) {
  const uint8_t which = bit(value & kSelect);
  bits = static_cast<uint8_t>(value & kSet ? bits | which : bits & ~which);
}

void I8237a::master_clear() {
  command_ = requests_ = terminal_counts_ = 0;
  masks_ = kAll;
  high_byte_ = false;
}

uint8_t I8237a::status() {
  unsigned value = std::exchange(terminal_counts_, uint8_t{0});
  for (unsigned channel = 0; channel < kChannels; ++channel) {
    if (requests_ & bit(channel) || device_asks(channel)) value |= bit(channel) << 4;
  }
  return static_cast<uint8_t>(value);
}

// ---- Transfers.

// Whether a channel that asks is let have the bus, and of one that cascades whether its controller is.
bool I8237a::grants(unsigned channel) const {
  return (command_ & kDisable) == 0 && (masks_ & bit(channel)) == 0 &&
         (channels_[channel].mode & kModeMask) == kCascade && bus_granted();
}

bool I8237a::device_asks(unsigned channel) const {
  const IsaDmaDevice* device = channels_[channel].device;
  return device && device->dma_request() != DmaRequest::kNone;
}

// A device asks again from within, when its data has moved.
void I8237a::run() {
  if (running_) return;
  running_ = true;
  for (unsigned channel = 0; channel < kChannels; ++channel) run_channel(channel);
  running_ = false;
  if (downstream_) downstream_->run();
}

void I8237a::run_channel(unsigned number) {
  const Channel& channel = channels_[number];
  const bool may_move = (channel.mode & kModeMask) != kCascade;
  while (may_move && (command_ & kDisable) == 0 && (masks_ & bit(number)) == 0 && bus_granted()) {
    if (!step(number)) return;
  }
}

// What one device has and one block of memory holds; false if nothing is asked for.
bool I8237a::step(unsigned number) {
  const bool asked = device_asks(number);
  if (!asked && (requests_ & bit(number)) == 0) return false;
  IsaDmaDevice* const device = channels_[number].device;
  size_t bytes = contiguous_bytes(number);
  if (asked) bytes = std::min(bytes, device->dma_data().size()) / unit_bytes() * unit_bytes();
  if (bytes == 0) return false;
  move(number, bytes);
  const bool terminal_count = count_down(number, bytes / unit_bytes());
  if (asked) device->dma_moved(bytes, terminal_count);
  return true;
}

uint32_t I8237a::address_of(unsigned number) const {
  const unsigned page = pages_.page(first_channel_ + number);
  if (unit_ == Unit::kByte) return page << 16 | channels_[number].address;
  return (page & 0xFE) << 16 | uint32_t{channels_[number].address} << 1;
}

size_t I8237a::contiguous_bytes(unsigned number) const {
  const Channel& channel = channels_[number];
  if (channel.mode & kDecrement) return unit_bytes();
  return std::min((size_t{channel.count} + 1) * unit_bytes(), kBlock - address_of(number) % kBlock);
}

// A device that would have its data go the other way neither drives the bus nor listens.
void I8237a::move(unsigned number, size_t bytes) {
  const Channel& channel = channels_[number];
  std::array<uint8_t, kBlock> open_bus;
  const auto data_of = [&](DmaRequest way) {
    if (channel.device && channel.device->dma_request() == way)
      return channel.device->dma_data().first(bytes);
    std::ranges::fill(open_bus, kNotDriven);
    return std::span<uint8_t>(open_bus).first(bytes);
  };
  switch (static_cast<Transfer>(channel.mode >> kTransferShift & kTransferMask)) {
    case Transfer::kToMemory:
      if (memory_) memory_->write(address_of(number), data_of(DmaRequest::kToMemory));
      return;
    case Transfer::kFromMemory: {
      const std::span<uint8_t> data = data_of(DmaRequest::kFromMemory);
      if (!memory_ || !memory_->read(address_of(number), data)) std::ranges::fill(data, kNotDriven);
      return;
    }
    case Transfer::kVerify:
    case Transfer::kIllegal:
      return;
  }
}

// True for the terminal count.
bool I8237a::count_down(unsigned number, size_t units) {
  Channel& channel = channels_[number];
  const bool terminal_count = units > channel.count;
  const auto distance = static_cast<uint16_t>(units);
  channel.address = static_cast<uint16_t>(channel.mode & kDecrement ? channel.address - distance
                                                                    : channel.address + distance);
  channel.count = static_cast<uint16_t>(channel.count - distance);
  if (!terminal_count) return false;
  terminal_counts_ |= bit(number);
  requests_ &= static_cast<uint8_t>(~bit(number));
  if (channel.mode & kAutoInitialize) {
    channel.address = channel.base_address;
    channel.count = channel.base_count;
  } else {
    masks_ |= bit(number);
  }
  return true;
}

// ---- The pair.

IsaDma::IsaDma(DmaMemory* memory)
    : bytes_(I8237a::Unit::kByte, 0, pages_, memory),
      words_(I8237a::Unit::kWord, I8237a::kChannels, pages_, memory) {
  words_.cascade(0, bytes_);
  words_.write_port(2 * kMode, 1, kCascade);
  words_.write_port(2 * kSingleMask, 1, 0);
  for (unsigned number = 0; number < inputs_.size(); ++number)
    inputs_[number].controller = &controller(number);
}

}  // namespace ringdown
