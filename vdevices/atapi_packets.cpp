// The packets of a CD-ROM drive, a function for each (MMC-2 clause 9; SFF-8020i clause 10).
#include <algorithm>
#include <utility>

#include "vdevices/atapi_cdrom.h"

namespace ringdown {
namespace {

constexpr uint8_t kNotReady = 2, kIllegalRequest = 5;  // sense keys
constexpr uint8_t kInvalidOpcode = 0x20, kInvalidField = 0x24;
constexpr uint8_t kLeadOut = 0xAA;                      // as a track
constexpr uint8_t kDataTrack = 0x14;                    // ADR 1, digital
constexpr uint32_t kLeadIn = 150;                       // frames before block 0
constexpr uint32_t kCdBlocks = 90 * 60 * 75 - kLeadIn;  // of the longest CD
constexpr uint16_t kSpeed = 50 * 176;                   // KB/s

}  // namespace

struct AtapiCdrom::Packet {
  uint8_t code;
  bool needs_disc;
  bool minds_attention;  // reports a unit attention instead
  void (AtapiCdrom::*run)();
};

const AtapiCdrom::Packet AtapiCdrom::kPackets[] = {
    {0x00, true, true, &AtapiCdrom::test_unit_ready},
    {0x03, false, false, &AtapiCdrom::request_sense},
    {0x12, false, false, &AtapiCdrom::inquiry},
    {0x1B, false, true, &AtapiCdrom::start_stop_unit},
    {0x1E, false, true, &AtapiCdrom::prevent_allow_medium_removal},
    {0x25, true, true, &AtapiCdrom::read_capacity},
    {0x28, true, true, &AtapiCdrom::read_10},
    {0x2B, true, true, &AtapiCdrom::seek},
    {0x43, true, true, &AtapiCdrom::read_toc},
    {0x46, false, false, &AtapiCdrom::get_configuration},
    {0x4A, false, false, &AtapiCdrom::get_event_status_notification},
    {0x51, true, true, &AtapiCdrom::read_disc_information},
    {0x5A, false, true, &AtapiCdrom::mode_sense},
    {0xA8, true, true, &AtapiCdrom::read_12},
    {0xBB, false, true, &AtapiCdrom::do_nothing},  // SET CD SPEED
    {0xBD, false, true, &AtapiCdrom::mechanism_status},
    {0xBE, true, true, &AtapiCdrom::read_cd},
};

void AtapiCdrom::run_packet() {
  const auto* packet = std::find_if(std::begin(kPackets), std::end(kPackets),
                                    [this](const Packet& p) { return p.code == cdb_[0]; });
  if (packet == std::end(kPackets)) return check_condition({kIllegalRequest, kInvalidOpcode});
  if (packet->minds_attention && unit_attention_.key != 0) {
    return check_condition(std::exchange(unit_attention_, {}));
  }
  if (packet->needs_disc && !ready()) return check_condition(not_ready());
  if (packet->run != &AtapiCdrom::request_sense) sense_ = {};
  (this->*packet->run)();
}

AtapiCdrom::Sense AtapiCdrom::not_ready() const {
  return {.key = kNotReady, .code = 0x3A, .qualifier = static_cast<uint8_t>(tray_open_ ? 2 : 1)};
}

bool AtapiCdrom::is_dvd() const { return blocks() > kCdBlocks; }

void AtapiCdrom::do_nothing() { succeed(); }
void AtapiCdrom::test_unit_ready() { succeed(); }

void AtapiCdrom::request_sense() {
  if (sense_.key == 0) sense_ = std::exchange(unit_attention_, {});
  AtapiReply bytes(18);
  bytes[0] = 0x70;
  bytes[2] = sense_.key;
  bytes[7] = 10;
  bytes[12] = sense_.code;
  bytes[13] = sense_.qualifier;
  sense_ = {};
  reply(bytes, cdb_[4]);
}

void AtapiCdrom::inquiry() {
  if ((cdb_[1] & 1) != 0) return check_condition({kIllegalRequest, kInvalidField});  // vital product data
  AtapiReply bytes{0x05, 0x80, 0x00, 0x21, 31, 0, 0, 0};  // CD-ROM, removable, ATAPI
  bytes.put_text("RINGDOWN", 8);
  bytes.put_text(identity_.model, 16);
  bytes.put_text(identity_.firmware, 4);
  reply(bytes, word(3));
}

void AtapiCdrom::start_stop_unit() {
  const bool power_condition = (cdb_[4] & 0xF0) != 0;
  const bool load_or_eject = (cdb_[4] & 0x02) != 0;
  const bool start = (cdb_[4] & 0x01) != 0;
  if (power_condition || !load_or_eject) return succeed();
  if (!start && locked_) return check_condition({kIllegalRequest, 0x53, 2});  // removal is prevented
  if (medium_ != nullptr && tray_open_ == start)
    media_event_ = start ? MediaEvent::kNew : MediaEvent::kRemoved;
  tray_open_ = !start;
  succeed();
}

void AtapiCdrom::prevent_allow_medium_removal() {
  locked_ = (cdb_[4] & 0x01) != 0;
  succeed();
}

void AtapiCdrom::read_capacity() {
  if (blocks() == 0) return check_condition(not_ready());
  AtapiReply bytes;
  bytes.put32(blocks() - 1);
  bytes.put32(kBlockBytes);
  reply(bytes, bytes.size());
}

// ---- Data.

void AtapiCdrom::read_10() { start_read(dword(2), word(7)); }
void AtapiCdrom::read_12() { start_read(dword(2), dword(6)); }

// User data or nothing: what surrounds it is not in an image.
void AtapiCdrom::read_cd() {
  const uint8_t parts = cdb_[9] & 0xF8;
  const uint32_t count = static_cast<uint32_t>(cdb_[6]) << 16 | word(7);
  if (parts == 0) return start_read(dword(2), 0);
  if (parts != 0x10) return check_condition({kIllegalRequest, kInvalidField});
  start_read(dword(2), count);
}

void AtapiCdrom::seek() {
  if (dword(2) >= blocks()) return check_condition({kIllegalRequest, 0x21});
  succeed();
}

// ---- What is on the disc.

// By minute, second and frame if the packet says so.
void AtapiCdrom::put_address(AtapiReply& bytes, uint32_t block) const {
  if ((cdb_[1] & 0x02) == 0) return bytes.put32(block);
  const uint32_t frame = block + kLeadIn;
  bytes.put32((frame / 75 / 60 & 0xFF) << 16 | frame / 75 % 60 << 8 | frame % 75);
}

// SFF-8020i has the format in the last byte.
void AtapiCdrom::read_toc() {
  const unsigned format = (cdb_[2] & 0x0F) != 0 ? cdb_[2] & 0x0Fu : cdb_[9] >> 6u;
  if (format == 0) return read_toc_tracks();
  if (format == 1) return read_toc_sessions();
  check_condition({kIllegalRequest, kInvalidField});
}

void AtapiCdrom::read_toc_tracks() {
  const uint8_t first = cdb_[6];
  if (first > 1 && first != kLeadOut) return check_condition({kIllegalRequest, kInvalidField});
  AtapiReply bytes{0, 0, 1, 1};  // tracks 1 to 1
  const auto put_track = [&](uint8_t number, uint32_t block) {
    bytes.put({0, kDataTrack, number, 0});
    put_address(bytes, block);
  };
  if (first <= 1) put_track(1, 0);
  put_track(kLeadOut, blocks());
  bytes.set_length16();
  reply(bytes, word(7));
}

void AtapiCdrom::read_toc_sessions() {
  AtapiReply bytes{0, 0, 1, 1, 0, kDataTrack, 1, 0};  // sessions 1 to 1; the last one's first track
  put_address(bytes, 0);
  bytes.set_length16();
  reply(bytes, word(7));
}

void AtapiCdrom::read_disc_information() {
  AtapiReply bytes(34);
  bytes[2] = 0x0E;                                // complete, and so is its last session
  bytes[3] = bytes[4] = bytes[5] = bytes[6] = 1;  // one session, one track
  bytes[7] = 0x20;                                // for unrestricted use
  bytes.set_length16();
  reply(bytes, word(7));
}

// ---- What the drive can do.

void AtapiCdrom::get_configuration() {
  constexpr uint8_t kPersistent = 0x02, kCurrent = 0x01;
  const uint16_t profile = !ready() ? 0 : is_dvd() ? 0x0010 : 0x0008;
  const unsigned first = word(2);
  const unsigned request = cdb_[1] & 3;  // all, current ones, the first alone
  if (request == 3) return check_condition({kIllegalRequest, kInvalidField});
  AtapiReply bytes(6);
  bytes.put16(profile);
  const auto put_feature = [&](unsigned code, unsigned flags, std::initializer_list<uint8_t> data) {
    const bool wanted =
        request == 2 ? code == first : code >= first && (request == 0 || (flags & kCurrent) != 0);
    if (!wanted) return;
    bytes.put16(code);
    bytes.put8(flags);
    bytes.put8(static_cast<unsigned>(data.size()));
    bytes.put(data);
  };
  const auto current_if = [](bool current) { return current ? unsigned{kCurrent} : 0; };
  const uint8_t dvd = current_if(profile == 0x0010), cd = current_if(profile == 0x0008);
  put_feature(0x0000, kPersistent | kCurrent, {0x00, 0x10, dvd, 0, 0x00, 0x08, cd, 0});  // profiles
  put_feature(0x0001, kPersistent | kCurrent, {0, 0, 0, 2});                             // core: ATAPI
  put_feature(0x0003, kPersistent | kCurrent, {0x29, 0, 0, 0});           // removable: tray, ejects, locks
  put_feature(0x0010, current_if(ready()), {0, 0, 0x08, 0, 0, 1, 0, 0});  // random reads, of 2048 bytes
  put_feature(0x001E, cd, {});
  put_feature(0x001F, dvd, {});
  bytes[3] = static_cast<uint8_t>(bytes.size() - 4);
  reply(bytes, word(7));
}

void AtapiCdrom::get_event_status_notification() {
  constexpr uint8_t kMediaClass = 4, kNoEventAvailable = 0x80;
  const bool polled = (cdb_[1] & 1) != 0;
  if (!polled) return check_condition({kIllegalRequest, kInvalidField});
  const bool media_wanted = (cdb_[4] & 1 << kMediaClass) != 0;
  AtapiReply bytes{0, 0, media_wanted ? kMediaClass : kNoEventAvailable, 1 << kMediaClass};
  if (media_wanted) {
    const unsigned state = (tray_open_ ? 1u : 0) | (ready() ? 2u : 0);
    bytes.put({static_cast<uint8_t>(media_event_), static_cast<uint8_t>(state), 0, 0});
    media_event_ = MediaEvent::kNone;
  }
  bytes.set_length16();
  reply(bytes, word(7));
}

void AtapiCdrom::mode_sense() {
  constexpr uint8_t kRecovery = 0x01, kCapabilities = 0x2A, kAll = 0x3F;
  const uint8_t page = cdb_[2] & 0x3F;
  const unsigned control = cdb_[2] >> 6;  // current, changeable, default, saved
  if (control == 3) return check_condition({kIllegalRequest, 0x39});
  if (page != kRecovery && page != kCapabilities && page != kAll) {
    return check_condition({kIllegalRequest, kInvalidField});
  }
  AtapiReply bytes(8);
  bytes[2] = ready() ? 0x01 : tray_open_ ? 0x71 : 0x70;  // a disc of data, 120 mm; or none
  // Nothing is changeable.
  const auto put_page = [&](uint8_t code, std::initializer_list<uint8_t> data) {
    bytes.put8(code);
    bytes.put8(static_cast<unsigned>(data.size()));
    for (const uint8_t byte : data) bytes.put8(control == 1 ? 0 : byte);
  };
  if (page != kCapabilities) put_page(kRecovery, {0, 5, 0, 0, 0, 0});  // five retries
  if (page != kRecovery) {
    const uint8_t mechanism = 0x29 | (locked_ ? 0x02 : 0);  // tray, ejects, locks
    constexpr uint8_t kHigh = kSpeed >> 8, kLow = kSpeed & 0xFF;
    constexpr uint8_t kBufferKilobytes = kBufferBytes / 1024;
    put_page(kCapabilities, {0x0B, 0, 0x70, 0, mechanism, 0, kHigh, kLow, 0, 0, 0, kBufferKilobytes, kHigh,
                             kLow, 0, 0, 0, 0});
  }
  bytes.set_length16();
  reply(bytes, word(7));
}

void AtapiCdrom::mechanism_status() {
  AtapiReply bytes(8);
  bytes[1] = tray_open_ ? 0x10 : 0;
  reply(bytes, word(8));
}

}  // namespace ringdown
