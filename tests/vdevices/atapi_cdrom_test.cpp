#include "vdevices/atapi_cdrom.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/vdevices/ata_host.h"
#include "tests/vdevices/flat_memory.h"
#include "tests/vdevices/memory_medium.h"
#include "vdevices/ata_disk.h"
#include "vdevices/bus_master_ide.h"

namespace ringdown {
namespace {

using testing::filled;
using Bytes = std::vector<uint8_t>;

constexpr uint8_t kReady = 0x40;    // DRDY
constexpr uint8_t kHasData = 0x48;  // DRDY DRQ
constexpr uint8_t kFailed = 0x41;   // DRDY ERR
constexpr size_t kBlock = 2048;

struct AtapiTest : ::testing::Test {
  testing::MemoryMedium disc{4 * 300};
  AtapiCdrom drive{&disc, {"CD-ROM", "SERIAL", "1.0"}};
  testing::AtaHost host{&drive, nullptr};

  AtapiTest() { sense(); }  // after power on

  // The status when the packet has been sent.
  uint8_t send(Bytes packet, unsigned byte_limit = 0xFFFE, unsigned features = 0) {
    packet.resize(12);
    host.out(kAtaErrorFeatures, features);
    host.out(kAtaLbaMid, byte_limit);
    host.out(kAtaLbaHigh, byte_limit >> 8);
    host.command(0xA0);
    EXPECT_EQ(host.in(kAtaSectorCount), 0x01) << "the drive waits for a packet";
    EXPECT_EQ(host.status(), kHasData);
    host.write_bytes(packet);
    return host.status();
  }
  unsigned byte_count() { return host.in(kAtaLbaHigh) << 8u | host.in(kAtaLbaMid); }
  // The reply to a packet, of any number of DRQ blocks.
  Bytes ask(const Bytes& packet, unsigned byte_limit = 0xFFFE) {
    Bytes bytes;
    uint8_t status = send(packet, byte_limit);
    while (status == kHasData) {
      EXPECT_EQ(host.in(kAtaSectorCount), 0x02) << "data to the host";
      const Bytes block = host.read_bytes(byte_count());
      bytes.insert(bytes.end(), block.begin(), block.end());
      status = host.status();
    }
    EXPECT_EQ(status, kReady);
    EXPECT_EQ(host.in(kAtaSectorCount), 0x03) << "the end";
    return bytes;
  }
  // Key, code and qualifier.
  std::string sense() {
    const Bytes bytes = ask({0x03, 0, 0, 0, 18});
    char text[16];
    std::snprintf(text, sizeof text, "%X/%02X/%02X", unsigned{bytes.at(2)}, unsigned{bytes.at(12)},
                  unsigned{bytes.at(13)});
    return text;
  }
  std::string failure(const Bytes& packet) {
    const uint8_t status = send(packet);
    if (status != kFailed) return "status " + std::to_string(status);
    const unsigned key = host.in(kAtaErrorFeatures) >> 4;
    const std::string text = sense();
    EXPECT_EQ(text.substr(0, 1), std::to_string(key)) << "the sense key is in the Error register";
    return text;
  }
};

TEST_F(AtapiTest, SignatureAndIdentity) {
  AtapiCdrom fresh{nullptr, {"CD-ROM", "SERIAL", "1.0"}};
  testing::AtaHost h{&fresh, nullptr};
  EXPECT_EQ(h.in(kAtaLbaMid), 0x14);
  EXPECT_EQ(h.in(kAtaLbaHigh), 0xEB);
  EXPECT_EQ(h.alternate_status(), 0x00);
  EXPECT_EQ(h.run(0xA1), kHasData);
  const auto words = h.read_words(256);
  EXPECT_EQ(h.status(), kReady);
  EXPECT_EQ(h.irq.rises, 1);
  EXPECT_EQ(words[0], 0x85C0);
  EXPECT_EQ(words[27], 'C' << 8 | 'D');
  EXPECT_EQ(words[82], 0x4218);
  h.out(kAtaLbaMid, 0);
  EXPECT_EQ(h.run(0xEC), kFailed) << "it is no disk";
  EXPECT_EQ(h.in(kAtaErrorFeatures), 0x04);
  EXPECT_EQ(h.in(kAtaLbaMid), 0x14);
}

TEST_F(AtapiTest, PowerOnIsAUnitAttention) {
  AtapiCdrom fresh{&disc, {"CD-ROM", "SERIAL", "1.0"}};
  testing::AtaHost h{&fresh, nullptr};
  h.command(0xA0);
  h.write_bytes(Bytes(12));
  EXPECT_EQ(h.status(), kFailed);
  EXPECT_EQ(h.in(kAtaErrorFeatures), 0x60);
  h.command(0xA0);
  h.write_bytes(Bytes(12));
  EXPECT_EQ(h.status(), kReady) << "told once";
}

TEST_F(AtapiTest, PacketInterruptsOnlyWhenItIsDone) {
  const int before = host.irq.rises;
  host.command(0xA0);
  EXPECT_FALSE(host.asserted());
  host.write_bytes(Bytes(12));
  EXPECT_TRUE(host.asserted());
  EXPECT_EQ(host.irq.rises, before + 1);
  EXPECT_EQ(host.status(), kReady);
  EXPECT_EQ(host.in(kAtaSectorCount), 0x03);
}

TEST_F(AtapiTest, Read10) {
  const Bytes bytes = ask({0x28, 0, 0, 0, 0, 5, 0, 0, 2}, 2048);
  EXPECT_EQ(bytes, filled({21, 22, 23, 24, 25, 26, 27, 28}));
}

TEST_F(AtapiTest, ByteLimitSplitsBlocks) {
  send({0x28, 0, 0, 0, 0, 5, 0, 0, 1}, 1001);
  EXPECT_EQ(byte_count(), 1000u) << "even unless it is the last";
  host.read_bytes(1000);
  EXPECT_TRUE(host.asserted());
  EXPECT_EQ(host.status(), kHasData);
  EXPECT_EQ(byte_count(), 1000u);
  host.read_bytes(1000);
  EXPECT_EQ(byte_count(), 48u);
  host.read_bytes(48);
  EXPECT_EQ(host.status(), kReady);
}

TEST_F(AtapiTest, WithoutRoomForDataTheCommandAborts) {
  EXPECT_EQ(send({0x28, 0, 0, 0, 0, 5, 0, 0, 1}, 0), kFailed);
  EXPECT_EQ(host.in(kAtaErrorFeatures), 0x04);
  EXPECT_EQ(send({0x28, 0, 0, 0, 0, 5, 0, 0, 1}, 1), kFailed);
  EXPECT_EQ(send({0x00}, 0), kReady) << "no data, no matter";
}

TEST_F(AtapiTest, OddRepliesEndInHalfAWord) {
  const Bytes all = ask({0x12, 0, 0, 0, 36});
  Bytes five = ask({0x12, 0, 0, 0, 5});
  EXPECT_EQ(five, Bytes(all.begin(), all.begin() + 5));
  EXPECT_EQ(ask({0x12, 0, 0, 0, 0}), Bytes());
}

TEST_F(AtapiTest, LongReadsAndRead12) {
  const Bytes bytes = ask({0xA8, 0, 0, 0, 0, 0, 0, 0, 0, 200}, 0xFFFF);
  ASSERT_EQ(bytes.size(), 200 * kBlock);
  EXPECT_EQ(bytes, Bytes(disc.data.begin(), disc.data.begin() + 200 * kBlock));
  EXPECT_EQ(disc.log.size(), 4u);
  EXPECT_EQ(ask({0xA8, 0, 0, 0, 0, 0, 0, 0, 0, 0}), Bytes());
}

TEST_F(AtapiTest, NothingIsReachedBehindTheEnd) {
  EXPECT_EQ(failure({0x28, 0, 0, 0, 1, 43, 0, 0, 2}), "5/21/00");
  EXPECT_EQ(failure({0x28, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 2}), "5/21/00");
  EXPECT_EQ(failure({0xA8, 0, 0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF}), "5/21/00");
  EXPECT_EQ(failure({0x2B, 0, 0, 0, 1, 44}), "5/21/00");
  EXPECT_EQ(ask({0x28, 0, 0, 0, 1, 43, 0, 0, 1}).size(), kBlock);
}

TEST_F(AtapiTest, AnUnreadableBlockEndsTheRead) {
  disc.bad_sector = 4 * 6 + 2;
  uint8_t status = send({0x28, 0, 0, 0, 0, 5, 0, 0, 3}, 2048);
  EXPECT_EQ(status, kHasData);
  EXPECT_EQ(host.read_bytes(kBlock), filled({21, 22, 23, 24}));
  EXPECT_EQ(host.status(), kFailed);
  EXPECT_EQ(host.in(kAtaErrorFeatures), 0x30);
  EXPECT_EQ(sense(), "3/11/00");
  EXPECT_EQ(sense(), "0/00/00") << "taken";
}

TEST_F(AtapiTest, ReadCdOfUserData) {
  EXPECT_EQ(ask({0xBE, 0, 0, 0, 0, 5, 0, 0, 1, 0x10}), filled({21, 22, 23, 24}));
  EXPECT_EQ(ask({0xBE, 0, 0, 0, 0, 5, 0, 0, 1, 0x00}), Bytes());
  EXPECT_EQ(failure({0xBE, 0, 0, 0, 0, 5, 0, 0, 1, 0xF8}), "5/24/00");
}

TEST_F(AtapiTest, ReadCapacity) { EXPECT_EQ(ask({0x25}), (Bytes{0, 0, 1, 43, 0, 0, 8, 0})); }

TEST_F(AtapiTest, ReadToc) {
  EXPECT_EQ(ask({0x43, 0, 0, 0, 0, 0, 0, 0, 100}),
            (Bytes{0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xAA, 0, 0, 0, 1, 44}));
  EXPECT_EQ(ask({0x43, 2, 0, 0, 0, 0, 0xAA, 0, 100}), (Bytes{0, 10, 1, 1, 0, 0x14, 0xAA, 0, 0, 0, 6, 0}));
  EXPECT_EQ(ask({0x43, 0, 1, 0, 0, 0, 0, 0, 100}), (Bytes{0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(ask({0x43, 0, 0, 0, 0, 0, 0, 0, 100, 0x40}), (Bytes{0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0}))
      << "SFF-8020i's place of the format";
  EXPECT_EQ(failure({0x43, 0, 0, 0, 0, 0, 2, 0, 100}), "5/24/00");
  EXPECT_EQ(failure({0x43, 0, 5, 0, 0, 0, 0, 0, 100}), "5/24/00");
  EXPECT_EQ(ask({0x43, 0, 0, 0, 0, 0, 0, 0, 4}), (Bytes{0, 18, 1, 1})) << "as much as asked for";
}

TEST_F(AtapiTest, Inquiry) {
  const Bytes bytes = ask({0x12, 0, 0, 0, 36});
  ASSERT_EQ(bytes.size(), 36u);
  EXPECT_EQ(Bytes(bytes.begin(), bytes.begin() + 5), (Bytes{0x05, 0x80, 0, 0x21, 31}));
  EXPECT_EQ(std::string(bytes.begin() + 8, bytes.end()), "RINGDOWNCD-ROM          1.0 ");
  EXPECT_EQ(failure({0x12, 1, 0x83, 0, 36}), "5/24/00");
}

TEST_F(AtapiTest, ModeSense) {
  const Bytes capabilities = ask({0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 100});
  ASSERT_EQ(capabilities.size(), 8u + 2 + 18);
  EXPECT_EQ(capabilities[1], capabilities.size() - 2);
  EXPECT_EQ(capabilities[8], 0x2A);
  EXPECT_EQ(capabilities[14], 0x29);
  EXPECT_EQ(ask({0x5A, 0, 0x01, 0, 0, 0, 0, 0, 100}).size(), 16u);
  EXPECT_EQ(ask({0x5A, 0, 0x3F, 0, 0, 0, 0, 0, 100}).size(), 36u);
  EXPECT_EQ(failure({0x5A, 0, 0x05, 0, 0, 0, 0, 0, 100}), "5/24/00");
  EXPECT_EQ(failure({0x5A, 0, 0xEA, 0, 0, 0, 0, 0, 100}), "5/39/00");
}

TEST_F(AtapiTest, GetConfiguration) {
  const Bytes all = ask({0x46, 0, 0, 0, 0, 0, 0, 0, 200});
  EXPECT_EQ(all[3], all.size() - 4);
  EXPECT_EQ(all[7], 0x08) << "a CD-ROM";
  EXPECT_EQ(ask({0x46, 2, 0, 0x1E, 0, 0, 0, 0, 200}), (Bytes{0, 0, 0, 8, 0, 0, 0, 8, 0, 0x1E, 1, 0}));
  EXPECT_EQ(ask({0x46, 2, 0x12, 0x34, 0, 0, 0, 0, 200}).size(), 8u);
  drive.remove();
  EXPECT_EQ(ask({0x46, 0, 0, 0, 0, 0, 0, 0, 200})[7], 0);
}

TEST_F(AtapiTest, NoDisc) {
  drive.remove();
  EXPECT_EQ(failure({0x00}), "2/3A/02");
  EXPECT_EQ(send({0x1B, 0, 0, 0, 3}), kReady) << "the tray closes over nothing";
  EXPECT_EQ(failure({0x28, 0, 0, 0, 0, 0, 0, 0, 1}), "2/3A/01");
  EXPECT_EQ(failure({0x25}), "2/3A/01");
  EXPECT_EQ(failure({0x43, 0, 0, 0, 0, 0, 0, 0, 12}), "2/3A/01");
  EXPECT_EQ(ask({0x12, 0, 0, 0, 36}).size(), 36u);
  testing::MemoryMedium other{4 * 10};
  drive.insert(other);
  EXPECT_EQ(failure({0x25}), "6/28/00");
  EXPECT_EQ(ask({0x25}), (Bytes{0, 0, 0, 9, 0, 0, 8, 0}));
}

// READ (10) of 100 blocks, of which the drive's buffer holds 64. `change` comes before the host takes them.
struct AtapiChangedInARead : AtapiTest {
  testing::MemoryMedium other{4 * 90};
  std::string read_around(void (AtapiChangedInARead::*change)()) {
    uint8_t status = send({0x28, 0, 0, 0, 0, 0, 0, 0, 100});
    (this->*change)();
    size_t bytes = 0;
    for (; status == kHasData; status = host.status()) bytes += host.read_bytes(byte_count()).size();
    EXPECT_EQ(bytes, 64 * kBlock) << "what the drive had read";
    EXPECT_EQ(status, kFailed);
    return sense();
  }
  void take_out() { drive.remove(); }
  void put_in_other() { drive.insert(other); }
};

TEST_F(AtapiChangedInARead, ItFails) {
  EXPECT_EQ(read_around(&AtapiChangedInARead::take_out), "2/3A/02");
  drive.insert(disc);
  sense();
  EXPECT_EQ(read_around(&AtapiChangedInARead::put_in_other), "6/28/00");
  EXPECT_EQ(other.log, "");
}

TEST_F(AtapiTest, AnEjectRequestIsToldOnce) {
  send({0x1E, 0, 0, 0, 1});
  EXPECT_TRUE(drive.locked());
  drive.request_eject();
  EXPECT_EQ(ask({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8}), (Bytes{0, 6, 4, 0x10, 1, 2, 0, 0}));
  EXPECT_EQ(ask({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8}), (Bytes{0, 6, 4, 0x10, 0, 2, 0, 0}));
  drive.remove();
  EXPECT_FALSE(drive.locked()) << "the disc is gone";
}

TEST_F(AtapiTest, ADiscSmallerThanABlock) {
  testing::MemoryMedium other{3};
  drive.insert(other);
  sense();
  EXPECT_NE(failure({0x25}), "");
  EXPECT_EQ(failure({0x28, 0, 0, 0, 0, 0, 0, 0, 1}), "5/21/00");
}

TEST_F(AtapiTest, EjectAndLoad) {
  EXPECT_EQ(send({0x1B, 0, 0, 0, 2}), kReady);
  EXPECT_EQ(failure({0x00}), "2/3A/02");
  EXPECT_EQ(ask({0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8})[1], 0x10);
  EXPECT_EQ(ask({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8}), (Bytes{0, 6, 4, 0x10, 3, 1, 0, 0}));
  EXPECT_EQ(send({0x1B, 0, 0, 0, 3}), kReady);
  EXPECT_EQ(ask({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8}), (Bytes{0, 6, 4, 0x10, 2, 2, 0, 0}));
  EXPECT_EQ(ask({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8}), (Bytes{0, 6, 4, 0x10, 0, 2, 0, 0})) << "told once";
  EXPECT_EQ(send({0x00}), kReady);
}

TEST_F(AtapiTest, PreventedRemoval) {
  send({0x1E, 0, 0, 0, 1});
  EXPECT_TRUE(drive.locked());
  EXPECT_EQ(failure({0x1B, 0, 0, 0, 2}), "5/53/02");
  EXPECT_EQ(send({0x00}), kReady);
  send({0x1E, 0, 0, 0, 0});
  EXPECT_EQ(send({0x1B, 0, 0, 0, 2}), kReady);
}

TEST_F(AtapiTest, UnknownPackets) {
  EXPECT_EQ(failure({0xFF}), "5/20/00");
  EXPECT_EQ(failure({0x2A}), "5/20/00");
}

TEST_F(AtapiTest, DeviceResetWorksWhileBusy) {
  disc.waits = true;
  EXPECT_EQ(send({0x28, 0, 0, 0, 0, 5, 0, 0, 1}), 0x80);
  host.command(0x08);
  EXPECT_EQ(host.alternate_status(), 0x80) << "until the medium lets go of the buffer";
  EXPECT_TRUE(disc.finish());
  EXPECT_EQ(host.alternate_status(), 0x00);
  EXPECT_EQ(host.in(kAtaLbaHigh), 0xEB);
  EXPECT_FALSE(host.asserted());
  disc.waits = false;
  EXPECT_EQ(ask({0x28, 0, 0, 0, 0, 5, 0, 0, 1}).size(), kBlock);

  send({0x28, 0, 0, 0, 0, 5, 0, 0, 1});
  host.command(0x08);
  EXPECT_EQ(host.alternate_status(), 0x00) << "with data waiting";
}

TEST_F(AtapiTest, ReadsByDma) {
  testing::FlatMemory memory{1 << 20};
  BusMasterChannel bus_master{host.channel, memory};
  host.bus.map(0xC000, BusMasterChannel::kPorts, bus_master, 4);
  for (unsigned i = 0; i < 3; ++i) {
    memory.set_dword(0x1000 + 8 * i, 0x20000 + i * 0x10000);
    memory.set_dword(0x1004 + 8 * i, 0);
  }
  memory.set_dword(0x1018, 0x50000);
  memory.set_dword(0x101C, 0x80000000 | (100 * kBlock - 3 * 65536));
  host.bus.write(0xC004, 4, 0x1000);
  host.bus.write(0xC000, 1, 0x09);
  EXPECT_EQ(send({0x28, 0, 0, 0, 0, 5, 0, 0, 100}, 0, 1), kReady);
  EXPECT_EQ(host.bus.read(0xC002, 1), 0x04u);
  EXPECT_EQ(Bytes(memory.bytes.begin() + 0x20000, memory.bytes.begin() + 0x20000 + 100 * kBlock),
            Bytes(disc.data.begin() + 5 * kBlock, disc.data.begin() + 105 * kBlock));
}

TEST_F(AtapiTest, ACdromBesideADisk) {
  testing::MemoryMedium medium{100};
  AtaDisk disk{medium, {"DISK", "S", "1"}};
  AtapiCdrom cdrom{&disc, {"CD-ROM", "S", "1"}};
  testing::AtaHost both{&disk, &cdrom};
  both.control(0x04);
  both.control(0x00);
  EXPECT_EQ(both.in(kAtaLbaHigh), 0x00);
  both.out(kAtaDevice, 0xB0);
  EXPECT_EQ(both.in(kAtaLbaHigh), 0xEB);
  EXPECT_EQ(both.in(kAtaDevice), 0xB0);
  EXPECT_EQ(both.alternate_status(), 0x00);
  both.out(kAtaDevice, 0xA0);
  EXPECT_EQ(both.run(0xEC), 0x58);
}

}  // namespace
}  // namespace ringdown
