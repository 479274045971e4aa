#pragma once
#include <algorithm>
#include <array>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/vdevices/fake_clock.h"
#include "vdevices/vga.h"

namespace ringdown::testing {

// Storage of a VGA's which a guest reaches directly by direct(), as the machine's.
struct FakeVideoMemory : VideoMemory {
  // What is never touched costs nothing.
  const std::unique_ptr<void, decltype(&std::free)> owner{std::calloc(VgaMemory::kStorageBytes, 1),
                                                          &std::free};
  const std::span<uint8_t> content{static_cast<uint8_t*>(owner.get()), VgaMemory::kStorageBytes};
  std::vector<Aperture> apertures;
  unsigned changes = 0;  // of the apertures
  std::vector<uint8_t> pages = std::vector<uint8_t>(VgaMemory::kStorageBytes / VgaMemory::kPageBytes, 1);

  std::span<uint8_t> bytes() override { return content; }
  void set_apertures(std::span<const Aperture> to) override {
    apertures.assign(to.begin(), to.end());
    changes++;
    std::ranges::fill(pages, 1);
  }
  void take_written(uint32_t first, std::span<uint8_t> written) override {
    for (size_t n = 0; n < written.size(); n++) written[n] = std::exchange(pages.at(first + n), 0);
  }

  // The byte that is there, as it is; none if accesses go elsewhere.
  uint8_t* direct(uint32_t physical) {
    for (const Aperture& a : apertures)
      if (physical - a.first < a.bytes) return &content[a.offset + (physical - a.first)];
    return nullptr;
  }
  void wrote(const uint8_t* byte) {
    pages.at(static_cast<size_t>(byte - content.data()) / VgaMemory::kPageBytes) = 1;
  }
};

// The registers of a mode, as a BIOS sets them.
struct VgaMode {
  uint8_t misc;
  std::array<uint8_t, 5> sequencer;
  std::array<uint8_t, 25> crtc;
  std::array<uint8_t, 9> graphics;
  std::array<uint8_t, 5> attribute;  // 10h to 14h; its palette is the numbers themselves
};
constexpr VgaMode kText80{
    .misc = 0x67,
    .sequencer = {0x03, 0x00, 0x03, 0x00, 0x02},
    .crtc = {0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0x00, 0x4F, 0x0D, 0x0E, 0x00,
             0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3, 0xFF},
    .graphics = {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0E, 0x0F, 0xFF},
    .attribute = {0x0C, 0x00, 0x0F, 0x08, 0x00}};
constexpr VgaMode kMode13{
    .misc = 0x63,
    .sequencer = {0x03, 0x01, 0x0F, 0x00, 0x0E},
    .crtc = {0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0xBF, 0x1F, 0x00, 0x41, 0x00, 0x00, 0x00,
             0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x28, 0x40, 0x96, 0xB9, 0xA3, 0xFF},
    .graphics = {0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0F, 0xFF},
    .attribute = {0x41, 0x00, 0x0F, 0x00, 0x00}};
constexpr VgaMode kMode12{
    .misc = 0xE3,
    .sequencer = {0x03, 0x01, 0x0F, 0x00, 0x06},
    .crtc = {0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0x0B, 0x3E, 0x00, 0x40, 0x00, 0x00, 0x00,
             0x00, 0x00, 0x00, 0xEA, 0x8C, 0xDF, 0x28, 0x00, 0xE7, 0x04, 0xE3, 0xFF},
    .graphics = {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0F, 0xFF},
    .attribute = {0x01, 0x00, 0x0F, 0x00, 0x00}};
constexpr VgaMode kMode4{
    .misc = 0x63,
    .sequencer = {0x03, 0x09, 0x03, 0x00, 0x02},
    .crtc = {0x2D, 0x27, 0x28, 0x90, 0x2B, 0x80, 0xBF, 0x1F, 0x00, 0xC1, 0x00, 0x00, 0x00,
             0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x14, 0x00, 0x96, 0xB9, 0xA2, 0xFF},
    .graphics = {0x00, 0x00, 0x00, 0x00, 0x00, 0x30, 0x0F, 0x0F, 0xFF},
    .attribute = {0x01, 0x00, 0x03, 0x00, 0x00}};

// A VGA at a PC's ports, and a guest that drives it.
struct VgaPc {
  static constexpr uint32_t kText = 0xB8000, kGraphics = 0xA0000;

  FakeClock clock;
  FakeVideoMemory storage;
  Vga vga{clock, storage};

  uint8_t in(uint16_t port) { return static_cast<uint8_t>(vga.ports().read_port(port - 0x3B0, 1)); }
  void out(uint16_t port, uint8_t value) { vga.ports().write_port(port - 0x3B0, 1, value); }
  uint8_t indexed(uint16_t port, uint8_t index) {
    out(port, index);
    return in(port + 1);
  }
  void set(uint16_t port, uint8_t index, uint8_t value) {
    out(port, index);
    out(port + 1, value);
  }
  void sequencer(uint8_t index, uint8_t value) { set(0x3C4, index, value); }
  void graphics(uint8_t index, uint8_t value) { set(0x3CE, index, value); }
  void crtc(uint8_t index, uint8_t value) { set(0x3D4, index, value); }
  void attribute(uint8_t index, uint8_t value) {
    in(0x3DA);
    out(0x3C0, index | 0x20);  // the palette stays on
    out(0x3C0, value);
  }
  void color(uint8_t index, uint8_t red, uint8_t green, uint8_t blue) {
    out(0x3C8, index);
    for (const uint8_t component : {red, green, blue}) out(0x3C9, component);
  }
  uint16_t dispi(uint16_t index) {
    vga.dispi_ports().write_port(0, 2, index);
    return static_cast<uint16_t>(vga.dispi_ports().read_port(1, 2));
  }
  void dispi(uint16_t index, uint16_t value) {
    vga.dispi_ports().write_port(0, 2, index);
    vga.dispi_ports().write_port(1, 2, value);
  }
  void dispi_mode(uint16_t width, uint16_t height, uint16_t depth, uint16_t enable = 0x41) {
    dispi(4, 0);
    dispi(1, width);
    dispi(2, height);
    dispi(3, depth);
    dispi(4, enable);
    attribute(0x10, 0x01);
  }

  void set_mode(const VgaMode& mode) {
    out(0x3C2, mode.misc);
    for (uint8_t n = 0; n < 5; n++) sequencer(n, mode.sequencer[n]);
    crtc(0x11, 0);
    for (uint8_t n = 0; n < 25; n++) crtc(n, mode.crtc[n]);
    for (uint8_t n = 0; n < 9; n++) graphics(n, mode.graphics[n]);
    for (uint8_t n = 0; n < 16; n++) attribute(n, n);
    for (uint8_t n = 0; n < 5; n++) attribute(0x10 + n, mode.attribute[n]);
    out(0x3C6, 0xFF);
  }

  uint8_t peek(uint32_t physical) {
    if (const uint8_t* byte = storage.direct(physical)) return *byte;
    return static_cast<uint8_t>(vga.window().read_memory(physical - VgaMemory::kWindow, 1));
  }
  void poke(uint32_t physical, uint8_t value) {
    uint8_t* const byte = storage.direct(physical);
    if (!byte) return vga.window().write_memory(physical - VgaMemory::kWindow, 1, value);
    *byte = value;
    storage.wrote(byte);
  }
  void poke(uint32_t physical, std::initializer_list<uint8_t> values) {
    for (const uint8_t value : values) poke(physical++, value);
  }

  // As many accesses as make a linear window direct.
  void make_direct(uint32_t physical) {
    for (unsigned n = 0; n < 1000 && !storage.direct(physical); n++) peek(physical);
  }

  // Writes a character's shape to plane 2, as a BIOS does, and goes back to text.
  void define_character(uint8_t character, std::initializer_list<uint8_t> rows, uint16_t font = 0) {
    sequencer(2, 0x04);
    sequencer(4, 0x07);
    graphics(5, 0x00);
    graphics(6, 0x04);
    uint32_t at = kGraphics + font + character * 32u;
    for (const uint8_t row : rows) poke(at++, row);
    sequencer(2, 0x03);
    sequencer(4, 0x02);
    graphics(5, 0x10);
    graphics(6, 0x0E);
  }

  std::vector<uint32_t> pixels;
  Screen::Rows draw(bool all = false) {
    const Screen::Size size = vga.screen().size();
    all |= pixels.size() != size_t{size.width} * size.height;
    pixels.resize(size_t{size.width} * size.height);
    return vga.screen().draw(pixels, all);
  }
  uint32_t pixel(uint32_t x, uint32_t y) const { return pixels.at(size_t{y} * vga_width() + x); }
  uint32_t vga_width() const { return const_cast<Vga&>(vga).screen().size().width; }
  // Dots of a line as text: '#' where there is `foreground`, else '.'.
  std::string dots(uint32_t x, uint32_t y, uint32_t count, uint32_t foreground) const {
    std::string line;
    for (uint32_t n = 0; n < count; n++) line += pixel(x + n, y) == foreground ? '#' : '.';
    return line;
  }
};

}  // namespace ringdown::testing
