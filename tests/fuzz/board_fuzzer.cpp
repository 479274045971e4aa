// A whole board with everything that it can have, as a guest reaches it: any port, any physical address, bus
// masters and ISA DMA told to go anywhere (to device memory, to their own tables, to where nothing is), with
// passing time, typing, and media that fail and take their time. The oracles: no sanitizer report (RAM is an
// array of its exact size), no bit above the access size, no device that stays due after it was advanced, no
// request outside of a medium or on top of another one (MemoryMedium aborts), and DMA that never leaves RAM.
#include <algorithm>
#include <memory>
#include <vector>

#include "monitor/board.h"
#include "monitor/guest_dma.h"
#include "tests/fuzz/input.h"
#include "tests/vdevices/memory_medium.h"
#include "tests/vdevices/vga_pc.h"

namespace ringdown::fuzz {
namespace {

constexpr uint32_t kRamBytes = 0x120000, kRomBytes = 0x20000;
constexpr uint16_t kBusMaster = 0xC000, kPowerManagement = 0x600;
constexpr uint32_t kFrameBuffer = 0xE0000000, kVgaRegisters = 0xE1000000, kVgaRom = 0xE2000000;
constexpr uint8_t kIde = 1 << 3 | 1, kPm = 1 << 3 | 3, kVga = 2 << 3;  // on PCI

// Where something begins or ends, for DMA and for the processor.
constexpr uint32_t kPlaces[] = {0,        0x1000,        0x2000,     0x9FFFE,    0xA0000,      0xB8000,
                                0xBFFFE,  0xC0000,       0xDFFFE,    0xE0000,    0xFFFFE,      0x100000,
                                0x10FFFE, kRamBytes - 2, kRamBytes,  0x00FFFFFE, kFrameBuffer, kVgaRegisters,
                                kVgaRom,  0xFEC00000,    0xFED00000, 0xFEE00000, 0xFFFE0000,   0xFFFFFFFE};

struct Range {
  uint16_t first, count;
};
constexpr Range kPorts[] = {
    {0x00, 16}, {0x20, 2},  {0x40, 4},   {0x60, 5},    {0x70, 2},   {0x80, 16},       {0x92, 1},
    {0xA0, 2},  {0xB2, 2},  {0xC0, 32},  {0xE9, 1},    {0x170, 8},  {0x1CE, 2},       {0x1F0, 8},
    {0x2F8, 8}, {0x376, 1}, {0x3B0, 48}, {0x3F0, 8},   {0x3F8, 8},  {0x402, 1},       {0x4D0, 2},
    {0x501, 2}, {0x510, 2}, {0xCF8, 8},  {0xAE00, 32}, {0xAFE0, 4}, {kBusMaster, 16}, {kPowerManagement, 64}};

// As the machine's: what is no memory is the board's.
struct DeviceBus : DeviceMemoryBus {
  Board* board = nullptr;
  uint32_t read_device(uint32_t physical, unsigned size) override {
    const uint32_t value = board->memory().read(physical, size);
    require(size == 4 || value >> (8 * size) == 0);
    return value;
  }
  void write_device(uint32_t physical, unsigned size, uint32_t value) override {
    board->memory().write(physical, size, value);
  }
};

struct BoardPc {
  testing::FakeClock clock;
  uint64_t outputs = 0;
  bool intr = false;
  // What is never touched costs nothing.
  const std::unique_ptr<void, decltype(&std::free)> ram_owner{std::calloc(kRamBytes, 1), &std::free};
  const std::span<uint8_t> ram{static_cast<uint8_t*>(ram_owner.get()), kRamBytes};
  std::vector<uint8_t> rom = std::vector<uint8_t>(kRomBytes, 0xF4);
  PhysicalMemory memory{ram};
  GuestDma dma{memory, [] {}};
  testing::MemoryMedium media[5]{testing::MemoryMedium{300}, testing::MemoryMedium{1},
                                 testing::MemoryMedium{4 * 20 + 3}, testing::MemoryMedium{360},
                                 testing::MemoryMedium{320}};
  testing::FakeVideoMemory video;
  DeviceBus devices;
  Board board{clock, configuration(), outputs_of_board()};

  BoardPc() {
    memory.set_rom(rom);
    devices.board = &board;
    memory.set_device_bus(&devices);
    set_up();
  }
  ~BoardPc() { end_requests(); }

  BoardConfiguration configuration() {
    BoardConfiguration all{.ram_bytes = kRamBytes,
                           .utc_seconds = 1'700'000'000,
                           .serial_port2 = true,
                           .firmware = true,
                           .apic = true,
                           .hpet = true,
                           .firmware_files = {{"etc/file", {1, 2, 3}}},
                           .debug_exit = BoardConfiguration::DebugExitPorts{0x501, 2},

                           .dma = &dma,
                           .video = &video,
                           .vga_bios = rom};
    all.drives = {BoardConfiguration::Drive{.medium = &media[0]},
                  BoardConfiguration::Drive{.medium = &media[1]},
                  BoardConfiguration::Drive{.cdrom = true, .medium = &media[2]},
                  BoardConfiguration::Drive{.cdrom = true}};
    all.floppies = {BoardConfiguration::FloppyDrive{.type = 2, .medium = &media[3]},
                    BoardConfiguration::FloppyDrive{.type = 1, .medium = &media[4]}};
    return all;
  }
  BoardOutputs outputs_of_board() {
    return {.intr = [this](bool level) { intr = level; },
            .nmi = [this] { ++outputs; },
            .reset = [this](ResetKind) { ++outputs; },
            .power_off = [this] { ++outputs; },
            .debug_exit = [this](uint32_t) { ++outputs; },
            .serial = [this](uint8_t) { ++outputs; },
            .serial2 = [this](uint8_t) { ++outputs; },
            .upper_memory =
                [this](unsigned segment, bool reads, bool writes) {
                  memory.set_upper_memory(segment, {reads, writes});
                },
            .a20 = [this](bool open) { memory.set_a20(open); },
            .firmware_log = [this](uint8_t) { ++outputs; }};
  }

  uint32_t in(uint16_t port, unsigned size) {
    const uint32_t value = board.ports().read(port, size);
    require(size == 4 || value >> (8 * size) == 0);
    return value;
  }
  void out(uint16_t port, unsigned size, uint32_t value) { board.ports().write(port, size, value); }
  void set_config(uint8_t function, uint8_t offset, unsigned size, uint32_t value) {
    out(0xCF8, 4, 0x80000000u | uint32_t{function} << 8 | (offset & 0xFCu));
    out(static_cast<uint16_t>(0xCFC + (offset & 3)), size, value);
  }
  void set_dword(uint32_t address, uint32_t value) { memory.write(address, value); }

  // As a BIOS leaves it.
  void set_up() {
    for (const uint16_t channel : {0x40, 0x42}) set_config(kIde, static_cast<uint8_t>(channel), 2, 0x8000);
    set_config(kIde, 0x20, 4, kBusMaster);
    set_config(kIde, 0x04, 1, 5);
    set_config(kPm, 0x40, 2, kPowerManagement);
    set_config(kPm, 0x80, 1, 1);
    set_config(kPm, 0x04, 1, 1);
    set_config(kVga, 0x10, 4, kFrameBuffer);
    set_config(kVga, 0x18, 4, kVgaRegisters);
    set_config(kVga, 0x30, 4, kVgaRom | 1);
    set_config(kVga, 0x04, 1, 3);
  }
  void end_requests() {
    for (testing::MemoryMedium& medium : media) {
      medium.waits = false;
      medium.finish();
    }
  }
};

uint16_t port_of(Input& input) {
  const uint8_t which = input.byte();
  if (which == 0xFF) return static_cast<uint16_t>(input.dword());
  const Range& range = kPorts[which % std::size(kPorts)];
  return static_cast<uint16_t>(range.first + input.byte() % range.count);
}

uint32_t place_of(Input& input) {
  const uint8_t which = input.byte();
  if (which == 0xFF) return input.dword();
  return kPlaces[which % std::size(kPlaces)];
}

void access_port(BoardPc& pc, Input& input) {
  const uint8_t what = input.byte();
  const uint16_t port = port_of(input);
  const unsigned size = what & 0x80 ? input.access_size() : 1;
  if (what & 1) return pc.out(port, size, size == 1 ? input.byte() : input.dword());
  pc.in(port, size);
}

// As the interpreter does, of any alignment.
void access_memory(BoardPc& pc, Input& input) {
  const uint8_t what = input.byte();
  const uint32_t address = place_of(input) + (input.byte() << 2) + (what >> 6);
  uint32_t value = input.dword();
  const unsigned size = 1u << (what >> 1) % 3;
  if (what & 1) return pc.memory.write_bytes(address, &value, size);
  pc.memory.read_bytes(address, &value, size);
}

void access_config(BoardPc& pc, Input& input) {
  static constexpr uint8_t kFunctions[] = {0, 1 << 3, kIde, kPm, kVga};
  const uint8_t which = input.byte();
  const uint8_t offset = input.byte();
  pc.set_config(kFunctions[which % 5], which & 0x80 ? offset : offset & 0x3F, 1, input.byte());
}

// A command for a disk or a packet for the CD-ROM drive, and descriptors that may be anywhere and lead
// anywhere.
void master_bus(BoardPc& pc, Input& input) {
  const uint8_t what = input.byte();
  const bool cdrom = what & 1, to_memory = cdrom || what & 2;
  const uint32_t table = place_of(input) & ~3u;
  const uint8_t entries = input.byte() % 5;
  for (uint32_t entry = 0; entry < entries; ++entry) {
    pc.set_dword(table + 8 * entry, place_of(input) - input.byte());
    pc.set_dword(table + 8 * entry + 4, input.byte() << 9 | (entry + 1 == entries ? 0x80000000u : 0));
  }
  const uint16_t base = cdrom ? 0x170 : 0x1F0, master = static_cast<uint16_t>(kBusMaster + (cdrom ? 8 : 0));
  const uint8_t count = input.byte();
  pc.out(static_cast<uint16_t>(base + 6), 1, 0xE0 | (what & 4 ? 0x10 : 0));
  pc.out(static_cast<uint16_t>(base + 1), 1, cdrom ? 1 : 0);
  for (uint16_t reg = 2; reg < 6; ++reg) pc.out(static_cast<uint16_t>(base + reg), 1, reg == 2 ? count : 0);
  pc.out(static_cast<uint16_t>(base + 7), 1, cdrom ? 0xA0 : to_memory ? 0xC8 : 0xCA);
  const uint16_t packet[6] = {0x28, 0, 0, 0, static_cast<uint16_t>(count << 8), 0};  // READ (10)
  if (cdrom) {
    for (const uint16_t word : packet) pc.out(base, 2, word);
  }
  pc.out(static_cast<uint16_t>(master + 4), 4, table);
  pc.out(master, 1, 0);
  pc.out(master, 1, to_memory ? 9 : 1);
}

// Sectors of a diskette by channel 2, to or from any page, in any mode.
void move_by_isa_dma(BoardPc& pc, Input& input) {
  const uint8_t mode = input.byte(), page = input.byte(), command = input.byte();
  pc.out(0x0A, 1, 6);
  pc.out(0x0B, 1, (mode & 0xFC) | 2);
  pc.out(0x0C, 1, 0);
  for (const uint8_t port : {0x04, 0x04, 0x05, 0x05}) pc.out(port, 1, input.byte());
  pc.out(0x81, 1, page);
  pc.out(0x0A, 1, 2);
  pc.out(0x3F2, 1, 0x1C | (command & 1));
  pc.out(0x3F7, 1, 2);
  const uint8_t drive = command & 1, write_or_read = command & 2 ? 0x45 : 0x46;
  for (const uint8_t byte : {write_or_read, drive, uint8_t{0}, uint8_t{0}, uint8_t(1 + (command >> 2 & 7)),
                             uint8_t{2}, uint8_t{9}, uint8_t{0x1B}, uint8_t{0xFF}})
    pc.out(0x3F5, 1, byte);
  for (int result = 0; result < 7; ++result) pc.in(0x3F5, 1);
}

void change_discs(BoardPc& pc, uint8_t what) {
  pc.end_requests();
  AtapiCdrom& cdrom = *pc.board.cdrom(2);
  I82077aa& floppies = *pc.board.floppies();
  switch (what & 3) {
    case 0:
      return cdrom.remove();
    case 1:
      return cdrom.insert(pc.media[2]);
    case 2:
      return floppies.remove(what >> 2 & 1);
    default:
      floppies.insert(what >> 2 & 1, pc.media[3 + (what >> 2 & 1)]);
  }
}

void change_media(BoardPc& pc, uint8_t what) {
  testing::MemoryMedium& medium = pc.media[what % 5];
  switch (what >> 5) {
    case 0:
      medium.bad_sector = what;
      return;
    case 1:
      medium.bad_sector.reset();
      return;
    case 2:
      medium.waits = true;
      return;
    case 3:
      medium.locked = !medium.locked;
      return;
    case 4:
      medium.fails_to_flush = !medium.fails_to_flush;
      return;
    case 5:
      return change_discs(pc, what);
    default:
      medium.finish();
      return;
  }
}

void pass_time(BoardPc& pc, Input& input) {
  const uint8_t exponent = input.byte();
  const Nanoseconds next = pc.board.next_event();
  if (exponent >= 0x80 && next != kNever)
    pc.clock.time = std::max(pc.clock.time, next);
  else
    pc.clock.time += Nanoseconds{input.byte()} << (exponent % 42);
  pc.board.advance(pc.clock.time);
  require(pc.board.next_event() > pc.clock.time);
}

void person(BoardPc& pc, Input& input) {
  const uint8_t what = input.byte(), value = input.byte();
  if (what < 0x60) return pc.board.input().add(InputFeed::Key{value, (what & 1) != 0});
  if (what < 0xA0)
    return pc.board.input().add(InputFeed::Pointer{.dx = what, .dy = value, .dz = 1, .buttons = what});
  if (what < 0xF0) return (what & 1 ? pc.board.com1() : pc.board.com2()).receive({&value, 1});
  pc.board.press_power_button();
}

void step(BoardPc& pc, Input& input) {
  switch (input.byte() % 12) {
    case 0:
    case 1:
    case 2:
      return access_port(pc, input);
    case 3:
    case 4:
      return access_memory(pc, input);
    case 5:
      return access_config(pc, input);
    case 6:
      return master_bus(pc, input);
    case 7:
      return move_by_isa_dma(pc, input);
    case 8:
      return change_media(pc, input.byte());
    case 9:
      return pass_time(pc, input);
    case 10:
      return person(pc, input);
    default:
      if (pc.intr) pc.board.acknowledge_interrupt();
      return;
  }
}

}  // namespace
}  // namespace ringdown::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto pc = std::make_unique<ringdown::fuzz::BoardPc>();
  ringdown::fuzz::Input input(data, size);
  for (int steps = 0; steps < 200 && !input.empty(); ++steps) ringdown::fuzz::step(*pc, input);
  return 0;
}
