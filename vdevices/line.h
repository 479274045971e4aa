#pragma once
#include <functional>
#include <utility>

namespace ringdown {

// One wire. The driver calls set(); whoever is at the other end is told of changes of level only.
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

 private:
  bool level_ = false;
  std::function<void(bool)> on_change_;
};

}  // namespace ringdown
