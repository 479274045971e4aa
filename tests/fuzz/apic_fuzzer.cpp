// Random register accesses, line changes, messages and passing time over a local APIC, an I/O APIC and an
// HPET, wired to 8259As as in a PC. The oracles: no sanitizer report, no bit above the access size, no device
// that stays due after it was advanced, an end to everything that the devices tell each other, and a
// processor that finds a vector to take whenever it is interrupted, and takes none into service when it is
// not.
#include <cstdint>
#include <memory>

#include "tests/fuzz/bus_pc.h"
#include "tests/fuzz/input.h"
#include "vdevices/hpet.h"
#include "vdevices/io_apic.h"
#include "vdevices/irq_lines.h"
#include "vdevices/local_apic.h"
#include "vdevices/memory_bus.h"

namespace ringdown::fuzz {
namespace {

constexpr uint32_t kLocal = 0xFEE00000, kIo = 0xFEC00000, kHpet = 0xFED00000;

struct ApicPc {
  FuzzClock clock;
  bool intr = false;
  bool external = false;  // the 8259As were asked
  LocalApic local{clock,
                  40,
                  {.intr = [this](bool level) { intr = level; },
                   .nmi = [] {},
                   .end_of_interrupt = [this](uint8_t vector) { io.end_of_interrupt(vector); },
                   .acknowledge_external =
                       [this] {
                         external = true;
                         return pic.acknowledge();
                       }}};
  IoApic io{[this](const ApicMessage& message) { return local.deliver(message); }};
  I8259aPair pic{[this](bool level) {
    local.set_lint(0, level);
    io.set_pin(0, level);
  }};
  // Every controller sees every line.
  IrqLines irqs{[this](unsigned irq, bool level) {
    pic.ir(irq).set(level);
    io.set_pin(irq, level);
  }};
  Hpet hpet{clock, {.irq0 = irqs.isa(0), .irq8 = irqs.isa(8), .io_apic = [this](unsigned pin, bool level) {
                      require(pin < IoApic::kPins);
                      io.set_pin(pin, level);
                    }}};
  TimedDevice* const timed[2] = {&local, &hpet};
  MemoryBus bus;

  ApicPc() {
    bus.map(kLocal, 0x1000, local);
    bus.map(kIo, 0x1000, io);
    bus.map(kHpet, 0x400, hpet);
  }

  bool in_service() {
    for (uint32_t n = 0; n < 8; n++) {
      if (bus.read(kLocal + 0x100 + 16 * n, 4) != 0) return true;
    }
    return false;
  }
};

// Mostly a register, sometimes any address.
uint32_t address_of(Input& input) {
  const uint8_t where = input.byte();
  const uint8_t which = input.byte();
  switch (where % 4) {
    case 0:
      return kLocal + (which & 0x3F) * 16u;
    case 1:
      return kIo + (which & 1) * 16u;
    case 2:
      return kHpet + (which & 0x7F) * 4u;
    default: {
      const uint32_t base[] = {kLocal, kIo, kHpet};
      return base[which % 3] + (input.dword() & 0x3FF);
    }
  }
}

void access(ApicPc& pc, Input& input, bool write) {
  unsigned size = 4;
  uint32_t address = address_of(input);
  if (address % 4 != 0 || input.byte() < 8) size = input.access_size();
  address &= ~(size - 1);
  if (write) return pc.bus.write(address, size, input.dword());
  const uint32_t value = pc.bus.read(address, size);
  require(size == 4 || value >> (8 * size) == 0);
}

// A redirection entry or an entry of the local vector table as a driver writes it.
void set_up(ApicPc& pc, Input& input) {
  pc.bus.write(kLocal + 0xF0, 4, 0x100u | input.byte());
  pc.bus.write(kIo, 4, 0x10u + (input.byte() % 24) * 2u);
  pc.bus.write(kIo + 0x10, 4, input.dword() & 0xAFFF);
  pc.bus.write(kLocal + 0x320 + (input.byte() % 6) * 16u, 4, input.dword() & 0x2A7FF);
}

void advance(ApicPc& pc) {
  for (TimedDevice* device : pc.timed) {
    device->advance();
    require(device->next_event() > pc.clock.time);
  }
}

void acknowledge(ApicPc& pc) {
  const bool requested = pc.intr, busy = pc.in_service();
  pc.external = false;
  const uint8_t vector = pc.local.acknowledge();
  if (requested) return require(pc.external || vector >= 16);
  require(!pc.external && pc.in_service() == busy);
}

void step(ApicPc& pc, Input& input) {
  switch (input.byte() % 8) {
    case 0:
      return access(pc, input, false);
    case 1:
    case 2:
      return access(pc, input, true);
    case 3:
      return set_up(pc, input);
    case 4: {
      const uint8_t irq = input.byte();
      return pc.irqs.isa(irq & 15).set(irq & 16);
    }
    case 5: {
      const uint8_t exponent = input.byte();
      pc.clock.time += Nanoseconds{input.byte()} << (exponent % 42);
      return advance(pc);
    }
    case 6:
      if (input.byte() == 0) pc.local.set_enabled(!pc.local.enabled());
      return pc.pic.master().write_port(input.byte() & 1, 1, input.byte());
    default:
      acknowledge(pc);
      return pc.bus.write(kLocal + 0xB0, 4, 0);
  }
}

}  // namespace
}  // namespace ringdown::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto pc = std::make_unique<ringdown::fuzz::ApicPc>();
  ringdown::fuzz::Input input(data, size);
  while (!input.empty()) ringdown::fuzz::step(*pc, input);
  return 0;
}
