#include "display/keys.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "vdevices/ps2_keyboard.h"

namespace ringdown {
namespace {

struct NamedKey {
  std::string_view name;
  uint16_t code;
};

constexpr auto kNames = std::to_array<NamedKey>({
    {"esc", 0x01},
    {"1", 0x02},
    {"2", 0x03},
    {"3", 0x04},
    {"4", 0x05},
    {"5", 0x06},
    {"6", 0x07},
    {"7", 0x08},
    {"8", 0x09},
    {"9", 0x0A},
    {"0", 0x0B},
    {"minus", 0x0C},
    {"equal", 0x0D},
    {"backspace", 0x0E},
    {"tab", 0x0F},
    {"q", 0x10},
    {"w", 0x11},
    {"e", 0x12},
    {"r", 0x13},
    {"t", 0x14},
    {"y", 0x15},
    {"u", 0x16},
    {"i", 0x17},
    {"o", 0x18},
    {"p", 0x19},
    {"bracket_left", 0x1A},
    {"bracket_right", 0x1B},
    {"ret", 0x1C},
    {"ctrl", 0x1D},
    {"a", 0x1E},
    {"s", 0x1F},
    {"d", 0x20},
    {"f", 0x21},
    {"g", 0x22},
    {"h", 0x23},
    {"j", 0x24},
    {"k", 0x25},
    {"l", 0x26},
    {"semicolon", 0x27},
    {"apostrophe", 0x28},
    {"grave_accent", 0x29},
    {"shift", 0x2A},
    {"backslash", 0x2B},
    {"z", 0x2C},
    {"x", 0x2D},
    {"c", 0x2E},
    {"v", 0x2F},
    {"b", 0x30},
    {"n", 0x31},
    {"m", 0x32},
    {"comma", 0x33},
    {"dot", 0x34},
    {"slash", 0x35},
    {"shift_r", 0x36},
    {"kp_multiply", 0x37},
    {"asterisk", 0x37},
    {"alt", 0x38},
    {"spc", 0x39},
    {"caps_lock", 0x3A},
    {"f1", 0x3B},
    {"f2", 0x3C},
    {"f3", 0x3D},
    {"f4", 0x3E},
    {"f5", 0x3F},
    {"f6", 0x40},
    {"f7", 0x41},
    {"f8", 0x42},
    {"f9", 0x43},
    {"f10", 0x44},
    {"num_lock", 0x45},
    {"scroll_lock", 0x46},
    {"kp_7", 0x47},
    {"kp_8", 0x48},
    {"kp_9", 0x49},
    {"kp_subtract", 0x4A},
    {"kp_4", 0x4B},
    {"kp_5", 0x4C},
    {"kp_6", 0x4D},
    {"kp_add", 0x4E},
    {"kp_1", 0x4F},
    {"kp_2", 0x50},
    {"kp_3", 0x51},
    {"kp_0", 0x52},
    {"kp_decimal", 0x53},
    {"sysrq", 0x54},
    {"less", 0x56},
    {"f11", 0x57},
    {"f12", 0x58},
    {"kp_enter", 0xE01C},
    {"ctrl_r", 0xE01D},
    {"kp_divide", 0xE035},
    {"print", 0xE037},
    {"alt_r", 0xE038},
    {"home", 0xE047},
    {"up", 0xE048},
    {"pgup", 0xE049},
    {"left", 0xE04B},
    {"right", 0xE04D},
    {"end", 0xE04F},
    {"down", 0xE050},
    {"pgdn", 0xE051},
    {"insert", 0xE052},
    {"delete", 0xE053},
    {"meta_l", 0xE05B},
    {"meta_r", 0xE05C},
    {"menu", 0xE05D},
    {"pause", Ps2Keyboard::kPause},
});

struct KeysymKey {
  uint16_t keysym, code;
};

// X11's keysymdef.h, but for ASCII.
constexpr auto kKeysyms = std::to_array<KeysymKey>({
    {0xFF08, 0x0E},  // BackSpace
    {0xFF09, 0x0F},  // Tab
    {0xFE20, 0x0F},  // ISO_Left_Tab
    {0xFF0D, 0x1C},  // Return
    {0xFF13, Ps2Keyboard::kPause},
    {0xFF14, 0x46},                 // Scroll_Lock
    {0xFF15, 0x54},                 // Sys_Req
    {0xFF1B, 0x01},                 // Escape
    {0xFF50, 0xE047},               // Home
    {0xFF51, 0xE04B},               // Left
    {0xFF52, 0xE048},               // Up
    {0xFF53, 0xE04D},               // Right
    {0xFF54, 0xE050},               // Down
    {0xFF55, 0xE049},               // Page_Up
    {0xFF56, 0xE051},               // Page_Down
    {0xFF57, 0xE04F},               // End
    {0xFF61, 0xE037},               // Print
    {0xFF63, 0xE052},               // Insert
    {0xFF67, 0xE05D},               // Menu
    {0xFF6B, Ps2Keyboard::kPause},  // Break
    {0xFF7F, 0x45},                 // Num_Lock
    {0xFF8D, 0xE01C},               // KP_Enter
    {0xFF95, 0x47},                 // KP_Home
    {0xFF96, 0x4B},                 // KP_Left
    {0xFF97, 0x48},                 // KP_Up
    {0xFF98, 0x4D},                 // KP_Right
    {0xFF99, 0x50},                 // KP_Down
    {0xFF9A, 0x49},                 // KP_Page_Up
    {0xFF9B, 0x51},                 // KP_Page_Down
    {0xFF9C, 0x4F},                 // KP_End
    {0xFF9D, 0x4C},                 // KP_Begin
    {0xFF9E, 0x52},                 // KP_Insert
    {0xFF9F, 0x53},                 // KP_Delete
    {0xFFAA, 0x37},                 // KP_Multiply
    {0xFFAB, 0x4E},                 // KP_Add
    {0xFFAC, 0x53},                 // KP_Separator
    {0xFFAD, 0x4A},                 // KP_Subtract
    {0xFFAE, 0x53},                 // KP_Decimal
    {0xFFAF, 0xE035},               // KP_Divide
    {0xFFB0, 0x52},                 // KP_0 to KP_9
    {0xFFB1, 0x4F},
    {0xFFB2, 0x50},
    {0xFFB3, 0x51},
    {0xFFB4, 0x4B},
    {0xFFB5, 0x4C},
    {0xFFB6, 0x4D},
    {0xFFB7, 0x47},
    {0xFFB8, 0x48},
    {0xFFB9, 0x49},
    {0xFFBE, 0x3B},  // F1 to F12
    {0xFFBF, 0x3C},
    {0xFFC0, 0x3D},
    {0xFFC1, 0x3E},
    {0xFFC2, 0x3F},
    {0xFFC3, 0x40},
    {0xFFC4, 0x41},
    {0xFFC5, 0x42},
    {0xFFC6, 0x43},
    {0xFFC7, 0x44},
    {0xFFC8, 0x57},
    {0xFFC9, 0x58},
    {0xFFE1, 0x2A},    // Shift_L
    {0xFFE2, 0x36},    // Shift_R
    {0xFFE3, 0x1D},    // Control_L
    {0xFFE4, 0xE01D},  // Control_R
    {0xFFE5, 0x3A},    // Caps_Lock
    {0xFFE7, 0x38},    // Meta_L
    {0xFFE8, 0xE038},  // Meta_R
    {0xFFE9, 0x38},    // Alt_L
    {0xFFEA, 0xE038},  // Alt_R
    {0xFE03, 0xE038},  // ISO_Level3_Shift
    {0xFFEB, 0xE05B},  // Super_L
    {0xFFEC, 0xE05C},  // Super_R
    {0xFFFF, 0xE053},  // Delete
});

// The keys of an American keyboard from their codes on, without and with Shift.
struct KeyRow {
  uint8_t first;
  std::string_view plain, shifted;
};
constexpr auto kRows = std::to_array<KeyRow>({
    {0x02, "1234567890-=", "!@#$%^&*()_+"},
    {0x10, "qwertyuiop[]", "QWERTYUIOP{}"},
    {0x1E, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
    {0x2B, "\\zxcvbnm,./", "|ZXCVBNM<>?"},
    {0x39, " ", " "},
});

constexpr uint32_t kUnicodeKeysyms = 0x01000000;

}  // namespace

std::optional<uint16_t> key_of_name(std::string_view name) {
  const auto found = std::ranges::find(kNames, name, &NamedKey::name);
  if (found != kNames.end()) return found->code;
  if (!name.starts_with("0x")) return std::nullopt;
  uint16_t code = 0;
  const auto [end, error] = std::from_chars(name.begin() + 2, name.end(), code, 16);
  if (error != std::errc{} || end != name.end() || code == 0) return std::nullopt;
  return code;
}

std::optional<uint16_t> key_of_keysym(uint32_t keysym) {
  if (keysym >= ' ' && keysym <= '~') return stroke_of_character(keysym)->key;
  if (keysym > kUnicodeKeysyms + ' ' && keysym <= kUnicodeKeysyms + '~')
    return key_of_keysym(keysym - kUnicodeKeysyms);
  const auto found = std::ranges::find(kKeysyms, keysym, &KeysymKey::keysym);
  if (found == kKeysyms.end()) return std::nullopt;
  return found->code;
}

std::optional<KeyStroke> stroke_of_character(char32_t character) {
  switch (character) {
    case '\b':
    case 0x7F:
      return KeyStroke{.key = 0x0E, .shift = false, .control = false};
    case '\t':
      return KeyStroke{.key = 0x0F, .shift = false, .control = false};
    case '\r':
    case '\n':
      return KeyStroke{.key = 0x1C, .shift = false, .control = false};
    case 0x1B:
      return KeyStroke{.key = 0x01, .shift = false, .control = false};
    default:
      break;
  }
  if (character < ' ') {
    const char32_t letter = character == 0 ? U' ' : character < 0x1B ? character + 0x60 : character + 0x40;
    auto stroke = stroke_of_character(letter);
    if (stroke) stroke->control = true;
    return stroke;
  }
  for (const KeyRow& row : kRows) {
    for (const bool shift : {false, true}) {
      const auto at = character > '~' ? std::string_view::npos
                                      : (shift ? row.shifted : row.plain).find(static_cast<char>(character));
      if (at == std::string_view::npos) continue;
      return KeyStroke{.key = static_cast<uint16_t>(row.first + at), .shift = shift, .control = false};
    }
  }
  return std::nullopt;
}

}  // namespace ringdown
