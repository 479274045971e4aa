#include "vdevices/atapi_cdrom.h"

#include <algorithm>
#include <utility>

namespace ringdown {
namespace {

enum Command : uint8_t {
  kReadSectors = 0x20,
  kPacket = 0xA0,
  kIdentifyPacketDevice = 0xA1,
  kStandbyImmediate = 0xE0,
  kIdleImmediate = 0xE1,
  kCheckPowerMode = 0xE5,
  kSleep = 0xE6,
  kIdentifyDevice = 0xEC,
  kSetFeatures = 0xEF,
};
constexpr uint8_t kSetTransferMode = 0x03;
constexpr uint8_t kActive = 0xFF;  // of CHECK POWER MODE
constexpr uint8_t kFeatureDma = 0x01;
// The Interrupt Reason register.
enum InterruptReason : uint8_t { kCommandOrData = 0x01, kInputOutput = 0x02 };

constexpr uint8_t kMediumError = 3, kIllegalRequest = 5;  // sense keys

}  // namespace

AtapiCdrom::AtapiCdrom(BlockMedium* medium, AtaIdentity identity)
    : AtaDrive(true),
      medium_(medium),
      identity_(std::move(identity)),
      unit_attention_{.key = 6, .code = 0x29} {}  // power on

void AtapiCdrom::insert(BlockMedium& medium) {
  medium_ = &medium;
  tray_open_ = false;
  media_event_ = MediaEvent::kNew;
  unit_attention_ = {.key = 6, .code = 0x28};  // the medium may have changed
}

void AtapiCdrom::remove() {
  medium_ = nullptr;
  tray_open_ = true;
  locked_ = false;
  media_event_ = MediaEvent::kRemoved;
}

// ---- ATA commands.

void AtapiCdrom::execute(uint8_t command) {
  switch (command) {
    case kPacket:
      return packet();
    case kIdentifyPacketDevice:
      return identify_packet_device();
    case kIdentifyDevice:
    case kReadSectors:
      return abort_with_signature();
    case kSetFeatures:
      return set_features();
    case kCheckPowerMode:
      reg(kAtaSectorCount).now = kActive;
      return complete();
    case kStandbyImmediate:
    case kIdleImmediate:
    case kSleep:
      return complete();
    default:
      return complete(kAtaAbrt);
  }
}

void AtapiCdrom::packet() {
  constexpr uint16_t kLargest = 0xFFFE;  // odd limits are for the last block only
  by_dma_ = (features() & kFeatureDma) != 0;
  byte_limit_ = static_cast<uint16_t>(reg(kAtaLbaHigh).now << 8 | reg(kAtaLbaMid).now) & kLargest;
  moving_ = Moving::kPacket;
  begin_data(Phase::kPioOut, cdb_.size(), cdb_.size(), FirstInterrupt::kNo);
}

void AtapiCdrom::identify_packet_device() {
  AtaIdentifyData data;
  data.set_identity(identity_);
  data[0] = 0x85C0;   // CD-ROM, removable, DRQ at once, packets of 12 bytes
  data[49] = 0x0B00;  // IORDY, LBA, DMA
  data[50] = 0x4000;  // valid
  data[51] = data[52] = 0x0200;
  data[53] = 0x0006;  // words 64-70 and 88 are valid
  data[63] = transfer_mode_.multiword_word();
  data[64] = 0x0003;
  data[65] = data[66] = data[67] = data[68] = 120;
  data[80] = 0x0070;             // ATA/ATAPI-4 to 6
  data[81] = 0x0022;             // T13/1410D
  data[82] = data[85] = 0x4218;  // NOP, DEVICE RESET, PACKET, power management
  data[83] = data[84] = data[87] = 0x4000;
  data[88] = transfer_mode_.ultra_word();
  data[93] = 0x6001;
  constexpr size_t kBytes = 512;
  data.store(std::span(buffer_).first(kBytes));
  moving_ = Moving::kIdentity;
  begin_data(Phase::kPioIn, kBytes, kBytes);
}

void AtapiCdrom::set_features() {
  const bool known = features() == kSetTransferMode && transfer_mode_.select(reg(kAtaSectorCount).now);
  complete(known ? 0 : kAtaAbrt);
}

// So that a driver which takes it for a disk finds out.
void AtapiCdrom::abort_with_signature() {
  set_signature();
  complete(kAtaAbrt);
}

void AtapiCdrom::forget_command() {
  blocks_left_ = 0;
  read_failed_ = false;
}

// ---- Data.

void AtapiCdrom::announce_block(size_t bytes) {
  if (moving_ == Moving::kIdentity) return;
  reg(kAtaSectorCount).now = moving_ == Moving::kPacket ? kCommandOrData : kInputOutput;
  if (moving_ == Moving::kPacket) return;
  reg(kAtaLbaMid).now = static_cast<uint8_t>(bytes);
  reg(kAtaLbaHigh).now = static_cast<uint8_t>(bytes >> 8);
}

void AtapiCdrom::data_moved(size_t) {
  switch (moving_) {
    case Moving::kPacket:
      std::copy_n(buffer_.begin(), cdb_.size(), cdb_.begin());
      return run_packet();
    case Moving::kIdentity:
      return complete_silently();
    case Moving::kReply:
      return next_chunk();
  }
}

// The command ends if the host leaves no room for data.
void AtapiCdrom::begin_reply(size_t size) {
  moving_ = Moving::kReply;
  if (by_dma_) return begin_data(Phase::kDmaIn, size, size);
  if (byte_limit_ == 0) return end_packet(kAtaAbrt);
  begin_data(Phase::kPioIn, size, byte_limit_);
}

void AtapiCdrom::reply(const AtapiReply& bytes, size_t allocation) {
  const size_t size = std::min(bytes.size(), allocation);
  if (size == 0) return succeed();
  std::copy_n(bytes.bytes().begin(), size, buffer_.begin());
  begin_reply(size);
}

// ---- Reading, a buffer at a time.

void AtapiCdrom::start_read(uint32_t block, uint32_t count) {
  if (block > blocks() || count > blocks() - block) return check_condition({kIllegalRequest, 0x21});
  if (count == 0) return succeed();
  next_block_ = block;
  blocks_left_ = count;
  read_chunk();
}

// The disc may be another one than when the command began.
void AtapiCdrom::read_chunk() {
  if (unit_attention_.key != 0) return check_condition(std::exchange(unit_attention_, {}));
  if (!ready()) return check_condition(not_ready());
  const size_t bytes = std::min(blocks_left_ * kBlockBytes, kBufferBytes);
  read_medium(*medium_, uint64_t{next_block_} * kSectorsPerBlock, bytes, &AtapiCdrom::chunk_read);
}

// The blocks before an unreadable one reach the host.
void AtapiCdrom::chunk_read(BlockResult result) {
  const auto count = static_cast<uint32_t>(result.sectors / kSectorsPerBlock);
  read_failed_ = result.error != BlockError::kNone;
  next_block_ += count;
  blocks_left_ -= count;
  if (count == 0) return next_chunk();
  begin_reply(count * kBlockBytes);
}

void AtapiCdrom::next_chunk() {
  if (read_failed_) return check_condition({kMediumError, 0x11});
  if (blocks_left_ != 0) return read_chunk();
  succeed();
}

// ---- Ends.

void AtapiCdrom::succeed() { end_packet(0); }

// The Error register's upper half is the sense key.
void AtapiCdrom::check_condition(Sense sense) {
  sense_ = sense;
  end_packet(static_cast<uint8_t>(sense.key << 4 | (sense.key == kIllegalRequest ? kAtaAbrt : 0)));
}

void AtapiCdrom::end_packet(uint8_t error) {
  forget_command();
  reg(kAtaSectorCount).now = kCommandOrData | kInputOutput;
  complete(error);
}

}  // namespace ringdown
