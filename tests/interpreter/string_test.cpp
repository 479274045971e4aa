#include <numeric>

#include "tests/interpreter/interpreter_fixture.h"

namespace ringdown {
namespace {

constexpr uint8_t kRep = 0xF3, kRepne = 0xF2, kMovsb = 0xA4, kMovsd = 0xA5, kCmpsb = 0xA6, kStosb = 0xAA,
                  kStosd = 0xAB, kLodsb = 0xAC, kScasb = 0xAE, kInsb = 0x6C, kInsd = 0x6D, kOutsb = 0x6E,
                  kOutsd = 0x6F;

class StringTest : public InterpreterTest {
 protected:
  void fill_counting(uint32_t at, unsigned length) { std::iota(&ram[at], &ram[at + length], uint8_t{1}); }
  void place(uint32_t source, uint32_t destination, uint32_t count) {
    esi() = source;
    edi() = destination;
    ecx() = count;
  }
};

TEST_F(StringTest, RepMovsCopiesAcrossPages) {
  fill_counting(kData + 10, 3 * kPageSize);
  place(kData + 10, kData + 0x5123, 3 * kPageSize / 4);
  run({kRep, kMovsd});
  EXPECT_EQ(std::memcmp(&ram[kData + 10], &ram[kData + 0x5123], 3 * kPageSize), 0);
  EXPECT_EQ(ecx(), 0u);
  EXPECT_EQ(esi(), kData + 10 + 3 * kPageSize);
  EXPECT_EQ(edi(), kData + 0x5123 + 3 * kPageSize);
  EXPECT_EQ(advanced(), 2u);
}

// The classic run-length trick: a destination one byte above the source repeats the first byte.
TEST_F(StringTest, OverlappingMovsRepeatsItsOwnOutput) {
  for (unsigned distance = 1; distance <= 9; distance++) {
    fill_counting(kData, 100);
    std::vector<uint8_t> expected(&ram[kData], &ram[kData + 200]);
    for (unsigned n = 0; n < 60; n += 4) std::memmove(&expected[distance + n], &expected[n], 4);
    place(kData, kData + distance, 15);
    run({kRep, kMovsd});
    EXPECT_EQ(std::memcmp(expected.data(), &ram[kData], 100), 0) << distance;
  }
}

TEST_F(StringTest, DirectionFlagGoesDown) {
  state.flags |= eflags::kDf;
  put<uint32_t>(kData + 8, 0x11111111);
  put<uint32_t>(kData + 4, 0x22222222);
  place(kData + 8, kData + 0x108, 2);
  run({kRep, kMovsd});
  EXPECT_EQ(at<uint32_t>(kData + 0x108), 0x11111111u);
  EXPECT_EQ(at<uint32_t>(kData + 0x104), 0x22222222u);
  EXPECT_EQ(esi(), kData);
  EXPECT_EQ(edi(), kData + 0x100);
}

TEST_F(StringTest, CountOfZeroDoesNothingAndTouchesNothing) {
  place(0xFFFFFFF0, 0xFFFFFFF0, 0);
  state.flags = eflags::kZf | eflags::kCf;
  for (uint8_t op : {kMovsb, kCmpsb, kStosb, kLodsb, kScasb}) {
    run({kRep, op});
    expect_no_exception();
    EXPECT_EQ(advanced(), 2u);
    EXPECT_EQ(edi(), 0xFFFFFFF0u);
    EXPECT_EQ(state.flags, eflags::kZf | eflags::kCf);
  }
}

TEST_F(StringTest, LongRepeatStaysUntilItIsDone) {
  eax() = 0xAB;
  place(0, kData, Interpreter::kRepeatBatch + 10);
  run({kRep, kStosb});
  EXPECT_EQ(ecx(), 10u);
  EXPECT_EQ(advanced(), 0u);
  EXPECT_TRUE(flag(eflags::kRf));
  cpu.step();
  EXPECT_EQ(ecx(), 0u);
  EXPECT_EQ(advanced(), 2u);
  EXPECT_FALSE(flag(eflags::kRf));
  EXPECT_EQ(at<uint8_t>(kData + Interpreter::kRepeatBatch + 9), 0xAB);
  EXPECT_EQ(at<uint8_t>(kData + Interpreter::kRepeatBatch + 10), 0);
}

TEST_F(StringTest, PageFaultLeavesExactProgress) {
  enable_paging();
  set_page(kData + kPageSize, 0);
  place(0, kData + kPageSize - 10, 6);
  eax() = 0x55555555;
  run({kRep, kStosd});  // two fit, the third crosses into the missing page
  expect_fault(Vector::kPageFault, page_fault_error::kWrite);
  EXPECT_EQ(state.cr2, kData + kPageSize);
  EXPECT_EQ(ecx(), 4u);
  EXPECT_EQ(edi(), kData + kPageSize - 2);
  EXPECT_EQ(at<uint16_t>(kData + kPageSize - 2), 0) << "the element that faults writes nothing";
  EXPECT_EQ(at<uint16_t>(kData + kPageSize - 4), 0x5555);
}

TEST_F(StringTest, PageFaultOnTheSourceOfMovs) {
  enable_paging();
  set_page(kData + kPageSize, 0);
  fill_counting(kData, kPageSize);
  place(kData + kPageSize - 3, kData + 0x8000, 100);
  run({kRep, kMovsb});
  expect_fault(Vector::kPageFault, 0);
  EXPECT_EQ(state.cr2, kData + kPageSize);
  EXPECT_EQ(ecx(), 97u);
  EXPECT_EQ(esi(), kData + kPageSize);
  EXPECT_EQ(edi(), kData + 0x8003);
  EXPECT_TRUE(exception()->eflags & eflags::kRf);
}

TEST_F(StringTest, SegmentLimitStopsARepeatExactly) {
  state.segment[kEs].limit = kData + 0x102;
  place(0, kData + 0x100, 10);
  eax() = 0x77;
  run({kRep, kStosb});
  expect_general_protection();
  EXPECT_EQ(ecx(), 7u);
  EXPECT_EQ(edi(), kData + 0x103);
  EXPECT_EQ(at<uint8_t>(kData + 0x102), 0x77);
  EXPECT_EQ(at<uint8_t>(kData + 0x103), 0);
}

TEST_F(StringTest, SixteenBitAddressesWrapAndKeepTheHighHalf) {
  state.segment[kEs].base = state.segment[kDs].base = kData;
  place(0xABCD0000, 0xABCDFFFE, 0x12340004);
  fill_counting(kData, 4);
  run({0x67, kRep, kMovsb});
  EXPECT_EQ(esi(), 0xABCD0004u);
  EXPECT_EQ(edi(), 0xABCD0002u);
  EXPECT_EQ(ecx(), 0x12340000u);
  EXPECT_EQ(at<uint16_t>(kData + 0xFFFE), 0x0201);
  EXPECT_EQ(at<uint16_t>(kData), 0x0403);
}

TEST_F(StringTest, SourceTakesAnOverrideDestinationDoesNot) {
  state.segment[kFs].base = kData;
  put<uint8_t>(kData + 5, 0x99);
  place(5, kData + 0x100, 0);
  run({0x64, kMovsb});
  EXPECT_EQ(at<uint8_t>(kData + 0x100), 0x99);
}

TEST_F(StringTest, RepeCmpsStopsAtTheFirstDifference) {
  fill_counting(kData, 20);
  fill_counting(kData + 0x100, 20);
  put<uint8_t>(kData + 0x107, 0xF0);
  place(kData, kData + 0x100, 20);
  run({kRep, kCmpsb});
  EXPECT_EQ(ecx(), 12u);
  EXPECT_EQ(esi(), kData + 8);
  EXPECT_FALSE(flag(eflags::kZf));
  EXPECT_TRUE(flag(eflags::kCf)) << "8 - F0h borrows";
}

TEST_F(StringTest, RepneScasFindsAByte) {
  fill_counting(kData, 50);
  place(0, kData, 50);
  eax() = 30;
  run({kRepne, kScasb});
  EXPECT_EQ(edi(), kData + 30);
  EXPECT_EQ(ecx(), 20u);
  EXPECT_TRUE(flag(eflags::kZf));
}

TEST_F(StringTest, InsAndOutsMoveThroughThePort) {
  bus.to_read = {0x11, 0x22, 0x33};
  edx() = 0x1F0;
  place(0, kData, 3);
  run({kRep, kInsb});
  EXPECT_EQ(at<uint32_t>(kData), 0x00332211u);
  place(kData, 0, 2);
  run({kRep, 0x66, kOutsd});
  ASSERT_EQ(bus.accesses.size(), 5u);
  EXPECT_EQ(bus.accesses[3], (FakeBus::Access{true, 0x1F0, 2, 0x2211}));
  EXPECT_EQ(bus.accesses[4], (FakeBus::Access{true, 0x1F0, 2, 0x0033}));
}

TEST_F(StringTest, InsDoesNotReadThePortIfMemoryFaults) {
  enable_paging();
  set_page(kData, pte::kPresent | pte::kUser);
  place(0, kData, 2);
  run({kRep, kInsd});
  expect_fault(Vector::kPageFault, page_fault_error::kPresent | page_fault_error::kWrite);
  EXPECT_TRUE(bus.accesses.empty());
}

TEST_F(StringTest, PortsNeedPermission) {
  protected_mode(3);
  for (uint8_t op : {kInsb, kInsd, kOutsb, kOutsd}) {
    protected_mode(3);
    place(kData, kData, 1);
    run({kRep, op});
    expect_general_protection();
  }
  EXPECT_TRUE(bus.accesses.empty());
}

TEST_F(StringTest, SingleStepTrapsAfterEachIteration) {
  state.system_flags |= eflags::kTf;
  place(kData, kData + 0x100, 3);
  run({kRep, kMovsb});
  expect_exception(Vector::kDebug);
  EXPECT_EQ(exception()->eip, kCode) << "the instruction is not done";
  EXPECT_TRUE(exception()->eflags & eflags::kRf);
  EXPECT_EQ(ecx(), 2u);
}

TEST_F(StringTest, WriteToCodePageIsObserved) {
  struct Observer : CodeWriteObserver {
    unsigned bytes = 0;
    void on_code_write(uint64_t, unsigned length) override { bytes += length; }
  } observer;
  memory.set_observer(&observer);
  memory.set_holds_code(kData >> kPageShift, true);
  place(0, kData - 16, 32);
  run({kRep, kStosb});
  EXPECT_EQ(observer.bytes, 16u);
}

}  // namespace
}  // namespace ringdown
