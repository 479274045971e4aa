#include "vdevices/vga_pci.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/vdevices/vga_pc.h"

namespace ringdown {
namespace {

using testing::VgaPc;

class VgaPciTest : public ::testing::Test {
 protected:
  VgaPciTest() : rom_(3000) {
    std::iota(rom_.begin(), rom_.end(), 0);
    function_.emplace(pc_.vga, memory_, rom_);
  }
  uint32_t size_of(uint8_t bar) {
    const uint32_t before = function_->read_config(bar, 4);
    function_->write_config(bar, 4, ~0u);
    const uint32_t mask = function_->read_config(bar, 4);
    function_->write_config(bar, 4, before);
    return mask;
  }

  VgaPc pc_;
  MemoryBus memory_;
  std::vector<uint8_t> rom_;
  std::optional<VgaPci> function_;
};

TEST_F(VgaPciTest, IsADisplayAdapter) {
  EXPECT_EQ(function_->read_config(0x00, 4), 0x11111234u);
  EXPECT_EQ(function_->read_config(0x08, 4), 0x03000002u);
  EXPECT_EQ(function_->read_config(0x04, 2), 0u);
  function_->write_config(0x04, 2, 0xFFFF);
  EXPECT_EQ(function_->read_config(0x04, 2), 0x0003u);
}

TEST_F(VgaPciTest, RangesTellTheirSizes) {
  EXPECT_EQ(size_of(0x10), 0xFF000008u);
  EXPECT_EQ(size_of(0x14), 0u);
  EXPECT_EQ(size_of(0x18), 0xFFFFF000u);
  EXPECT_EQ(size_of(0x30), 0xFFFFF001u);
  VgaPci without(pc_.vga, memory_, {});
  without.write_config(0x30, 4, ~0u);
  EXPECT_EQ(without.read_config(0x30, 4), 0u);
}

TEST_F(VgaPciTest, RangesAreThereWhileMemoryIsEnabled) {
  function_->write_config(0x10, 4, 0xFD000000);
  function_->write_config(0x18, 4, 0xFEBF0000);
  function_->write_config(0x30, 4, 0xFEBE0001);
  EXPECT_TRUE(pc_.storage.apertures.empty());
  EXPECT_EQ(memory_.read(0xFEBF0500, 2), 0xFFFFu);
  function_->write_config(0x04, 2, 0x0002);
  ASSERT_EQ(pc_.storage.apertures.size(), 1u);
  EXPECT_EQ(pc_.storage.apertures[0], (VideoMemory::Aperture{0xFD000000, VgaMemory::kBytes, 0}));
  EXPECT_EQ(memory_.read(0xFEBF0500, 2), 0xB0C5u);
  EXPECT_EQ(memory_.read(0xFEBE0000, 4), 0x03020100u);
  memory_.write(0xFEBE0000, 4, 0);
  EXPECT_EQ(memory_.read(0xFEBE0000, 4), 0x03020100u);
  EXPECT_EQ(memory_.read(0xFEBE0BB4, 4), 0xB7B6B5B4u);
  EXPECT_EQ(memory_.read(0xFEBE0BB8, 4), 0xFFFFFFFFu);  // behind the file's end
  function_->write_config(0x30, 4, 0xFEBE0000);
  EXPECT_EQ(memory_.read(0xFEBE0000, 4), 0xFFFFFFFFu);
  function_->write_config(0x04, 2, 0x0000);
  EXPECT_TRUE(pc_.storage.apertures.empty());
  EXPECT_EQ(memory_.read(0xFEBF0500, 2), 0xFFFFu);
}

TEST_F(VgaPciTest, RangesMove) {
  function_->write_config(0x04, 2, 0x0002);
  function_->write_config(0x18, 4, 0xFEBF0000);
  function_->write_config(0x1A, 1, 0xBE);
  EXPECT_EQ(memory_.read(0xFEBF0500, 2), 0xFFFFu);
  EXPECT_EQ(memory_.read(0xFEBE0500, 2), 0xB0C5u);
  function_->write_config(0x30, 4, 0xFEBE0001);  // where another range is
  EXPECT_EQ(memory_.read(0xFEBE0500, 2), 0xB0C5u);
}

}  // namespace
}  // namespace ringdown
