#include "images/firmware_image.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace ringdown {
namespace {

class FirmwareImage : public ::testing::Test {
 protected:
  void SetUp() override { std::ofstream{path_}; }
  void TearDown() override { std::filesystem::remove(path_); }

  // What is said of a file of this size.
  std::string load(uint64_t size) {
    std::filesystem::resize_file(path_, size);
    const auto bytes = load_firmware(path_);
    return bytes ? std::to_string(bytes->size()) : bytes.error().message;
  }

  const std::string path_ =
      (std::filesystem::temp_directory_path() / ("ringdown-bios-" + std::to_string(getpid()))).string();
};

TEST_F(FirmwareImage, IsWholeUnitsOf64KiB) {
  EXPECT_EQ(load(65536), "65536");
  EXPECT_EQ(load(3 * 65536), "196608");
  EXPECT_EQ(load(kMaxFirmwareBytes), "16777216");
}

TEST_F(FirmwareImage, OtherSizesAreRefused) {
  EXPECT_EQ(load(0), path_ + ": the file is empty");
  EXPECT_EQ(load(65535), path_ + ": the file has 65535 bytes; a BIOS has a multiple of 64 KiB");
  EXPECT_EQ(load(kMaxFirmwareBytes + 65536),
            path_ + ": the file has 16842752 bytes, more than a BIOS may have (16 MiB)");
}

TEST_F(FirmwareImage, HoldsTheBytesOfTheFile) {
  std::ofstream(path_, std::ios::binary) << std::string(65536, 'x');
  const auto bytes = load_firmware(path_);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(*bytes, std::vector<uint8_t>(65536, 'x'));
}

TEST_F(FirmwareImage, MissingFileIsNamed) {
  const auto bytes = load_firmware(path_ + "/x");
  ASSERT_FALSE(bytes);
  EXPECT_NE(bytes.error().message.find(path_ + "/x: cannot be opened"), std::string::npos);
}

// That of the installed package, if it is.
TEST_F(FirmwareImage, AVgaBiosIsAnOptionRom) {
  const auto rom = load_vga_firmware();
  ASSERT_TRUE(rom);
  if (rom->empty()) GTEST_SKIP() << "SeaBIOS's VGA BIOS is not installed";
  EXPECT_EQ((*rom)[0], 0x55);
  EXPECT_EQ((*rom)[1], 0xAA);
}

}  // namespace
}  // namespace ringdown
