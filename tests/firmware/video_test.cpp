// SeaBIOS and its VGA BIOS, unmodified, set modes for a boot sector (boot_video.S), which draws; what is on
// the screen then. RINGDOWN_SEABIOS and BOOT_VIDEO are paths.
#include <gtest/gtest.h>

#include "tests/firmware/video_machine.h"

namespace ringdown {
namespace {

class Picture {
 public:
  Picture(Screen& screen, bool all = true)
      : size(screen.size()), pixels_(size_t{size.width} * size.height), drawn(screen.draw(pixels_, all)) {}
  uint32_t at(uint32_t x, uint32_t y) const { return pixels_.at(size_t{y} * size.width + x); }

  const Screen::Size size;

 private:
  std::vector<uint32_t> pixels_;

 public:
  const Screen::Rows drawn;
};

std::string text_of_row(const Screen::Text& text, uint32_t row) {
  std::string line;
  for (uint32_t column = 0; column < text.columns; column++)
    line += static_cast<char>(text.cells[row * text.columns + column].character);
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

void check_text(Screen& screen) {
  const auto text = screen.text();
  ASSERT_TRUE(text);
  EXPECT_EQ(text->columns, 80u);
  EXPECT_EQ(text->rows, 25u);
  EXPECT_EQ(text_of_row(*text, 0), "the BIOS writes");
  EXPECT_EQ(text->cells[5 * 80], (Screen::Text::Cell{0x21, 0x1E}));
  EXPECT_EQ(text->cursor, 15u);
  const Picture picture(screen);
  ASSERT_EQ(picture.size, (Screen::Size{720, 400}));
  EXPECT_EQ(picture.at(0, 5 * 16), 0x0000AAu);      // behind the exclamation mark
  EXPECT_EQ(picture.at(3, 5 * 16 + 4), 0xFFFF55u);  // which is yellow
}

void check_256_colors(Screen& screen) {
  EXPECT_FALSE(screen.text());
  const Picture picture(screen);
  ASSERT_EQ(picture.size, (Screen::Size{640, 400}));
  EXPECT_EQ(picture.at(20, 40), 0xAA0000u);
  EXPECT_EQ(picture.at(22, 40), 0u);
  EXPECT_EQ(picture.at(0, 200), 0x0000AAu);
  EXPECT_EQ(picture.at(639, 201), 0x0000AAu);
  EXPECT_EQ(picture.at(0, 202), 0u);
  EXPECT_EQ(picture.at(639, 399), 0x00AA00u);
}

void check_16_colors(Screen& screen) {
  const Picture picture(screen);
  ASSERT_EQ(picture.size, (Screen::Size{640, 480}));
  EXPECT_EQ(picture.at(639, 479), 0xFFFF55u);
  for (uint32_t x = 0; x < 8; x++) EXPECT_EQ(picture.at(x, 1), 0xA5 >> (7 - x) & 1 ? 0x00AA00u : 0u);
}

void check_text_again(Screen& screen) {
  const auto text = screen.text();
  ASSERT_TRUE(text);
  EXPECT_EQ(text_of_row(*text, 0), "A");
  EXPECT_EQ(text_of_row(*text, 5), "");
}

void check_frame_buffer(Screen& screen) {
  const Picture picture(screen);
  ASSERT_EQ(picture.size, (Screen::Size{640, 480}));
  EXPECT_EQ(picture.at(5, 7), 0xFF00FFu);
  EXPECT_EQ(picture.at(639, 100), 0x123456u);
  EXPECT_EQ(picture.at(0, 101), 0u);
  EXPECT_EQ(picture.at(0, 479), 0u);
}

// A page that has been drawn is written by translated code: that is seen again and again.
void check_written_page(Screen& screen, uint32_t value) {
  const Picture picture(screen, false);
  EXPECT_EQ(picture.drawn.first, 478u);  // the page's lines
  EXPECT_EQ(picture.drawn.end, 480u);
  ASSERT_EQ(picture.size, (Screen::Size{640, 480}));
  EXPECT_EQ(picture.at(0, 479), value);
  EXPECT_EQ(Picture(screen, false).drawn.end, 0u);
}

void draw_in_modes_of(const std::string& bios, const std::string& vga_bios, bool pci) {
  const std::string seabios = RINGDOWN_SEABIOS;
  testing::VideoMachine machine(testing::read_file((seabios + bios).c_str()),
                                testing::read_file((seabios + vga_bios).c_str()),
                                testing::read_file(BOOT_VIDEO), pci);
  Screen& screen = machine.screen();
  unsigned looks = 0;
  const auto counted = [&](auto check) {
    return [&screen, &looks, check] {
      check(screen);
      looks++;
    };
  };
  const auto written = [](uint32_t value) { return [value](Screen& s) { check_written_page(s, value); }; };
  machine.run({counted(check_text), counted(check_256_colors), counted(check_16_colors),
               counted(check_text_again), counted(check_frame_buffer), counted(written(1)),
               counted(written(2)), counted(written(3))});
  EXPECT_EQ(looks, 8u);
}

TEST(FirmwareVideo, ABootSectorDrawsInModesOfTheBios) {
  draw_in_modes_of("/bios-256k.bin", "/vgabios-stdvga.bin", true);
}

TEST(FirmwareVideo, ItDoesSoWithoutPci) { draw_in_modes_of("/bios.bin", "/vgabios-isavga.bin", false); }

}  // namespace
}  // namespace ringdown
