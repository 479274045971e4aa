#include "vdevices/input_feed.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/vdevices/edge_counter.h"
#include "tests/vdevices/fake_clock.h"

namespace ringdown {
namespace {

using Bytes = std::vector<unsigned>;

struct InputFeedTest : ::testing::Test {
  testing::FakeClock clock;
  testing::EdgeCounter irq1, irq12;
  Line a20;
  I8042 kbc{{irq1.line, irq12.line, a20, {}}};
  InputFeed feed{clock, kbc};

  bool full() { return (kbc.command_port().read_port(0, 1) & 1) != 0; }
  unsigned data() { return kbc.data_port().read_port(0, 1); }
  Bytes drain() {
    Bytes bytes;
    while (full()) bytes.push_back(data());
    return bytes;
  }
  void to_mouse(uint8_t byte) {
    kbc.command_port().write_port(0, 1, 0xD4);
    kbc.data_port().write_port(0, 1, byte);
  }
};

TEST_F(InputFeedTest, NoKeyIsLostToASlowReader) {
  for (int i = 0; i < 200; i++) feed.add(InputFeed::Key{0x1E, i % 2 == 0});
  const Bytes codes = drain();
  ASSERT_EQ(codes.size(), 200u);
  for (size_t i = 0; i < codes.size(); i++) EXPECT_EQ(codes[i], i % 2 == 0 ? 0x1Eu : 0x9Eu);
}

TEST_F(InputFeedTest, PausesAreOfTheGuestsTime) {
  feed.add(InputFeed::Key{0x1E, true});
  feed.add(InputFeed::Pause{1000});
  feed.add(InputFeed::Key{0x1E, false});
  EXPECT_EQ(drain(), Bytes{0x1E});
  const Nanoseconds end = feed.next_event();
  EXPECT_EQ(end, clock.now() + 1000);
  feed.advance();
  EXPECT_EQ(drain(), Bytes{});
  clock.time = end;
  feed.advance();
  EXPECT_EQ(drain(), Bytes{0x9E});
  EXPECT_EQ(feed.next_event(), kNever);
}

TEST_F(InputFeedTest, EveryClickIsAPacket) {
  to_mouse(0xF4);
  EXPECT_EQ(drain(), Bytes{0xFA});
  for (const uint8_t buttons : {1, 0, 1, 0}) feed.add(InputFeed::Pointer{0, 0, 0, buttons});
  feed.add(InputFeed::Pointer{4, 0, 0});
  EXPECT_EQ(drain(), (Bytes{9, 0, 0, 8, 0, 0, 9, 0, 0, 8, 0, 0, 8, 4, 0}));
}

TEST_F(InputFeedTest, AGuestThatTakesNothingCostsABoundedQueue) {
  for (size_t i = 0; i < 3 * InputFeed::kMostSteps; i++) feed.add(InputFeed::Key{0x1E, true});
  EXPECT_LE(drain().size(), InputFeed::kMostSteps + 32);
}

}  // namespace
}  // namespace ringdown
