#include "display/display.h"

#include <algorithm>
#include <utility>

#include "host-driver/io_thread.h"

namespace ringdown {
namespace {

bool is_blank(Screen::Size size) {
  return size.width == 0 || size.height == 0 || size.width > Screen::kMaxWidth ||
         size.height > Screen::kMaxHeight;
}

bool same(const std::optional<Screen::Text>& a, const std::optional<Screen::Text>& b) {
  if (!a || !b) return !a && !b;
  return a->columns == b->columns && a->rows == b->rows && a->cursor == b->cursor && a->cells == b->cells;
}

}  // namespace

Display::Display(std::function<void()> request_attention)
    : request_attention_(std::move(request_attention)) {}

Display::~Display() {
  {
    Lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

// ---- The vCPU thread's side.

void Display::attach(Screen* screen) {
  screen_ = screen;
  Lock lock(mutex_);
  draw_all_ = true;
}

void Display::attend(InputFeed& input) {
  if (input_waiting_.load(std::memory_order_acquire)) {
    std::vector<InputFeed::Step> steps;
    {
      Lock lock(mutex_);
      steps.swap(input_);
      input_waiting_.store(false, std::memory_order_release);
    }
    for (const auto& step : steps) input.add(step);
  }
  if (!draw_due_.exchange(false, std::memory_order_acquire)) return;
  Lock lock(mutex_);
  draw(lock);
}

Picture Display::picture() {
  Lock lock(mutex_);
  draw(lock);
  return picture_;
}

// Sees to it that the picture is as large as the screen.
void Display::settle_size() {
  const Screen::Size size = screen_ ? screen_->size() : kBlank;
  if (size == picture_.size || is_blank(size)) return;
  picture_ = {.size = size, .pixels = std::vector<uint32_t>(size_t{size.width} * size.height)};
  row_versions_.assign(size.height, version_);
  draw_all_ = true;
}

void Display::draw(Lock&) {
  settle_size();
  const bool all = std::exchange(draw_all_, false);
  const Screen::Rows rows = screen_ && screen_->size() == picture_.size
                                ? screen_->draw(picture_.pixels, all)
                                : Screen::Rows{0, all ? picture_.size.height : 0};
  const uint32_t end = std::min(rows.end, picture_.size.height), first = std::min(rows.first, end);
  auto text = screen_ ? screen_->text() : std::nullopt;
  const bool text_changed = !same(text, text_);
  draws_without_change_++;
  if (first == end && !text_changed) return;
  draws_without_change_ = 0;
  version_++;
  std::fill(row_versions_.begin() + first, row_versions_.begin() + end, version_);
  if (text_changed) text_version_ = version_;
  text_ = std::move(text);
  notify_viewers();
}

void Display::notify_viewers() {
  for (const Viewer* viewer : viewers_) viewer->on_change_();
}

// ---- Any thread's.

void Display::add(const InputFeed::Step& step) {
  {
    Lock lock(mutex_);
    if (input_.size() == kMostInput) return;
    input_.push_back(step);
    input_waiting_.store(true, std::memory_order_release);
    draws_without_change_ = 0;  // what is typed shows soon
  }
  changed_.notify_one();
  request_attention_();
}

// ---- The thread that has the vCPU thread draw.

void Display::run() {
  block_signals_of_io_thread();
  Lock lock(mutex_);
  while (!stopping_) {
    if (viewers_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const bool quiet = draws_without_change_ >= kQuietDraws;
    const auto told = changed_.wait_for(lock, quiet ? kQuiet : kBusy);
    if (told == std::cv_status::no_timeout && quiet) continue;  // it may no longer be
    if (draw_due_.exchange(true, std::memory_order_release)) continue;
    lock.unlock();
    request_attention_();
    lock.lock();
  }
}

// ---- Viewers.

Viewer::Viewer(Display& display, std::function<void()> on_change)
    : display_(display), on_change_(std::move(on_change)) {
  {
    Display::Lock lock(display_.mutex_);
    display_.viewers_.push_back(this);
    display_.draws_without_change_ = 0;
    if (!display_.thread_.joinable()) display_.thread_ = std::thread([&display] { display.run(); });
  }
  display_.changed_.notify_one();
}

Viewer::~Viewer() {
  Display::Lock lock(display_.mutex_);
  std::erase(display_.viewers_, this);
}

Screen::Rows Viewer::update(Picture& picture) {
  Display::Lock lock(display_.mutex_);
  const Picture& now = display_.picture_;
  if (now.pixels.empty()) return {0, 0};  // nothing was drawn yet
  const uint64_t seen = std::exchange(seen_, display_.version_);
  if (picture.size != now.size) {
    picture = now;
    return {0, now.size.height};
  }
  Screen::Rows changed{now.size.height, 0};
  const size_t width = now.size.width;
  for (uint32_t row = 0; row < now.size.height; row++) {
    if (display_.row_versions_[row] <= seen) continue;
    std::copy_n(now.pixels.begin() + row * width, width, picture.pixels.begin() + row * width);
    changed = {std::min(changed.first, row), row + 1};
  }
  return changed.end == 0 ? Screen::Rows{0, 0} : changed;
}

std::optional<Screen::Text> Viewer::new_text() {
  Display::Lock lock(display_.mutex_);
  if (std::exchange(text_seen_, display_.text_version_) == display_.text_version_) return std::nullopt;
  return display_.text_.value_or(Screen::Text{});
}

}  // namespace ringdown
