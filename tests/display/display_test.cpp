#include "display/display.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <functional>

#include "display/image_file.h"
#include "tests/vdevices/edge_counter.h"
#include "tests/vdevices/fake_clock.h"

namespace ringdown {
namespace {

// A screen whose rows change when it is told so.
struct TestScreen : Screen {
  Size now{4, 3};
  uint32_t color = 1;
  Rows changed{0, 0};
  unsigned draws = 0;
  std::optional<Text> shown;

  Size size() const override { return now; }
  Rows draw(std::span<uint32_t> pixels, bool all) override {
    EXPECT_EQ(pixels.size(), size_t{now.width} * now.height);
    draws++;
    const Rows rows = all ? Rows{0, now.height} : std::exchange(changed, Rows{0, 0});
    for (uint32_t i = rows.first * now.width; i < rows.end * now.width; i++) pixels[i] = color;
    return rows;
  }
  std::optional<Text> text() const override { return shown; }
};

struct DisplayTest : ::testing::Test {
  std::atomic<int> requests{0};
  Display display{[this] {
    requests++;
    requests.notify_all();
  }};
  TestScreen screen;
  testing::FakeClock clock;
  testing::EdgeCounter irq1, irq12;
  Line a20;
  I8042 kbc{{irq1.line, irq12.line, a20, {}}};
  InputFeed feed{clock, kbc};
  int changes = 0;

  DisplayTest() { display.attach(&screen); }
  std::function<void()> count() {
    return [this] { changes++; };
  }
};

TEST_F(DisplayTest, APictureNeedsNoViewer) {
  const Picture picture = display.picture();
  EXPECT_EQ(picture.size, (Screen::Size{4, 3}));
  EXPECT_EQ(picture.pixels, std::vector<uint32_t>(12, 1));
  EXPECT_EQ(requests, 0);
}

TEST_F(DisplayTest, WithoutAScreenItIsBlank) {
  display.attach(nullptr);
  const Picture picture = display.picture();
  EXPECT_EQ(picture.size, Display::kBlank);
  EXPECT_EQ(picture.pixels.size(), size_t{Display::kBlank.width} * Display::kBlank.height);
}

TEST_F(DisplayTest, ViewersCopyWhatHasChanged) {
  Viewer viewer(display, count());
  Picture seen;
  display.picture();
  viewer.update(seen);
  EXPECT_EQ(seen.pixels, std::vector<uint32_t>(12, 1));
  const int before = changes;
  display.picture();
  EXPECT_EQ(changes, before);
  screen.color = 7;
  screen.changed = {1, 2};
  display.picture();
  EXPECT_EQ(changes, before + 1);
  const Screen::Rows rows = viewer.update(seen);
  EXPECT_EQ(rows.first, 1u);
  EXPECT_EQ(rows.end, 2u);
  EXPECT_EQ(seen.pixels, (std::vector<uint32_t>{1, 1, 1, 1, 7, 7, 7, 7, 1, 1, 1, 1}));
  const Screen::Rows none = viewer.update(seen);
  EXPECT_EQ(none.first, none.end);
}

TEST_F(DisplayTest, ASlowViewerMissesNothing) {
  Viewer viewer(display, count());
  Picture seen;
  display.picture();
  viewer.update(seen);
  for (uint32_t row = 0; row < 3; row++) {
    screen.color = 10 + row;
    screen.changed = {row, row + 1};
    display.picture();
  }
  viewer.update(seen);
  EXPECT_EQ(seen.pixels, (std::vector<uint32_t>{10, 10, 10, 10, 11, 11, 11, 11, 12, 12, 12, 12}));
}

TEST_F(DisplayTest, ANewSizeIsANewPicture) {
  Viewer viewer(display, count());
  Picture seen;
  display.picture();
  viewer.update(seen);
  screen.now = {8, 5};
  screen.color = 3;
  display.picture();
  const Screen::Rows rows = viewer.update(seen);
  EXPECT_EQ(rows.end - rows.first, 5u);
  EXPECT_EQ(seen.pixels, std::vector<uint32_t>(40, 3));
}

TEST_F(DisplayTest, AbsurdSizesLeaveThePicture) {
  display.picture();
  for (const Screen::Size size : {Screen::Size{0, 5}, Screen::Size{5, 0}, Screen::Size{1u << 31, 1u << 31}}) {
    screen.now = size;
    EXPECT_EQ(display.picture().size, (Screen::Size{4, 3}));
  }
}

TEST_F(DisplayTest, RowsBeyondTheEndAreCut) {
  Viewer viewer(display, count());
  Picture seen;
  display.picture();
  viewer.update(seen);
  screen.changed = {2, 3};
  display.picture();
  EXPECT_EQ(viewer.update(seen).end, 3u);
}

TEST_F(DisplayTest, TextIsToldOnce) {
  Viewer viewer(display, count());
  display.picture();
  EXPECT_EQ(viewer.new_text()->cells.size(), 0u) << "a graphics mode";
  EXPECT_FALSE(viewer.new_text());
  screen.shown = Screen::Text{.columns = 1, .rows = 1, .cells = {{'A', 7}}, .cursor = {}};
  display.picture();
  EXPECT_EQ(viewer.new_text()->cells[0].character, 'A');
  EXPECT_FALSE(viewer.new_text());
}

TEST_F(DisplayTest, SomebodyWhoLooksHasItDrawn) {
  {
    Viewer viewer(display, count());
    for (int n = 0; n < 3; n++) {
      requests.wait(n);
      display.attend(feed);
    }
    EXPECT_GE(screen.draws, 3u);
  }
  display.attend(feed);
  const unsigned before = screen.draws;
  display.attend(feed);
  EXPECT_EQ(screen.draws, before) << "nobody looks, and nothing is due";
}

TEST_F(DisplayTest, InputComesInItsOrderAndIsBounded) {
  display.add(InputFeed::Key{0x1E, true});
  display.add(InputFeed::Key{0x1E, false});
  EXPECT_EQ(requests, 2);
  display.attend(feed);
  EXPECT_EQ(kbc.data_port().read_port(0, 1), 0x1Eu);
  EXPECT_EQ(kbc.data_port().read_port(0, 1), 0x9Eu);
  for (size_t i = 0; i < 3 * Display::kMostInput; i++) display.add(InputFeed::Key{0x1E, true});
  display.attend(feed);
  size_t codes = 0;
  while ((kbc.command_port().read_port(0, 1) & 1) != 0) {
    kbc.data_port().read_port(0, 1);
    codes++;
  }
  EXPECT_EQ(codes, Display::kMostInput);
}

TEST(ImageFile, PpmHasThePixels) {
  const std::string path = ::testing::TempDir() + "picture.ppm";
  EXPECT_FALSE(write_image({.size = {2, 1}, .pixels = {0x010203, 0xFFFEFD}}, path));
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(bytes, "P6\n2 1\n255\n\x01\x02\x03\xFF\xFE\xFD");
  std::remove(path.c_str());
}

TEST(ImageFile, SaysWhatIsWrong) {
  const auto error = write_image({.size = {1, 1}, .pixels = {0}}, "/nonexistent/x.png");
  ASSERT_TRUE(error);
  EXPECT_NE(error->find("/nonexistent/x.png"), std::string::npos);
}

}  // namespace
}  // namespace ringdown
