#include "vdevices/input_feed.h"

namespace ringdown {

InputFeed::InputFeed(const Clock& clock, I8042& controller) : clock_(clock), controller_(controller) {
  controller_.on_room([this] { advance(); });
}

void InputFeed::add(const Step& step) {
  if (steps_.size() == kMostSteps) return;
  steps_.push_back(step);
  if (steps_.size() == 1) advance();
}

void InputFeed::advance() {
  set_next_event(kNever);
  while (!steps_.empty() && std::visit([this](const auto& step) { return take(step); }, steps_.front()))
    steps_.pop_front();
}

// Each: whether the step is done. The controller says when there is room again.
bool InputFeed::take(const Key& key) {
  if (controller_.keyboard().key_room() == 0) return false;
  controller_.key(key.code, key.pressed);
  return true;
}

bool InputFeed::take(const Pointer& pointer) {
  if (!controller_.mouse().has_room()) return false;
  controller_.move_mouse(pointer.dx, pointer.dy, pointer.dz,
                         pointer.buttons.value_or(controller_.mouse().buttons()));
  return true;
}

bool InputFeed::take(const Pause& pause) {
  const Nanoseconds now = clock_.now();
  if (!pause_end_) pause_end_ = now + pause.length;
  if (now < *pause_end_) {
    set_next_event(*pause_end_);
    return false;
  }
  pause_end_.reset();
  return true;
}

}  // namespace ringdown
