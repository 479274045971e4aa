// The commands of the floppy disk controller, a function for each (82077AA data sheet, section 5).
#include <algorithm>

#include "vdevices/i82077aa.h"

namespace ringdown {
namespace {

constexpr uint8_t kMultiTrack = 0x80, kMfm = 0x40, kDirectionIn = 0x40;  // of the first byte
enum St0 : uint8_t {
  kPolled = 0xC0,
  kAbnormal = 0x40,
  kInvalid = 0x80,
  kSeekEnd = 0x20,
  kEquipmentCheck = 0x10
};
enum St1 : uint8_t {
  kMissingAddressMark = 0x01,
  kNotWritable = 0x02,
  kNoData = 0x04,
  kDataError = 0x20,
  kEndOfCylinder = 0x80,
};
enum St2 : uint8_t { kWrongCylinder = 0x10, kDataErrorInData = 0x20 };
enum St3 : uint8_t { kTrack0 = 0x10, kWriteProtected = 0x40, kAlwaysSet = 0x28 };
constexpr uint8_t kImpliedSeek = 0x40;  // of CONFIGURE
constexpr uint8_t kEnhanced = 0x90;     // of VERSION
constexpr uint8_t kSize512 = 2;
constexpr int kLastCylinder = 83;  // that heads reach

}  // namespace

struct I82077aa::Command {
  uint8_t code;
  uint8_t mask;  // of what of the first byte tells it from others
  uint8_t size;  // in bytes
  void (I82077aa::*run)();
};

const I82077aa::Command I82077aa::kCommands[] = {
    {0x02, 0xBF, 9, &I82077aa::read_track},
    {0x03, 0xFF, 3, &I82077aa::specify},
    {0x04, 0xFF, 2, &I82077aa::sense_drive_status},
    {0x05, 0x3F, 9, &I82077aa::write_data},
    {0x06, 0x1F, 9, &I82077aa::read_data},
    {0x07, 0xFF, 2, &I82077aa::recalibrate},
    {0x08, 0xFF, 1, &I82077aa::sense_interrupt_status},
    {0x09, 0x3F, 9, &I82077aa::write_data},  // deleted data: an image does not tell it from other data
    {0x0A, 0xBF, 2, &I82077aa::read_id},
    {0x0C, 0x1F, 9, &I82077aa::read_data},  // deleted data
    {0x0D, 0xBF, 6, &I82077aa::format_track},
    {0x0E, 0xFF, 1, &I82077aa::dumpreg},
    {0x0F, 0xFF, 3, &I82077aa::seek},
    {0x10, 0xFF, 1, &I82077aa::version},
    {0x12, 0xFF, 2, &I82077aa::perpendicular_mode},
    {0x13, 0xFF, 4, &I82077aa::configure},
    {0x14, 0x7F, 1, &I82077aa::lock},
    {0x16, 0x1F, 9, &I82077aa::verify},
    {0x8F, 0xBF, 3, &I82077aa::relative_seek},
};

const I82077aa::Command* I82077aa::command() const {
  for (const Command& command : kCommands) {
    if ((command_bytes_[0] & command.mask) == command.code) return &command;
  }
  return nullptr;
}

void I82077aa::run_command() {
  const Command* given = command();
  if (given == nullptr) return respond({kInvalid});
  if (command_size_ < given->size) return;
  const bool of_reset = !seek_status_.empty() && (seek_status_[0] & kPolled) == kPolled;
  if (of_reset && given->run != &I82077aa::sense_interrupt_status) seek_status_.clear();
  phase_ = Phase::kExecution;
  (this->*given->run)();
}

void I82077aa::respond(std::initializer_list<uint8_t> bytes) {
  for (const uint8_t byte : bytes) result_.push(byte);
  phase_ = Phase::kResult;
}

template <void (I82077aa::*kDone)(BlockResult)>
BlockDone I82077aa::await() {
  request_under_way_ = true;
  return [this](BlockResult result) {
    request_under_way_ = false;
    if (!reset_meanwhile_) return (this->*kDone)(result);
    reset_meanwhile_ = false;
    if (!in_reset()) leave_reset();
  };
}

// ---- Commands about the controller.

void I82077aa::specify() {
  specified_ = {command_bytes_[1], command_bytes_[2]};
  end_command();
}

void I82077aa::configure() {
  configured_ = {command_bytes_[2], command_bytes_[3]};
  end_command();
}

void I82077aa::perpendicular_mode() {
  perpendicular_ = command_bytes_[1];
  end_command();
}

void I82077aa::lock() {
  locked_ = (command_bytes_[0] & 0x80) != 0;
  respond({static_cast<uint8_t>(locked_ ? 0x10 : 0)});
}

void I82077aa::version() { respond({kEnhanced}); }

void I82077aa::dumpreg() {
  const auto lock_bit = static_cast<uint8_t>(locked_ ? 0x80 : 0);
  const auto perpendicular = static_cast<uint8_t>(perpendicular_ & 0x3F);
  respond({drives_[0].cylinder, drives_[1].cylinder, 0, 0, specified_[0], specified_[1], last_eot_,
           static_cast<uint8_t>(lock_bit | perpendicular), configured_[0], configured_[1]});
}

// ---- Commands about a drive.

void I82077aa::sense_drive_status() {
  const Drive& drive = selected();
  uint8_t st3 = kAlwaysSet | (command_bytes_[1] & 7);
  if (drive.type != 0 && drive.cylinder == 0) st3 |= kTrack0;
  if (drive.medium != nullptr && drive.medium->read_only()) st3 |= kWriteProtected;
  respond({st3});
}

void I82077aa::sense_interrupt_status() {
  lower_interrupt();
  if (seek_status_.empty()) return respond({kInvalid});
  const uint8_t st0 = seek_status_.pop();
  respond({st0, drives_[st0 & 3].cylinder});
}

// DSKCHG goes when the heads step over a diskette.
void I82077aa::move_heads(Drive& drive, int cylinder) {
  const auto reached = static_cast<uint8_t>(std::clamp(cylinder, 0, kLastCylinder));
  if (reached != drive.cylinder && drive.medium != nullptr) drive.changed = false;
  drive.cylinder = reached;
}

void I82077aa::end_seek(uint8_t st0) {
  seek_status_.push(static_cast<uint8_t>(st0 | (command_bytes_[1] & 7)));
  end_command();
  raise_interrupt();
}

// A drive that is not there never shows its track 0.
void I82077aa::recalibrate() {
  move_heads(selected(), 0);
  command_bytes_[1] &= 3;
  end_seek(selected().type != 0 ? kSeekEnd : kSeekEnd | kEquipmentCheck | kAbnormal);
}

void I82077aa::seek() {
  move_heads(selected(), command_bytes_[2]);
  end_seek(kSeekEnd);
}

void I82077aa::relative_seek() {
  const int distance = command_bytes_[2];
  const bool in = (command_bytes_[0] & kDirectionIn) != 0;
  move_heads(selected(), selected().cylinder + (in ? distance : -distance));
  end_seek(kSeekEnd);
}

// ---- Commands that look for sectors.

void I82077aa::read_data() { begin_sectors(Action::kRead, addressed()); }
void I82077aa::write_data() { begin_sectors(Action::kWrite, addressed()); }
void I82077aa::verify() { begin_sectors(Action::kVerify, addressed()); }

void I82077aa::read_track() {
  const auto head = static_cast<uint8_t>(command_bytes_[1] >> 2 & 1);
  begin_sectors(Action::kRead,
                {.cylinder = selected().cylinder, .head = head, .sector = 1, .size = kSize512});
}

void I82077aa::read_id() {
  begin(Action::kRead);
  if (!readable()) return finish(kAbnormal, kMissingAddressMark, 0);
  id_ = {.cylinder = selected().cylinder, .head = head_, .sector = 1, .size = kSize512};
  finish(0, 0, 0);
}

// What IDs the host wants does not matter: the track gets those of the image.
void I82077aa::format_track() {
  begin(Action::kFormat);
  id_ = {.cylinder = selected().cylinder, .head = head_, .sector = 1, .size = command_bytes_[2]};
  const uint8_t sectors = command_bytes_[3];
  const bool fits = readable() && sectors != 0 && sectors <= selected().format.sectors;
  if (!fits || id_.size != kSize512) return finish(kAbnormal, kMissingAddressMark, 0);
  if (!may_write()) return finish(kAbnormal, kNotWritable, 0);
  begin_moving(Moving::kFromHost, size_t{4} * sectors);
}

void I82077aa::begin(Action action) {
  action_ = action;
  head_ = command_bytes_[1] >> 2 & 1;
  terminal_count_ = false;
}

I82077aa::SectorId I82077aa::addressed() const {
  return {.cylinder = command_bytes_[2],
          .head = command_bytes_[3],
          .sector = command_bytes_[4],
          .size = command_bytes_[5]};
}

void I82077aa::begin_sectors(Action action, SectorId first) {
  begin(action);
  id_ = first;
  last_eot_ = command_bytes_[6];
  if ((configured_[0] & kImpliedSeek) != 0) move_heads(selected(), id_.cylinder);
  next_sector();
}

// Whether there is any ID under the head.
bool I82077aa::readable() {
  const Drive& drive = selected();
  const FloppyFormat& format = drive.format;
  constexpr uint8_t kRate300 = 1, kRate250 = 2;
  const bool rate =
      data_rate_ == format.data_rate || (format.data_rate == kRate250 && data_rate_ == kRate300);
  return drive.medium != nullptr && (command_bytes_[0] & kMfm) != 0 && rate &&
         drive.cylinder < format.cylinders && head_ < format.heads;
}

uint64_t I82077aa::sector_number() {
  const Drive& drive = selected();
  const uint64_t track = uint64_t{drive.cylinder} * drive.format.heads + head_;
  return track * drive.format.sectors + id_.sector - 1;
}

// Or the command has ended with the reason why it does not.
bool I82077aa::sector_exists() {
  const Drive& drive = selected();
  const auto fails = [this](uint8_t st1, uint8_t st2) {
    finish(kAbnormal, st1, st2);
    return false;
  };
  if (!readable()) return fails(kMissingAddressMark, 0);
  if (action_ == Action::kWrite && !may_write()) return fails(kNotWritable, 0);
  if (id_.cylinder != drive.cylinder) return fails(kNoData, kWrongCylinder);
  const bool there =
      id_.head == head_ && id_.size == kSize512 && id_.sector >= 1 && id_.sector <= drive.format.sectors;
  return there || fails(kNoData, 0);
}

bool I82077aa::may_write() { return !selected().medium->read_only(); }

void I82077aa::next_sector() {
  if (!sector_exists()) return;
  if (action_ == Action::kWrite) return begin_moving(Moving::kFromHost, kSector);
  selected().medium->read(sector_number(), std::span(buffer_).first(kSector),
                          await<&I82077aa::sector_read>());
}

void I82077aa::sector_read(BlockResult result) {
  if (result.error != BlockError::kNone) return finish(kAbnormal, kDataError, kDataErrorInData);
  if (action_ == Action::kVerify) return sector_done();
  begin_moving(Moving::kToHost, kSector);
}

// The diskette may be another one than when the data was asked for, or gone.
void I82077aa::all_moved() {
  if (action_ == Action::kRead) return sector_done();
  if (action_ == Action::kFormat) return write_track();
  if (!sector_exists()) return;
  selected().medium->write(sector_number(), std::span(buffer_).first(kSector),
                           await<&I82077aa::sector_written>());
}

void I82077aa::write_track() {
  if (!readable()) return finish(kAbnormal, kMissingAddressMark, 0);
  if (!may_write()) return finish(kAbnormal, kNotWritable, 0);
  const size_t track = selected().format.sectors * kSector;
  std::fill_n(buffer_.begin(), track, command_bytes_[5]);
  selected().medium->write(sector_number(), std::span(buffer_).first(track),
                           await<&I82077aa::track_formatted>());
}

void I82077aa::sector_written(BlockResult result) {
  if (result.error != BlockError::kNone) return finish(kAbnormal, kDataError, kDataErrorInData);
  sector_done();
}

void I82077aa::track_formatted(BlockResult result) {
  const bool good = result.error == BlockError::kNone;
  finish(good ? 0 : kAbnormal, good ? 0 : kDataError, 0);
}

// Without a terminal count the end of the cylinder is an error, but for VERIFY, which has no other end.
void I82077aa::sector_done() {
  const bool more = advance_id();
  if (terminal_count_ || (!more && action_ == Action::kVerify)) return finish(0, 0, 0);
  if (!more) return finish(kAbnormal, kEndOfCylinder, 0);
  next_sector();
}

// To the ID that follows; false behind the last that the command has named.
bool I82077aa::advance_id() {
  if (id_.sector != last_eot_) {
    ++id_.sector;
    return true;
  }
  id_.sector = 1;
  const bool other_side = (command_bytes_[0] & kMultiTrack) != 0;
  if (other_side) {
    id_.head ^= 1;
    head_ ^= 1;
  }
  if (other_side && head_ == 1) return true;
  ++id_.cylinder;
  return false;
}

void I82077aa::finish(uint8_t st0, uint8_t st1, uint8_t st2) {
  const auto where = static_cast<uint8_t>(head_ << 2 | (command_bytes_[1] & 3));
  respond({static_cast<uint8_t>(st0 | where), st1, st2, id_.cylinder, id_.head, id_.sector, id_.size});
  raise_interrupt();
}

}  // namespace ringdown
