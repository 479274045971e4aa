// DMA that is told to go where there is no RAM, on the whole board: the IDE controller's bus master and the
// floppy controller's channel, over guest memory as the machine has it.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "monitor/board.h"
#include "monitor/guest_dma.h"
#include "tests/vdevices/fake_clock.h"
#include "tests/vdevices/memory_medium.h"
#include "tests/vdevices/vga_pc.h"

namespace ringdown {
namespace {

using testing::MemoryMedium;

constexpr uint32_t kRam = 2 << 20, kTable = 0x1000, kLast = 0x80000000;
constexpr uint32_t kLocalApic = 0xFEE00000, kIoApic = 0xFEC00000, kHpet = 0xFED00000,
                   kFrameBuffer = 0xE0000000;
constexpr uint16_t kBusMaster = 0xC000;
constexpr unsigned kActive = 1, kError = 2, kInterrupt = 4;
constexpr uint8_t kReadDma = 0xC8, kWriteDma = 0xCA;
// Where DMA is not to reach, or begins to.
constexpr uint32_t kPlaces[] = {0x9FE00 + 2,  0xA0000,    0xB8000,   0xF0000, kRam - 2,
                                kRam,         0xFFFE00,   kIoApic,   kHpet,   kLocalApic,
                                kFrameBuffer, 0xFFFFFE00, 0xFFFFFFFE};

struct BoardDmaTest : ::testing::Test, DeviceMemoryBus {
  testing::FakeClock clock;
  std::vector<uint8_t> ram = std::vector<uint8_t>(kRam);
  PhysicalMemory memory{ram};
  GuestDma dma{memory, [] {}};
  MemoryMedium disk{64}, diskette{720};
  testing::FakeVideoMemory video;
  std::unique_ptr<Board> board;

  BoardDmaTest() {
    BoardConfiguration configuration{
        .ram_bytes = kRam, .firmware = true, .apic = true, .hpet = true, .dma = &dma, .video = &video};
    configuration.drives[0] = {.medium = &disk};
    configuration.floppies[0] = {.type = 2, .medium = &diskette};
    board = std::make_unique<Board>(clock, configuration,
                                    BoardOutputs{.intr = [](bool) {},
                                                 .nmi = [] {},
                                                 .reset = [](ResetKind) {},
                                                 .debug_exit = [](uint32_t) {},
                                                 .serial = [](uint8_t) {},
                                                 .upper_memory = [](unsigned, bool, bool) {}});
    memory.set_device_bus(this);
    memory.set_upper_memory(12, {.reads_ram = false, .writes_ram = false});  // F0000h-F3FFFh
    set_config(1 << 3 | 1, 0x40, 0x80008000);
    set_config(1 << 3 | 1, 0x20, kBusMaster);
    set_config(1 << 3 | 1, 0x04, 5);
    set_config(2 << 3, 0x10, kFrameBuffer);
    set_config(2 << 3, 0x04, 3);
  }
  uint32_t read_device(uint32_t physical, unsigned size) override {
    return board->memory().read(physical, size);
  }
  void write_device(uint32_t physical, unsigned size, uint32_t value) override {
    board->memory().write(physical, size, value);
  }

  uint8_t in(uint16_t port) { return static_cast<uint8_t>(board->ports().read(port, 1)); }
  void out(unsigned port, unsigned value, unsigned size = 1) {
    board->ports().write(static_cast<uint16_t>(port), size, value);
  }
  void set_config(unsigned function, unsigned offset, uint32_t value) {
    out(0xCF8, 0x80000000u | function << 8 | offset, 4);
    out(0xCFC, value, 4);
  }
  void set_descriptor(uint32_t at, uint32_t address, uint32_t count) {
    memory.write(at, address);
    memory.write(at + 4, count);
  }

  // Two sectors, from the second on. The bus master's status.
  unsigned master_bus(uint8_t command, uint32_t table = kTable) {
    out(kBusMaster, 0);
    out(kBusMaster + 2, kError | kInterrupt);
    out(kBusMaster + 4, table, 4);
    out(0x3F6, 4);  // what the last left
    out(0x3F6, 0);
    for (const auto& [port, value] : {std::pair{0x1F6, 0xE0}, {0x1F2, 2}, {0x1F3, 1}, {0x1F4, 0}, {0x1F5, 0}})
      out(static_cast<unsigned>(port), static_cast<unsigned>(value));
    out(0x1F7, command);
    out(kBusMaster, command == kReadDma ? 9 : 1);
    return in(kBusMaster + 2) & 7u;
  }
  // One sector by WRITE DATA (45h) or READ DATA (46h), the second one, and channel 2 at `address`. ST0.
  uint8_t move_sector(uint8_t command, uint32_t address) {
    out(0x3F2, 0);
    out(0x3F2, 0x1C);
    out(0x3F7, 2);
    out(0x0A, 6);
    out(0x0B, command == 0x46 ? 0x46 : 0x4A);
    out(0x0C, 0);
    for (const unsigned byte : {address, address >> 8}) out(0x04, byte & 0xFF);
    for (const unsigned byte : {0xFF, 0x01}) out(0x05, byte);
    out(0x81, address >> 16);
    out(0x0A, 2);
    for (const unsigned byte : {unsigned{command}, 0u, 0u, 0u, 2u, 2u, 9u, 0x1Bu, 0xFFu}) out(0x3F5, byte);
    const uint8_t st0 = in(0x3F5);
    for (int i = 1; i < 7; i++) in(0x3F5);
    return st0;
  }

  // What a guest sees of device memory that a stray write would change.
  std::vector<uint32_t> device_registers() {
    std::vector<uint32_t> values;
    for (const uint32_t at : {kLocalApic + 0xF0, kLocalApic + 0x80, kIoApic, kHpet + 0x10, kFrameBuffer,
                              0xA0000u, 0xB8000u, 0xB8200u})
      values.push_back(memory.read<uint32_t>(at));
    return values;
  }
};

TEST_F(BoardDmaTest, TheBusMasterReachesRam) {
  set_descriptor(kTable, kRam - 1024, 1024 | kLast);
  EXPECT_EQ(master_bus(kReadDma), kInterrupt);
  EXPECT_EQ(ram[kRam - 1024], 2);
  EXPECT_EQ(ram[kRam - 1], 3);
  EXPECT_EQ(master_bus(kWriteDma), kInterrupt);
  EXPECT_EQ(disk.log, "RW");
}

TEST_F(BoardDmaTest, TheBusMasterWritesNothingElse) {
  const auto devices = device_registers();
  for (const uint32_t place : kPlaces) {
    set_descriptor(kTable, place, 1024 | kLast);
    const auto before = ram;
    EXPECT_EQ(master_bus(kReadDma), kError) << std::hex << place;
    EXPECT_EQ(ram, before) << std::hex << place;
  }
  EXPECT_EQ(device_registers(), devices);
}

TEST_F(BoardDmaTest, TheBusMasterReadsNothingElse) {
  for (const uint32_t place : kPlaces) {
    set_descriptor(kTable, place, 1024 | kLast);
    EXPECT_EQ(master_bus(kWriteDma), kError) << std::hex << place;
  }
  EXPECT_EQ(disk.log, "") << "nothing reaches the disk";
}

TEST_F(BoardDmaTest, ItsTableIsNowhereElse) {
  for (const uint32_t place :
       {0xA0000u, 0xB8000u, 0xF0000u, kRam - 4, kRam, kIoApic, kHpet, kLocalApic, kFrameBuffer, 0xFFFFFFFCu})
    EXPECT_EQ(master_bus(kReadDma, place), kError) << std::hex << place;
  EXPECT_EQ(std::ranges::count(ram, 0), kRam);
}

// The first sector is the table's second descriptor, which has no end: 02020202h leads to where no RAM is.
TEST_F(BoardDmaTest, DataOverTheTableIsTheTable) {
  set_descriptor(kTable, kTable + 8, 512);
  set_descriptor(kTable + 8, 0x8000, 512 | kLast);
  EXPECT_EQ(master_bus(kReadDma), kError);
  EXPECT_EQ(ram[kTable + 8], 2);
  EXPECT_EQ(ram[0x8000], 0);
}

TEST_F(BoardDmaTest, IsaDmaReachesRam) {
  EXPECT_EQ(move_sector(0x46, 0x9FE00), 0);
  EXPECT_EQ(ram[0x9FE00], 2);
  EXPECT_EQ(ram[0x9FFFF], 2);
}

TEST_F(BoardDmaTest, IsaDmaWritesNothingElse) {
  const auto devices = device_registers();
  const auto before = ram;
  for (const uint32_t place : {0xA0000u, 0xB8000u, 0xF0000u, kRam, 0xFEC000u, 0xFEE000u, 0xFFFE00u})
    EXPECT_EQ(move_sector(0x46, place), 0) << std::hex << place;
  EXPECT_EQ(ram, before);
  EXPECT_EQ(device_registers(), devices);
}

TEST_F(BoardDmaTest, IsaDmaReadsAnOpenBusElsewhere) {
  for (const uint32_t place : {0xA0000u, 0xB8000u, 0xF0000u, kRam, 0xFFFE00u}) {
    std::ranges::fill(diskette.data, 0);
    EXPECT_EQ(move_sector(0x45, place), 0) << std::hex << place;
    EXPECT_EQ(std::ranges::count(diskette.data, 0xFF), 512) << std::hex << place;
  }
}

}  // namespace
}  // namespace ringdown
