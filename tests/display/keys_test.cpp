#include "display/keys.h"

#include <gtest/gtest.h>

#include "vdevices/ps2_keyboard.h"

namespace ringdown {
namespace {

TEST(Keys, HaveQemusNames) {
  EXPECT_EQ(key_of_name("a"), 0x1E);
  EXPECT_EQ(key_of_name("ctrl"), kControlKey);
  EXPECT_EQ(key_of_name("delete"), 0xE053);
  EXPECT_EQ(key_of_name("0xe01d"), 0xE01D);
  for (const char* name : {"", "A", "nosuch", "0x", "0x0", "0x10000", "0x1g"})
    EXPECT_EQ(key_of_name(name), std::nullopt) << name;
}

TEST(Keys, OfKeysyms) {
  EXPECT_EQ(key_of_keysym('a'), 0x1E);
  EXPECT_EQ(key_of_keysym('A'), 0x1E);
  EXPECT_EQ(key_of_keysym('!'), 0x02);
  EXPECT_EQ(key_of_keysym(0x01000061), 0x1E);
  EXPECT_EQ(key_of_keysym(0xFF0D), 0x1C);
  EXPECT_EQ(key_of_keysym(0xFF52), 0xE048);
  EXPECT_EQ(key_of_keysym(0xFFC9), 0x58);
  for (const uint32_t keysym : {0u, 0x1Fu, 0x7Fu, 0xE4u, 0xFF00u, 0x01000000u, 0x02000061u, ~0u})
    EXPECT_EQ(key_of_keysym(keysym), std::nullopt) << keysym;
}

// The keyboard has a key for each code that a table gives.
TEST(Keys, AreOnTheKeyboard) {
  for (uint32_t keysym = 0; keysym < 0x10000; keysym++) {
    const auto key = key_of_keysym(keysym);
    if (!key || *key == Ps2Keyboard::kPause) continue;
    EXPECT_NE(set2_from_set1(static_cast<uint8_t>(*key)), 0) << std::hex << keysym;
    EXPECT_TRUE(*key < 0x80 || *key >> 8 == 0xE0) << std::hex << keysym;
  }
}

TEST(Keys, EveryCharacterOfAsciiHasAStroke) {
  for (char32_t c = 0; c < 0x80; c++) {
    EXPECT_TRUE(stroke_of_character(c)) << static_cast<uint32_t>(c);
  }
  EXPECT_FALSE(stroke_of_character(0xE4));
  EXPECT_FALSE(stroke_of_character(0x10FFFF));
  const auto upper = stroke_of_character('Q');
  EXPECT_TRUE(upper->shift && upper->key == 0x10 && !upper->control);
  const auto control = stroke_of_character(3);
  EXPECT_TRUE(control->control && control->key == 0x2E && !control->shift);
}

}  // namespace
}  // namespace ringdown
