#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace ringdown {

// What keys are called, by people and by front ends, and what codes they have: those of Ps2Keyboard::key().

constexpr uint16_t kShiftKey = 0x2A, kControlKey = 0x1D, kAltKey = 0x38;

// By QEMU's names ("ret", "ctrl", "kp_enter", "a"), or a code in hexadecimal behind 0x.
std::optional<uint16_t> key_of_name(std::string_view name);

// By X's keysyms, as VNC clients send them. A letter's key is the same in upper and in lower case: Shift is a
// key of its own.
std::optional<uint16_t> key_of_keysym(uint32_t keysym);

// What to press on an American keyboard for this character of ASCII; control characters with Control.
struct KeyStroke {
  uint16_t key;
  bool shift, control;
};
std::optional<KeyStroke> stroke_of_character(char32_t character);

}  // namespace ringdown
