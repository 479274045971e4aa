#pragma once
#include <cstdint>
#include <optional>

#include "vdevices/fixed_queue.h"

namespace ringdown {

// A PS/2 mouse with three buttons and, once a driver has asked for it, a wheel (IBM PS/2 technical reference,
// "Auxiliary device"; Microsoft's IntelliMouse protocol): stream, remote and wrap mode, every command.
//
// Answers are ready at once. Movement waits for the packet that the controller has room for, so that none is
// lost to a slow reader; the sample rate is stored and has no effect.
class Ps2Mouse {
 public:
  enum Button : uint8_t { kLeft = 1, kRight = 2, kMiddle = 4 };

  // What a person does: counts to the right and upwards, notches of the wheel towards the person, and the
  // buttons that are held from now on (Button bits).
  void move(int dx, int dy, int dz, uint8_t buttons);
  uint8_t buttons() const { return buttons_; }
  // Whether all that was done before has been packed, so that another change of the buttons will show.
  bool has_room() const { return !streaming() || !moved(); }

  // A byte from the controller.
  void write(uint8_t byte);
  bool has_output() const { return !replies_.empty() || !packet_.empty() || (streaming() && moved()); }
  // has_output() must be true.
  uint8_t take_output();
  void reset() { *this = {}; }

 private:
  enum class Mode : uint8_t { kStream, kRemote };

  void command(uint8_t byte);
  void parameter(uint8_t command, uint8_t byte);
  void set_defaults();
  void set_sample_rate(uint8_t rate);
  void answer_status();
  void answer_id();
  void pack(bool scaled);
  void clear_counts() { dx_ = dy_ = dz_ = 0; }
  bool streaming() const { return mode_ == Mode::kStream && reporting_ && !wrapping_; }
  bool moved() const { return dx_ != 0 || dy_ != 0 || dz_ != 0 || buttons_ != told_buttons_; }

  FixedQueue<uint8_t, 8> replies_;
  FixedQueue<uint8_t, 4> packet_;
  int dx_ = 0, dy_ = 0, dz_ = 0;  // not yet packed
  uint8_t buttons_ = 0, told_buttons_ = 0;
  uint8_t awaiting_parameter_of_ = 0;  // a command, or 0
  uint8_t last_sent_ = 0;
  Mode mode_ = Mode::kStream;
  bool wrapping_ = false, reporting_ = false, scaling_2_to_1_ = false, has_wheel_ = false;
  uint8_t sample_rate_ = 100;  // a second
  uint8_t resolution_ = 2;     // 2 to its power: counts a millimetre
  uint8_t rates_set_[2] = {};  // before sample_rate_, the latest last: some series of three ask for the wheel
};

}  // namespace ringdown
