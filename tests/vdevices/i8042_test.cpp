#include "vdevices/i8042.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/vdevices/edge_counter.h"

namespace ringdown {
namespace {

using Bytes = std::vector<unsigned>;

struct I8042Test : ::testing::Test {
  testing::EdgeCounter irq1, irq12;
  std::vector<bool> a20;
  Line a20_line{[this](bool on) { a20.push_back(on); }};
  int resets = 0;
  I8042 kbc{{irq1.line, irq12.line, a20_line, [this] { ++resets; }}};

  unsigned status() { return kbc.command_port().read_port(0, 1); }
  unsigned data() { return kbc.data_port().read_port(0, 1); }
  void data(uint8_t value) { kbc.data_port().write_port(0, 1, value); }
  void command(uint8_t value) { kbc.command_port().write_port(0, 1, value); }
  void command(uint8_t value, uint8_t parameter) {
    command(value);
    data(parameter);
  }
  Bytes drain() {
    Bytes bytes;
    while ((status() & 1) != 0) bytes.push_back(data());
    return bytes;
  }
  Bytes send(uint8_t value) {
    data(value);
    return drain();
  }
};

TEST_F(I8042Test, StartsAsAfterPost) {
  EXPECT_EQ(status(), 0x1Cu);
  command(0x20);
  EXPECT_EQ(status() & 0x21, 0x01u);
  EXPECT_EQ(data(), 0x65u);
  EXPECT_EQ(status() & 0x01, 0u);
}

TEST_F(I8042Test, SelfAndInterfaceTests) {
  const struct {
    uint8_t command;
    unsigned answer;
  } kTests[] = {{0xAA, 0x55}, {0xAB, 0x00}, {0xA9, 0x00}, {0xA4, 0xF1}};
  for (const auto& test : kTests) {
    command(test.command);
    EXPECT_EQ(drain(), Bytes{test.answer});
  }
}

TEST_F(I8042Test, RamAndConfigurationByte) {
  command(0x60, 0x43);
  command(0x20);
  EXPECT_EQ(drain(), Bytes{0x43});
  EXPECT_EQ(status() & 0x04, 0u) << "the system flag follows bit 2";
  command(0x7F, 0x99);
  command(0x3F);
  EXPECT_EQ(drain(), Bytes{0x99});
}

TEST_F(I8042Test, KeysComeTranslatedWithAnInterruptForEachByte) {
  kbc.key(0x1E, true);  // A
  EXPECT_TRUE(irq1.line.level());
  EXPECT_EQ(data(), 0x1Eu);
  EXPECT_FALSE(irq1.line.level());
  kbc.key(0x1E, false);
  EXPECT_EQ(drain(), Bytes{0x9E});
  kbc.key(0xE048, true);  // up
  kbc.key(0xE048, false);
  EXPECT_EQ(drain(), (Bytes{0xE0, 0x48, 0xE0, 0xC8}));
  EXPECT_EQ(irq1.rises, 6);
}

TEST_F(I8042Test, EveryKeyKeepsItsSet1CodeThroughTranslation) {
  for (uint8_t code = 1; code < 0x5A; ++code) {
    if (set2_from_set1(code) == 0) continue;
    kbc.key(code, true);
    kbc.key(code, false);
    EXPECT_EQ(drain(), (Bytes{code, code | 0x80u}));
  }
}

TEST_F(I8042Test, WithoutTranslationTheKeyboardSpeaksSet2) {
  command(0x60, 0x25);
  kbc.key(0x1E, true);
  kbc.key(0xE048, false);
  EXPECT_EQ(drain(), (Bytes{0x1C, 0xE0, 0xF0, 0x75}));
  kbc.key(0x41, true);
  EXPECT_EQ(drain(), Bytes{0x83}) << "F7";
}

TEST_F(I8042Test, PauseIsOneLongMakeCode) {
  kbc.key(Ps2Keyboard::kPause, true);
  kbc.key(Ps2Keyboard::kPause, false);
  EXPECT_EQ(drain(), (Bytes{0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5}));
}

TEST_F(I8042Test, DisabledKeyboardKeepsItsCodes) {
  command(0xAD);
  kbc.key(0x1E, true);
  EXPECT_EQ(drain(), Bytes{});
  command(0xAE);
  EXPECT_EQ(drain(), Bytes{0x1E});
}

TEST_F(I8042Test, InterruptDisabledInConfiguration) {
  command(0x60, 0x64);
  kbc.key(0x1E, true);
  EXPECT_FALSE(irq1.line.level());
  command(0x60, 0x65);
  EXPECT_TRUE(irq1.line.level());
}

TEST_F(I8042Test, BufferOverrunLeavesOneMark) {
  for (int i = 0; i < 40; ++i) kbc.key(0x1E, true);
  const Bytes codes = drain();
  EXPECT_EQ(codes.size(), 18u) << "one at port 60h, 16 in the keyboard, the mark";
  EXPECT_EQ(codes.back(), 0xFFu);
  EXPECT_EQ(kbc.keyboard().key_room(), 2u);
}

TEST_F(I8042Test, KeyboardReset) {
  kbc.key(0x1E, true);
  drain();
  EXPECT_EQ(send(0xFF), (Bytes{0xFA, 0xAA}));
}

TEST_F(I8042Test, KeyboardIdentifiesItself) {
  EXPECT_EQ(send(0xF2), (Bytes{0xFA, 0xAB, 0x41})) << "83h translated";
  command(0x60, 0x25);
  EXPECT_EQ(send(0xF2), (Bytes{0xFA, 0xAB, 0x83}));
}

TEST_F(I8042Test, LedsAndTypematicTakeAParameter) {
  EXPECT_EQ(send(0xED), Bytes{0xFA});
  EXPECT_EQ(send(0x05), Bytes{0xFA});
  EXPECT_EQ(kbc.keyboard().leds(), 5);
  EXPECT_EQ(send(0xF3), Bytes{0xFA});
  EXPECT_EQ(send(0x20), Bytes{0xFA});
  EXPECT_EQ(send(0xED), Bytes{0xFA});
  EXPECT_EQ(send(0xF4), Bytes{0xFA}) << "a command in place of the parameter";
  EXPECT_EQ(kbc.keyboard().leds(), 5);
}

TEST_F(I8042Test, EchoResendAndUnknownCommands) {
  EXPECT_EQ(send(0xEE), Bytes{0xEE});
  EXPECT_EQ(send(0xFE), Bytes{0xEE});
  EXPECT_EQ(send(0xEF), Bytes{0xFE});
  EXPECT_EQ(send(0x00), Bytes{0xFE});
}

TEST_F(I8042Test, ScanningCanBeDisabled) {
  EXPECT_EQ(send(0xF5), Bytes{0xFA});
  kbc.key(0x1E, true);
  EXPECT_EQ(drain(), Bytes{});
  EXPECT_EQ(send(0xF4), Bytes{0xFA});
  kbc.key(0x1E, true);
  EXPECT_EQ(drain(), Bytes{0x1E});
  EXPECT_EQ(send(0xF6), Bytes{0xFA});
  EXPECT_TRUE(kbc.keyboard().scanning());
}

TEST_F(I8042Test, ScanCodeSets) {
  command(0x60, 0x25);  // no translation
  EXPECT_EQ(send(0xF0), Bytes{0xFA});
  EXPECT_EQ(send(0x00), (Bytes{0xFA, 0x02}));
  send(0xF0);
  EXPECT_EQ(send(0x01), Bytes{0xFA});
  kbc.key(0xE048, false);
  EXPECT_EQ(drain(), (Bytes{0xE0, 0xC8}));
  send(0xF0);
  EXPECT_EQ(send(0x03), Bytes{0xFE}) << "no set 3";
}

TEST_F(I8042Test, AuxiliaryLoopback) {
  command(0x60, 0x47);
  for (const uint8_t byte : {0x5A, 0xF0, 0x56, 0xA4}) {
    command(0xD3, byte);
    EXPECT_EQ(status() & 0x61, 0x21u);
    EXPECT_TRUE(irq12.line.level());
    EXPECT_FALSE(irq1.line.level());
    EXPECT_EQ(data(), byte);
    EXPECT_FALSE(irq12.line.level());
  }
  command(0xD2, 0x77);
  EXPECT_EQ(status() & 0x61, 0x01u);
  EXPECT_TRUE(irq1.line.level());
  EXPECT_EQ(data(), 0x77u) << "not translated";
}

TEST_F(I8042Test, MouseAnswersAtItsOwnInterrupt) {
  command(0x60, 0x47);
  command(0xD4, 0xFF);
  EXPECT_EQ(status() & 0x61, 0x21u);
  EXPECT_TRUE(irq12.line.level());
  EXPECT_EQ(drain(), (Bytes{0xFA, 0xAA, 0x00}));
  EXPECT_EQ(irq1.rises, 0);
}

TEST_F(I8042Test, DisabledMouseKeepsItsPacket) {
  command(0xD4, 0xF4);
  EXPECT_EQ(drain(), Bytes{0xFA});
  command(0xA7);
  kbc.move_mouse(3, -1, 0, Ps2Mouse::kLeft);
  EXPECT_EQ(drain(), Bytes{});
  command(0xA8);
  EXPECT_EQ(drain(), (Bytes{0x29, 3, 0xFF}));
}

TEST_F(I8042Test, MouseIsNotTranslated) {
  command(0xD4, 0xF4);
  drain();
  kbc.move_mouse(0xF0, 0x1E, 0, 0);
  EXPECT_EQ(drain(), (Bytes{0x08, 0xF0, 0x1E}));
}

TEST_F(I8042Test, TellsOfRoomWhenAByteWasTaken) {
  int calls = 0;
  kbc.on_room([&] { ++calls; });
  kbc.key(0x1E, true);
  EXPECT_EQ(calls, 0);
  data();
  EXPECT_EQ(calls, 1);
}

TEST_F(I8042Test, AuxiliaryEnableShowsInTheConfiguration) {
  command(0xA8);
  command(0x20);
  EXPECT_EQ(drain(), Bytes{0x45});
  command(0xA7);
  command(0x20);
  EXPECT_EQ(drain(), Bytes{0x65});
}

TEST_F(I8042Test, A20ByOutputPortAndByCommand) {
  a20_line.set(true);
  a20.clear();
  command(0xD0);
  EXPECT_EQ(drain(), Bytes{0xC3});
  command(0xD1, 0xDD);
  command(0xD0);
  EXPECT_EQ(drain(), Bytes{0xC1});
  command(0xD1, 0xDF);
  command(0xDD);
  command(0xDF);
  EXPECT_EQ(a20, (std::vector<bool>{false, true, false, true}));
  EXPECT_EQ(resets, 0);
}

TEST_F(I8042Test, Resets) {
  command(0xFF);
  EXPECT_EQ(resets, 0) << "pulses nothing: how A20 code waits";
  command(0xFE);
  EXPECT_EQ(resets, 1);
  command(0xF0);
  EXPECT_EQ(resets, 2);
  command(0xD1, 0x02);
  EXPECT_EQ(resets, 3);
}

TEST_F(I8042Test, AnswerGoesBeforeWaitingScanCodes) {
  kbc.key(0x1E, true);
  kbc.key(0x30, true);
  EXPECT_EQ(data(), 0x1Eu);
  EXPECT_EQ(data(), 0x30u);
  command(0xAD);
  kbc.key(0x1E, true);
  data(0xED);  // re-enables the keyboard
  EXPECT_EQ(drain(), (Bytes{0xFA, 0x1E}));
}

TEST_F(I8042Test, MachineResetRestoresPowerOn) {
  command(0xDD);
  command(0x60, 0x00);
  kbc.key(0x1E, true);
  kbc.reset();
  EXPECT_EQ(drain(), Bytes{});
  command(0x20);
  EXPECT_EQ(drain(), Bytes{0x65});
  EXPECT_TRUE(a20.back());
}

}  // namespace
}  // namespace ringdown
