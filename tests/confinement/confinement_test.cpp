// Whatever registers hold, no operand reaches host memory outside of the guest's spaces and their guards, and
// what faults does so as the interpreter says. The executor of translated code notices an access that faults
// outside; one that did not fault would have to hit host memory by chance, which is nowhere near what is
// tried here.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "cpu/paging.h"
#include "tests/confinement/machine_pair.h"
#include "tests/differential/guest_tables.h"

namespace ringdown {
namespace {

using namespace differential;
using Code = std::vector<uint8_t>;
using Values = std::vector<uint32_t>;

// Both ends of linear memory, both sides of the sign, both ends of a page that is there.
const Values kEdges = {0,          1,          3,          4,          15,         32,         0xFFFFFFFF,
                       0xFFFFFFFE, 0xFFFFFFFC, 0xFFFFFFF8, 0xFFFFFFF1, 0xFFFFFFF0, 0xFFFFFFE0, 0xFFFFF000,
                       0xFFFFEFFF, 0xFFFFEFFC, 0x80000000, 0x7FFFFFFF, 0x20000000, 0x20000FFF, 0x1FFFFFFF};
const Values kFewEdges = {0, 3, 0xFFFFFFFF, 0xFFFFFFFC, 0xFFFFFFF0, 0xFFFFF000, 0x20000008};

// In ring 3; in ring 0 with pages of its own; in ring 0 with the user's pages, to which it must adapt.
constexpr Setting kSettings[] = {
    {.kind = Setting::kUser},
    {.kind = Setting::kSupervisor, .supervisor_pages = (1 << kPageCount) - 1},
    {.kind = Setting::kSupervisor, .supervisor_pages = 1 << kCode0 | 1 << kCode1},
};

class Confinement : public ::testing::Test {
 protected:
  void TearDown() override { pair_.finish(); }

  // Tries `code` with each pair of values in two registers, in each setting. Other registers point at data,
  // ESP at a stack.
  void sweep(const Code& code, Gpr first, const Values& first_values, Gpr second, const Values& second_values,
             uint32_t eflags = 0) {
    Program program = MachinePair::program(code);
    program.initial.gpr.fill(kPages[kData0].address + 64);
    program.initial.gpr[kEsp] = kPages[kStack1].address;
    program.initial.eflags = eflags;
    for (auto& xmm : program.initial.fx.xmm) xmm.fill(0xFF);
    for (auto& st : program.initial.fx.st) std::fill_n(st.begin(), 10, 0xFF);
    for (const Setting& setting : kSettings) {
      program.initial.setting = setting;
      for (const uint32_t value : first_values) {
        program.initial.gpr[first] = value;
        for (const uint32_t other : second_values) {
          program.initial.gpr[second] = other;
          if (HasFailure()) return;
          pair_.compare(program);
        }
      }
    }
  }
  void sweep(const Code& code, Gpr reg, const Values& values = kEdges) {
    Program program = MachinePair::program(code);
    sweep(code, reg, values, reg == kEdx ? kEbx : kEdx, {0x12345678});
  }

  MachinePair pair_;
};

// What the others rely on: an operand that is not pointed into a space names an address below 4 GiB.
TEST_F(Confinement, TheHostHasNothingBelow4GiB) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer keeps its shadow memory there";
#endif
  FILE* const maps = std::fopen("/proc/self/maps", "r");
  ASSERT_TRUE(maps);
  unsigned long long start = 0;
  ASSERT_EQ(std::fscanf(maps, "%llx", &start), 1);
  std::fclose(maps);
  EXPECT_GE(start, 1ull << 32);
}

TEST_F(Confinement, BitStrings) {
  const Values offsets = {0,          31,         32,         0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
                          0xFFFFFFE0, 0x7FFFFFE0, 0x10000000, 0xF0000000, 0x8000,     0x7FFF};
  for (const uint8_t opcode : {0xA3, 0xAB, 0xB3, 0xBB}) {
    sweep({0x0F, opcode, 0x08}, kEax, kEdges, kEcx, offsets);  // bt [eax], ecx
    sweep({0x66, 0x0F, opcode, 0x08}, kEax, kEdges, kEcx, offsets);
    sweep({0x0F, opcode, 0x4C, 0xC0, 0x7F}, kEax, kEdges, kEcx, offsets);  // bt [eax+eax*8+127], ecx
  }
  sweep({0xF0, 0x0F, 0xAB, 0x08}, kEax, kEdges, kEcx, offsets);
}

TEST_F(Confinement, TranslateByte) {
  sweep({0xD7}, kEbx, kEdges, kEax, {0, 1, 0x7F, 0x80, 0xFF, 0xFFFFFFFF});
}

TEST_F(Confinement, MaskedMoves) {
  sweep({0x0F, 0xF7, 0xC1}, kEdi);        // maskmovq mm0, mm1
  sweep({0x66, 0x0F, 0xF7, 0xC1}, kEdi);  // maskmovdqu xmm0, xmm1
}

TEST_F(Confinement, StringsOnce) {
  for (const uint32_t direction : {0u, uint32_t{eflags::kDf}})
    for (uint8_t opcode = 0xA4; opcode <= 0xAF; ++opcode) {
      if (opcode == 0xA8 || opcode == 0xA9) continue;  // TEST
      sweep({opcode}, kEsi, kEdges, kEdi, kFewEdges, direction);
      sweep({0x66, opcode}, kEsi, kFewEdges, kEdi, kEdges, direction);
    }
}

TEST_F(Confinement, StringsRepeated) {
  for (const uint32_t direction : {0u, uint32_t{eflags::kDf}})
    for (const uint32_t count : {0u, 2u, 0x1001u, 0x40000000u, 0xFFFFFFFFu})
      for (const uint8_t prefix : {0xF2, 0xF3})
        for (uint8_t opcode = 0xA4; opcode <= 0xAF; ++opcode) {
          if (opcode == 0xA8 || opcode == 0xA9) continue;
          Code code = {0xB9, 0, 0, 0, 0, prefix, opcode};  // mov ecx, count
          for (int n = 0; n < 4; ++n) code[1 + n] = static_cast<uint8_t>(count >> 8 * n);
          sweep(code, kEsi, kFewEdges, kEdi, kFewEdges, direction);
        }
}

TEST_F(Confinement, Stack) {
  const Code codes[] = {{0x50},                     // push eax
                        {0x54},                     // push esp
                        {0x66, 0x50},               //
                        {0x68, 1, 2, 3, 4},         // push imm
                        {0x6A, 0xFF},               //
                        {0xFF, 0x30},               // push [eax]
                        {0xFF, 0x74, 0x24, 0xFC},   // push [esp-4]
                        {0x58},                     // pop eax
                        {0x5C},                     // pop esp
                        {0x66, 0x58},               //
                        {0x8F, 0x00},               // pop [eax]
                        {0x8F, 0x44, 0x24, 0xFC},   // pop [esp-4]
                        {0x60},                     // pusha
                        {0x61},                     // popa
                        {0x66, 0x60},               //
                        {0x66, 0x61},               //
                        {0x9C},                     // pushf
                        {0x9D},                     // popf
                        {0x06},                     // push es
                        {0x0F, 0xA0},               // push fs
                        {0xE8, 0, 0, 0, 0},         // call
                        {0xFF, 0x10},               // call [eax]
                        {0xFF, 0xD0},               // call eax
                        {0xC3},                     // ret
                        {0xC2, 0xFF, 0xFF},         // ret 65535
                        {0xC8, 8, 0, 0},            // enter 8, 0
                        {0xC8, 0xFF, 0xFF, 31},     // enter 65535, 31
                        {0xC9},                     // leave
                        {0x89, 0x04, 0x24},         // mov [esp], eax
                        {0x0F, 0x29, 0x04, 0x24},   // movaps [esp], xmm0
                        {0x87, 0x64, 0x24, 0xFC}};  // xchg [esp-4], esp
  for (const Code& code : codes) {
    sweep(code, kEsp);
    sweep(code, kEsp, kFewEdges, kEbp, kFewEdges);
    sweep(code, kEsp, kFewEdges, kEax, kFewEdges);
  }
}

TEST_F(Confinement, WideOperands) {
  const Code codes[] = {{0x0F, 0x10, 0x00},              // movups xmm0, [eax]
                        {0x0F, 0x11, 0x00},              // movups [eax], xmm0
                        {0x0F, 0x28, 0x00},              // movaps
                        {0x0F, 0x29, 0x00},              //
                        {0x66, 0x0F, 0xE7, 0x00},        // movntdq [eax], xmm0
                        {0xF2, 0x0F, 0xF0, 0x00},        // lddqu
                        {0x0F, 0x13, 0x00},              // movlps [eax], xmm0
                        {0x0F, 0xE7, 0x00},              // movntq [eax], mm0
                        {0x66, 0x0F, 0x38, 0x00, 0x00},  // pshufb xmm0, [eax]
                        {0x0F, 0xC7, 0x08},              // cmpxchg8b [eax]
                        {0xF0, 0x0F, 0xC7, 0x08},        //
                        {0x0F, 0xAE, 0x00},              // fxsave [eax]
                        {0x0F, 0xAE, 0x08},              // fxrstor [eax]
                        {0x0F, 0xAE, 0x10},              // ldmxcsr [eax]
                        {0x0F, 0xAE, 0x18},              // stmxcsr [eax]
                        {0x0F, 0xAE, 0x38},              // clflush [eax]
                        {0x0F, 0x18, 0x08},              // prefetcht0 [eax]
                        {0xDB, 0x28},                    // fld tbyte [eax]
                        {0xDB, 0x38},                    // fstp tbyte [eax]
                        {0xDF, 0x30},                    // fbstp [eax]
                        {0xD9, 0x30},                    // fnstenv [eax]
                        {0xD9, 0x20},                    // fldenv [eax]
                        {0xDD, 0x30},                    // fnsave [eax]
                        {0xDD, 0x20},                    // frstor [eax]
                        {0x62, 0x00},                    // bound eax, [eax]
                        {0x0F, 0x01, 0x00},              // sgdt [eax]
                        {0x8C, 0x00},                    // mov [eax], es
                        {0xC4, 0x00},                    // les eax, [eax]
                        {0xFF, 0x20},                    // jmp [eax]
                        {0xFF, 0xE0},                    // jmp eax
                        {0x66, 0x0F, 0xF7, 0xC1}};
  for (const Code& code : codes) sweep(code, kEax);
}

TEST_F(Confinement, EveryWayToNameAnOperand) {
  const Code operands[] = {{0x05, 0xFF, 0xFF, 0xFF, 0xFF},        // [disp32]
                           {0x04, 0x25, 0xFE, 0xFF, 0xFF, 0xFF},  // [disp32] by SIB
                           {0x04, 0xC8},                          // [eax+ecx*8]
                           {0x44, 0x48, 0x80},                    // [eax+ecx*2-128]
                           {0x84, 0x88, 0xFF, 0xFF, 0xFF, 0x7F},  // [eax+ecx*4+7FFFFFFF]
                           {0x04, 0x8D, 0, 0, 0, 0x80},           // [ecx*4-80000000]
                           {0x80, 0xF0, 0xFF, 0xFF, 0xFF},        // [eax-16]
                           {0x84, 0x24, 0, 0, 0, 0x80},           // [esp-80000000]
                           {0x44, 0x0C, 0x7F}};                   // [esp+ecx+127]
  const Code opcodes[] = {{0x8B},       {0x89},       {0x88},       {0x0F, 0x11},
                          {0xF0, 0x01}, {0x64, 0x8B}, {0x65, 0x89}, {0x64, 0x01}};
  for (const Code& opcode : opcodes)
    for (const Code& operand : operands) {
      Code code = opcode;
      code.insert(code.end(), operand.begin(), operand.end());
      sweep(code, kEax, kFewEdges, kEcx, kFewEdges);
    }
  for (const uint8_t opcode : {0xA0, 0xA1, 0xA2, 0xA3}) sweep({opcode, 0xFD, 0xFF, 0xFF, 0xFF}, kEcx, {0});
}

TEST_F(Confinement, SegmentBasesWrapAround) {
  for (const uint32_t base : kEdges)
    for (const uint32_t offset : kEdges)
      for (const uint8_t prefix : {0x64, 0x65})
        for (Setting setting : kSettings) {
          setting.fs_base = setting.gs_base = base;
          for (const Code& code : {Code{prefix, 0x89, 0x08}, Code{prefix, 0x0F, 0x10, 0x04, 0x08}}) {
            Program program = MachinePair::program(code);
            program.initial.setting = setting;
            program.initial.gpr[kEax] = offset;
            pair_.compare(program);
            if (HasFailure()) return;
          }
        }
}

// Code that runs over the end of linear memory.
TEST_F(Confinement, CodeAtTheEnd) {
  const Code codes[] = {{0x90},      {0x40, 0x40}, {0xEB, 0x00}, {0xB8, 1, 2, 3, 4}, {0xE8, 0, 0, 0, 0},
                        {0x74, 0x7F}};
  for (const Code& code : codes)
    for (uint32_t eip = 0xFFFFFFF0; eip != 0; ++eip)
      for (const Setting& setting : kSettings) {
        Program program = MachinePair::program(code);
        program.initial.setting = setting;
        program.initial.eip = eip;
        program.initial.memory[kTop].fill(0x40);
        pair_.compare(program);
        if (HasFailure()) return;
      }
}

// A jump to a page whose frame lies far beyond RAM; the next program finds the TLB flushed.
TEST_F(Confinement, CodeBeyondRam) {
  const auto physical = [](PageNumber page) { return kFirstFrameAddress + page * kPageBytes; };
  const Code code = {0xB8, 0,    0, 0,    0, 0x0F, 0x22,
                     0xD8, 0xE9, 0, 0x10, 0, 0};  // mov eax, tables; mov cr3, eax; jmp
  Program program = MachinePair::program(code);
  const uint32_t directory = physical(kData0);
  std::memcpy(&program.units[0].bytes[1], &directory, 4);
  constexpr uint32_t kFlags = pte::kPresent | pte::kWritable;
  const auto store = [&](PageNumber page, uint32_t index, uint32_t value) {
    std::memcpy(&program.initial.memory[page][index * 4], &value, 4);
  };
  store(kData0, kPages[kCode0].address >> 22, physical(kData1) | kFlags);
  store(kData1, 0, physical(kCode0) | kFlags);
  store(kData1, 1, 0xFFFFF000 | kFlags);
  program.initial.setting = kSettings[1];
  pair_.compare(program);
  pair_.compare(MachinePair::program(Code{0x90}));
}

}  // namespace
}  // namespace ringdown
