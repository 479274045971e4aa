#pragma once
#include <functional>
#include <utility>

namespace ringdown {

// One wire. The driver calls set(); whoever is at an other end is told of changes of level only.
class Line {
 public:
  Line() = default;
  explicit Line(std::function<void(bool)> on_change) : on_change_(std::move(on_change)) {}

  void set(bool level) {
    if (level == level_) return;
    level_ = level;
    if (on_change_) on_change_(level);
  }
  bool level() const { return level_; }

  // One more end, which is told after those before.
  void connect(std::function<void(bool)> end) {
    on_change_ = [before = std::move(on_change_), end = std::move(end)](bool level) {
      if (before) before(level);
      end(level);
    };
  }

 private:
  bool level_ = false;
  std::function<void(bool)> on_change_;
};

}  // namespace ringdown
