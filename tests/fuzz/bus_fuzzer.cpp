// Random port accesses, passing time and outside events over the devices of a PC. The oracles: no sanitizer
// report, no bit above the access size, no device that stays due after it was advanced, and an interrupt
// that is acknowledged without having been requested puts nothing in service.
#include <cstdint>
#include <cstdlib>

#include "tests/fuzz/bus_pc.h"
#include "tests/fuzz/input.h"

namespace ringdown::fuzz {
namespace {

// Ports of the devices, and a few that belong to nobody or lie across two devices.
constexpr uint16_t kPorts[] = {
    0x20, 0x21, 0xA0, 0xA1, 0x4D0, 0x4D1, 0x40, 0x41, 0x42, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x80, 0x92,
    0xE9, 0xF4, 0x3F8, 0x3F9, 0x3FA, 0x3FB, 0x3FC, 0x3FD, 0x3FE, 0x3FF, 0x510, 0x511, 0xCF8, 0xCF9, 0xCFC,
    0xCFD, 0xCFF, 0x1F, 0x3F, 0x5F, 0xFFFF, 0xB2, 0xB3, 0x600, 0x601, 0x602, 0x604, 0x605, 0x608, 0x60B,
    0x700, 0x702, 0x704, 0x707, 0xAFE0, 0xAFE2, 0xAE0C,
    // of the DMA controllers: channels 2 and 5, and what is for all
    0x04, 0x05, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x81, 0x8B, 0xC4, 0xC6, 0xD0, 0xD2, 0xD4,
    0xD6, 0xD8, 0xDA, 0x1CE, 0x1CF, 0x3BA, 0x3C0, 0x3C4, 0x3C9, 0x3CF, 0x3D5, 0x3DA};

uint16_t port_of(Input& input) { return kPorts[input.byte() % (sizeof kPorts / sizeof kPorts[0])]; }

void check_read(BusPc& pc, uint16_t port, unsigned size) {
  const uint32_t value = pc.bus.read(port, size);
  require(size == 4 || value >> (8 * size) == 0);
}

// From nanoseconds to minutes; once in a while days.
void pass_time(BusPc& pc, uint8_t exponent, uint8_t mantissa) {
  pc.clock.time += Nanoseconds{mantissa} << (exponent % 42);
  for (TimedDevice* device : pc.timed) {
    device->advance();
    require(device->next_event() > pc.clock.time);
  }
}

void run_to_next_event(BusPc& pc, uint8_t which) {
  TimedDevice& device = *pc.timed[which % 4];
  const Nanoseconds next = device.next_event();
  if (next == kNever) return;
  if (next > pc.clock.time) pc.clock.time = next;
  device.advance();
  require(device.next_event() > pc.clock.time);
}

uint32_t in_service(PortDevice& chip) {
  chip.write_port(0, 1, 0x0B);
  return chip.read_port(0, 1);
}

// Reading the ISR would take the place of a pending poll, which a read of the mask ends first.
void acknowledge(BusPc& pc) {
  PortDevice& master = pc.pic.master();
  master.read_port(1, 1);
  const bool requested = pc.pic.interrupt_requested();
  const uint32_t before = in_service(master);
  pc.pic.acknowledge();
  require(requested || in_service(master) == before);
  master.write_port(0, 1, 0x20);
}

void receive(BusPc& pc, uint8_t byte, uint8_t errors) {
  if (errors != 0) return pc.com1.receive_error(byte, errors);
  pc.com1.receive({&byte, 1});
  require(pc.com1.receive_room() <= 16);
}

InputFeed::Step input_step(Input& input) {
  const uint8_t what = input.byte(), a = input.byte(), b = input.byte();
  if (what < 0x80) return InputFeed::Key{static_cast<uint16_t>(a << 8 | b), (what & 1) != 0};
  if (what < 0x90) return InputFeed::Pause{Nanoseconds{a} << (b % 42)};
  return InputFeed::Pointer{static_cast<int8_t>(a) * 3, static_cast<int8_t>(b), static_cast<int8_t>(what), a};
}

void ask_for_dma(BusPc& pc, uint8_t what) {
  DmaSource& source = (what & 1) != 0 ? pc.words_source : pc.bytes_source;
  source.way = what >> 1 & 3;
  source.left = source.buffer.size() - (what >> 3);
  pc.dma.channel((what & 1) != 0 ? 5 : 2).dma_requested();
}

void step(BusPc& pc, Input& input) {
  switch (input.byte() % 9) {
    case 0:
    case 1: {
      const uint16_t port = port_of(input);
      return check_read(pc, port, input.access_size());
    }
    case 2: {
      const uint16_t port = port_of(input);
      const unsigned size = input.access_size();
      return pc.bus.write(port, size, input.dword());
    }
    case 3: {
      const uint16_t port = port_of(input);
      return pc.bus.write(port, 1, input.byte());
    }
    case 4: {
      const uint8_t exponent = input.byte();
      return pass_time(pc, exponent, input.byte());
    }
    case 5:
      return run_to_next_event(pc, input.byte());
    case 6:
      return pc.input.add(input_step(input));
    case 7:
      return ask_for_dma(pc, input.byte());
    default: {
      const uint8_t what = input.byte();
      if (what < 0x80) return acknowledge(pc);
      if (what < 0xF0) return receive(pc, input.byte(), what & 0x1C);
      if (what == 0xF0) return pc.power_management.acpi().press_power_button();
      if (what < 0xF8) return pc.pins[what & 1]->set((input.byte() & 1) != 0);
      return pc.com1.set_modem_inputs(input.byte());
    }
  }
}

}  // namespace
}  // namespace ringdown::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto pc = std::make_unique<ringdown::fuzz::BusPc>();
  ringdown::fuzz::Input input(data, size);
  while (!input.empty()) ringdown::fuzz::step(*pc, input);
  return 0;
}
