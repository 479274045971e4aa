#include "cpu/physical_memory.h"

#include <gtest/gtest.h>

#include <vector>

namespace ringdown {
namespace {

constexpr uint32_t kAllOnes = 0xFFFFFFFF;
constexpr UpperMemoryAccess kRom{false, false}, kReadOnlyRam{true, false}, kWriteOnlyRam{false, true},
    kRam{true, true};

// 2 MiB of RAM that holds its own addresses, and 256 KiB of ROM of which each dword holds its distance to 4
// GiB.
class PhysicalMemoryTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kRamBytes = 2 << 20, kRomBytes = 256 << 10;

  PhysicalMemoryTest() {
    for (uint32_t at = 0; at < kRamBytes; at += 4) std::memcpy(&ram_[at], &at, 4);
    for (uint32_t at = 0; at < kRomBytes; at += 4) {
      const uint32_t distance = kRomBytes - at;
      std::memcpy(&rom_[at], &distance, 4);
    }
    memory_.set_rom(rom_);
  }

  uint32_t read(uint64_t physical) const { return memory_.read<uint32_t>(physical); }
  void set_all_upper(UpperMemoryAccess access) {
    for (unsigned n = 0; n < PhysicalMemory::kUpperSegments; n++) memory_.set_upper_memory(n, access);
  }

  std::vector<uint8_t> ram_ = std::vector<uint8_t>(kRamBytes);
  std::vector<uint8_t> rom_ = std::vector<uint8_t>(kRomBytes);
  PhysicalMemory memory_{ram_};
};

TEST_F(PhysicalMemoryTest, IsRamButForTheVideoHoleAtFirst) {
  for (const uint32_t at : {0u, 0x9FFFCu, 0xC0000u, 0xFFFFCu, 0x100000u, kRamBytes - 4}) {
    EXPECT_EQ(read(at), at);
    EXPECT_TRUE(memory_.is_ram_page(at >> kPageShift)) << at;
  }
  for (const uint64_t at : {uint64_t{0xA0000}, uint64_t{0xBFFFC}, uint64_t{kRamBytes}, uint64_t{1} << 36}) {
    EXPECT_EQ(read(at), kAllOnes);
    EXPECT_FALSE(memory_.is_ram_page(at >> kPageShift)) << at;
  }
}

TEST_F(PhysicalMemoryTest, RomEndsAt4GiBAndSwallowsWrites) {
  EXPECT_EQ(read(0xFFFFFFFC), 4u);
  EXPECT_EQ(read(0xFFFC0000), kRomBytes);
  EXPECT_EQ(read(0xFFFBFFFC), kAllOnes);
  EXPECT_EQ(read(uint64_t{1} << 32), kAllOnes);
  memory_.write<uint32_t>(0xFFFFFFFC, 1);
  EXPECT_EQ(read(0xFFFFFFFC), 4u);
  EXPECT_FALSE(memory_.is_ram_page(0xFFFFF));
}

TEST_F(PhysicalMemoryTest, UpperMemoryShowsTheLast128KiBOfRom) {
  set_all_upper(kRom);
  EXPECT_EQ(read(0xFFFFC), 4u);
  EXPECT_EQ(read(0xE0000), 0x20000u);
  EXPECT_EQ(read(0xDFFFC), kAllOnes);
  EXPECT_EQ(read(0x100000), 0x100000u);
  memory_.write<uint32_t>(0xF0000, 1);
  EXPECT_EQ(read(0xF0000), 0x10000u);
  set_all_upper(kRam);
  EXPECT_EQ(read(0xF0000), 0xF0000u);
}

TEST_F(PhysicalMemoryTest, RomIsCopiedToUpperMemoryWhereNothingElseLetsItBeWritten) {
  memory_.copy_rom_to_upper_memory();
  EXPECT_EQ(read(0xDFFFC), 0xDFFFCu) << "no more than is seen there";
  EXPECT_EQ(read(0xE0000), 128u << 10);
  EXPECT_EQ(read(0xFFFFC), 4u);
  EXPECT_EQ(read(0x100000), 0x100000u);
  memory_.write<uint32_t>(0xFFFFC, 1);
  EXPECT_EQ(read(0xFFFFC), 1u);
  EXPECT_EQ(read(0xFFFFFFFC), 4u);
  memory_.set_rom(std::span(rom_).last(64 << 10));
  memory_.write<uint32_t>(0xEFFFC, 1);
  memory_.copy_rom_to_upper_memory();
  EXPECT_EQ(read(0xEFFFC), 1u);
  EXPECT_EQ(read(0xF0000), 64u << 10);
}

TEST_F(PhysicalMemoryTest, SmallRomLeavesTheRestAllOnes) {
  memory_.set_rom(std::span(rom_).last(0x10000));
  set_all_upper(kRom);
  EXPECT_EQ(read(0xF0000), 0x10000u);
  EXPECT_EQ(read(0xEFFFC), kAllOnes);
  EXPECT_EQ(read(0xFFFEFFFC), kAllOnes);
}

TEST_F(PhysicalMemoryTest, ReadsAndWritesOfASegmentGoWhereTheyAreTold) {
  set_all_upper(kRom);
  const unsigned segment = 12;  // F0000h
  EXPECT_TRUE(memory_.set_upper_memory(segment, kWriteOnlyRam));
  EXPECT_FALSE(memory_.set_upper_memory(segment, kWriteOnlyRam));
  memory_.write<uint32_t>(0xF0000, 0x12345678);
  EXPECT_EQ(read(0xF0000), 0x10000u);
  EXPECT_FALSE(memory_.is_ram_page(0xF0));
  memory_.set_upper_memory(segment, kReadOnlyRam);
  EXPECT_EQ(read(0xF0000), 0x12345678u);
  memory_.write<uint32_t>(0xF0000, 0);
  EXPECT_EQ(read(0xF0000), 0x12345678u);
  EXPECT_FALSE(memory_.is_ram_page(0xF0));
  memory_.set_upper_memory(segment, kRam);
  EXPECT_TRUE(memory_.is_ram_page(0xF0));
  EXPECT_TRUE(memory_.is_ram_page(0xF3));
  EXPECT_FALSE(memory_.is_ram_page(0xF4));
  EXPECT_FALSE(memory_.is_ram_page(0xEF));
}

TEST_F(PhysicalMemoryTest, AccessesAcrossABoundaryAreSplit) {
  set_all_upper(kRom);
  memory_.set_upper_memory(12, kRam);
  memory_.write<uint32_t>(0xF3FFE, 0xAABBCCDD);
  EXPECT_EQ(read(0xF3FFE), 0xC000CCDDu);  // ROM behind: the dword 0xC000
  EXPECT_EQ(ram_[0xF4000], 0x00);
  memory_.write<uint32_t>(0xFFFFE, 0xAABBCCDD);
  EXPECT_EQ(read(0xFFFFE), 0xAABB0000u);
  EXPECT_EQ(read(0xFFFFFFFE), 0xFFFF0000u);
}

TEST_F(PhysicalMemoryTest, Bit20OfAddressesIsMaskedWhileTheA20GateIsClosed) {
  EXPECT_FALSE(memory_.set_a20(true)) << "open at first";
  EXPECT_TRUE(memory_.set_a20(false));
  EXPECT_FALSE(memory_.set_a20(false));
  EXPECT_EQ(read(0x100000), 0u);
  EXPECT_EQ(read(0x1FFFFC), 0xFFFFCu);
  EXPECT_EQ(read(0x1000), 0x1000u);
  EXPECT_EQ(read(0xFFFFFFFC), kAllOnes) << "ROM is at odd MiB";
  EXPECT_FALSE(memory_.is_ram_page(0x100));
  EXPECT_TRUE(memory_.is_ram_page(0));
  EXPECT_TRUE(memory_.is_ram_of_bus(0x100));
  memory_.write<uint32_t>(0xFFFFE, 0x11223344);
  EXPECT_EQ(read(0xFFFFE), 0x11223344u);
  EXPECT_EQ(read(0), 0x1122u) << "an access across 1 MiB goes on at 0";
  memory_.set_a20(true);
  EXPECT_EQ(read(0x100000), 0x100000u);
  EXPECT_TRUE(memory_.is_ram_page(0x100));
}

TEST_F(PhysicalMemoryTest, WhatIsWrittenBehindAClosedGateIsAnnouncedWhereItGoes) {
  struct Observer : CodeWriteObserver {
    void on_code_write(uint64_t physical, unsigned) override { written = physical; }
    uint64_t written = 0;
  } observer;
  memory_.set_observer(&observer);
  memory_.set_holds_code(1, true);
  memory_.set_a20(false);
  memory_.write<uint32_t>(0x101234, 1);
  EXPECT_EQ(observer.written, 0x1234u);
}

TEST_F(PhysicalMemoryTest, DevicesStorageIsNotSeenAtAddressesThatAreMasked) {
  const DeviceAperture aperture{.frame = 0xE0100, .pages = 1, .page = 0};
  PhysicalMemory memory{std::span(ram_).first(kRamBytes / 2), kRamBytes / 2};
  memory.set_apertures({&aperture, 1});
  EXPECT_NE(memory.storage_page(0xE0100), PhysicalMemory::kNoStorage);
  memory.set_a20(false);
  EXPECT_EQ(memory.storage_page(0xE0100), PhysicalMemory::kNoStorage);
}

}  // namespace
}  // namespace ringdown
