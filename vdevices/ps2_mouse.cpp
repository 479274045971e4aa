#include "vdevices/ps2_mouse.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ringdown {
namespace {

enum Command : uint8_t {
  kSetScaling1To1 = 0xE6,
  kSetScaling2To1 = 0xE7,
  kSetResolution = 0xE8,
  kStatusRequest = 0xE9,
  kSetStreamMode = 0xEA,
  kReadData = 0xEB,
  kResetWrapMode = 0xEC,
  kSetWrapMode = 0xEE,
  kSetRemoteMode = 0xF0,
  kReadId = 0xF2,
  kSetSampleRate = 0xF3,
  kEnable = 0xF4,
  kDisable = 0xF5,
  kSetDefaults = 0xF6,
  kResend = 0xFE,
  kReset = 0xFF,
};
enum Reply : uint8_t { kAck = 0xFA, kNak = 0xFE, kError = 0xFC, kSelfTestPassed = 0xAA };
enum Id : uint8_t { kPlain = 0, kWithWheel = 3 };
enum PacketFlags : uint8_t { kAlwaysSet = 0x08, kXSign = 0x10, kYSign = 0x20 };
enum StatusFlags : uint8_t {
  kRemote = 0x40,
  kEnabled = 0x20,
  kScaling = 0x10,
  kLeft = 4,
  kMiddle = 2,
  kRight = 1
};

constexpr int kMostCounts = 255, kMostNotches = 7;
constexpr int kMostKept = 1 << 14;  // counts that wait for a packet
constexpr uint8_t kMostResolution = 3;
constexpr std::array<uint8_t, 7> kSampleRates{10, 20, 40, 60, 80, 100, 200};

void add(int& sum, int value) {
  sum = std::clamp(sum + std::clamp(value, -kMostKept, kMostKept), -kMostKept, kMostKept);
}

// Takes from `sum` what one packet can say.
int take(int& sum, int most) {
  const int taken = std::clamp(sum, -most, most);
  sum -= taken;
  return taken;
}

// Scaling 2:1, which slow movement is exempt from.
int scale(int counts) {
  constexpr std::array<int, 6> kSlow{0, 1, 1, 3, 6, 9};
  const int size = std::abs(counts);
  const int scaled = size < static_cast<int>(kSlow.size()) ? kSlow[size] : std::min(2 * size, kMostCounts);
  return counts < 0 ? -scaled : scaled;
}

}  // namespace

void Ps2Mouse::move(int dx, int dy, int dz, uint8_t buttons) {
  buttons_ = buttons & 7;
  if (mode_ == Mode::kStream && !reporting_) {
    told_buttons_ = buttons_;
    return;
  }
  add(dx_, dx);
  add(dy_, dy);
  add(dz_, dz);
}

uint8_t Ps2Mouse::take_output() {
  if (!replies_.empty()) return last_sent_ = replies_.pop();
  if (packet_.empty()) pack(scaling_2_to_1_);
  return last_sent_ = packet_.pop();
}

void Ps2Mouse::pack(bool scaled) {
  int x = take(dx_, kMostCounts), y = take(dy_, kMostCounts);
  if (scaled) x = scale(x), y = scale(y);
  told_buttons_ = buttons_;
  packet_.clear();
  packet_.push(static_cast<uint8_t>(kAlwaysSet | (x < 0 ? kXSign : 0) | (y < 0 ? kYSign : 0) | buttons_));
  packet_.push(static_cast<uint8_t>(x));
  packet_.push(static_cast<uint8_t>(y));
  const int z = take(dz_, kMostNotches);
  if (has_wheel_) packet_.push(static_cast<uint8_t>(z));
  if (!has_wheel_) dz_ = 0;
}

void Ps2Mouse::write(uint8_t byte) {
  replies_.clear();  // a command ends the answer to the last one, and the packet that is under way
  if (byte != kResend) packet_.clear();
  if (wrapping_ && byte != kReset && byte != kResetWrapMode) return replies_.push(byte);
  if (const uint8_t command = std::exchange(awaiting_parameter_of_, uint8_t{0}))
    return parameter(command, byte);
  command(byte);
}

void Ps2Mouse::parameter(uint8_t command, uint8_t byte) {
  const bool good = command == kSetResolution ? byte <= kMostResolution
                                              : std::ranges::find(kSampleRates, byte) != kSampleRates.end();
  if (!good) return replies_.push(kError);
  replies_.push(kAck);
  if (command == kSetResolution)
    resolution_ = byte;
  else
    set_sample_rate(byte);
}

// A driver that knows the wheel sets these rates one after another, which nobody does otherwise.
void Ps2Mouse::set_sample_rate(uint8_t rate) {
  if (rates_set_[0] == 200 && rates_set_[1] == 100 && rate == 80) has_wheel_ = true;
  rates_set_[0] = std::exchange(rates_set_[1], rate);
  sample_rate_ = rate;
}

void Ps2Mouse::set_defaults() {
  mode_ = Mode::kStream;
  reporting_ = scaling_2_to_1_ = false;
  sample_rate_ = 100;
  resolution_ = 2;
  clear_counts();
  told_buttons_ = buttons_;
}

void Ps2Mouse::answer_status() {
  const unsigned flags = (mode_ == Mode::kRemote ? kRemote : 0) | (reporting_ ? kEnabled : 0) |
                         (scaling_2_to_1_ ? kScaling : 0) |
                         (buttons_ & Button::kLeft ? StatusFlags::kLeft : 0) |
                         (buttons_ & Button::kMiddle ? StatusFlags::kMiddle : 0) |
                         (buttons_ & Button::kRight ? StatusFlags::kRight : 0);
  replies_.push(static_cast<uint8_t>(flags));
  replies_.push(resolution_);
  replies_.push(sample_rate_);
}

void Ps2Mouse::answer_id() { replies_.push(has_wheel_ ? kWithWheel : kPlain); }

void Ps2Mouse::command(uint8_t byte) {
  if (byte == kResend) return replies_.push(last_sent_);
  if (byte == kReset) {
    const uint8_t held = buttons_;
    reset();
    buttons_ = told_buttons_ = held;
  }
  replies_.push(kAck);
  switch (byte) {
    case kReset:
      replies_.push(kSelfTestPassed);
      return replies_.push(kPlain);
    case kSetScaling1To1:
    case kSetScaling2To1:
      scaling_2_to_1_ = byte == kSetScaling2To1;
      return;
    case kSetResolution:
    case kSetSampleRate:
      awaiting_parameter_of_ = byte;
      return;
    case kStatusRequest:
      return answer_status();
    case kReadId:
      return answer_id();
    case kReadData:
      return pack(false);
    case kSetStreamMode:
    case kSetRemoteMode:
      mode_ = byte == kSetRemoteMode ? Mode::kRemote : Mode::kStream;
      return clear_counts();
    case kSetWrapMode:
    case kResetWrapMode:
      wrapping_ = byte == kSetWrapMode;
      return clear_counts();
    case kEnable:
    case kDisable:
      reporting_ = byte == kEnable;
      told_buttons_ = buttons_;
      return clear_counts();
    case kSetDefaults:
      return set_defaults();
    default:
      replies_.clear();
      replies_.push(kNak);
  }
}

}  // namespace ringdown
