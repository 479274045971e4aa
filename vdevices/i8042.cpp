#include "vdevices/i8042.h"

#include <utility>

namespace ringdown {
namespace {

enum Status : uint8_t {
  kOutputFull = 0x01,
  kSystemFlag = 0x04,
  kLastWasCommand = 0x08,
  kNotInhibited = 0x10,
  kAuxiliaryData = 0x20,
};
enum Config : uint8_t {
  kKeyboardInterrupt = 0x01,
  kAuxiliaryInterrupt = 0x02,
  kConfigSystemFlag = 0x04,
  kKeyboardDisabled = 0x10,
  kAuxiliaryDisabled = 0x20,
  kTranslate = 0x40,
};
constexpr uint8_t kConfigAfterPost = kKeyboardInterrupt | kConfigSystemFlag | kAuxiliaryDisabled | kTranslate;

enum Command : uint8_t {
  kReadRam = 0x20,   // 20h-3Fh
  kWriteRam = 0x60,  // 60h-7Fh
  kTestPassword = 0xA4,
  kDisableAuxiliary = 0xA7,
  kEnableAuxiliary = 0xA8,
  kTestAuxiliary = 0xA9,
  kSelfTest = 0xAA,
  kTestKeyboard = 0xAB,
  kDisableKeyboard = 0xAD,
  kEnableKeyboard = 0xAE,
  kReadInputPort = 0xC0,
  kReadOutputPort = 0xD0,
  kWriteOutputPort = 0xD1,
  kWriteKeyboardOutput = 0xD2,
  kWriteAuxiliaryOutput = 0xD3,
  kWriteAuxiliary = 0xD4,
  kDisableA20 = 0xDD,
  kEnableA20 = 0xDF,
  kReadTestInputs = 0xE0,
  kPulseOutputs = 0xF0,  // F0h-FFh
};
constexpr uint8_t kSelfTestPassed = 0x55;
constexpr uint8_t kInterfaceOk = 0x00;
constexpr uint8_t kNoPassword = 0xF1;
constexpr uint8_t kInputPort = 0x80;  // keyboard not locked

enum OutputPort : uint8_t { kNotReset = 0x01, kA20 = 0x02, kIrq1 = 0x10, kIrq12 = 0x20, kUndriven = 0xC0 };

constexpr uint8_t kBreakPrefix = 0xF0;

}  // namespace

I8042::I8042(Outputs outputs) : outputs_(std::move(outputs)) { ram_[0] = kConfigAfterPost; }

void I8042::reset() {
  keyboard_.reset();
  mouse_.reset();
  replies_.clear();
  ram_ = {};
  ram_[0] = kConfigAfterPost;
  output_full_ = break_prefix_seen_ = false;
  last_write_was_command_ = system_flag_ = true;
  awaiting_data_of_ = 0;
  outputs_.a20.set(true);
  update_irqs();
}

void I8042::key(uint16_t key, bool pressed) {
  keyboard_.key(key, pressed);
  refill();
}

void I8042::move_mouse(int dx, int dy, int dz, uint8_t buttons) {
  mouse_.move(dx, dy, dz, buttons);
  refill();
}

uint32_t I8042::read_status() {
  unsigned status = kNotInhibited;
  if (output_full_) status |= kOutputFull;
  if (system_flag_) status |= kSystemFlag;
  if (last_write_was_command_) status |= kLastWasCommand;
  if (output_full_ && output_.source != Source::kKeyboard) status |= kAuxiliaryData;
  return status;
}

uint32_t I8042::read_data() {
  const uint8_t byte = output_.byte;
  output_full_ = false;
  update_irqs();  // falls here and rises again with the next byte
  refill();
  tell_of_room();
  return byte;
}

void I8042::reply(uint8_t byte, Source source) {
  replies_.push({byte, source});
  refill();
}

// Moves the next byte into the output buffer once the host has taken the last one.
void I8042::refill() {
  if (!output_full_ && !replies_.empty()) {
    output_ = replies_.pop();
    output_full_ = true;
  }
  while (!output_full_ && keyboard_.has_output() && (ram_[0] & kKeyboardDisabled) == 0) {
    const uint8_t byte = translate_from_keyboard(output_full_);
    if (output_full_) output_ = {byte, Source::kKeyboard};
  }
  if (!output_full_ && mouse_.has_output() && (ram_[0] & kAuxiliaryDisabled) == 0) {
    output_ = {mouse_.take_output(), Source::kAuxiliary};
    output_full_ = true;
  }
  update_irqs();
}

// `complete` becomes false if the byte was a prefix that translation swallows.
uint8_t I8042::translate_from_keyboard(bool& complete) {
  const uint8_t code = keyboard_.take_output();
  complete = true;
  if ((ram_[0] & kTranslate) == 0) return code;
  if (code == kBreakPrefix) {
    break_prefix_seen_ = true;
    complete = false;
    return code;
  }
  const uint8_t set1 = set1_from_set2(code);
  return std::exchange(break_prefix_seen_, false) ? set1 | 0x80 : set1;
}

void I8042::update_irqs() {
  const bool from_keyboard = output_.source == Source::kKeyboard;
  outputs_.irq1.set(output_full_ && from_keyboard && (ram_[0] & kKeyboardInterrupt) != 0);
  outputs_.irq12.set(output_full_ && !from_keyboard && (ram_[0] & kAuxiliaryInterrupt) != 0);
}

void I8042::write_data(uint8_t value) {
  last_write_was_command_ = false;
  const uint8_t command = std::exchange(awaiting_data_of_, uint8_t{0});
  if ((command & 0xE0) == kWriteRam) {
    if (command == kWriteRam) return set_config(value);
    ram_[command & 0x1F] = value;
    return;
  }
  switch (command) {
    case kWriteOutputPort:
      return write_output_port(value);
    case kWriteKeyboardOutput:
      return reply(value);
    case kWriteAuxiliaryOutput:
      return reply(value, Source::kAuxiliary);
    case kWriteAuxiliary:
      return send_to_mouse(value);
    default:
      return send_to_keyboard(value);
  }
}

void I8042::send_to_keyboard(uint8_t value) {
  ram_[0] &= ~kKeyboardDisabled;  // sending needs the clock line
  break_prefix_seen_ = false;
  keyboard_.write(value);
  refill();
  tell_of_room();
}

void I8042::send_to_mouse(uint8_t value) {
  ram_[0] &= ~kAuxiliaryDisabled;
  mouse_.write(value);
  refill();
  tell_of_room();
}

void I8042::write_command(uint8_t value) {
  last_write_was_command_ = true;
  awaiting_data_of_ = 0;
  if ((value & 0xE0) == kReadRam) return reply(ram_[value & 0x1F]);
  if (value >= kPulseOutputs) {
    if ((value & kNotReset) == 0 && outputs_.reset) outputs_.reset();
    return;
  }
  run_command(value);
}

void I8042::run_command(uint8_t command) {
  const uint8_t config = ram_[0];
  switch (command) {
    case kTestPassword:
      return reply(kNoPassword);
    case kDisableAuxiliary:
      return set_config(config | kAuxiliaryDisabled);
    case kEnableAuxiliary:
      return set_config(config & ~kAuxiliaryDisabled);
    case kTestAuxiliary:
    case kTestKeyboard:
      return reply(kInterfaceOk);
    case kSelfTest:
      system_flag_ = true;
      return reply(kSelfTestPassed);
    case kDisableKeyboard:
      return set_config(config | kKeyboardDisabled);
    case kEnableKeyboard:
      return set_config(config & ~kKeyboardDisabled);
    case kReadInputPort:
      return reply(kInputPort);
    case kReadOutputPort:
      return reply(output_port());
    case kDisableA20:
      return outputs_.a20.set(false);
    case kEnableA20:
      return outputs_.a20.set(true);
    case kReadTestInputs:
      return reply(0);
    case kWriteOutputPort:
    case kWriteKeyboardOutput:
    case kWriteAuxiliaryOutput:
    case kWriteAuxiliary:
      awaiting_data_of_ = command;
      return;
    default:
      if ((command & 0xE0) == kWriteRam) awaiting_data_of_ = command;
      return;
  }
}

void I8042::set_config(uint8_t value) {
  ram_[0] = value;
  system_flag_ = (value & kConfigSystemFlag) != 0;
  refill();
}

void I8042::write_output_port(uint8_t value) {
  outputs_.a20.set((value & kA20) != 0);
  if ((value & kNotReset) == 0 && outputs_.reset) outputs_.reset();
}

uint8_t I8042::output_port() const {
  return static_cast<uint8_t>(kUndriven | kNotReset | (outputs_.a20.level() ? kA20 : 0) |
                              (outputs_.irq1.level() ? kIrq1 : 0) | (outputs_.irq12.level() ? kIrq12 : 0));
}

}  // namespace ringdown
