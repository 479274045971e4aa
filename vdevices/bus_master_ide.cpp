#include "vdevices/bus_master_ide.h"

#include <algorithm>

namespace ringdown {
namespace {

enum Offset : uint16_t { kBmicx = 0, kBmisx = 2, kBmidtpx = 4 };
enum Command : uint8_t { kSsbm = 0x01, kRwcon = 0x08 };  // start; towards memory
enum Status : uint8_t {
  kActive = 0x01,
  kDmaError = 0x02,
  kInterrupt = 0x04,
  kDriveCapable = 0x60,  // left to software
};

constexpr uint32_t kEntryBytes = 8;
constexpr uint32_t kEntryLast = 0x80000000;    // EOT
constexpr uint32_t kTableWindow = 0x0000FFFF;  // a table does not leave its 64 KiB
constexpr uint32_t kRegionMax = 0x10000;

uint32_t dword(std::span<const uint8_t> bytes) {
  return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | uint32_t{bytes[3]} << 24;
}

}  // namespace

BusMasterChannel::BusMasterChannel(AtaChannel& channel, DmaMemory& memory)
    : channel_(channel), memory_(memory) {
  channel_.connect(*this);
}

void BusMasterChannel::reset() {
  command_ = status_ = 0;
  table_ = 0;
}

// ---- Registers.

uint32_t BusMasterChannel::read_port(uint16_t offset, unsigned size) {
  uint32_t value = 0;
  for (unsigned i = 0; i < size; ++i) {
    value |= uint32_t{read_byte(static_cast<uint16_t>(offset + i))} << (8 * i);
  }
  return value;
}

void BusMasterChannel::write_port(uint16_t offset, unsigned size, uint32_t value) {
  for (unsigned i = 0; i < size; ++i) {
    write_byte(static_cast<uint16_t>(offset + i), static_cast<uint8_t>(value >> (8 * i)));
  }
}

uint8_t BusMasterChannel::read_byte(uint16_t offset) const {
  if (offset == kBmicx) return command_;
  if (offset == kBmisx) return status_;
  if (offset < kBmidtpx || offset >= kPorts) return 0;
  return static_cast<uint8_t>(table_ >> (8 * (offset - kBmidtpx)));
}

void BusMasterChannel::write_byte(uint16_t offset, uint8_t value) {
  if (offset == kBmicx) return write_command(value);
  if (offset == kBmisx) {
    status_ &= static_cast<uint8_t>(~(value & (kDmaError | kInterrupt)));
    status_ = static_cast<uint8_t>((status_ & ~kDriveCapable) | (value & kDriveCapable));
  }
  if (offset < kBmidtpx || offset >= kPorts) return;
  const unsigned shift = 8 * (offset - kBmidtpx);
  table_ = ((table_ & ~(0xFFu << shift)) | uint32_t{value} << shift) & ~3u;
}

void BusMasterChannel::write_command(uint8_t value) {
  const bool was_on = (command_ & kSsbm) != 0;
  command_ = value & (kSsbm | kRwcon);
  if ((command_ & kSsbm) == 0) {
    status_ &= static_cast<uint8_t>(~kActive);
  } else if (!was_on) {
    status_ |= kActive;
    entry_ = table_;
    region_ = {};
  }
  dma_requested();
}

// ---- The engine.

void BusMasterChannel::interrupt_raised() { status_ |= kInterrupt; }

// Moving data has the channel ask for more, from inside of this loop.
void BusMasterChannel::dma_requested() {
  if (moving_) return;
  moving_ = true;
  const DmaRequest direction = (command_ & kRwcon) != 0 ? DmaRequest::kToMemory : DmaRequest::kFromMemory;
  while ((status_ & kActive) != 0 && channel_.dma_request() == direction) {
    const bool done = (region_.left != 0 || fetch_region()) && move_data();
    if (!done) stop_with_error();
  }
  moving_ = false;
}

void BusMasterChannel::stop_with_error() {
  status_ |= kDmaError;
  status_ &= static_cast<uint8_t>(~kActive);
}

bool BusMasterChannel::fetch_region() {
  std::array<uint8_t, kEntryBytes> bytes;
  if (!memory_.read(entry_, bytes)) return false;
  entry_ = (entry_ & ~kTableWindow) | ((entry_ + kEntryBytes) & kTableWindow);
  const uint32_t count = dword(std::span(bytes).subspan(4));
  const uint32_t size = count & (kRegionMax - 2);
  region_ = {.address = dword(bytes) & ~1u,
             .left = size == 0 ? kRegionMax : size,
             .last = (count & kEntryLast) != 0};
  return true;
}

// A region is used up before the drive hears of it, which may end the command with its interrupt.
bool BusMasterChannel::move_data() {
  const std::span<uint8_t> data = channel_.dma_data();
  const size_t size = std::min<size_t>(data.size(), region_.left);
  const bool to_memory = (command_ & kRwcon) != 0;
  const bool done = to_memory ? memory_.write(region_.address, data.first(size))
                              : memory_.read(region_.address, data.first(size));
  if (!done) return false;
  region_.address += static_cast<uint32_t>(size);
  region_.left -= static_cast<uint32_t>(size);
  if (region_.left == 0 && region_.last) status_ &= static_cast<uint8_t>(~kActive);
  channel_.dma_moved(size);
  return true;
}

// ---- Both.

uint32_t BusMasterIde::read_port(uint16_t offset, unsigned size) {
  return channels_[offset / BusMasterChannel::kPorts & 1].read_port(offset % BusMasterChannel::kPorts, size);
}

void BusMasterIde::write_port(uint16_t offset, unsigned size, uint32_t value) {
  channels_[offset / BusMasterChannel::kPorts & 1].write_port(offset % BusMasterChannel::kPorts, size, value);
}

void BusMasterIde::reset() {
  for (BusMasterChannel& channel : channels_) channel.reset();
}

}  // namespace ringdown
