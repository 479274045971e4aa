#include "vdevices/fw_cfg.h"

#include <gtest/gtest.h>

#include <string>

namespace ringdown {
namespace {

std::string read(FwCfg& device, uint16_t key, size_t count) {
  device.write_port(0, 2, key);
  std::string bytes;
  while (count-- > 0) bytes.push_back(static_cast<char>(device.read_port(1, 1)));
  return bytes;
}

uint32_t big_endian(const std::string& bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = 0; i < size; i++) value = value << 8 | static_cast<uint8_t>(bytes.at(at + i));
  return value;
}

TEST(FwCfgTest, SaysWhatItIs) {
  FwCfg device;
  EXPECT_EQ(read(device, FwCfg::kSignature, 4), "QEMU");
  EXPECT_EQ(read(device, FwCfg::kId, 4), std::string("\1\0\0\0", 4));
}

TEST(FwCfgTest, ItemsAreLittleEndianAndEndInZeros) {
  FwCfg device;
  device.add(FwCfg::kRamSize, 0x8000000, 8);
  EXPECT_EQ(read(device, FwCfg::kRamSize, 10), std::string("\0\0\0\x08\0\0\0\0\0\0", 10));
  EXPECT_EQ(read(device, FwCfg::kRamSize, 4), std::string("\0\0\0\x08", 4));  // from the start again
}

TEST(FwCfgTest, WhatIsNotThereReadsZero) {
  FwCfg device;
  EXPECT_EQ(device.read_port(1, 1), 0u);
  EXPECT_EQ(read(device, 0xFFFF, 2), std::string(2, '\0'));
  EXPECT_EQ(read(device, FwCfg::kFirstFile, 2), std::string(2, '\0'));
}

TEST(FwCfgTest, OnlyAWordSelects) {
  FwCfg device;
  device.write_port(0, 2, FwCfg::kSignature);
  device.write_port(0, 1, FwCfg::kId);
  device.write_port(1, 1, FwCfg::kId);
  EXPECT_EQ(device.read_port(0, 1), 0u);
  EXPECT_EQ(device.read_port(1, 1), uint32_t{'Q'});
}

TEST(FwCfgTest, FilesAreFoundByTheDirectory) {
  FwCfg device;
  EXPECT_EQ(big_endian(read(device, FwCfg::kFileDirectory, 4), 0, 4), 0u);
  device.add_file("etc/one", {1});
  device.add_file("etc/three", {'a', 'b', 'c'});
  const std::string directory = read(device, FwCfg::kFileDirectory, 4 + 2 * 64);
  EXPECT_EQ(big_endian(directory, 0, 4), 2u);
  const size_t second = 4 + 64;
  EXPECT_EQ(big_endian(directory, second, 4), 3u);
  const uint32_t key = big_endian(directory, second + 4, 2);
  EXPECT_EQ(directory.substr(second + 8, 10), std::string("etc/three\0", 10));
  EXPECT_EQ(read(device, static_cast<uint16_t>(key), 4), std::string("abc\0", 4));
}

}  // namespace
}  // namespace ringdown
