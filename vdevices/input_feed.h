#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <variant>

#include "vdevices/clock.h"
#include "vdevices/i8042.h"

namespace ringdown {

// What a person does at the keyboard and the mouse, in its order and with pauses, at the speed at which the
// guest takes it. Of the vCPU thread.
class InputFeed : public TimedDevice {
 public:
  static constexpr size_t kMostSteps = 4096;  // what does not fit any more is lost

  // Neither is owned.
  InputFeed(const Clock& clock, I8042& controller);
  InputFeed(const InputFeed&) = delete;

  struct Key {
    uint16_t code;  // see Ps2Keyboard::key()
    bool pressed;
  };
  struct Pointer {
    int dx, dy, dz;                       // as Ps2Mouse::move() has them
    std::optional<uint8_t> buttons = {};  // as they were
  };
  struct Pause {
    Nanoseconds length;  // of the guest's time
  };
  using Step = std::variant<Key, Pointer, Pause>;

  void add(const Step& step);
  void advance() override;

 private:
  bool take(const Key& key);
  bool take(const Pointer& pointer);
  bool take(const Pause& pause);

  const Clock& clock_;
  I8042& controller_;
  std::deque<Step> steps_;
  std::optional<Nanoseconds> pause_end_;
};

}  // namespace ringdown
