#include "monitor/guest_dma.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>
#include <vector>

namespace ringdown {
namespace {

constexpr uint32_t kRam = 2 << 20;

// Forgets a page's code when it is written, as the translator does.
struct GuestDmaTest : ::testing::Test, CodeWriteObserver {
  std::vector<uint8_t> ram = std::vector<uint8_t>(kRam);
  PhysicalMemory memory{ram};
  unsigned code_written = 0;
  GuestDma dma{memory, [this] { code_written++; }};
  std::vector<std::pair<uint64_t, unsigned>> writes;

  GuestDmaTest() { memory.set_observer(this); }
  void on_code_write(uint64_t physical, unsigned length) override {
    writes.emplace_back(physical, length);
    memory.set_holds_code(physical >> kPageShift, false);
  }
  bool write(uint32_t address, size_t size) { return dma.write(address, std::vector<uint8_t>(size, 0xAB)); }
  bool read(uint32_t address, size_t size) {
    std::vector<uint8_t> to(size);
    return dma.read(address, to);
  }
};

TEST_F(GuestDmaTest, ReadsAndWritesRam) {
  EXPECT_TRUE(write(0x1FFF, 0x2002));
  EXPECT_EQ(ram[0x1FFE], 0);
  EXPECT_EQ(ram[0x1FFF], 0xAB);
  EXPECT_EQ(ram[0x4000], 0xAB);
  EXPECT_EQ(ram[0x4001], 0);
  std::array<uint8_t, 2> to{};
  EXPECT_TRUE(dma.read(0x4000, to));
  EXPECT_EQ(to[0], 0xAB);
  EXPECT_EQ(to[1], 0);
  EXPECT_EQ(code_written, 0u);
}

TEST_F(GuestDmaTest, NothingOutsideOfRam) {
  for (const auto& [address, size] : {std::pair{kRam, 1u},
                                      {kRam - 1, 2u},
                                      {0x9FFFFu, 2u},
                                      {0xA0000u, 1u},
                                      {0xBFFFFu, 2u},
                                      {0xFFFFFFFFu, 1u},
                                      {0xFFFFFFFFu, 2u},
                                      {0xFFFFFFFEu, 0x10000u}}) {
    EXPECT_FALSE(write(address, size)) << std::hex << address;
    EXPECT_FALSE(read(address, size)) << std::hex << address;
  }
  EXPECT_EQ(ram, std::vector<uint8_t>(kRam));
  EXPECT_TRUE(write(kRam - 1, 1));
}

TEST_F(GuestDmaTest, NotInUpperMemoryThatIsNotRam) {
  memory.set_upper_memory(15, {.reads_ram = true, .writes_ram = false});
  EXPECT_FALSE(write(0xFBFFF, 2));
  EXPECT_TRUE(write(0xFBFFF, 1));
}

TEST_F(GuestDmaTest, CodeIsForgottenPageByPage) {
  for (const uint64_t frame : {1, 2, 3}) memory.set_holds_code(frame, true);
  EXPECT_TRUE(write(0x1FFE, 0x1004));
  EXPECT_EQ(writes, (std::vector<std::pair<uint64_t, unsigned>>{{0x1FFE, 2}, {0x2000, 0x1000}, {0x3000, 2}}));
  EXPECT_EQ(code_written, 1u);
  EXPECT_TRUE(read(0x1000, 0x3000));
  EXPECT_EQ(code_written, 1u);
}

TEST_F(GuestDmaTest, TheA20GateIsTheProcessorsOnly) {
  memory.set_a20(false);
  EXPECT_TRUE(write(0x101FFF, 2));
  EXPECT_EQ(ram[0x101FFF], 0xAB);
  EXPECT_EQ(ram[0x102000], 0xAB);
  EXPECT_EQ(ram[0x1FFF], 0);
  std::array<uint8_t, 1> to{};
  EXPECT_TRUE(dma.read(0x102000, to));
  EXPECT_EQ(to[0], 0xAB);
}

}  // namespace
}  // namespace ringdown
