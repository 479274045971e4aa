#include <gtest/gtest.h>

#include "tests/vdevices/vga_pc.h"

namespace ringdown {

static bool operator==(const Screen::Rows& a, const Screen::Rows& b) {
  return a.first == b.first && a.end == b.end;
}
static void PrintTo(const Screen::Rows& rows, std::ostream* out) { *out << rows.first << "-" << rows.end; }
static void PrintTo(const Screen::Size& size, std::ostream* out) { *out << size.width << "x" << size.height; }

namespace {

using testing::VgaPc;
using Rows = Screen::Rows;
using Size = Screen::Size;
constexpr uint32_t kA = VgaPc::kGraphics, kB = VgaPc::kText;
constexpr uint32_t kBlue = 0x0000AA, kGreen = 0x00AA00, kRed = 0xAA0000, kWhite = 0xFFFFFF;

class VgaScreenTest : public ::testing::Test {
 protected:
  void start(const testing::VgaMode& mode) {
    pc_.set_mode(mode);
    pc_.color(1, 0, 0, 0x2A);
    pc_.color(2, 0, 0x2A, 0);
    pc_.color(4, 0x2A, 0, 0);
    pc_.color(15, 0x3F, 0x3F, 0x3F);
    pc_.crtc(0x0A, 0x20);  // no cursor
  }

  VgaPc pc_;
};

TEST_F(VgaScreenTest, IsDarkUntilAModeIsSet) {
  EXPECT_EQ(pc_.vga.screen().size(), (Size{720, 400}));
  EXPECT_EQ(pc_.draw(), (Rows{0, 400}));
  EXPECT_EQ(pc_.pixel(719, 399), 0u);
  EXPECT_EQ(pc_.draw(), (Rows{0, 0}));
  EXPECT_FALSE(pc_.vga.screen().text());
}

TEST_F(VgaScreenTest, TextHasTheShapesOfPlane2) {
  start(testing::kText80);
  pc_.define_character('A', {0x81, 0x7E});
  pc_.poke(kB + 2, {'A', 0x1F});
  EXPECT_EQ(pc_.vga.screen().size(), (Size{720, 400}));
  EXPECT_EQ(pc_.draw(), (Rows{0, 400}));
  EXPECT_EQ(pc_.dots(9, 0, 9, kWhite), "#......#.");
  EXPECT_EQ(pc_.dots(9, 1, 9, kWhite), ".######..");
  EXPECT_EQ(pc_.dots(9, 2, 9, kBlue), "#########");
  EXPECT_EQ(pc_.pixel(8, 0), 0u);
  EXPECT_EQ(pc_.pixel(18, 0), 0u);
}

TEST_F(VgaScreenTest, OnlyRowsWithOtherCharactersAreDrawnAgain) {
  start(testing::kText80);
  pc_.define_character('A', {0xFF});
  pc_.make_direct(kB);
  pc_.draw();
  EXPECT_EQ(pc_.draw(), (Rows{0, 0}));
  pc_.poke(kB + 160 * 3, {'A', 0x0F});
  EXPECT_EQ(pc_.draw(), (Rows{48, 64}));
  EXPECT_EQ(pc_.pixel(0, 48), kWhite);
  pc_.poke(kB + 160 * 3, {'A', 0x0F});  // the same again
  EXPECT_EQ(pc_.draw(), (Rows{0, 0}));
  pc_.poke(kB + 160 * 5, {'A', 0x0F});
  pc_.poke(kB + 160 * 7, {'A', 0x0F});
  EXPECT_EQ(pc_.draw(), (Rows{80, 128}));
  EXPECT_EQ(pc_.draw(true), (Rows{0, 400}));
}

TEST_F(VgaScreenTest, ANewShapeIsSeen) {
  start(testing::kText80);
  pc_.poke(kB, {'A', 0x0F});
  pc_.draw();
  pc_.define_character('A', {0xF0});
  EXPECT_EQ(pc_.draw(), (Rows{0, 400}));
  EXPECT_EQ(pc_.dots(0, 0, 9, kWhite), "####.....");
}

TEST_F(VgaScreenTest, TheNinthDotOfLineGraphicsIsTheEighth) {
  start(testing::kText80);
  pc_.define_character(0xC4, {0xFF});
  pc_.define_character(0xE0, {0xFF});
  pc_.poke(kB, {0xC4, 0x0F, 0xE0, 0x0F});
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 0, 18, kWhite), "#################.");
  pc_.attribute(0x10, 0x08);
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 0, 18, kWhite), "########.########.");
}

TEST_F(VgaScreenTest, CharactersOf8DotsAndColumnsOfTwiceThat) {
  start(testing::kText80);
  pc_.define_character('A', {0xA0});
  pc_.poke(kB, {'A', 0x0F});
  pc_.sequencer(1, 0x01);
  pc_.attribute(0x13, 0);
  EXPECT_EQ(pc_.vga.screen().size(), (Size{640, 400}));
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 0, 9, kWhite), "#.#......");
  pc_.crtc(0x11, 0);
  pc_.crtc(0x01, 39);
  pc_.crtc(0x13, 20);
  pc_.sequencer(1, 0x09);
  EXPECT_EQ(pc_.vga.screen().size(), (Size{640, 400}));
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 0, 9, kWhite), "##..##...");
  EXPECT_EQ(pc_.vga.screen().text()->columns, 40u);
}

TEST_F(VgaScreenTest, AttributeBit3SelectsASecondFont) {
  start(testing::kText80);
  pc_.define_character('A', {0x0F});
  pc_.define_character('A', {0xF0}, 0x4000);
  pc_.poke(kB, {'A', 0x02, 'A', 0x0F});
  pc_.sequencer(3, 0x04);  // map A: the second
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 0, 9, kGreen), "....####.");
  EXPECT_EQ(pc_.dots(9, 0, 9, kWhite), "####.....");
}

TEST_F(VgaScreenTest, TheCursorShowsAndBlinks) {
  start(testing::kText80);
  pc_.define_character(' ', {0});
  pc_.poke(kB, {' ', 0x0F, ' ', 0x02});
  pc_.make_direct(kB);
  pc_.crtc(0x0A, 14);
  pc_.crtc(0x0B, 15);
  pc_.crtc(0x0F, 1);
  pc_.draw();
  EXPECT_EQ(pc_.dots(9, 13, 9, kGreen), ".........");
  EXPECT_EQ(pc_.dots(9, 14, 9, kGreen), "#########");
  EXPECT_EQ(pc_.dots(9, 15, 9, kGreen), "#########");
  EXPECT_EQ(pc_.vga.screen().text()->cursor, 1u);
  pc_.clock.time = 120 * testing::kMillisecond;  // in the ninth frame
  EXPECT_EQ(pc_.draw(), (Rows{0, 16}));
  EXPECT_EQ(pc_.dots(9, 14, 9, kGreen), ".........");
  EXPECT_EQ(pc_.vga.screen().text()->cursor, 1u);
  pc_.clock.time = 0;
  pc_.draw();
  pc_.crtc(0x0F, 80);
  EXPECT_EQ(pc_.draw(), (Rows{0, 32}));
  pc_.crtc(0x0A, 0x2E);
  EXPECT_EQ(pc_.draw(), (Rows{16, 32}));
  EXPECT_FALSE(pc_.vga.screen().text()->cursor);
}

TEST_F(VgaScreenTest, AttributeBit7IsBlinkOrIntensity) {
  start(testing::kText80);
  pc_.color(12, 0x3F, 0, 0);
  pc_.define_character('A', {0xF0});
  pc_.poke(kB, {'A', 0xCF});
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 0, 9, kWhite), "####.....");
  EXPECT_EQ(pc_.pixel(8, 0), kRed);
  pc_.clock.time = 240 * testing::kMillisecond;
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 0, 9, kRed), "#########");
  pc_.attribute(0x10, 0x04);
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 0, 9, kWhite), "####.....");
  EXPECT_EQ(pc_.pixel(8, 0), 0xFF0000u);
}

TEST_F(VgaScreenTest, MonochromeUnderlines) {
  start(testing::kText80);
  pc_.crtc(0x14, 13);
  pc_.poke(kB, {'A', 0x01});
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 13, 9, kBlue), ".........");
  pc_.attribute(0x10, 0x0E);
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 13, 9, kBlue), "#########");
}

TEST_F(VgaScreenTest, TextAsCells) {
  start(testing::kText80);
  pc_.poke(kB, {'h', 0x07, 'i', 0x70});
  pc_.crtc(0x0D, 80);  // the second row is the first
  pc_.poke(kB + 160, {'y', 0x1E});
  const auto text = pc_.vga.screen().text();
  ASSERT_TRUE(text);
  EXPECT_EQ(text->columns, 80u);
  EXPECT_EQ(text->rows, 25u);
  ASSERT_EQ(text->cells.size(), 2000u);
  EXPECT_EQ(text->cells[0], (Screen::Text::Cell{'y', 0x1E}));
}

TEST_F(VgaScreenTest, StartPanningAndSplit) {
  start(testing::kText80);
  pc_.define_character('A', {0x80, 0xC0});
  pc_.poke(kB, {'A', 0x0F});
  pc_.poke(kB + 162, {'A', 0x02});
  pc_.crtc(0x0D, 80);
  pc_.crtc(0x08, 0x01);       // a line up
  pc_.attribute(0x13, 0x00);  // a dot to the left
  pc_.crtc(0x07, 0x0F);
  pc_.crtc(0x09, 0x0F);
  pc_.crtc(0x18, 99);
  pc_.draw();
  EXPECT_EQ(pc_.dots(8, 0, 9, kGreen), "##.......");
  EXPECT_EQ(pc_.dots(0, 100, 9, kWhite), ".........");  // panned out
  EXPECT_EQ(pc_.dots(0, 101, 9, kWhite), "#........");
  pc_.attribute(0x10, 0x2C);  // the split is not panned: 0 of nine dots is one
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 101, 9, kWhite), "##.......");
}

TEST_F(VgaScreenTest, Mode13) {
  start(testing::kMode13);
  pc_.poke(kA, {4, 1});
  pc_.poke(kA + 320 * 199 + 319, 2);
  EXPECT_EQ(pc_.vga.screen().size(), (Size{640, 400}));
  EXPECT_EQ(pc_.draw(), (Rows{0, 400}));
  for (const uint32_t y : {0, 1}) EXPECT_EQ(pc_.dots(0, y, 4, kRed), "##..");
  EXPECT_EQ(pc_.pixel(2, 1), kBlue);
  EXPECT_EQ(pc_.pixel(0, 2), 0u);
  EXPECT_EQ(pc_.pixel(638, 398), kGreen);
  EXPECT_EQ(pc_.pixel(639, 399), kGreen);
}

TEST_F(VgaScreenTest, OnlyLinesOfPagesThatWereWrittenAreDrawnAgain) {
  start(testing::kMode13);
  pc_.make_direct(kA);
  pc_.draw();
  EXPECT_EQ(pc_.draw(), (Rows{0, 0}));
  pc_.poke(kA + 320 * 100, 2);  // page 7: bytes 28672 to 32767, lines 89 to 102
  EXPECT_EQ(pc_.draw(), (Rows{178, 206}));
  EXPECT_EQ(pc_.pixel(0, 200), kGreen);
  EXPECT_EQ(pc_.draw(), (Rows{0, 0}));
  pc_.vga.window().write_memory(320 * 100, 1, 4);  // by way of the bus
  EXPECT_EQ(pc_.draw(), (Rows{178, 206}));
  pc_.color(2, 0, 0, 0);
  EXPECT_EQ(pc_.draw(), (Rows{0, 400}));
}

TEST_F(VgaScreenTest, ModeXFlipsItsPages) {
  start(testing::kMode13);
  pc_.sequencer(4, 0x06);
  pc_.crtc(0x14, 0x00);
  pc_.crtc(0x17, 0xE3);
  pc_.sequencer(2, 0x02);  // pixels 1, 5, ..
  pc_.poke(kA + 0x4000, 4);
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 0, 6, kRed), "......");
  pc_.crtc(0x0C, 0x40);
  EXPECT_EQ(pc_.draw(), (Rows{0, 400}));
  EXPECT_EQ(pc_.dots(0, 0, 6, kRed), "..##..");
}

TEST_F(VgaScreenTest, SixteenColorsOfFourPlanes) {
  start(testing::kMode12);
  pc_.sequencer(2, 0x04);
  pc_.poke(kA + 80, 0xA1);
  pc_.sequencer(2, 0x0F);
  pc_.poke(kA + 80 * 479 + 79, 0x01);
  EXPECT_EQ(pc_.vga.screen().size(), (Size{640, 480}));
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 1, 8, kRed), "#.#....#");
  EXPECT_EQ(pc_.dots(632, 479, 8, kWhite), ".......#");
  pc_.attribute(0x12, 0x0B);  // without plane 2
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 1, 8, kRed), "........");
  pc_.attribute(0x12, 0x0F);
  pc_.attribute(0x04, 0x01);  // the palette
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 1, 8, kBlue), "#.#....#");
  pc_.attribute(0x14, 0x04);  // colours from 64 on
  pc_.color(0x41, 0, 0x2A, 0);
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 1, 8, kGreen), "#.#....#");
}

TEST_F(VgaScreenTest, FourColorsInTwoBanksOfLines) {
  start(testing::kMode4);
  pc_.poke(kB, 0x1B);                // pixels 0 1 2 3
  pc_.poke(kB + 1, 0x40);            // 1
  pc_.poke(kB + 0x2000, 0x80);       // the second line: 2
  pc_.poke(kB + 0x2000 + 80, 0x40);  // the fourth
  EXPECT_EQ(pc_.vga.screen().size(), (Size{640, 400}));
  pc_.draw();
  for (const uint32_t y : {0, 1}) {
    EXPECT_EQ(pc_.dots(0, y, 12, kBlue), "..##....##..");
    EXPECT_EQ(pc_.dots(0, y, 12, kGreen), "....##......");
  }
  for (const uint32_t y : {2, 3}) EXPECT_EQ(pc_.dots(0, y, 4, kGreen), "##..");
  EXPECT_EQ(pc_.dots(0, 6, 4, kBlue), "##..");
  pc_.make_direct(kB);
  ASSERT_TRUE(pc_.storage.direct(kB));
  pc_.draw();
  pc_.poke(kB + 80, 0x80);
  pc_.draw();
  EXPECT_EQ(pc_.dots(0, 0, 12, kBlue), "..##....##..");
  EXPECT_EQ(pc_.dots(0, 4, 4, kGreen), "##..");
}

TEST_F(VgaScreenTest, DispiDepths) {
  pc_.vga.set_frame_buffer(0xFD000000);
  pc_.color(3, 0x3F, 0, 0);
  const auto first_pixel = [&](uint16_t depth, std::initializer_list<uint8_t> bytes) {
    pc_.dispi_mode(320, 200, depth);
    pc_.poke(0xFD000000 + 320 * ((depth + 7) / 8), bytes);
    pc_.draw();
    EXPECT_EQ(pc_.vga.screen().size(), (Size{320, 200}));
    EXPECT_EQ(pc_.pixel(0, 0), 0u);
    EXPECT_EQ(pc_.pixel(1, 1), 0u) << depth;
    return pc_.pixel(0, 1);
  };
  EXPECT_EQ(first_pixel(8, {3}), 0xFF0000u);
  EXPECT_EQ(first_pixel(15, {0x1F, 0x42}), 0x8484FFu);
  EXPECT_EQ(first_pixel(16, {0x1F, 0x84}), 0x8482FFu);
  EXPECT_EQ(first_pixel(24, {0x56, 0x34, 0x12}), 0x123456u);
  EXPECT_EQ(first_pixel(32, {0x56, 0x34, 0x12, 0xFF}), 0x123456u);
  EXPECT_FALSE(pc_.vga.screen().text());
}

TEST_F(VgaScreenTest, DispiHasPlanesToo) {
  start(testing::kMode12);
  pc_.dispi_mode(800, 600, 4);
  pc_.sequencer(2, 0x02);
  pc_.poke(kA + 100 * 599 + 99, 0x01);
  EXPECT_EQ(pc_.vga.screen().size(), (Size{800, 600}));
  pc_.draw();
  EXPECT_EQ(pc_.dots(792, 599, 8, kGreen), ".......#");
}

TEST_F(VgaScreenTest, DispiDrawsLinesThatWereWritten) {
  pc_.vga.set_frame_buffer(0xFD000000);
  pc_.dispi_mode(1024, 768, 32);  // a line is a page
  pc_.draw();
  pc_.poke(0xFD000000 + 4096 * 500, 1);
  EXPECT_EQ(pc_.draw(), (Rows{500, 501}));
  pc_.poke(0xFD000000 + 4096 * 768, 1);  // below
  EXPECT_EQ(pc_.draw(), (Rows{0, 0}));
  pc_.dispi(9, 1);
  EXPECT_EQ(pc_.draw(), (Rows{0, 768}));
  EXPECT_EQ(pc_.pixel(0, 499), 1u);
  EXPECT_EQ(pc_.pixel(0, 767), 1u);
}

TEST_F(VgaScreenTest, AScreenThatIsOffIsDark) {
  start(testing::kMode13);
  pc_.poke(kA, 4);
  pc_.draw();
  pc_.sequencer(1, 0x21);
  EXPECT_EQ(pc_.draw(), (Rows{0, 400}));
  EXPECT_EQ(pc_.pixel(0, 0), 0u);
  pc_.sequencer(1, 0x01);
  pc_.draw();
  EXPECT_EQ(pc_.pixel(0, 0), kRed);
  pc_.in(0x3DA);
  pc_.out(0x3C0, 0x00);  // the palette is the processor's
  pc_.draw();
  EXPECT_EQ(pc_.pixel(0, 0), 0u);
}

TEST_F(VgaScreenTest, ACanvasThatIsTooSmallStaysAsItIs) {
  start(testing::kMode13);
  std::vector<uint32_t> pixels(640 * 400 - 1, 1);
  EXPECT_EQ(pc_.vga.screen().draw(pixels, true), (Rows{0, 0}));
  EXPECT_EQ(pixels, std::vector<uint32_t>(640 * 400 - 1, 1));
}

}  // namespace
}  // namespace ringdown
