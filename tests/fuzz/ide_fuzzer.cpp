// Random register accesses on two ATA channels with disks, a CD-ROM drive and a bus master, over media that
// fail, take their time and come and go. The oracles: no sanitizer report (the memory behind the bus master
// and the media are arrays of their exact size), no bit above the access size, no request outside of a medium
// or on top of another one (MemoryMedium aborts), and a reset that ends.
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "tests/fuzz/input.h"
#include "tests/vdevices/flat_memory.h"
#include "tests/vdevices/memory_medium.h"
#include "vdevices/ata_channel.h"
#include "vdevices/ata_disk.h"
#include "vdevices/atapi_cdrom.h"
#include "vdevices/bus_master_ide.h"
#include "vdevices/port_bus.h"

namespace ringdown::fuzz {
namespace {

constexpr uint16_t kCommandBlock[] = {0x1F0, 0x170};
constexpr uint16_t kControlBlock[] = {0x3F6, 0x376};
constexpr uint16_t kBusMaster = 0xC000;
constexpr uint32_t kMemory = 0x40000;

struct IdePc {
  testing::MemoryMedium media[4]{testing::MemoryMedium{1500}, testing::MemoryMedium{1},
                                 testing::MemoryMedium{4 * 200 + 3}, testing::MemoryMedium{40}};
  testing::FlatMemory memory{kMemory};
  AtaDisk disk0{media[0], {"DISK", "0", "1"}};
  AtaDisk disk1{media[1], {"DISK", "1", "1"}};
  AtapiCdrom cdrom{&media[2], {"CD-ROM", "2", "1"}};
  Line irq[2];
  AtaChannel channels[2]{{irq[0], &disk0, &disk1}, {irq[1], &cdrom, nullptr}};
  BusMasterIde bus_master{channels[0], channels[1], memory};
  PortBus bus;

  IdePc() {
    for (unsigned i = 0; i < 2; ++i) {
      bus.map(kCommandBlock[i], 8, channels[i].command_block(), 4);
      bus.map(kControlBlock[i], 1, channels[i].control_block());
    }
    bus.map(kBusMaster, BusMasterIde::kPorts, bus_master, 4);
  }
  void read(uint16_t port, unsigned size) {
    const uint32_t value = bus.read(port, size);
    require(size == 4 || value >> (8 * size) == 0);
  }
  void end_requests() {
    for (testing::MemoryMedium& medium : media) {
      medium.waits = false;
      medium.finish();
    }
  }
};

uint16_t any_port(Input& input) {
  const uint8_t choice = input.byte();
  if (choice < 0x80) return static_cast<uint16_t>(kCommandBlock[choice & 1] + (choice >> 1 & 7));
  if (choice < 0xC0) return static_cast<uint16_t>(kBusMaster + (choice & 15));
  return kControlBlock[choice & 1];
}

// A command as a driver gives it, with small random values: otherwise few get far.
void give_command(IdePc& pc, Input& input) {
  const uint8_t which = input.byte();
  const uint16_t base = kCommandBlock[which & 1];
  const auto set = [&](AtaRegister index, uint8_t value) {
    pc.bus.write(static_cast<uint16_t>(base + index), 1, value);
  };
  set(kAtaDevice, which & 0xFE);
  for (const AtaRegister index : {kAtaErrorFeatures, kAtaSectorCount, kAtaLbaLow}) set(index, input.byte());
  set(kAtaLbaMid, input.byte() & 7);
  set(kAtaLbaHigh, input.byte() & 1);
  set(kAtaStatusCommand, input.byte());
}

void send_packet(IdePc& pc, Input& input) {
  const uint8_t features = input.byte();
  const uint8_t limit = input.byte();
  pc.bus.write(0x171, 1, features);
  pc.bus.write(0x174, 1, limit);
  pc.bus.write(0x175, 1, limit >> 4);
  pc.bus.write(0x177, 1, 0xA0);
  for (unsigned i = 0; i < 6; ++i) pc.bus.write(0x170, 2, input.byte() | input.byte() << 8);
}

void move_words(IdePc& pc, Input& input) {
  const uint8_t which = input.byte();
  const uint16_t port = kCommandBlock[which & 1];
  const unsigned size = 1u << (which >> 1 & 1) << (which >> 2 & 1);
  for (unsigned i = 0; i < unsigned{which} * 8; ++i) {
    if ((which & 8) != 0) {
      pc.bus.write(port, size, i);
    } else {
      pc.read(port, size);
    }
  }
}

// A table at a place of the bus master's, and the engine started.
void start_dma(IdePc& pc, Input& input) {
  const uint8_t which = input.byte();
  const uint16_t base = static_cast<uint16_t>(kBusMaster + 8 * (which & 1));
  const uint32_t table = (input.byte() * 0x404u) % (kMemory - 8 * 8);
  for (uint32_t at = table & ~3u; at < table + 8u * (which >> 5); at += 8) {
    pc.memory.set_dword(at, input.byte() * 0x480u);
    pc.memory.set_dword(at + 4, input.byte() << 8 | (input.byte() & 0x80u) << 24);
  }
  pc.bus.write(static_cast<uint16_t>(base + 4), 4, table);
  pc.bus.write(base, 1, which & 8);
  pc.bus.write(base, 1, 1 | (which & 8));
}

bool disc_in_use(const IdePc& pc) { return pc.media[2].under_way || pc.media[3].under_way; }

void change_media(IdePc& pc, Input& input) {
  const uint8_t what = input.byte();
  testing::MemoryMedium& medium = pc.media[what & 3];
  switch (what >> 2 & 7) {
    case 0:
      medium.bad_sector = input.byte();
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
      if (!disc_in_use(pc)) pc.cdrom.remove();
      return;
    case 5:
      if (!disc_in_use(pc)) pc.cdrom.insert(pc.media[2 + (what & 1)]);
      return;
    case 6:
      medium.fails_to_flush = !medium.fails_to_flush;
      return;
    default:
      medium.finish();
      return;
  }
}

void step(IdePc& pc, Input& input) {
  const uint8_t what = input.byte() % 9;
  switch (what) {
    case 0: {
      const uint16_t port = any_port(input);
      return pc.read(port, 1u << input.byte() % 3);
    }
    case 1: {
      const uint16_t port = any_port(input);
      const unsigned size = 1u << input.byte() % 3;
      return pc.bus.write(port, size, input.dword());
    }
    case 2:
    case 3:
      return give_command(pc, input);
    case 4:
      return send_packet(pc, input);
    case 5:
      return move_words(pc, input);
    case 6:
      return start_dma(pc, input);
    case 7:
      return change_media(pc, input);
    default:
      return pc.end_requests();
  }
}

// Whatever came before, a reset ends once the media have.
void check_reset(IdePc& pc) {
  pc.end_requests();
  for (unsigned i = 0; i < 2; ++i) {
    pc.bus.write(kControlBlock[i], 1, 0x04);
    pc.bus.write(kControlBlock[i], 1, 0x00);
    require((pc.bus.read(kControlBlock[i], 1) & 0x88) == 0);
    require(!pc.irq[i].level());
    require(pc.bus.read(static_cast<uint16_t>(kCommandBlock[i] + kAtaSectorCount), 1) == 1);
  }
}

}  // namespace
}  // namespace ringdown::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto pc = std::make_unique<ringdown::fuzz::IdePc>();
  ringdown::fuzz::Input input(data, size);
  for (int steps = 0; steps < 200 && !input.empty(); ++steps) ringdown::fuzz::step(*pc, input);
  ringdown::fuzz::check_reset(*pc);
  return 0;
}
