#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "display/picture.h"
#include "vdevices/input_feed.h"
#include "vdevices/screen.h"

namespace ringdown {

// Between the machine, which belongs to the vCPU thread, and the people who look at it and type, whose front
// ends have threads of their own. The vCPU thread draws into one picture, from which each viewer copies the
// rows that have changed; what viewers do waits in a queue for the vCPU thread.
//
// While somebody looks, a thread has the vCPU thread draw: kBusy apart, and kQuiet apart when nothing has
// changed for a while. There is no such thread before somebody does, and it sleeps when nobody does any more.
class Display {
 public:
  static constexpr std::chrono::milliseconds kBusy{33}, kQuiet{250};
  static constexpr unsigned kQuietDraws = 30;      // so many that found no change
  static constexpr size_t kMostInput = 1024;       // steps that wait; what comes then is lost
  static constexpr Screen::Size kBlank{640, 480};  // what there is to see without a screen

  // `request_attention` is called by any thread: the vCPU thread is to call attend() soon.
  explicit Display(std::function<void()> request_attention);
  ~Display();
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  // ---- Of the vCPU thread.
  // Not owned; null for none.
  void attach(Screen* screen);
  // Draws, if that is due, and hands over what was typed.
  void attend(InputFeed& input);
  // What the screen shows now.
  Picture picture();

  // ---- Of any thread.
  void add(const InputFeed::Step& step);

 private:
  friend class Viewer;
  using Lock = std::unique_lock<std::mutex>;

  void run();
  void draw(Lock&);
  void settle_size();
  void notify_viewers();

  const std::function<void()> request_attention_;
  Screen* screen_ = nullptr;  // of the vCPU thread
  std::atomic<bool> draw_due_{false}, input_waiting_{false};

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  Picture picture_;
  uint64_t version_ = 1;                // of the picture; counts its changes
  std::vector<uint64_t> row_versions_;  // in which version a row changed last
  std::optional<Screen::Text> text_;
  uint64_t text_version_ = 1;
  bool draw_all_ = true;
  unsigned draws_without_change_ = 0;
  std::vector<class Viewer*> viewers_;
  std::vector<InputFeed::Step> input_;
  bool stopping_ = false;

  std::thread thread_;  // from the first viewer on; last: it uses all of the above
};

// Somebody who looks, for as long as this lives. Of one thread.
class Viewer {
 public:
  // `on_change` is called on the vCPU thread: there is something new to be seen. It must not call back.
  Viewer(Display& display, std::function<void()> on_change);
  ~Viewer();
  Viewer(const Viewer&) = delete;
  Viewer& operator=(const Viewer&) = delete;

  // Brings `picture` up to date, which is what the last call left, or empty at first. Rows that have changed;
  // all of them if the size has.
  Screen::Rows update(Picture& picture);
  // What a text mode shows, if that has changed; an empty one for a graphics mode.
  std::optional<Screen::Text> new_text();

 private:
  friend class Display;

  Display& display_;
  const std::function<void()> on_change_;
  uint64_t seen_ = 0, text_seen_ = 0;
};

}  // namespace ringdown
