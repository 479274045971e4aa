#include "cpu/state.h"

#include <gtest/gtest.h>

#include <cstring>

namespace ringdown {
namespace {

using namespace segment_attribute;

constexpr uint32_t kSignature = 0x673;

// After RESET, whatever was there before. What is expected is from SDM vol. 3, table 9-1.
class StateAfterReset : public ::testing::Test {
 protected:
  StateAfterReset() {
    std::memset(static_cast<void*>(&state_), 0xA5, sizeof state_);
    state_.reset(kSignature);
  }

  CpuState state_;
};

void expect_segment(const Segment& segment, uint16_t selector, uint32_t base) {
  EXPECT_EQ(segment.selector, selector);
  EXPECT_EQ(segment.base, base);
  EXPECT_EQ(segment.limit, 0xFFFFu);
  EXPECT_TRUE(segment.present());
}

TEST_F(StateAfterReset, GeneralRegistersAreZeroButForTheSignature) {
  for (const Gpr gpr : {kEax, kEcx, kEbx, kEsp, kEbp, kEsi, kEdi}) EXPECT_EQ(state_.gpr[gpr], 0u) << gpr;
  EXPECT_EQ(state_.gpr[kEdx], kSignature);
  EXPECT_EQ(state_.eflags_image(), eflags::kFixed);
}

TEST_F(StateAfterReset, TheFirstFetchIs16BytesBelow4GiB) {
  EXPECT_EQ(state_.eip, 0xFFF0u);
  expect_segment(state_.segment[kCs], 0xF000, 0xFFFF0000);
  EXPECT_TRUE(state_.segment[kCs].is_code());
  EXPECT_FALSE(state_.segment[kCs].big());
  EXPECT_EQ(state_.segment[kCs].base + state_.eip, 0xFFFFFFF0u);
}

TEST_F(StateAfterReset, DataSegmentsAreThoseOfRealMode) {
  constexpr uint16_t kWritableData = kPresent | kCodeOrData | kWritableOrReadable | kAccessed;
  for (const SegmentIndex index : {kEs, kSs, kDs, kFs, kGs}) {
    expect_segment(state_.segment[index], 0, 0);
    EXPECT_EQ(state_.segment[index].attributes, kWritableData) << index;
  }
}

TEST_F(StateAfterReset, TablesAreAtZeroWithTheLimitOfRealMode) {
  expect_segment(state_.ldtr, 0, 0);
  expect_segment(state_.tr, 0, 0);
  for (const DescriptorTable& table : {state_.gdtr, state_.idtr}) {
    EXPECT_EQ(table.base, 0u);
    EXPECT_EQ(table.limit, 0xFFFF);
  }
}

TEST_F(StateAfterReset, ControlRegistersSelectRealModeWithoutPaging) {
  EXPECT_EQ(state_.cr0, 0x60000010u);
  EXPECT_EQ(state_.cr2, 0u);
  EXPECT_EQ(state_.cr3, 0u);
  EXPECT_EQ(state_.cr4, 0u);
  EXPECT_EQ(state_.msr.efer, 0u);
  EXPECT_EQ(state_.cpl, 0);
}

TEST_F(StateAfterReset, DebugRegistersAreOff) {
  for (unsigned n = 0; n < 4; n++) EXPECT_EQ(state_.dr[n], 0u) << n;
  EXPECT_EQ(state_.dr[6], 0xFFFF0FF0u);
  EXPECT_EQ(state_.dr[7], 0x400u);
}

TEST_F(StateAfterReset, TheProcessorRuns) {
  EXPECT_FALSE(state_.halted);
  EXPECT_FALSE(state_.shutdown);
  EXPECT_FALSE(state_.interrupts_shadowed);
  EXPECT_FALSE(state_.debug_trap_shadowed);
  EXPECT_FALSE(state_.nmi_blocked);
}

TEST_F(StateAfterReset, VectorRegistersAreZero) {
  EXPECT_EQ(state_.fx.mxcsr, 0x1F80u);
  for (const auto& xmm : state_.fx.xmm) EXPECT_EQ(xmm, decltype(state_.fx.xmm)::value_type{});
}

TEST(StateAfterInit, KeepsTheFpuTheMsrsAndTheCachesBits) {
  CpuState state;
  state.reset(kSignature);
  state.cr0 = cr0::kPe | cr0::kPg | cr0::kEt | cr0::kNw;
  state.cr3 = 0x1000;
  state.eip = 0x12345678;
  state.cpl = 3;
  state.shutdown = true;
  state.fx.mxcsr = 0x1F00;
  state.msr.sysenter_eip = 0xC0000000;
  state.msr.efer = efer::kNxe;
  state.init(kSignature);
  EXPECT_EQ(state.cr0, cr0::kEt | cr0::kNw);
  EXPECT_EQ(state.cr3, 0u);
  EXPECT_EQ(state.segment[kCs].base + state.eip, 0xFFFFFFF0u);
  EXPECT_EQ(state.gpr[kEdx], kSignature);
  EXPECT_EQ(state.cpl, 0);
  EXPECT_FALSE(state.shutdown);
  EXPECT_EQ(state.fx.mxcsr, 0x1F00u);
  EXPECT_EQ(state.msr.sysenter_eip, 0xC0000000);
  EXPECT_EQ(state.msr.efer, 0u);
}

}  // namespace
}  // namespace ringdown
