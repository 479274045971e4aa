#include "display/curses_front_end.h"

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <clocale>
#include <csignal>
#include <string>
#include <thread>

#include "display/code_page_437.h"
#include "display/keys.h"
#include "host-driver/escape_keys.h"
#include "host-driver/file_descriptor.h"
#include "host-driver/io_thread.h"
#include "host-driver/terminal.h"
#include "host-driver/wake_event.h"

namespace ringdown {
namespace {

constexpr int kEscapeDelay = 25;  // milliseconds in which the rest of a key's sequence comes
constexpr int kFunctionKeys = 12, kShiftedFunctionKeys = 24;

struct CursesKey {
  int curses;
  uint16_t key;
};
constexpr auto kKeys = std::to_array<CursesKey>({
    {KEY_UP, 0xE048},
    {KEY_DOWN, 0xE050},
    {KEY_LEFT, 0xE04B},
    {KEY_RIGHT, 0xE04D},
    {KEY_HOME, 0xE047},
    {KEY_END, 0xE04F},
    {KEY_PPAGE, 0xE049},
    {KEY_NPAGE, 0xE051},
    {KEY_IC, 0xE052},
    {KEY_DC, 0xE053},
    {KEY_BACKSPACE, 0x0E},
    {KEY_ENTER, 0xE01C},
    {KEY_BTAB, 0x0F},
});

// Signals that ncurses installs handlers for, which must not run on the guest's stack.
class KeepSignalHandlers {
 public:
  KeepSignalHandlers() {
    for (size_t i = 0; i < kSignals.size(); i++) sigaction(kSignals[i], nullptr, &before_[i]);
  }
  ~KeepSignalHandlers() {
    for (size_t i = 0; i < kSignals.size(); i++) sigaction(kSignals[i], &before_[i], nullptr);
  }

 private:
  static constexpr std::array kSignals{SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
  std::array<struct sigaction, kSignals.size()> before_{};
};

class CursesFrontEnd final : public FrontEnd {
 public:
  CursesFrontEnd(Display& display, SCREEN* screen, std::function<void()> on_quit)
      : screen_(screen), on_quit_(std::move(on_quit)), display_(display), thread_([this] { run(); }) {}
  ~CursesFrontEnd() override;

 private:
  void run();
  void wait();
  void settle_size();
  void show(const Screen::Text& text);
  void show_cell(uint32_t row, uint32_t column, const Screen::Text::Cell& cell);
  void show_graphics_mode();
  void take_keys();
  void type(wint_t character, bool is_key_code, bool alt);
  void press(KeyStroke stroke, bool alt);

  SCREEN* const screen_;
  const std::function<void()> on_quit_;
  Display& display_;
  const WakeEvent wake_event_;
  EscapeKeys escape_keys_;
  Picture picture_;
  Screen::Text text_ = {};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

CursesFrontEnd::~CursesFrontEnd() {
  stopping_ = true;
  wake_event_.wake();
  thread_.join();
  endwin();
  delscreen(screen_);
  restore_terminal();
}

void CursesFrontEnd::run() {
  block_signals_of_io_thread();
  Viewer viewer(display_, [this] { wake_event_.wake(); });
  while (!stopping_) {
    viewer.update(picture_);
    auto text = viewer.new_text();
    settle_size();
    if (text) text_ = std::move(*text);
    if (text_.cells.empty() && !picture_.pixels.empty())
      show_graphics_mode();
    else if (text)
      show(text_);
    refresh();
    wait();
    take_keys();
  }
}

void CursesFrontEnd::wait() {
  std::array<pollfd, 2> files{pollfd{.fd = wake_event_.fd(), .events = POLLIN},
                              pollfd{.fd = STDIN_FILENO, .events = POLLIN}};
  if (::poll(files.data(), files.size(), -1) < 0) return;
  wake_event_.clear();
  if (files[1].revents & (POLLHUP | POLLERR | POLLNVAL)) on_quit_();
}

void CursesFrontEnd::settle_size() {
  winsize window{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0) return;
  if (window.ws_row == LINES && window.ws_col == COLS) return;
  resizeterm(window.ws_row, window.ws_col);
  erase();
  if (!text_.cells.empty()) show(text_);
}

void CursesFrontEnd::show(const Screen::Text& text) {
  erase();
  for (uint32_t i = 0; i < text.cells.size(); i++)
    show_cell(i / text.columns, i % text.columns, text.cells[i]);
  curs_set(text.cursor ? 1 : 0);
  if (text.cursor)
    move(static_cast<int>(*text.cursor / text.columns), static_cast<int>(*text.cursor % text.columns));
}

// Red and blue are the other way round on a PC.
constexpr short curses_color(unsigned color) {
  return static_cast<short>((color & 1) << 2 | (color & 2) | (color >> 2 & 1));
}

void CursesFrontEnd::show_cell(uint32_t row, uint32_t column, const Screen::Text::Cell& cell) {
  const wchar_t text[2] = {static_cast<wchar_t>(unicode_of_code_page_437(cell.character)), 0};
  const short pair =
      static_cast<short>(curses_color(cell.attribute & 7) * 8 + curses_color(cell.attribute >> 4 & 7));
  cchar_t character;
  setcchar(&character, text, cell.attribute & 8 ? A_BOLD : A_NORMAL, pair, nullptr);
  mvadd_wch(static_cast<int>(row), static_cast<int>(column), &character);
}

void CursesFrontEnd::show_graphics_mode() {
  const auto [width, height] = picture_.size;
  const std::string line =
      std::to_string(width) + " x " + std::to_string(height) + ", a graphics mode; C-a x ends";
  erase();
  curs_set(0);
  mvaddstr(LINES / 2, std::max(0, (COLS - static_cast<int>(line.size())) / 2), line.c_str());
}

// ---- Keys.

void CursesFrontEnd::take_keys() {
  wint_t character;
  for (int kind; (kind = get_wch(&character)) != ERR;) {
    constexpr wint_t kEscape = 0x1B;
    bool alt = false;
    // Escape and a key at once is how terminals send Alt and that key.
    if (kind == OK && character == kEscape) {
      wint_t next;
      if (const int next_kind = get_wch(&next); next_kind != ERR) {
        alt = true;
        kind = next_kind;
        character = next;
      }
    }
    type(character, kind == KEY_CODE_YES, alt);
  }
}

void CursesFrontEnd::type(wint_t character, bool is_key_code, bool alt) {
  if (!is_key_code) {
    if (character < 0x80) {
      const auto [byte, for_prompt, command] = escape_keys_.feed(static_cast<uint8_t>(character));
      if (command == TerminalCommand::kQuit) on_quit_();
      if (!byte) return;
    }
    if (const auto stroke = stroke_of_character(character)) press(*stroke, alt);
    return;
  }
  const auto code = static_cast<int>(character);
  if (code >= KEY_F(1) && code <= KEY_F(kShiftedFunctionKeys)) {
    const int number = code - KEY_F(1);
    const auto key = key_of_name("f" + std::to_string(number % kFunctionKeys + 1));
    return press({.key = *key, .shift = number >= kFunctionKeys, .control = false}, alt);
  }
  const auto found = std::ranges::find(kKeys, code, &CursesKey::curses);
  if (found != kKeys.end()) press({.key = found->key, .shift = code == KEY_BTAB, .control = false}, alt);
}

void CursesFrontEnd::press(KeyStroke stroke, bool alt) {
  std::vector<uint16_t> keys;
  if (stroke.control) keys.push_back(kControlKey);
  if (alt) keys.push_back(kAltKey);
  if (stroke.shift) keys.push_back(kShiftKey);
  keys.push_back(stroke.key);
  for (auto key = keys.begin(); key != keys.end(); ++key) display_.add(InputFeed::Key{*key, true});
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) display_.add(InputFeed::Key{*key, false});
}

void set_up_curses() {
  raw();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  set_escdelay(kEscapeDelay);
  if (!has_colors()) return;
  start_color();
  for (short pair = 1; pair < 64; pair++)
    init_pair(pair, static_cast<short>(pair / 8), static_cast<short>(pair % 8));
}

}  // namespace

OpenedFrontEnd open_curses_front_end(Display& display, std::function<void()> on_quit) {
  termios original;
  if (!::isatty(STDOUT_FILENO) || ::tcgetattr(STDIN_FILENO, &original) != 0)
    return "-display curses: standard input and output are no terminal";
  std::setlocale(LC_CTYPE, "");
  const KeepSignalHandlers keep;
  SCREEN* screen = newterm(nullptr, stdout, stdin);
  if (!screen) return "-display curses: this terminal is unknown to it (TERM)";
  set_up_curses();
  // The settings that curses has made are ours to give up whatever happens.
  termios wanted;
  ::tcgetattr(STDIN_FILENO, &wanted);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &original);
  set_terminal(STDIN_FILENO, wanted);
  return std::make_unique<CursesFrontEnd>(display, screen, std::move(on_quit));
}

}  // namespace ringdown
