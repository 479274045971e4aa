#include "vdevices/vga.h"

#include <vector>

namespace ringdown {
namespace {

constexpr uint16_t kIndex = 0;              // of DISPI's ports
constexpr uint16_t kVgaPortsOfMmio = 0x10;  // 3C0h
constexpr uint32_t kMmioVga = 0x400, kMmioVgaEnd = 0x420;
constexpr uint32_t kMmioDispi = 0x500, kMmioDispiEnd = kMmioDispi + 2 * VgaDispi::kRegisters;

// A change of what is reached directly costs about as much as so many accesses that are not direct.
constexpr unsigned kAccessesBeforeDirect = 256;

}  // namespace

Vga::Vga(const Clock& clock, VideoMemory& storage)
    : storage_(storage),
      registers_(clock),
      memory_(registers_, dispi_, storage.bytes()),
      screen_(registers_, dispi_, memory_, storage) {
  set_apertures();
}

uint32_t Vga::Ports::read_port(uint16_t offset, unsigned) { return vga.registers_.read(offset); }
void Vga::Ports::write_port(uint16_t offset, unsigned, uint32_t value) {
  vga.write_register(offset, static_cast<uint8_t>(value));
}

// The registers have words only.
uint32_t Vga::DispiPorts::read_port(uint16_t offset, unsigned size) {
  if (size != 2) return 0xFF;
  return offset == kIndex ? index : vga.dispi_.read(index);
}

void Vga::DispiPorts::write_port(uint16_t offset, unsigned size, uint32_t value) {
  if (size != 2) return;
  if (offset == kIndex)
    index = static_cast<uint16_t>(value);
  else
    vga.write_dispi(index, static_cast<uint16_t>(value));
}

uint32_t Vga::Window::read_memory(uint32_t offset, unsigned size) {
  vga.window_accessed();
  return vga.memory_.read_memory(offset, size);
}

void Vga::Window::write_memory(uint32_t offset, unsigned size, uint32_t value) {
  vga.window_accessed();
  vga.memory_.write_memory(offset, size, value);
}

// Wider accesses are those of as many ports, or of words.
uint32_t Vga::Mmio::read_memory(uint32_t offset, unsigned size) {
  uint32_t value = 0;
  for (unsigned i = 0; i < size; i++) {
    const uint32_t at = offset + i;
    uint32_t byte = 0;
    if (at >= kMmioVga && at < kMmioVgaEnd)
      byte = vga.registers_.read(static_cast<uint16_t>(at - kMmioVga + kVgaPortsOfMmio));
    else if (at >= kMmioDispi && at < kMmioDispiEnd)
      byte = vga.dispi_.read(static_cast<uint16_t>((at - kMmioDispi) / 2)) >> 8 * (at & 1);
    value |= (byte & 0xFF) << 8 * i;
  }
  return value;
}

void Vga::Mmio::write_memory(uint32_t offset, unsigned size, uint32_t value) {
  if (offset >= kMmioVga && offset < kMmioVgaEnd) {
    for (unsigned i = 0; i < size; i++)
      vga.write_register(static_cast<uint16_t>(offset + i - kMmioVga + kVgaPortsOfMmio),
                         static_cast<uint8_t>(value >> 8 * i));
    return;
  }
  if (offset < kMmioDispi || size == 1) return;
  for (unsigned i = 0; i < size && offset + i < kMmioDispiEnd; i += 2)
    vga.write_dispi(static_cast<uint16_t>((offset + i - kMmioDispi) / 2),
                    static_cast<uint16_t>(value >> 8 * i));
}

void Vga::write_register(uint16_t port, uint8_t value) {
  registers_.write(port, value);
  registers_written();
}

void Vga::write_dispi(uint16_t index, uint16_t value) {
  const bool clears = dispi_.write(index, value);
  registers_.dac().set_8_bits(dispi_.has_8_bit_dac());
  registers_written();
  if (!clears) return;
  const VgaDispi::Mode mode = *dispi_.mode();
  memory_.clear(mode.start, mode.height * mode.pitch);
}

// What is reached directly ends at once, and begins when it has been of use: setting a mode goes through many
// states of the registers.
void Vga::registers_written() {
  if (!direct_) return;
  if (memory_.linear() == direct_) return;
  set_direct(std::nullopt);
}

void Vga::window_accessed() {
  if (direct_) return;
  const auto linear = memory_.linear();
  if (!linear) {
    accesses_ = 0;
    return;
  }
  if (++accesses_ >= kAccessesBeforeDirect) set_direct(linear);
}

void Vga::set_direct(std::optional<VgaMemory::Linear> direct) {
  direct_ = direct;
  accesses_ = 0;
  memory_.set_text_is_linear(direct && direct->text);
  set_apertures();
}

void Vga::set_frame_buffer(std::optional<uint32_t> address) {
  if (address == frame_buffer_) return;
  frame_buffer_ = address;
  set_apertures();
}

void Vga::set_apertures() {
  std::vector<VideoMemory::Aperture> apertures;
  if (frame_buffer_) apertures.push_back({.first = *frame_buffer_, .bytes = VgaMemory::kBytes, .offset = 0});
  if (direct_)
    apertures.push_back(
        {.first = VgaMemory::kWindow + direct_->first, .bytes = direct_->bytes, .offset = direct_->storage});
  storage_.set_apertures(apertures);
}

}  // namespace ringdown
