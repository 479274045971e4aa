// x87: availability, exceptions that wait for the next instruction, the environment in its four layouts. What
// the instructions compute is in vector_host_test.cpp.
#include "interpreter/fpu_state.h"
#include "tests/interpreter/host_oracle.h"
#include "tests/interpreter/interpreter_fixture.h"

namespace ringdown {
namespace {

class FpuTest : public InterpreterTest {
 protected:
  // Divide by zero unmasked and flagged.
  void make_pending() {
    state.fx.control_word = 0x37B;
    state.fx.status_word = 0x8084;
  }
};

// ---- Availability (SDM vol. 3, table 2-2) -----------------------------------------------------------------

TEST_F(FpuTest, EmulationAndTaskSwitchTrap) {
  for (uint32_t bit : {cr0::kEm, cr0::kTs}) {
    protected_mode(0);
    state.cr0 |= bit;
    run({0xD9, 0xE8});  // fld1
    expect_fault(Vector::kDeviceNotAvailable);
    EXPECT_EQ(state.fx.status_word, 0);
  }
}
TEST_F(FpuTest, WaitTrapsOnlyWithMpAndTs) {
  for (uint32_t bits : {0u, cr0::kMp, cr0::kTs, cr0::kEm, cr0::kMp | cr0::kTs}) {
    protected_mode(0);
    state.cr0 |= bits;
    run({0x9B});
    if (bits == (cr0::kMp | cr0::kTs))
      expect_fault(Vector::kDeviceNotAvailable);
    else
      expect_no_exception();
  }
}

// ---- Exceptions -------------------------------------------------------------------------------------------

TEST_F(FpuTest, AnUnmaskedExceptionWaitsForTheNextInstruction) {
  state.fx.control_word = 0x37B;
  run({0xD9, 0xE8});  // fld1
  run({0xD9, 0xEE});  // fldz
  run({0xDE, 0xF9});  // fdivp
  expect_no_exception();
  EXPECT_EQ(state.fx.status_word & 0x80FF, 0x8084);
  EXPECT_EQ(top_of_stack(state.fx), 6u) << "the operands are still there";
  run({0xD9, 0xE8});
  expect_fault(Vector::kX87Error);
}
TEST_F(FpuTest, WaitingInstructionsReport) {
  const std::vector<std::vector<uint8_t>> waiting = {
      {0x9B}, {0xD9, 0xE8}, {0xD9, 0x2D, 0, 0, 2, 0}, {0xD9, 0x25, 0, 0, 2, 0}, {0xDD, 0x25, 0, 0, 2, 0}};
  for (const auto& code : waiting) {
    protected_mode(0);
    make_pending();
    place_code(code);
    cpu.step();
    expect_fault(Vector::kX87Error);
  }
}
TEST_F(FpuTest, NonWaitingInstructionsDoNotReport) {
  const std::vector<std::vector<uint8_t>> non_waiting = {{0xDB, 0xE3},
                                                         {0xDB, 0xE2},
                                                         {0xDF, 0xE0},
                                                         {0xD9, 0x3D, 0, 0, 2, 0},
                                                         {0xD9, 0x35, 0, 0, 2, 0},
                                                         {0xDD, 0x35, 0, 0, 2, 0}};
  for (const auto& code : non_waiting) {
    protected_mode(0);
    make_pending();
    place_code(code);
    cpu.step();
    expect_no_exception();
    EXPECT_EQ(advanced(), code.size());
  }
}
TEST_F(FpuTest, WithoutNeTheExceptionStaysFlaggedAndExecutionGoesOn) {
  state.cr0 &= ~cr0::kNe;
  make_pending();
  run({0xD9, 0xE8});  // fld1
  expect_no_exception();
  EXPECT_EQ(state.fx.status_word & 0x80FF, 0x8084);
  EXPECT_EQ(top_of_stack(state.fx), 7u);
}
TEST_F(FpuTest, UnmaskingAFlaggedExceptionMakesItPending) {
  state.fx.status_word = 0x0004;
  put<uint16_t>(kData, 0x37B);
  run({0xD9, 0x2D, 0, 0, 2, 0});  // fldcw
  expect_no_exception();
  EXPECT_EQ(state.fx.status_word, 0x8084);
  run({0xDB, 0xE2});  // fnclex
  EXPECT_EQ(state.fx.status_word, 0);
}
TEST_F(FpuTest, ASuppressedStoreLeavesMemoryAlone) {
  state.fx.control_word = 0x37E;  // invalid operation unmasked
  put<uint32_t>(kData, 0xCAFEF00D);
  run({0xD9, 0x1D, 0, 0, 2, 0});  // fstp dword of an empty register
  expect_no_exception();
  EXPECT_EQ(at<uint32_t>(kData), 0xCAFEF00Du);
  EXPECT_EQ(state.fx.status_word & 0x80C1, 0x80C1) << "stack fault";
}
TEST_F(FpuTest, OperandFaultsComeBeforeTheStackMoves) {
  enable_paging();
  set_page(kData, 0);
  run({0xDD, 0x05, 0, 0, 2, 0});  // fld qword
  expect_fault(Vector::kPageFault, 0);
  EXPECT_EQ(top_of_stack(state.fx), 0u);
  EXPECT_EQ(state.fx.abridged_tag_word, 0);
}
TEST_F(FpuTest, StatusWordToAx) {
  state.fx.status_word = 0x3800;
  eax() = 0x12345678;
  run({0xDF, 0xE0});
  EXPECT_EQ(eax(), 0x12343800u);
}

// ---- Pointers ---------------------------------------------------------------------------------------------

TEST_F(FpuTest, PointersNameTheLastInstructionAndItsOperand) {
  run({0x3E, 0xDD, 0x05, 0, 0, 2, 0});  // ds: fld qword [20000h]
  EXPECT_EQ(state.fx.instruction_offset, kCode);
  EXPECT_EQ(state.fx.instruction_selector, kKernelCs);
  EXPECT_EQ(state.fx.last_opcode, 0x505);
  EXPECT_EQ(state.fx.operand_offset, kData);
  EXPECT_EQ(state.fx.operand_selector, kKernelDs);
}
TEST_F(FpuTest, ControlInstructionsLeaveThePointers) {
  state.fx.instruction_offset = 0x1234;
  for (auto code : {std::array<uint8_t, 2>{0xDF, 0xE0}, std::array<uint8_t, 2>{0xDB, 0xE2},
                    std::array<uint8_t, 2>{0x9B, 0x90}}) {
    place_code(code);
    cpu.step();
    EXPECT_EQ(state.fx.instruction_offset, 0x1234u);
  }
}
TEST_F(FpuTest, InitializeClearsPointersAndTags) {
  run({0xDD, 0x05, 0, 0, 2, 0});
  run({0xDB, 0xE3});
  EXPECT_EQ(state.fx.control_word, 0x37F);
  EXPECT_EQ(state.fx.status_word, 0);
  EXPECT_EQ(state.fx.abridged_tag_word, 0);
  EXPECT_EQ(state.fx.instruction_offset, 0u);
  EXPECT_EQ(state.fx.operand_offset, 0u);
  EXPECT_EQ(state.fx.last_opcode, 0);
}

// ---- Environment (SDM vol. 1, figures 8-9 to 8-12)
// ---------------------------------------------------------

FxsaveImage some_pointers() {
  FxsaveImage fx{};
  fx.control_word = 0x37F;
  fx.status_word = 0x3800;
  fx.last_opcode = 0x5A5;
  fx.instruction_offset = 0x12345;
  fx.instruction_selector = 0x1B;
  fx.operand_offset = 0xABCDE;
  fx.operand_selector = 0x23;
  return fx;
}

TEST_F(FpuTest, Environment32Protected) {
  state.fx = some_pointers();
  run({0xD9, 0x35, 0, 0, 2, 0});
  const uint32_t expected[] = {0xFFFF037F, 0xFFFF3800, 0xFFFFFFFF, 0x12345, 0x05A5001B, 0xABCDE, 0xFFFF0023};
  for (unsigned n = 0; n < 7; n++) EXPECT_EQ(at<uint32_t>(kData + n * 4), expected[n]) << n;
  EXPECT_EQ(at<uint32_t>(kData + 28), 0u);
}
TEST_F(FpuTest, Environment16Protected) {
  state.fx = some_pointers();
  run({0x66, 0xD9, 0x35, 0, 0, 2, 0});
  const uint16_t expected[] = {0x037F, 0x3800, 0xFFFF, 0x2345, 0x001B, 0xBCDE, 0x0023};
  for (unsigned n = 0; n < 7; n++) EXPECT_EQ(at<uint16_t>(kData + n * 2), expected[n]) << n;
  EXPECT_EQ(at<uint16_t>(kData + 14), 0u);
}
TEST_F(FpuTest, Environment16Real) {
  real_mode();
  state.fx = some_pointers();
  state.fx.instruction_offset = 0x5678, state.fx.instruction_selector = 0x2000;
  state.fx.operand_offset = 0x0010, state.fx.operand_selector = 0xF000;
  run({0xD9, 0x36, 0, 0});
  const uint16_t expected[] = {0x037F, 0x3800, 0xFFFF, 0x5678, 0x25A5, 0x0010, 0xF000};
  for (unsigned n = 0; n < 7; n++) EXPECT_EQ(at<uint16_t>(kData + n * 2), expected[n]) << n;
}
TEST_F(FpuTest, Environment32InVirtual8086ModeIsTheRealLayout) {
  virtual_8086(3);
  state.fx = some_pointers();
  state.fx.instruction_offset = 0x5678, state.fx.instruction_selector = 0x2000;
  state.fx.operand_offset = 0x0010, state.fx.operand_selector = 0xF000;
  run({0x66, 0xD9, 0x36, 0, 0});
  expect_no_exception();
  EXPECT_EQ(at<uint32_t>(kData + 12), 0xFFFF5678u);
  EXPECT_EQ(at<uint32_t>(kData + 16), 0x000025A5u);
  EXPECT_EQ(at<uint32_t>(kData + 20), 0xFFFF0010u);
  EXPECT_EQ(at<uint32_t>(kData + 24), 0x0000F000u);
}
TEST_F(FpuTest, StoringTheEnvironmentMasksAllExceptions) {
  make_pending();
  run({0xD9, 0x35, 0, 0, 2, 0});
  EXPECT_EQ(at<uint16_t>(kData), 0x37B);
  EXPECT_EQ(state.fx.control_word, 0x37F);
  EXPECT_EQ(state.fx.status_word, 0x0004) << "flagged, no longer pending";
}
TEST_F(FpuTest, LoadedEnvironmentRotatesTheStack) {
  run({0xD9, 0xE8});  // fld1: R7
  const auto one = state.fx.st[0];
  put<uint32_t>(kData, 0x37F);
  put<uint32_t>(kData + 4, 6 << 11);
  put<uint32_t>(kData + 8, 0x3FFF);
  run({0xD9, 0x25, 0, 0, 2, 0});  // fldenv, TOP 7 to 6
  EXPECT_EQ(state.fx.st[1], one);
  EXPECT_EQ(state.fx.abridged_tag_word, 0x80);
}
TEST_F(FpuTest, SaveFaultsBeforeAnythingChanges) {
  enable_paging();
  set_page(kData + 0x1000, 0);
  run({0xD9, 0xE8});
  run({0xDD, 0x35, 0xF0, 0x0F, 2, 0});  // fnsave [20FF0h]
  expect_fault(Vector::kPageFault, page_fault_error::kWrite);
  EXPECT_EQ(state.fx.abridged_tag_word, 0x80);
  EXPECT_EQ(at<uint32_t>(kData + 0xFF0), 0u);
}

// Registers of every class, saved by the host and by us; restored by us from what the host saved.
TEST_F(FpuTest, SaveAndRestoreAsTheHostDoes) {
  HostOracle host;
  const uint8_t values[5][10] = {{0, 0, 0, 0, 0, 0, 0, 0x80, 0xFF, 0x3F},  // 1
                                 {0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80},        // -0
                                 {0, 0, 0, 0, 0, 0, 0, 0x80, 0xFF, 0x7F},  // infinity
                                 {1, 0, 0, 0, 0, 0, 0, 0, 0, 0},           // denormal
                                 {1, 0, 0, 0, 0, 0, 0, 0x40, 0, 0x40}};    // unnormal
  FxsaveImage before{};
  before.control_word = 0x27F;
  before.status_word = 0x1D00;  // TOP 3
  before.abridged_tag_word = 0xF8;
  before.mxcsr = 0x1F80;
  for (unsigned n = 0; n < 5; n++) std::memcpy(before.st[n].data(), values[n], 10);
  for (const bool narrow : {false, true}) {
    std::memcpy(host.scratch(), &before, 512);
    std::vector<uint8_t> code = {0x0F, 0xAE, 0x0E};  // fxrstor [esi]
    if (narrow) code.push_back(0x66);
    for (uint8_t b : {0xDD, 0xB6, 0x00, 0x04, 0, 0, 0x0F, 0xAE, 0x86, 0x00, 0x02, 0, 0})
      code.push_back(b);  // fnsave [esi + 1024]; fxsave [esi + 512]
    HostRegisters registers{};
    registers.gpr[kEsi] = host.scratch_address();
    host.run(code, registers);
    FxsaveImage after_host;
    std::memcpy(&after_host, host.scratch() + 512, 512);
    const uint8_t* saved = host.scratch() + 1024;
    const unsigned width = narrow ? 2 : 4, environment = narrow ? 14 : 28;

    protected_mode(0);
    state.fx = before;
    std::vector<uint8_t> ours = {0xDD, 0x35, 0, 0, 2, 0};
    if (narrow) ours.insert(ours.begin(), 0x66);
    place_code(ours);
    cpu.step();
    expect_no_exception();
    EXPECT_EQ(0, std::memcmp(ram.data() + kData, saved, 3 * width)) << "control, status, tags";
    EXPECT_EQ(0, std::memcmp(ram.data() + kData + environment, saved + environment, 80)) << "registers";
    EXPECT_EQ(state.fx.control_word, after_host.control_word);
    EXPECT_EQ(state.fx.status_word, after_host.status_word);
    EXPECT_EQ(state.fx.abridged_tag_word, after_host.abridged_tag_word);
    for (unsigned n = 0; n < 8; n++)
      EXPECT_EQ(0, std::memcmp(state.fx.st[n].data(), after_host.st[n].data(), 10)) << n;

    std::memcpy(ram.data() + kData, saved, environment + 80);
    ours[ours.size() - 5] = 0x25;  // frstor
    place_code(ours);
    cpu.step();
    expect_no_exception();
    EXPECT_EQ(state.fx.control_word, before.control_word);
    EXPECT_EQ(state.fx.status_word, before.status_word);
    EXPECT_EQ(state.fx.abridged_tag_word, before.abridged_tag_word);
    for (unsigned n = 0; n < 5; n++) EXPECT_EQ(0, std::memcmp(state.fx.st[n].data(), values[n], 10)) << n;
  }
}

}  // namespace
}  // namespace ringdown
