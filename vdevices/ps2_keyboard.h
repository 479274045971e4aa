#pragma once
#include <cstddef>
#include <cstdint>

#include "vdevices/fixed_queue.h"

namespace ringdown {

// A PS/2 keyboard (IBM PS/2 technical reference, "Keyboard"): scan code sets 2 (default) and 1, no set 3.
// Answers are ready at once and go before scan codes, as the host's command interrupts the keyboard.
// There is no typematic repeat: whoever injects keys repeats them.
class Ps2Keyboard {
 public:
  // The codes of Pause and of Ctrl+Pause (Break) start with the prefix E1h in every set.
  static constexpr uint16_t kPause = 0xE11D;

  // `key` names the key by its set 1 make code: 01h-7Fh, E001h-E07Fh for keys with the E0h prefix, or kPause.
  // Anything else is ignored. A key that finds no room is lost and leaves one overrun code.
  void key(uint16_t key, bool pressed);
  // How many more key() calls are sure to find room.
  size_t key_room() const;

  // A byte from the controller.
  void write(uint8_t byte);
  bool has_output() const { return !replies_.empty() || !codes_.empty(); }
  // has_output() must be true.
  uint8_t take_output();

  // Bits: 0 scroll lock, 1 num lock, 2 caps lock.
  uint8_t leds() const { return leds_; }
  bool scanning() const { return scanning_; }
  void reset() { *this = {}; }

 private:
  static constexpr size_t kBuffer = 16;
  static constexpr size_t kLongestSequence = 8;  // Pause

  void command(uint8_t byte);
  bool parameter(uint8_t byte);
  void defaults();
  void queue(const uint8_t* codes, size_t count);
  void queue_pause();
  void acknowledge();

  FixedQueue<uint8_t, kBuffer + 1> codes_;  // the last place is for the overrun code
  FixedQueue<uint8_t, 8> replies_;
  uint8_t awaiting_parameter_of_ = 0;  // a command, or 0
  uint8_t last_sent_ = 0;
  uint8_t scan_code_set_ = 2;
  uint8_t leds_ = 0;
  bool scanning_ = true;
};

// The 8042's translation of a set 2 code into set 1; F0h, the break prefix, is not for this table.
uint8_t set1_from_set2(uint8_t code);
// The inverse for set 1 make codes 01h-7Fh; 0 if no key has that code.
uint8_t set2_from_set1(uint8_t code);

}  // namespace ringdown
