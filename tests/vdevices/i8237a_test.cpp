#include "vdevices/i8237a.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/vdevices/flat_memory.h"

namespace ringdown {
namespace {

using Bytes = std::vector<uint8_t>;

// A device with so many bytes to send, or to take, in portions.
struct Device : IsaDmaDevice {
  DmaRequest way = DmaRequest::kNone;
  Bytes data;
  size_t portion = 7;
  size_t position = 0;
  int terminal_counts = 0;

  void start(DmaRequest to, Bytes bytes) {
    way = to;
    data = std::move(bytes);
    position = 0;
    terminal_counts = 0;
  }
  void send(Bytes bytes) { start(DmaRequest::kToMemory, std::move(bytes)); }
  void take(size_t bytes) { start(DmaRequest::kFromMemory, Bytes(bytes)); }
  DmaRequest dma_request() const override { return position < data.size() ? way : DmaRequest::kNone; }
  std::span<uint8_t> dma_data() override {
    return std::span(data).subspan(position, std::min(portion, data.size() - position));
  }
  void dma_moved(size_t bytes, bool terminal_count) override {
    position += bytes;
    terminal_counts += terminal_count;
  }
};

Bytes counted(size_t size, uint8_t first = 1) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(first + i);
  return bytes;
}

struct IsaDmaTest : ::testing::Test {
  testing::FlatMemory memory{1 << 20};
  IsaDma dma{&memory};
  Device device;

  void out(uint16_t port, unsigned value) {
    if (port < 0x10) return dma.byte_channels().write_port(port, 1, value);
    if (port >= 0xC0) return dma.word_channels().write_port(port - 0xC0, 1, value);
    dma.pages().write_port(port - 0x81, 1, value);
  }
  unsigned in(uint16_t port) {
    if (port < 0x10) return dma.byte_channels().read_port(port, 1);
    if (port >= 0xC0) return dma.word_channels().read_port(port - 0xC0, 1);
    return dma.pages().read_port(port - 0x81, 1);
  }
  // As a driver does. `units`: bytes of channel 2, words of channel 5.
  void program2(uint8_t mode, uint32_t address, unsigned units) {
    dma.connect(2, device);
    out(0x0A, 6);
    out(0x0C, 0);
    out(0x0B, mode | 2);
    out(4, address & 0xFF);
    out(4, address >> 8 & 0xFF);
    out(0x81, address >> 16);
    out(5, (units - 1) & 0xFF);
    out(5, (units - 1) >> 8);
    out(0x0A, 2);
  }
  void program5(uint8_t mode, uint32_t address, unsigned units) {
    dma.connect(5, device);
    out(0xD4, 5);
    out(0xD8, 0);
    out(0xD6, mode | 1);
    out(0xC4, address >> 1 & 0xFF);
    out(0xC4, address >> 9 & 0xFF);
    out(0x8B, address >> 16);
    out(0xC6, (units - 1) & 0xFF);
    out(0xC6, (units - 1) >> 8);
    out(0xD4, 1);
  }
  unsigned word(uint16_t port) {
    const unsigned low = in(port);
    return low | in(port) << 8;
  }
  Bytes at(uint32_t address, size_t size) const {
    return {memory.bytes.begin() + address, memory.bytes.begin() + address + static_cast<ptrdiff_t>(size)};
  }
};

TEST_F(IsaDmaTest, RegistersReadBackByTheFlipFlop) {
  for (const uint16_t port : {0x00, 0x03, 0x07}) {
    out(0x0C, 0);
    out(port, 0x34);
    out(port, 0x12);
    EXPECT_EQ(word(port), 0x1234u) << port;
    out(port, 0x55);
    out(0x0C, 0);
    EXPECT_EQ(in(port), 0x55u) << "low byte again";
    EXPECT_EQ(in(port), 0x12u);
  }
  out(0xC8, 0x78);  // channel 6's address, at an even port
  out(0xC8, 0x56);
  EXPECT_EQ(word(0xC8), 0x5678u);
  for (uint16_t port = 0x81; port <= 0x8F; ++port) out(port, port * 3);
  for (uint16_t port = 0x81; port <= 0x8F; ++port) EXPECT_EQ(in(port), (port * 3) & 0xFFu) << port;
}

TEST_F(IsaDmaTest, DataGoesToMemoryWhenTheDeviceAsks) {
  program2(0x44, 0x12345, 20);
  device.send(counted(30));
  EXPECT_EQ(in(8), 0x40u) << "channel 2 asks";
  dma.channel(2).dma_requested();
  EXPECT_EQ(at(0x12345, 21), [] {
    Bytes bytes = counted(20);
    bytes.push_back(0);
    return bytes;
  }());
  EXPECT_EQ(device.position, 20u) << "no more than was counted";
  EXPECT_EQ(device.terminal_counts, 1);
  EXPECT_EQ(in(8), 0x44u);
  EXPECT_EQ(in(8), 0x40u) << "read once";
  EXPECT_EQ(in(0x0F), 0x0Fu) << "the channel has masked itself";
  EXPECT_EQ(word(4), 0x2345u + 20);
  EXPECT_EQ(word(5), 0xFFFFu);
}

TEST_F(IsaDmaTest, DataComesFromMemory) {
  const Bytes data = counted(100);
  std::ranges::copy(data, memory.bytes.begin() + 0x8000);
  program2(0x48, 0x8000, 100);
  device.take(100);
  dma.channel(2).dma_requested();
  EXPECT_EQ(device.data, data);
}

TEST_F(IsaDmaTest, WhatTheDeviceHasWaitsForTheChannel) {
  program2(0x44, 0x8000, 4);
  out(0x0A, 6);
  device.send(counted(4));
  dma.channel(2).dma_requested();
  EXPECT_EQ(device.position, 0u);
  out(0x08, 0x04);  // disabled
  out(0x0A, 2);
  EXPECT_EQ(device.position, 0u);
  out(0x08, 0);
  EXPECT_EQ(device.position, 4u);
}

TEST_F(IsaDmaTest, BytesGoByTheCascadeOfChannel4) {
  out(0x0D, 0);
  out(0xDA, 0);
  program2(0x44, 0x8000, 4);
  device.send(counted(4));
  dma.channel(2).dma_requested();
  EXPECT_EQ(device.position, 0u) << "master clear has masked channel 4";
  out(0xD6, 0xC0);
  out(0xD4, 0);
  EXPECT_EQ(device.position, 4u);
}

TEST_F(IsaDmaTest, AddressesWrapWithinTheirPage) {
  program2(0x44, 0x2FFFC, 8);
  device.send(counted(8));
  dma.channel(2).dma_requested();
  EXPECT_EQ(at(0x2FFFC, 5), (Bytes{1, 2, 3, 4, 0}));
  EXPECT_EQ(at(0x20000, 5), (Bytes{5, 6, 7, 8, 0}));
}

TEST_F(IsaDmaTest, AddressesMayDecrease) {
  program2(0x64, 0x20001, 4);
  device.send(counted(4));
  dma.channel(2).dma_requested();
  EXPECT_EQ(at(0x20000, 3), (Bytes{2, 1, 0}));
  EXPECT_EQ(at(0x2FFFE, 2), (Bytes{4, 3}));
}

TEST_F(IsaDmaTest, AutoInitializationStartsAgain) {
  program2(0x54, 0x8000, 4);
  device.send(counted(10));
  dma.channel(2).dma_requested();
  EXPECT_EQ(at(0x8000, 5), (Bytes{9, 10, 7, 8, 0}));
  EXPECT_EQ(device.terminal_counts, 2);
  EXPECT_EQ(in(0x0F), 0x0Bu);
  EXPECT_EQ(word(4), 0x8002u);
  EXPECT_EQ(word(5), 1u);
}

TEST_F(IsaDmaTest, WordsReach128KiB) {
  device.portion = 6;
  program5(0x44, 0x3FFFC, 4);
  device.send(counted(9));
  dma.channel(5).dma_requested();
  EXPECT_EQ(at(0x3FFFC, 4), (Bytes{1, 2, 3, 4}));
  EXPECT_EQ(at(0x20000, 5), (Bytes{5, 6, 7, 8, 0}));
  EXPECT_EQ(in(0xD0) & 0x0Fu, 0x02u);
  EXPECT_EQ(device.position, 8u);
}

TEST_F(IsaDmaTest, AWordNeedsTwoBytes) {
  program5(0x44, 0x8000, 4);
  device.send(counted(3));
  dma.channel(5).dma_requested();
  EXPECT_EQ(device.position, 2u);
}

TEST_F(IsaDmaTest, VerifyMovesNothing) {
  program2(0x40, 0x8000, 4);
  device.send(counted(4));
  dma.channel(2).dma_requested();
  EXPECT_EQ(device.position, 4u);
  EXPECT_EQ(device.terminal_counts, 1);
  EXPECT_EQ(at(0x8000, 4), Bytes(4));
}

TEST_F(IsaDmaTest, AnotherDirectionThanTheDevicesFindsAnOpenBus) {
  program2(0x44, 0x8000, 4);
  device.take(4);
  dma.channel(2).dma_requested();
  EXPECT_EQ(at(0x8000, 5), (Bytes{0xFF, 0xFF, 0xFF, 0xFF, 0}));
  program2(0x48, 0x8000, 4);
  device.send(counted(4));
  dma.channel(2).dma_requested();
  EXPECT_EQ(device.data, counted(4));
}

TEST_F(IsaDmaTest, WhereThereIsNoRamIsAnOpenBus) {
  program2(0x48, 0xFFFFE, 2);  // the last two bytes
  device.take(2);
  dma.channel(2).dma_requested();
  EXPECT_EQ(device.data, Bytes(2));
  program2(0x48, 0x100000, 4);
  device.take(4);
  dma.channel(2).dma_requested();
  EXPECT_EQ(device.data, Bytes(4, 0xFF));
  program2(0x44, 0x100000, 4);
  device.send(counted(4));
  dma.channel(2).dma_requested();
  EXPECT_EQ(device.terminal_counts, 1);
}

TEST_F(IsaDmaTest, SoftwareRequestsRunToTheirEnd) {
  program2(0x84, 0x8000, 0x10000);
  memory.bytes[0x7FFF] = 1;
  out(0x09, 6);
  EXPECT_EQ(at(0x8000, 0x8000), Bytes(0x8000, 0xFF)) << "no device drives the bus";
  EXPECT_EQ(memory.bytes[0x7FFF], 0xFF) << "64 KiB are the whole page";
  EXPECT_EQ(in(8), 0x04u);
}

TEST_F(IsaDmaTest, AChannelThatCascadesMovesNothing) {
  program2(0xC4, 0x8000, 4);
  device.send(counted(4));
  dma.channel(2).dma_requested();
  EXPECT_EQ(device.position, 0u);
}

TEST(IsaDmaWithoutMemoryTest, ReadsAnOpenBus) {
  IsaDma dma{nullptr};
  Device device;
  dma.connect(1, device);
  device.take(1);
  dma.byte_channels().write_port(0x0B, 1, 0x49);
  dma.byte_channels().write_port(0x0F, 1, 0x0D);
  EXPECT_EQ(device.data, Bytes{0xFF});
}

}  // namespace
}  // namespace ringdown
