// Random register accesses on a floppy disk controller with two drives, whose diskettes fail, take their time
// and come and go, and with channel 2 of an 8237A in random modes and of random lengths. The oracles: no
// sanitizer report, no request outside of a medium or on top of another one (MemoryMedium aborts), and a
// reset that ends ready for a command.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "tests/fuzz/input.h"
#include "tests/vdevices/flat_memory.h"
#include "tests/vdevices/memory_medium.h"
#include "vdevices/i82077aa.h"
#include "vdevices/i8237a.h"

namespace ringdown::fuzz {
namespace {

struct FloppyPc {
  testing::MemoryMedium media[3]{testing::MemoryMedium{720}, testing::MemoryMedium{320},
                                 testing::MemoryMedium{360}};
  testing::FlatMemory memory{1 << 16};
  IsaDma dma{&memory};
  Line irq;
  I82077aa fdc{irq, dma.channel(2)};
  PortDevice& registers = fdc.registers();
  PortDevice& input_register = fdc.input_register();

  FloppyPc() {
    dma.connect(2, fdc);
    fdc.connect(0, 2);
    fdc.connect(1, 1);
    fdc.insert(0, media[0]);
    registers.write_port(2, 1, 0x1C);
  }
};

bool in_use(const FloppyPc& pc) {
  return std::ranges::any_of(pc.media,
                             [](const testing::MemoryMedium& medium) { return !!medium.under_way; });
}

void change_media(FloppyPc& pc, uint8_t what) {
  testing::MemoryMedium& medium = pc.media[what % 3];
  switch (what >> 3 & 7) {
    case 0:
      medium.bad_sector = what;
      return;
    case 1:
      medium.bad_sector.reset();
      return;
    case 2:
      medium.waits = !medium.waits;
      return;
    case 3:
      medium.locked = !medium.locked;
      return;
    case 4:
      if (!in_use(pc)) pc.fdc.remove(what & 1);
      return;
    case 5:
      if (!in_use(pc)) pc.fdc.insert(what & 1, medium);
      return;
    default:
      medium.finish();
      return;
  }
}

// A command of nine bytes with values that often exist.
void give_command(FloppyPc& pc, Input& input) {
  pc.registers.write_port(5, 1, input.byte());
  const uint8_t where = input.byte();
  for (const uint8_t byte :
       {uint8_t(where & 7), uint8_t(where >> 5), uint8_t(where >> 2 & 1), uint8_t(input.byte() & 31),
        uint8_t{2}, uint8_t(input.byte() & 63), uint8_t{0x1B}, uint8_t{0xFF}}) {
    pc.registers.write_port(5, 1, byte);
  }
}

// Channel 2, from 0 or from where there is no RAM on.
void start_dma(FloppyPc& pc, uint8_t mode, unsigned bytes) {
  PortDevice& registers = pc.dma.byte_channels();
  pc.dma.pages().write_port(0, 1, mode & 1);
  registers.write_port(0x0B, 1, (mode & 0xFC) | 2);
  registers.write_port(0x0C, 1, 0);
  registers.write_port(5, 1, bytes & 0xFF);
  registers.write_port(5, 1, bytes >> 8);
  registers.write_port(0x0A, 1, 2);
}

void step(FloppyPc& pc, Input& input) {
  switch (input.byte() % 7) {
    case 0:
      pc.registers.read_port(input.byte() % 6, 1);
      pc.input_register.read_port(0, 1);
      return;
    case 1: {
      const uint8_t port = input.byte();
      return pc.registers.write_port(port % 6, 1, input.byte());
    }
    case 2:
      return pc.input_register.write_port(0, 1, input.byte());
    case 3:
      return give_command(pc, input);
    case 4: {
      const uint8_t mode = input.byte();
      return start_dma(pc, mode, input.byte() * 101u);
    }
    case 5:
      for (unsigned i = input.byte() * 4u; i != 0; --i) pc.registers.read_port(5, 1);
      return;
    default:
      return change_media(pc, input.byte());
  }
}

void check_reset(FloppyPc& pc) {
  for (testing::MemoryMedium& medium : pc.media) {
    medium.waits = false;
    medium.finish();
  }
  pc.registers.write_port(2, 1, 0x08);
  require(!pc.irq.level());
  pc.registers.write_port(2, 1, 0x0C);
  require(pc.irq.level());
  require(pc.registers.read_port(4, 1) == 0x80);
}

}  // namespace
}  // namespace ringdown::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto pc = std::make_unique<ringdown::fuzz::FloppyPc>();
  ringdown::fuzz::Input input(data, size);
  for (int steps = 0; steps < 200 && !input.empty(); ++steps) ringdown::fuzz::step(*pc, input);
  ringdown::fuzz::check_reset(*pc);
  return 0;
}
