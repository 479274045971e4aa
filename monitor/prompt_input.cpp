#include <charconv>
#include <vector>

#include "display/image_file.h"
#include "display/keys.h"
#include "monitor/option_values.h"
#include "monitor/prompt.h"
#include "monitor/text.h"

namespace ringdown {
namespace {

constexpr Nanoseconds kMillisecond = 1'000'000;
constexpr uint64_t kDefaultHold = 100, kLongestHold = 60'000;
constexpr size_t kMostKeysAtOnce = 16;

std::optional<int> parse_count(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  if (error != std::errc{} || end != text.end()) return std::nullopt;
  return value;
}

}  // namespace

std::string prompt_send_key(PromptHost& host, PromptWords words) {
  if (words.empty() || words.size() > 2) return "sendkey: needs keys, such as ctrl-alt-delete\n";
  std::vector<uint16_t> keys;
  for (const auto name : split(words[0], '-')) {
    const auto key = key_of_name(name);
    if (!key) return concat("sendkey: no such key: '", name, "'\n");
    keys.push_back(*key);
  }
  if (keys.size() > kMostKeysAtOnce) return "sendkey: too many keys at once\n";
  const auto hold = words.size() == 2 ? parse_number(words[1]) : std::optional(kDefaultHold);
  if (!hold || *hold > kLongestHold)
    return concat("sendkey: not a number of milliseconds: '", words[1], "'\n");
  InputFeed& input = host.board().input();
  for (auto key = keys.begin(); key != keys.end(); ++key) input.add(InputFeed::Key{*key, true});
  input.add(InputFeed::Pause{*hold * kMillisecond});
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) input.add(InputFeed::Key{*key, false});
  return {};
}

std::string prompt_move_mouse(PromptHost& host, PromptWords words) {
  int counts[3] = {};
  if (words.size() < 2 || words.size() > 3) return "mouse_move: needs DX and DY\n";
  for (size_t i = 0; i < words.size(); i++) {
    const auto count = parse_count(words[i]);
    if (!count || std::abs(*count) > 32767) return concat("mouse_move: not a distance: '", words[i], "'\n");
    counts[i] = *count;
  }
  host.board().input().add(InputFeed::Pointer{.dx = counts[0], .dy = -counts[1], .dz = -counts[2]});
  return {};
}

// QEMU has the right button behind the middle one.
std::string prompt_press_mouse(PromptHost& host, PromptWords words) {
  const auto buttons = words.size() == 1 ? parse_count(words[0]) : std::nullopt;
  if (!buttons || *buttons < 0 || *buttons > 7)
    return "mouse_button: needs the sum of 1 left, 2 middle, 4 right\n";
  const int held = (*buttons & 1 ? Ps2Mouse::kLeft : 0) | (*buttons & 2 ? Ps2Mouse::kMiddle : 0) |
                   (*buttons & 4 ? Ps2Mouse::kRight : 0);
  host.board().input().add(
      InputFeed::Pointer{.dx = 0, .dy = 0, .dz = 0, .buttons = static_cast<uint8_t>(held)});
  return {};
}

std::string prompt_dump_screen(PromptHost& host, PromptWords words) {
  if (words.size() != 1) return "screendump: needs the name of a file\n";
  const auto picture = host.picture();
  if (!picture) return "screendump: this machine has no screen\n";
  const auto error = write_image(*picture, std::string(words[0]));
  return error ? concat("screendump: ", *error, "\n") : "";
}

}  // namespace ringdown
