// Random accesses to a VGA's ports, window, frame buffer, MMIO and PCI registers, and displays that draw in
// between. The oracles: no sanitizer report, no bit above the access size; the screen keeps within its
// limits; what draw() says has not changed has not: it is as a canvas that is drawn all anew.
#include <algorithm>
#include <memory>
#include <vector>

#include "tests/fuzz/input.h"
#include "tests/vdevices/vga_pc.h"
#include "vdevices/vga_pci.h"

namespace ringdown::fuzz {
namespace {

struct Pc : testing::VgaPc {
  std::vector<uint8_t> rom = std::vector<uint8_t>(5000, 0x55);
  MemoryBus memory;
  VgaPci function{vga, memory, rom};
  std::vector<uint32_t> kept;  // by a display
  Screen::Size size{0, 0};
};

constexpr uint32_t kMostPixels = 720 * 400;  // that are drawn: larger ones take the fuzzer's time

void write_indexed(Pc& pc, Input& input) {
  static constexpr uint16_t kGroups[] = {0x3C4, 0x3CE, 0x3D4, 0x3B4};
  const uint16_t group = kGroups[input.byte() % 4];
  const uint8_t index = input.byte() % 26;
  pc.set(group, index, input.byte());
}

void set_mode(Pc& pc, uint8_t which) {
  static constexpr const testing::VgaMode* kModes[] = {&testing::kText80, &testing::kMode13,
                                                       &testing::kMode12, &testing::kMode4};
  pc.set_mode(*kModes[which % 4]);
}

// Values that often make a mode.
void write_dispi(Pc& pc, Input& input) {
  static constexpr uint16_t kDepths[] = {4, 8, 15, 16, 24, 32};
  const uint8_t index = input.byte() % 12;
  const auto value = static_cast<uint16_t>(input.dword());
  pc.dispi(index, index == 3 ? kDepths[value % 6] : value % 3 == 0 ? value : value % 700);
}

void access_window(Pc& pc, Input& input) {
  const unsigned size = input.access_size();
  const uint32_t offset = input.dword() % VgaMemory::kWindowBytes / size * size;
  const uint8_t what = input.byte();
  for (unsigned n = what & 1 ? 300 : 1; n-- > 0;) {
    const uint32_t value = pc.vga.window().read_memory(offset, size);
    require(size == 4 || value >> (8 * size) == 0);
  }
  if (what & 2) pc.vga.window().write_memory(offset, size, input.dword());
}

// As a guest that is let reach memory itself.
void poke(Pc& pc, Input& input) {
  const uint32_t physical = VgaMemory::kWindow + input.dword() % VgaMemory::kWindowBytes;
  if (input.byte() & 1) return pc.poke(physical, input.byte());
  const auto& apertures = pc.storage.apertures;
  if (apertures.empty()) return;
  const auto& aperture = apertures[input.byte() % apertures.size()];
  require(uint64_t{aperture.offset} + aperture.bytes <= VgaMemory::kStorageBytes);
  pc.poke(aperture.first + input.dword() % aperture.bytes, input.byte());
}

void access_mmio(Pc& pc, Input& input) {
  const unsigned size = input.access_size();
  const uint32_t offset = (0x3F0 + input.dword() % 0x140) / size * size;
  if (input.byte() & 1) return pc.vga.mmio().write_memory(offset, size, input.dword());
  require(size == 4 || pc.vga.mmio().read_memory(offset, size) >> (8 * size) == 0);
}

void access_pci(Pc& pc, Input& input) {
  static constexpr uint8_t kRegisters[] = {0x04, 0x10, 0x13, 0x18, 0x1A, 0x30, 0x33};
  pc.function.write_config(kRegisters[input.byte() % 7], 1, input.byte());
  pc.memory.read(input.dword() & ~3u, 4);
}

void draw(Pc& pc) {
  Screen& screen = pc.vga.screen();
  const Screen::Size size = screen.size();
  require(size.width >= 1 && size.height >= 1);
  require(size.width <= Screen::kMaxWidth && size.height <= Screen::kMaxHeight);
  if (const auto text = screen.text()) {
    require(text->cells.size() == size_t{text->columns} * text->rows);
    require(!text->cursor || *text->cursor < text->cells.size());
  }
  const size_t count = size_t{size.width} * size.height;
  if (count > kMostPixels) return;
  const bool all = size != pc.size;
  pc.size = size;
  pc.kept.resize(count);
  const Screen::Rows rows = screen.draw(pc.kept, all);
  require(rows.first <= rows.end && rows.end <= size.height);
  std::vector<uint32_t> anew(count);
  screen.draw(anew, true);
  require(anew == pc.kept);
}

void step(Pc& pc, Input& input) {
  switch (input.byte() % 11) {
    case 0:
      return set_mode(pc, input.byte());
    case 1:
      return write_indexed(pc, input);
    case 2: {
      const uint8_t index = input.byte() % 24;
      return pc.attribute(index, input.byte());
    }
    case 3: {
      const auto port = static_cast<uint16_t>(0x3B0 + input.byte() % VgaRegisters::kPorts);
      pc.in(port);
      return pc.out(port, input.byte());
    }
    case 4:
      return write_dispi(pc, input);
    case 5:
      return access_window(pc, input);
    case 6:
      return poke(pc, input);
    case 7:
      return access_mmio(pc, input);
    case 8:
      return access_pci(pc, input);
    case 9:
      pc.clock.time += Nanoseconds{input.byte()} << input.byte() % 32;
      return;
    default:
      return draw(pc);
  }
}

}  // namespace
}  // namespace ringdown::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto pc = std::make_unique<ringdown::fuzz::Pc>();
  ringdown::fuzz::Input input(data, size);
  for (int steps = 0; steps < 200 && !input.empty(); ++steps) ringdown::fuzz::step(*pc, input);
  ringdown::fuzz::draw(*pc);
  return 0;
}
