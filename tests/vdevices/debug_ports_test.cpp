#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "vdevices/debug_console.h"
#include "vdevices/debug_exit.h"

namespace ringdown {
namespace {

TEST(DebugExitTest, StatusIsTwiceTheValuePlusOne) {
  std::vector<uint32_t> statuses;
  DebugExit port{[&](uint32_t status) { statuses.push_back(status); }};
  port.write_port(0, 1, 0);
  port.write_port(0, 4, 0x10);
  EXPECT_EQ(statuses, (std::vector<uint32_t>{1, 33}));
  EXPECT_EQ(port.read_port(0, 1), 0u);
}

TEST(DebugConsoleTest, AnnouncesItselfAndPassesTextOn) {
  std::string text;
  DebugConsole port{[&](uint8_t byte) { text.push_back(static_cast<char>(byte)); }};
  EXPECT_EQ(port.read_port(0, 1), 0xE9u);
  for (const char c : std::string("ok\n")) port.write_port(0, 1, static_cast<uint8_t>(c));
  EXPECT_EQ(text, "ok\n");
}

}  // namespace
}  // namespace ringdown
