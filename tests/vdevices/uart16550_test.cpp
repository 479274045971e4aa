#include "vdevices/uart16550.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/vdevices/edge_counter.h"
#include "tests/vdevices/fake_clock.h"

namespace ringdown {
namespace {

struct UartTest : ::testing::Test {
  testing::FakeClock clock;
  testing::EdgeCounter irq;
  std::string sent;
  Uart16550 uart{clock, irq.line, [this](uint8_t byte) { sent.push_back(static_cast<char>(byte)); }};

  uint32_t in(uint16_t offset) { return uart.read_port(offset, 1); }
  void out(uint16_t offset, uint8_t value) { uart.write_port(offset, 1, value); }
  void receive(std::string_view text) {
    uart.receive({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }
  bool asserted() const { return irq.line.level(); }
  void receive_by_fifo_at_115200_baud() {
    out(3, 0x83);
    out(0, 1);
    out(1, 0);
    out(3, 0x03);  // 10 bits a character
    out(2, 0xC1);
    out(1, 0x01);
  }
};

TEST_F(UartTest, SendsAtOnce) {
  EXPECT_EQ(in(5), 0x60u);
  for (const char c : std::string_view("hi")) out(0, static_cast<uint8_t>(c));
  EXPECT_EQ(sent, "hi");
  EXPECT_EQ(in(5), 0x60u);
}

TEST_F(UartTest, DivisorLatchHidesDataAndIer) {
  out(3, 0x83);
  out(0, 0x34);
  out(1, 0x12);
  EXPECT_EQ(in(0), 0x34u);
  EXPECT_EQ(in(1), 0x12u);
  out(3, 0x03);
  EXPECT_EQ(in(1), 0x00u);
  EXPECT_EQ(in(3), 0x03u);
  EXPECT_EQ(sent, "");
}

TEST_F(UartTest, ScratchAndReservedBits) {
  out(7, 0xA5);
  EXPECT_EQ(in(7), 0xA5u);
  out(1, 0xF0);
  EXPECT_EQ(in(1), 0x00u);
  out(4, 0xE0);
  EXPECT_EQ(in(4), 0x00u);
}

// What probes for a 16550A look at.
TEST_F(UartTest, IirShowsEnabledFifos) {
  EXPECT_EQ(in(2), 0x01u);
  out(2, 0x01);
  EXPECT_EQ(in(2), 0xC1u);
  out(2, 0x00);
  EXPECT_EQ(in(2), 0x01u);
}

TEST_F(UartTest, ThreInterruptWhenEnabledWhileEmpty) {
  out(1, 0x02);
  EXPECT_TRUE(asserted());
  EXPECT_EQ(in(2), 0x02u);
  EXPECT_FALSE(asserted()) << "reading IIR ends it";
  EXPECT_EQ(in(2), 0x01u);
  out(1, 0x02);
  EXPECT_FALSE(asserted()) << "was already enabled";
  out(1, 0x00);
  out(1, 0x02);
  EXPECT_TRUE(asserted());
  out(1, 0x00);
  EXPECT_FALSE(asserted());
}

TEST_F(UartTest, EachRefillGivesAThreInterruptAndAnEdge) {
  out(1, 0x02);
  in(2);
  for (int i = 1; i <= 5; ++i) {
    out(0, 'x');
    EXPECT_TRUE(asserted());
    EXPECT_EQ(in(2), 0x02u);
    EXPECT_EQ(irq.rises, 1 + i);
  }
  out(0, 'y');  // a driver that does not read IIR
  out(0, 'z');
  EXPECT_EQ(irq.rises, 8);
}

TEST_F(UartTest, ReceiveWithoutFifo) {
  out(1, 0x01);
  EXPECT_EQ(uart.receive_room(), 1u);
  receive("a");
  EXPECT_EQ(uart.receive_room(), 0u);
  EXPECT_TRUE(asserted());
  EXPECT_EQ(in(2), 0x04u);
  EXPECT_EQ(in(5), 0x61u);
  EXPECT_EQ(in(0), static_cast<uint32_t>('a'));
  EXPECT_FALSE(asserted());
  EXPECT_EQ(in(5), 0x60u);
}

TEST_F(UartTest, OverrunWithoutFifoKeepsTheNewCharacter) {
  receive("ab");
  EXPECT_EQ(in(5), 0x63u);
  EXPECT_EQ(in(5), 0x61u) << "reading LSR clears the error";
  EXPECT_EQ(in(0), static_cast<uint32_t>('b'));
}

TEST_F(UartTest, OverrunWithFifoKeepsTheOldCharacters) {
  out(2, 0x01);
  receive("0123456789abcdefX");
  EXPECT_EQ(in(5) & 0x83, 0x03u);
  for (const char c : std::string_view("0123456789abcdef")) EXPECT_EQ(in(0), static_cast<uint32_t>(c));
  EXPECT_EQ(in(5), 0x60u);
}

TEST_F(UartTest, TriggerLevels) {
  const size_t levels[] = {1, 4, 8, 14};
  out(1, 0x01);
  for (unsigned i = 0; i < 4; ++i) {
    out(2, static_cast<uint8_t>(i << 6 | 0x03));
    for (size_t n = 1; n <= 16; ++n) {
      receive("x");
      EXPECT_EQ(asserted(), n >= levels[i]) << n;
    }
    EXPECT_EQ(in(2), 0xC4u);
    for (size_t left = 16; left >= levels[i]; --left) in(0);
    EXPECT_FALSE(asserted());
  }
}

TEST_F(UartTest, CharacterTimeoutAfterFourCharacterTimes) {
  receive_by_fifo_at_115200_baud();
  EXPECT_EQ(uart.next_event(), kNever);
  clock.time = 1000;
  receive("ab");
  EXPECT_FALSE(asserted());
  const Nanoseconds due = 1000 + 40ull * 1'000'000'000 / 115200;
  EXPECT_EQ(uart.next_event(), due);
  clock.time = due - 1;
  uart.advance();
  EXPECT_FALSE(asserted());
  clock.time = due;
  uart.advance();
  EXPECT_TRUE(asserted());
  EXPECT_EQ(in(2), 0xCCu);
  EXPECT_EQ(uart.next_event(), kNever);
  in(0);
  EXPECT_FALSE(asserted());
  EXPECT_EQ(uart.next_event(), due + 40ull * 1'000'000'000 / 115200) << "starts anew for the one left";
  in(0);
  EXPECT_EQ(uart.next_event(), kNever);
}

TEST_F(UartTest, ATimeoutThatIsOnFollowsTheFormatOfCharacters) {
  receive_by_fifo_at_115200_baud();
  receive("ab");
  out(3, 0x0F);  // with parity and two stop bits: 12
  EXPECT_EQ(uart.next_event(), 48ull * 1'000'000'000 / 115200);
  out(3, 0x8F);
  out(0, 2);
  EXPECT_EQ(uart.next_event(), 48ull * 1'000'000'000 / 57600);
  out(1, 1);
  EXPECT_EQ(uart.next_event(), 4 * 12ull * 0x102 * 16 * 1'000'000'000 / 1843200);
}

TEST_F(UartTest, PollingIirSeesTheTimeoutWithoutAdvance) {
  out(2, 0xC1);
  out(1, 0x01);
  receive("a");
  clock.time = testing::kSecond;
  EXPECT_EQ(in(2), 0xCCu);
}

TEST_F(UartTest, InterruptPriorities) {
  out(1, 0x0F);
  uart.set_modem_inputs(0);
  EXPECT_EQ(in(2), 0x02u) << "THRE, and ends it";
  EXPECT_EQ(in(2), 0x00u) << "modem status";
  uart.receive_error('e', Uart16550::kParityError);
  EXPECT_EQ(in(2), 0x06u);
  EXPECT_EQ(in(5), 0x65u);
  EXPECT_EQ(in(2), 0x04u);
  in(0);
  EXPECT_EQ(in(2), 0x00u);
  EXPECT_EQ(in(6), 0x0Bu);
  EXPECT_EQ(in(2), 0x01u);
  EXPECT_FALSE(asserted());
}

TEST_F(UartTest, ErrorsBelongToTheCharacterThatIsReadNext) {
  out(2, 0x01);
  receive("a");
  uart.receive_error(0, Uart16550::kBreakInterrupt);
  receive("b");
  EXPECT_EQ(in(5), 0xE1u) << "an error is in the FIFO, not at its top";
  in(0);
  EXPECT_EQ(in(5), 0xF1u);
  EXPECT_EQ(in(5), 0x61u);
  EXPECT_EQ(in(0), 0u);
  EXPECT_EQ(in(0), static_cast<uint32_t>('b'));
}

TEST_F(UartTest, ReceiverResetEmptiesTheFifo) {
  out(2, 0x01);
  receive("abc");
  out(2, 0x03);
  EXPECT_EQ(in(5), 0x60u);
  EXPECT_EQ(uart.receive_room(), 16u);
}

TEST_F(UartTest, BackendIsCalledWhenThereIsRoomSoThatNothingIsLost) {
  std::string pasted(1000, ' ');
  for (size_t i = 0; i < pasted.size(); ++i) pasted[i] = static_cast<char>(' ' + i % 90);
  size_t next = 0;
  const auto feed = [&] {
    while (next < pasted.size() && uart.receive_room() > 0) receive(pasted.substr(next++, 1));
  };
  uart.on_receive_room(feed);
  out(2, 0x81);
  feed();
  EXPECT_EQ(next, 16u);
  std::string got;
  while ((in(5) & 1) != 0) got.push_back(static_cast<char>(in(0)));
  EXPECT_EQ(got, pasted);
}

TEST_F(UartTest, LoopbackReturnsDataAndModemOutputs) {
  out(4, 0x10);
  EXPECT_EQ(in(6) & 0xF0, 0x00u);
  in(6);
  out(4, 0x1A);  // RTS and OUT2
  EXPECT_EQ(in(6), 0x90u | 0x09);
  out(4, 0x15);  // DTR and OUT1
  EXPECT_EQ(in(6), 0x60u | 0x0B);
  out(0, 'L');
  EXPECT_EQ(sent, "");
  EXPECT_EQ(in(5), 0x61u);
  EXPECT_EQ(in(0), static_cast<uint32_t>('L'));
  EXPECT_EQ(uart.receive_room(), 0u) << "the wire is cut";
  receive("x");
  EXPECT_EQ(in(5), 0x60u);
  out(4, 0x00);
  EXPECT_EQ(in(6) & 0xF4, 0xB4u) << "RI fell";
}

TEST_F(UartTest, ModemDeltas) {
  EXPECT_EQ(in(6), 0xB0u);
  uart.set_modem_inputs(Uart16550::kCts | Uart16550::kDsr | Uart16550::kRi);
  EXPECT_EQ(in(6), 0x70u | 0x08) << "a rise of RI is no delta";
  EXPECT_EQ(in(6), 0x70u);
  uart.set_modem_inputs(Uart16550::kCts | Uart16550::kDsr);
  EXPECT_EQ(in(6), 0x30u | 0x04);
}

// The sequence with which Linux finds out whether THRE is raised again.
TEST_F(UartTest, LinuxThreTest) {
  out(1, 0x02);
  const uint32_t first = in(2);
  out(1, 0x00);
  out(1, 0x02);
  const uint32_t second = in(2);
  EXPECT_EQ(first & 1, 0u);
  EXPECT_EQ(second & 1, 0u);
}

TEST_F(UartTest, ResetReturnsToPowerOn) {
  out(1, 0x0F);
  out(2, 0x01);
  receive("a");
  uart.reset();
  EXPECT_FALSE(asserted());
  EXPECT_EQ(in(1), 0u);
  EXPECT_EQ(in(2), 0x01u);
  EXPECT_EQ(in(5), 0x60u);
}

}  // namespace
}  // namespace ringdown
