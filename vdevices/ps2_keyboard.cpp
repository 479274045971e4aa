#include "vdevices/ps2_keyboard.h"

namespace ringdown {
namespace {

enum Command : uint8_t {
  kSetLeds = 0xED,
  kEcho = 0xEE,
  kScanCodeSet = 0xF0,
  kReadId = 0xF2,
  kTypematic = 0xF3,
  kEnable = 0xF4,
  kDefaultDisable = 0xF5,
  kSetDefault = 0xF6,
  kSetAllFirst = 0xF7,  // F7h-FAh set all keys' types, FBh-FDh one key's: for set 3 only
  kSetKeyFirst = 0xFB,
  kSetKeyLast = 0xFD,
  kResend = 0xFE,
  kReset = 0xFF,
};
enum Reply : uint8_t { kAck = 0xFA, kNak = 0xFE, kSelfTestPassed = 0xAA };
constexpr uint8_t kId[2] = {0xAB, 0x83};
constexpr uint8_t kExtended = 0xE0;
constexpr uint8_t kBreakPrefix = 0xF0;
constexpr uint8_t kSet1Break = 0x80;

// Codes 00h-7Fh; 83h (F7) and 84h (SysRq) are the only others that translation changes.
constexpr uint8_t kSet1FromSet2[128] = {
    0xFF, 0x43, 0x41, 0x3F, 0x3D, 0x3B, 0x3C, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3E, 0x0F, 0x29, 0x59,  //
    0x65, 0x38, 0x2A, 0x70, 0x1D, 0x10, 0x02, 0x5A, 0x66, 0x71, 0x2C, 0x1F, 0x1E, 0x11, 0x03, 0x5B,  //
    0x67, 0x2E, 0x2D, 0x20, 0x12, 0x05, 0x04, 0x5C, 0x68, 0x39, 0x2F, 0x21, 0x14, 0x13, 0x06, 0x5D,  //
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5E, 0x6A, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5F,  //
    0x6B, 0x33, 0x25, 0x17, 0x18, 0x0B, 0x0A, 0x60, 0x6C, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0C, 0x61,  //
    0x6D, 0x73, 0x28, 0x74, 0x1A, 0x0D, 0x62, 0x6E, 0x3A, 0x36, 0x1C, 0x1B, 0x75, 0x2B, 0x63, 0x76,  //
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7A, 0x0E, 0x7B, 0x7C, 0x4F, 0x7D, 0x4B, 0x47, 0x7E, 0x7F, 0x6F,  //
    0x52, 0x53, 0x50, 0x4C, 0x4D, 0x48, 0x01, 0x45, 0x57, 0x4E, 0x51, 0x4A, 0x37, 0x49, 0x46, 0x54,
};
constexpr uint8_t kF7 = 0x83, kF7Set1 = 0x41;
constexpr uint8_t kSysRq = 0x84, kSysRqSet1 = 0x54;

}  // namespace

uint8_t set1_from_set2(uint8_t code) {
  if (code < 128) return kSet1FromSet2[code];
  if (code == kF7) return kF7Set1;
  return code == kSysRq ? kSysRqSet1 : code;
}

uint8_t set2_from_set1(uint8_t code) {
  if (code == kF7Set1) return kF7;
  if (code == kSysRqSet1) return kSysRq;
  for (unsigned i = 1; i < 128; ++i) {
    if (kSet1FromSet2[i] == code) return static_cast<uint8_t>(i);
  }
  return 0;
}

size_t Ps2Keyboard::key_room() const {
  const size_t used = codes_.size() < kBuffer ? codes_.size() : kBuffer;
  return (kBuffer - used) / kLongestSequence;
}

void Ps2Keyboard::key(uint16_t key, bool pressed) {
  if (!scanning_) return;
  if (key == kPause) {
    if (pressed) queue_pause();  // Pause has no break code
    return;
  }
  const auto make = static_cast<uint8_t>(key & 0xFF);
  const unsigned prefix = key >> 8;
  const uint8_t set2 = set2_from_set1(make);
  if (make == 0 || make >= kSet1Break || set2 == 0 || (prefix != 0 && prefix != kExtended)) return;
  uint8_t sequence[3];
  size_t count = 0;
  if (prefix != 0) sequence[count++] = kExtended;
  if (scan_code_set_ == 2 && !pressed) sequence[count++] = kBreakPrefix;
  sequence[count++] = scan_code_set_ == 2 ? set2 : static_cast<uint8_t>(pressed ? make : make | kSet1Break);
  queue(sequence, count);
}

void Ps2Keyboard::queue_pause() {
  static constexpr uint8_t kSet1[] = {0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5};
  static constexpr uint8_t kSet2[] = {0xE1, 0x14, 0x77, 0xE1, 0xF0, 0x14, 0xF0, 0x77};
  if (scan_code_set_ == 2) {
    queue(kSet2, sizeof kSet2);
  } else {
    queue(kSet1, sizeof kSet1);
  }
}

void Ps2Keyboard::queue(const uint8_t* codes, size_t count) {
  if (codes_.size() + count > kBuffer) {
    const uint8_t overrun = scan_code_set_ == 2 ? 0x00 : 0xFF;
    if (codes_.empty() || codes_[codes_.size() - 1] != overrun) codes_.push(overrun);
    return;
  }
  for (size_t i = 0; i < count; ++i) codes_.push(codes[i]);
}

uint8_t Ps2Keyboard::take_output() {
  last_sent_ = replies_.empty() ? codes_.pop() : replies_.pop();
  return last_sent_;
}

void Ps2Keyboard::acknowledge() { replies_.push(kAck); }

void Ps2Keyboard::write(uint8_t byte) {
  replies_.clear();  // a new command ends the answer to the last one
  if (awaiting_parameter_of_ != 0 && parameter(byte)) return;
  awaiting_parameter_of_ = 0;
  command(byte);
}

// Returns false if the byte is a command instead.
bool Ps2Keyboard::parameter(uint8_t byte) {
  if (byte >= kSetLeds) return false;
  const uint8_t command = awaiting_parameter_of_;
  awaiting_parameter_of_ = 0;
  if (command == kScanCodeSet && byte > 2) {
    replies_.push(kNak);
    return true;
  }
  acknowledge();
  if (command == kSetLeds) leds_ = byte & 7;
  if (command != kScanCodeSet) return true;
  if (byte == 0) {
    replies_.push(scan_code_set_);
  } else {
    scan_code_set_ = byte;
    codes_.clear();
  }
  return true;
}

void Ps2Keyboard::defaults() {
  codes_.clear();
  scan_code_set_ = 2;
}

void Ps2Keyboard::command(uint8_t byte) {
  switch (byte) {
    case kSetLeds:
    case kScanCodeSet:
    case kTypematic:
      awaiting_parameter_of_ = byte;
      return acknowledge();
    case kEcho:
      return replies_.push(kEcho);
    case kReadId:
      acknowledge();
      replies_.push(kId[0]);
      return replies_.push(kId[1]);
    case kEnable:
      codes_.clear();
      scanning_ = true;
      return acknowledge();
    case kDefaultDisable:
    case kSetDefault:
      defaults();
      scanning_ = byte == kSetDefault;
      return acknowledge();
    case kResend:
      return replies_.push(last_sent_);
    case kReset:
      reset();
      acknowledge();
      return replies_.push(kSelfTestPassed);
    default:
      break;
  }
  if (byte >= kSetKeyFirst && byte <= kSetKeyLast) awaiting_parameter_of_ = byte;
  if (byte >= kSetAllFirst && byte <= kSetKeyLast) return acknowledge();
  replies_.push(kNak);
}

}  // namespace ringdown
