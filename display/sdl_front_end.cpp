#include "display/sdl_front_end.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <set>
#include <thread>

#include "display/sdl_library.h"
#include "host-driver/io_thread.h"
#include "vdevices/ps2_keyboard.h"

namespace ringdown {
namespace {

// By SDL's scan codes, which are USB's (HID usage tables, keyboard page), from 4 on. 0: no key of ours.
constexpr auto kKeys = std::to_array<uint16_t>({
    0x1E,   0x30,   0x2E,
    0x20,   0x12,   0x21,
    0x22,   0x23,   0x17,
    0x24,   0x25,   0x26,
    0x32,  // A to M
    0x31,   0x18,   0x19,
    0x10,   0x13,   0x1F,
    0x14,   0x16,   0x2F,
    0x11,   0x2D,   0x15,
    0x2C,  // N to Z
    0x02,   0x03,   0x04,
    0x05,   0x06,   0x07,
    0x08,   0x09,   0x0A,
    0x0B,  // 1 to 0
    0x1C,   0x01,   0x0E,
    0x0F,   0x39,   0x0C,
    0x0D,   0x1A,   0x1B,
    0x2B,   0x2B,   0x27,
    0x28,   0x29,  // Return to `
    0x33,   0x34,   0x35,
    0x3A,  // , . / Caps Lock
    0x3B,   0x3C,   0x3D,
    0x3E,   0x3F,   0x40,
    0x41,   0x42,   0x43,
    0x44,   0x57,   0x58,                 // F1 to F12
    0xE037, 0x46,   Ps2Keyboard::kPause,  // Print to Pause
    0xE052, 0xE047, 0xE049,
    0xE053, 0xE04F, 0xE051,
    0xE04D, 0xE04B, 0xE050,
    0xE048,  // Insert to Up
    0x45,   0xE035, 0x37,
    0x4A,   0x4E,   0xE01C,  // Num Lock to Enter
    0x4F,   0x50,   0x51,
    0x4B,   0x4C,   0x4D,
    0x47,   0x48,   0x49,
    0x52,   0x53,   0x56,
    0xE05D,  // keypad, <, Menu
});
constexpr unsigned kFirstKey = 4, kFirstModifier = 0xE0;
constexpr auto kModifiers = std::to_array<uint16_t>({0x1D, 0x2A, 0x38, 0xE05B, 0xE01D, 0x36, 0xE038, 0xE05C});

uint16_t key_of_scancode(unsigned code) {
  if (code - kFirstKey < kKeys.size()) return kKeys[code - kFirstKey];
  return code - kFirstModifier < kModifiers.size() ? kModifiers[code - kFirstModifier] : uint16_t{0};
}

class SdlFrontEnd final : public FrontEnd {
 public:
  SdlFrontEnd(const SdlLibrary& sdl, Display& display, const std::string& name, std::function<void()> on_quit)
      : sdl_(sdl), display_(display), name_(name), on_quit_(std::move(on_quit)) {}
  ~SdlFrontEnd() override;
  // What is wrong, if anything; then this is to go.
  std::string start();

 private:
  void run(std::promise<std::string> started);
  bool open();
  void close();
  void wake();
  void show();
  void resize();
  void present();
  void handle(const SDL_Event& event);
  void press(const SDL_KeyboardEvent& event);
  void release_keys();
  void move(int dx, int dy, int notches);
  void click(const SDL_MouseButtonEvent& event);
  void grab(bool on);

  const SdlLibrary& sdl_;
  Display& display_;
  const std::string name_;
  const std::function<void()> on_quit_;
  // All of the thread's but for what is atomic.
  SDL_Window* window_ = nullptr;
  SDL_Renderer* renderer_ = nullptr;
  SDL_Texture* texture_ = nullptr;
  std::atomic<uint32_t> wake_event_{0};
  std::atomic<bool> woken_{false}, stopping_{false};
  std::optional<Viewer> viewer_;
  Picture picture_;
  std::set<uint16_t> held_;
  uint8_t buttons_ = 0;
  bool grabbed_ = false;
  std::thread thread_;
};

std::string SdlFrontEnd::start() {
  std::promise<std::string> started;
  auto outcome = started.get_future();
  thread_ = std::thread([this, started = std::move(started)]() mutable { run(std::move(started)); });
  return outcome.get();
}

SdlFrontEnd::~SdlFrontEnd() {
  stopping_ = true;
  if (wake_event_ != 0) wake();
  if (thread_.joinable()) thread_.join();
}

void SdlFrontEnd::run(std::promise<std::string> started) {
  block_signals_of_io_thread();
  const bool opened = open();
  started.set_value(opened ? "" : sdl_.GetError());
  if (opened) {
    viewer_.emplace(display_, [this] { wake(); });
    SDL_Event event;
    while (!stopping_ && sdl_.WaitEvent(&event)) {
      if (event.type == wake_event_)
        show();
      else
        handle(event);
    }
    viewer_.reset();
  }
  close();
}

bool SdlFrontEnd::open() {
  sdl_.SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
  sdl_.SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
  if (sdl_.Init(SDL_INIT_VIDEO) != 0) return false;
  wake_event_ = sdl_.RegisterEvents(1);
  const auto [width, height] = Display::kBlank;
  window_ = sdl_.CreateWindow(name_.c_str(), SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED,
                              static_cast<int>(width), static_cast<int>(height), 0);
  if (window_) renderer_ = sdl_.CreateRenderer(window_, -1, 0);
  return renderer_ != nullptr;
}

void SdlFrontEnd::close() {
  if (texture_) sdl_.DestroyTexture(texture_);
  if (renderer_) sdl_.DestroyRenderer(renderer_);
  if (window_) sdl_.DestroyWindow(window_);
  sdl_.Quit();
}

// Any thread. One event at a time is enough.
void SdlFrontEnd::wake() {
  if (woken_.exchange(true)) return;
  SDL_Event event{};
  event.type = wake_event_;
  sdl_.PushEvent(&event);
}

// ---- The picture.

void SdlFrontEnd::show() {
  woken_ = false;
  const Screen::Size before = picture_.size;
  const Screen::Rows rows = viewer_->update(picture_);
  if (picture_.size != before) resize();
  if (!texture_ || rows.first == rows.end) return;
  const auto width = static_cast<int>(picture_.size.width);
  const SDL_Rect changed{0, static_cast<int>(rows.first), width, static_cast<int>(rows.end - rows.first)};
  sdl_.UpdateTexture(texture_, &changed, picture_.pixels.data() + size_t{rows.first} * picture_.size.width,
                     width * static_cast<int>(sizeof(uint32_t)));
  present();
}

void SdlFrontEnd::resize() {
  const auto width = static_cast<int>(picture_.size.width), height = static_cast<int>(picture_.size.height);
  if (texture_) sdl_.DestroyTexture(texture_);
  texture_ =
      sdl_.CreateTexture(renderer_, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STREAMING, width, height);
  sdl_.SetWindowSize(window_, width, height);
}

void SdlFrontEnd::present() {
  sdl_.RenderClear(renderer_);
  if (texture_) sdl_.RenderCopy(renderer_, texture_, nullptr, nullptr);
  sdl_.RenderPresent(renderer_);
}

// ---- What the person does.

void SdlFrontEnd::handle(const SDL_Event& event) {
  switch (event.type) {
    case SDL_QUIT:
      return on_quit_();
    case SDL_WINDOWEVENT:
      if (event.window.event == SDL_WINDOWEVENT_EXPOSED) present();
      if (event.window.event == SDL_WINDOWEVENT_FOCUS_LOST) release_keys();
      return;
    case SDL_KEYDOWN:
    case SDL_KEYUP:
      return press(event.key);
    case SDL_MOUSEMOTION:
      if (grabbed_) move(event.motion.xrel, event.motion.yrel, 0);
      return;
    case SDL_MOUSEWHEEL:
      if (grabbed_) move(0, 0, -event.wheel.y);
      return;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
      return click(event.button);
    default:
      return;
  }
}

void SdlFrontEnd::press(const SDL_KeyboardEvent& event) {
  const bool down = event.type == SDL_KEYDOWN;
  const auto modifiers = sdl_.GetModState();
  if (down && event.keysym.scancode == SDL_SCANCODE_G && (modifiers & KMOD_CTRL) && (modifiers & KMOD_ALT)) {
    release_keys();
    if (!event.repeat) grab(!grabbed_);
    return;
  }
  const uint16_t key = key_of_scancode(event.keysym.scancode);
  if (key == 0) return;
  if (down)
    held_.insert(key);
  else if (held_.erase(key) == 0)
    return;  // it was released for the guest before
  display_.add(InputFeed::Key{key, down});
}

void SdlFrontEnd::release_keys() {
  for (const uint16_t key : held_) display_.add(InputFeed::Key{key, false});
  held_.clear();
}

void SdlFrontEnd::move(int dx, int dy, int notches) {
  display_.add(InputFeed::Pointer{.dx = dx, .dy = -dy, .dz = notches, .buttons = buttons_});
}

void SdlFrontEnd::click(const SDL_MouseButtonEvent& event) {
  if (!grabbed_) {
    if (event.type == SDL_MOUSEBUTTONDOWN) grab(true);
    return;
  }
  constexpr std::array<uint8_t, 4> kButtons{0, Ps2Mouse::kLeft, Ps2Mouse::kMiddle, Ps2Mouse::kRight};
  if (event.button >= kButtons.size()) return;
  if (event.type == SDL_MOUSEBUTTONDOWN)
    buttons_ |= kButtons[event.button];
  else
    buttons_ &= static_cast<uint8_t>(~kButtons[event.button]);
  move(0, 0, 0);
}

void SdlFrontEnd::grab(bool on) {
  grabbed_ = on;
  buttons_ = 0;
  sdl_.SetRelativeMouseMode(on ? SDL_TRUE : SDL_FALSE);
  sdl_.SetWindowKeyboardGrab(window_, on ? SDL_TRUE : SDL_FALSE);
  sdl_.SetWindowTitle(window_, on ? (name_ + " - Ctrl-Alt-G gives the mouse back").c_str() : name_.c_str());
  if (!on) move(0, 0, 0);
}

}  // namespace

OpenedFrontEnd open_sdl_front_end(Display& display, const std::string& name, std::function<void()> on_quit) {
  const SdlLibrary* sdl = load_sdl();
  if (!sdl) return "-display sdl: the host has no libSDL2-2.0.so.0 (Debian's package libsdl2-2.0-0)";
  auto front_end = std::make_unique<SdlFrontEnd>(*sdl, display, name, std::move(on_quit));
  if (const auto error = front_end->start(); !error.empty()) return "-display sdl: " + error;
  return front_end;
}

}  // namespace ringdown
