#include "vdevices/ata_disk.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace ringdown {
namespace {

// Those that move no sectors.
enum Command : uint8_t {
  kRecalibrate = 0x10,  // 10h-1Fh
  kReadNativeMaxAddressExt = 0x27,
  kSeek = 0x70,  // 70h-7Fh
  kInitializeDeviceParameters = 0x91,
  kStandbyImmediateOld = 0x94,
  kIdleImmediateOld = 0x95,
  kStandbyOld = 0x96,
  kIdleOld = 0x97,
  kCheckPowerModeOld = 0x98,
  kSleepOld = 0x99,
  kSetMultipleMode = 0xC6,
  kStandbyImmediate = 0xE0,
  kIdleImmediate = 0xE1,
  kStandby = 0xE2,
  kIdle = 0xE3,
  kCheckPowerMode = 0xE5,
  kSleep = 0xE6,
  kFlushCache = 0xE7,
  kFlushCacheExt = 0xEA,
  kIdentifyDevice = 0xEC,
  kSetFeatures = 0xEF,
  kReadNativeMaxAddress = 0xF8,
};
enum Feature : uint8_t {
  kEnableWriteCache = 0x02,
  kSetTransferMode = 0x03,
  kDisableLookAhead = 0x55,
  kKeepSettingsOverReset = 0x66,
  kDisableWriteCache = 0x82,
  kEnableLookAhead = 0xAA,
  kDefaultSettingsAtReset = 0xCC,
};

constexpr uint8_t kLba = 0x40;  // in the Device register
constexpr uint8_t kHeadMask = 0x0F;
constexpr size_t kSector = BlockMedium::kSectorBytes;
constexpr uint8_t kMaxMultiple = 16;
constexpr uint64_t kMaxLba28 = 0x0FFFFFFF;  // sectors
constexpr uint64_t kMaxCylinders = 16383;
constexpr uint8_t kActive = 0xFF;  // of CHECK POWER MODE

// What of `left` sectors fits into a buffer.
size_t chunk_of(uint32_t left, size_t buffer_bytes) { return std::min(size_t{left} * kSector, buffer_bytes); }

}  // namespace

struct AtaDisk::TransferCommand {
  uint8_t code;
  bool write;
  Way way;
  bool ext;       // takes a 48-bit address
  bool multiple;  // interrupts for SET MULTIPLE MODE's blocks
};

const AtaDisk::TransferCommand AtaDisk::kTransferCommands[] = {
    {0x20, false, Way::kPio, false, false},     // READ SECTORS
    {0x21, false, Way::kPio, false, false},     // without retry
    {0x24, false, Way::kPio, true, false},      // EXT
    {0xC4, false, Way::kPio, false, true},      // READ MULTIPLE
    {0x29, false, Way::kPio, true, true},       // EXT
    {0xC8, false, Way::kDma, false, false},     // READ DMA
    {0xC9, false, Way::kDma, false, false},     // without retry
    {0x25, false, Way::kDma, true, false},      // EXT
    {0x40, false, Way::kVerify, false, false},  // READ VERIFY SECTORS
    {0x41, false, Way::kVerify, false, false},  // without retry
    {0x42, false, Way::kVerify, true, false},   // EXT
    {0x30, true, Way::kPio, false, false},      // WRITE SECTORS
    {0x31, true, Way::kPio, false, false},      // without retry
    {0x34, true, Way::kPio, true, false},       // EXT
    {0x3C, true, Way::kPio, false, false},      // WRITE VERIFY
    {0xC5, true, Way::kPio, false, true},       // WRITE MULTIPLE
    {0x39, true, Way::kPio, true, true},        // EXT
    {0xCA, true, Way::kDma, false, false},      // WRITE DMA
    {0xCB, true, Way::kDma, false, false},      // without retry
    {0x35, true, Way::kDma, true, false},       // EXT
};

AtaDisk::Geometry AtaDisk::default_geometry(uint64_t sectors) {
  const uint64_t cylinders = std::clamp<uint64_t>(sectors / (16 * 63), 1, kMaxCylinders);
  return {.cylinders = static_cast<uint16_t>(cylinders), .heads = 16, .sectors = 63};
}

AtaDisk::AtaDisk(BlockMedium& medium, AtaIdentity identity, std::optional<Geometry> geometry)
    : AtaDrive(false),
      medium_(medium),
      identity_(std::move(identity)),
      geometry_(geometry.value_or(default_geometry(medium.sectors()))),
      current_(geometry_) {}

void AtaDisk::execute(uint8_t command) {
  transfer_ = {};
  if (execute_transfer(command) || execute_power(command)) return;
  switch (command) {
    case kInitializeDeviceParameters:
      return initialize_device_parameters();
    case kSetMultipleMode:
      return set_multiple_mode();
    case kFlushCache:
    case kFlushCacheExt:
      return flush_medium(medium_, &AtaDisk::flushed);
    case kIdentifyDevice:
      return identify_device();
    case kSetFeatures:
      return set_features();
    case kReadNativeMaxAddress:
      return read_native_max_address(addressing28());
    case kReadNativeMaxAddressExt:
      return read_native_max_address(Addressing::kLba48);
    default:
      break;
  }
  if ((command & 0xF0) == kRecalibrate) return complete();
  if ((command & 0xF0) == kSeek) return seek();
  complete(kAtaAbrt);  // NOP among them
}

bool AtaDisk::execute_transfer(uint8_t command) {
  const auto* found = std::find_if(std::begin(kTransferCommands), std::end(kTransferCommands),
                                   [command](const TransferCommand& c) { return c.code == command; });
  if (found == std::end(kTransferCommands)) return false;
  start({.write = found->write,
         .way = found->way,
         .addressing = found->ext ? Addressing::kLba48 : addressing28(),
         .block = found->multiple ? multiple_ : size_t{1}});
  return true;
}

// Standby timers never run out. A drive that sleeps is one in standby: it need not be reset to wake up.
bool AtaDisk::execute_power(uint8_t command) {
  switch (command) {
    case kStandbyImmediate:
    case kStandbyImmediateOld:
    case kStandby:
    case kStandbyOld:
    case kSleep:
    case kSleepOld:
      standby_ = true;
      break;
    case kIdleImmediate:
    case kIdleImmediateOld:
    case kIdle:
    case kIdleOld:
      standby_ = false;
      break;
    case kCheckPowerMode:
    case kCheckPowerModeOld:
      reg(kAtaSectorCount).now = standby_ ? 0 : kActive;
      break;
    default:
      return false;
  }
  complete();
  return true;
}

// ---- Commands without sectors.

void AtaDisk::identify_device() {
  const auto capacity = static_cast<uint32_t>(addressable(Addressing::kLba28));
  const uint32_t per_cylinder = uint32_t{current_.heads} * current_.sectors;
  const unsigned cache = (write_cache_ ? 0x20u : 0) | (look_ahead_ ? 0x40u : 0);
  AtaIdentifyData data;
  data.set_identity(identity_);
  data[0] = 0x0040;  // not removable
  data[1] = geometry_.cylinders;
  data[2] = 0xC837;  // needs no SET FEATURES to spin up
  data[3] = geometry_.heads;
  data[4] = static_cast<uint16_t>(geometry_.sectors * kSector);
  data[5] = kSector;
  data[6] = geometry_.sectors;
  data[20] = 3;                       // buffer: with look-ahead,
  data[21] = kBufferBytes / kSector;  // of so many sectors
  data[47] = 0x8000 | kMaxMultiple;   // READ MULTIPLE
  data[48] = 1;                       // doublewords at the Data register
  data[49] = 0x0B00;                  // IORDY, LBA, DMA
  data[50] = 0x4000;                  // valid
  data[51] = data[52] = 0x0200;       // PIO and DMA mode 2, for the old
  data[53] = 0x0007;                  // words 54-58, 64-70 and 88 are valid
  data[54] = current_cylinders();     //
  data[55] = current_.heads;          //
  data[56] = current_.sectors;        //
  data.set_dword(57, current_cylinders() * per_cylinder);
  data[59] = multiple_ != 0 ? 0x0100 | multiple_ : 0;
  data.set_dword(60, capacity);
  data[63] = transfer_mode_.multiword_word();
  data[64] = 0x0003;                                // PIO 3 and 4
  data[65] = data[66] = data[67] = data[68] = 120;  // ns a cycle
  data[80] = 0x0078;                                // ATA-3 to ATA/ATAPI-6
  data[81] = 0x0022;                                // T13/1410D
  data[82] = 0x4068;                                // NOP, look-ahead, write cache, power management
  data[83] = 0x7400;                                // FLUSH CACHE (EXT), 48-bit addresses
  data[84] = data[87] = 0x4000;                     // valid
  data[85] = static_cast<uint16_t>(0x4008 | cache);
  data[86] = 0x3400;
  data[88] = transfer_mode_.ultra_word();
  data[93] = 0x6001;  // 80 conductors; device 0
  data.set_dword(100, static_cast<uint32_t>(medium_.sectors()));
  data.set_dword(102, static_cast<uint32_t>(medium_.sectors() >> 32));
  data.store(std::span(buffer_).first(kSector));
  begin_data(Phase::kPioIn, kSector, kSector);
}

void AtaDisk::initialize_device_parameters() {
  const uint8_t sectors = reg(kAtaSectorCount).now;
  if (sectors == 0) return complete(kAtaAbrt);
  current_ = {.heads = static_cast<uint8_t>((device() & kHeadMask) + 1), .sectors = sectors};
  complete();
}

void AtaDisk::read_native_max_address(Addressing addressing) {
  post_address(addressing, addressable(addressing) - 1);
  complete();
}

void AtaDisk::seek() { complete(addressed_sector(addressing28()) ? 0 : kAtaIdnf); }

void AtaDisk::set_multiple_mode() {
  const uint8_t sectors = reg(kAtaSectorCount).now;
  const bool allowed = sectors <= kMaxMultiple && (sectors & (sectors - 1)) == 0;
  multiple_ = allowed ? sectors : 0;
  complete(allowed ? 0 : kAtaAbrt);
}

void AtaDisk::set_features() {
  switch (features()) {
    case kSetTransferMode:
      return complete(transfer_mode_.select(reg(kAtaSectorCount).now) ? 0 : kAtaAbrt);
    case kEnableWriteCache:
      write_cache_ = true;
      return complete();
    case kDisableWriteCache:
      write_cache_ = false;
      return flush_medium(medium_, &AtaDisk::flushed);
    case kEnableLookAhead:
    case kDisableLookAhead:
      look_ahead_ = features() == kEnableLookAhead;
      return complete();
    case kKeepSettingsOverReset:
    case kDefaultSettingsAtReset:  // a reset keeps them in either case
      return complete();
    default:
      return complete(kAtaAbrt);
  }
}

// ---- Addresses.

AtaDisk::Addressing AtaDisk::addressing28() const {
  return (device() & kLba) != 0 ? Addressing::kLba28 : Addressing::kChs;
}

// How many sectors addresses of that kind reach.
uint64_t AtaDisk::addressable(Addressing addressing) const {
  return addressing == Addressing::kLba48 ? medium_.sectors() : std::min(medium_.sectors(), kMaxLba28);
}

uint32_t AtaDisk::sector_count(Addressing addressing) {
  const Register count = reg(kAtaSectorCount);
  if (addressing != Addressing::kLba48) return count.now == 0 ? 256 : count.now;
  const uint32_t both = uint32_t{count.previous} << 8 | count.now;
  return both == 0 ? 65536 : both;
}

// None if there is no such sector.
std::optional<uint64_t> AtaDisk::addressed_sector(Addressing addressing) {
  const Register low = reg(kAtaLbaLow), mid = reg(kAtaLbaMid), high = reg(kAtaLbaHigh);
  std::optional<uint64_t> sector = high.now << 16 | mid.now << 8 | low.now;
  switch (addressing) {
    case Addressing::kChs:
      sector = chs_sector();
      break;
    case Addressing::kLba28:
      *sector |= (device() & kHeadMask) << 24;
      break;
    case Addressing::kLba48:
      *sector |= (uint64_t{high.previous} << 16 | uint64_t{mid.previous} << 8 | low.previous) << 24;
      break;
  }
  if (sector && *sector >= addressable(addressing)) sector.reset();
  return sector;
}

std::optional<uint64_t> AtaDisk::chs_sector() {
  const unsigned cylinder = reg(kAtaLbaHigh).now << 8 | reg(kAtaLbaMid).now;
  const unsigned head = device() & kHeadMask;
  const unsigned sector = reg(kAtaLbaLow).now;
  if (head >= current_.heads || sector == 0 || sector > current_.sectors) return std::nullopt;
  return (uint64_t{cylinder} * current_.heads + head) * current_.sectors + sector - 1;
}

void AtaDisk::post_address(Addressing addressing, uint64_t sector) {
  if (addressing == Addressing::kChs) return post_chs(sector);
  const auto byte = [sector](unsigned i) { return static_cast<uint8_t>(sector >> (8 * i)); };
  const bool is_long = addressing == Addressing::kLba48;
  reg(kAtaLbaLow) = {.now = byte(0), .previous = is_long ? byte(3) : uint8_t{0}};
  reg(kAtaLbaMid) = {.now = byte(1), .previous = is_long ? byte(4) : uint8_t{0}};
  reg(kAtaLbaHigh) = {.now = byte(2), .previous = is_long ? byte(5) : uint8_t{0}};
  if (!is_long) reg(kAtaDevice).now = static_cast<uint8_t>((device() & ~kHeadMask) | (byte(3) & kHeadMask));
}

void AtaDisk::post_chs(uint64_t sector) {
  const uint64_t track = sector / current_.sectors;
  const uint64_t cylinder = track / current_.heads;
  reg(kAtaLbaLow).now = static_cast<uint8_t>(sector % current_.sectors + 1);
  reg(kAtaLbaMid).now = static_cast<uint8_t>(cylinder);
  reg(kAtaLbaHigh).now = static_cast<uint8_t>(cylinder >> 8);
  reg(kAtaDevice).now = static_cast<uint8_t>((device() & ~kHeadMask) | track % current_.heads);
}

uint16_t AtaDisk::current_cylinders() const {
  const uint64_t capacity = uint64_t{geometry_.cylinders} * geometry_.heads * geometry_.sectors;
  return static_cast<uint16_t>(std::min<uint64_t>(capacity / current_.heads / current_.sectors, 65535));
}

// ---- Commands that read or write sectors, a buffer at a time.

void AtaDisk::start(Transfer transfer) {
  if (transfer.block == 0 || (transfer.write && medium_.read_only())) return complete(kAtaAbrt);
  standby_ = false;
  const std::optional<uint64_t> sector = addressed_sector(transfer.addressing);
  transfer.left = sector_count(transfer.addressing);
  if (!sector) return complete(kAtaIdnf);
  transfer.sector = *sector;
  transfer_ = transfer;
  const uint64_t reachable = addressable(transfer.addressing) - *sector;
  if (transfer.left > reachable) {
    advance(reachable);
    return fail(kAtaIdnf);
  }
  if (transfer.write) return take_chunk(FirstInterrupt::kNo);
  read_chunk();
}

void AtaDisk::advance(size_t sectors) {
  transfer_.sector += sectors;
  transfer_.left -= static_cast<uint32_t>(sectors);
}

void AtaDisk::data_moved(size_t bytes) {
  if (transfer_.left == 0) return complete_silently();  // of IDENTIFY DEVICE
  if (transfer_.write) return write_medium(medium_, transfer_.sector, bytes, &AtaDisk::chunk_written);
  advance(bytes / kSector);
  next_read_chunk();
}

// The registers show the first sector that failed.
void AtaDisk::fail(uint8_t error) {
  post_address(transfer_.addressing, transfer_.sector);
  complete(error);
}

void AtaDisk::read_chunk() {
  read_medium(medium_, transfer_.sector, chunk_of(transfer_.left, kBufferBytes), &AtaDisk::chunk_read);
}

// The sectors before an unreadable one reach the host.
void AtaDisk::chunk_read(BlockResult result) {
  transfer_.failed = result.error != BlockError::kNone;
  if (transfer_.way != Way::kVerify && result.sectors != 0) return offer_chunk(result.sectors);
  advance(result.sectors);
  next_read_chunk();
}

void AtaDisk::offer_chunk(size_t sectors) {
  const Phase phase = transfer_.way == Way::kDma ? Phase::kDmaIn : Phase::kPioIn;
  const size_t block = transfer_.block * kSector;
  begin_data(phase, sectors * kSector, block);
}

void AtaDisk::next_read_chunk() {
  if (transfer_.failed) return fail(kAtaUnc);
  if (transfer_.left != 0) return read_chunk();
  // The last block of PIO has interrupted before it was read.
  return transfer_.way == Way::kPio ? complete_silently() : complete();
}

void AtaDisk::take_chunk(FirstInterrupt first) {
  const Phase phase = transfer_.way == Way::kDma ? Phase::kDmaOut : Phase::kPioOut;
  begin_data(phase, chunk_of(transfer_.left, kBufferBytes), transfer_.block * kSector, first);
}

void AtaDisk::chunk_written(BlockResult result) {
  advance(result.sectors);
  if (result.error != BlockError::kNone) return fail(kAtaAbrt);
  if (transfer_.left != 0) return take_chunk(FirstInterrupt::kYes);
  finish_write();
}

void AtaDisk::finish_write() {
  if (!write_cache_) return flush_medium(medium_, &AtaDisk::flushed);
  complete();
}

void AtaDisk::flushed(BlockResult result) { complete(result.error == BlockError::kNone ? 0 : kAtaAbrt); }

}  // namespace ringdown
