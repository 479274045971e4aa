#include "monitor/image_medium.h"

#include <gtest/gtest.h>

#include "tests/block/temporary_image.h"
#include "tests/vdevices/ata_host.h"
#include "vdevices/ata_disk.h"

namespace ringdown {
namespace {

using testing::filled;
using testing::TemporaryImage;

// An ATA disk whose medium is a file.
struct DiskOnFile {
  BlockQueue queue;
  ImageMedium medium{queue};
  AtaDisk disk{medium, {"M", "S", "1"}};
  testing::AtaHost host{&disk, nullptr};

  explicit DiskOnFile(const TemporaryImage& file, ImageAccess access = ImageAccess::kReadWrite)
      : queue(std::move(std::get<0>(open_block_image(file.path(), access))), nullptr) {}
  ~DiskOnFile() { queue.drain(); }
  uint8_t run(uint8_t command) {
    host.command(command);
    queue.drain();
    return host.status();
  }
};

TEST(ImageMedium, WhatTheGuestWritesIsInTheFile) {
  const TemporaryImage file(8 * 512);
  DiskOnFile on{file};
  on.host.address(2, 2);
  EXPECT_EQ(on.run(0x30), 0x58);
  on.host.write_bytes(filled({100, 101}));
  EXPECT_EQ(on.host.alternate_status(), 0x80) << "busy until it is";
  on.queue.drain();
  EXPECT_EQ(on.host.status(), 0x50);
  EXPECT_EQ(on.run(0xE7), 0x50);
  EXPECT_EQ(file.content(), filled({1, 2, 100, 101, 5, 6, 7, 8}));
  on.host.address(3, 1);
  EXPECT_EQ(on.run(0x20), 0x58);
  EXPECT_EQ(on.host.read_bytes(512), filled({101}));
}

TEST(ImageMedium, AFileThatShrinksIsAnUnreadableSector) {
  const TemporaryImage file(8 * 512);
  DiskOnFile on{file};
  file.truncate(4 * 512);
  on.host.address(3, 2);
  EXPECT_EQ(on.run(0x20), 0x58);
  on.host.read_bytes(512);
  EXPECT_EQ(on.host.status(), 0x51);
  EXPECT_EQ(on.host.in(kAtaErrorFeatures), 0x40);
  EXPECT_EQ(on.host.in(kAtaLbaLow), 4);
}

TEST(ImageMedium, AReadOnlyFileIsAReadOnlyDisk) {
  const TemporaryImage file(8 * 512);
  DiskOnFile on{file, ImageAccess::kReadOnly};
  on.host.address(2, 1);
  EXPECT_EQ(on.run(0x30), 0x51);
  EXPECT_EQ(on.host.in(kAtaErrorFeatures), 0x04);
}

}  // namespace
}  // namespace ringdown
