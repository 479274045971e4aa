// What may run on the host, and the memory that it is generated into.
#include <fstream>
#include <string>

#include "interpreter/host_operation.h"
#include "tests/interpreter/interpreter_fixture.h"

namespace ringdown {
namespace {

Instruction decoded(std::vector<uint8_t> code) {
  code.resize(15);
  Instruction i;
  EXPECT_EQ(decode(code, true, i), DecodeStatus::kOk);
  return i;
}

TEST(VectorHostOperation, FormsThatDifferInAddressingShareOne) {
  HostOperations operations;
  const void* code = operations.find(decoded({0x0F, 0x58, 0x08}))->code;  // addps xmm1, [eax]
  EXPECT_EQ(operations.find(decoded({0x64, 0x67, 0x0F, 0x58, 0x4E, 0x12}))->code, code);
  EXPECT_EQ(operations.find(decoded({0x0F, 0x58, 0x8C, 0xB5, 1, 2, 3, 4}))->code, code);
  EXPECT_NE(operations.find(decoded({0x0F, 0x58, 0x10}))->code, code) << "another register";
  EXPECT_NE(operations.find(decoded({0xF3, 0x0F, 0x58, 0x08}))->code, code) << "addss";
}

TEST(VectorHostOperation, RefusesWhatIsNotOnTheList) {
  HostOperations operations;
  const std::vector<std::vector<uint8_t>> refused = {
      {0x90},                          // nop
      {0x0F, 0x34},                    // sysenter
      {0x0F, 0x05},                    // syscall
      {0x0F, 0xF7, 0xCA},              // maskmovq: implicit operand
      {0xDD, 0x30},                    // fnsave: addresses of the host
      {0x0F, 0xAE, 0x00},              // fxsave
      {0x0F, 0xAE, 0x10},              // ldmxcsr
      {0xF2, 0x0F, 0x38, 0xF1, 0xC0},  // crc32
      {0xF2, 0x0F, 0x2B, 0x00},        // movntsd (SSE4A)
      {0x66, 0x0F, 0x78, 0xC0, 1, 2},  // extrq (SSE4A)
      {0xC5, 0xF8, 0x57, 0xC0},        // vxorps
      {0x66, 0x0F, 0x38, 0xF8, 0x00},  // movdir64b
      {0x0F, 0x01, 0xEF},              // wrpkru
  };
  for (const auto& code : refused)
    EXPECT_EQ(operations.find(decoded(code)), nullptr) << ::testing::PrintToString(code);
}

TEST(VectorHostOperation, NoMappingIsWritableAndExecutable) {
  HostOperations operations;
  ASSERT_TRUE(operations.find(decoded({0x0F, 0x58, 0x08})));
  std::ifstream maps("/proc/self/maps");
  unsigned views = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("ringdown-host-execution") == std::string::npos) continue;
    views++;
    const std::string permissions = line.substr(line.find(' ') + 1, 4);
    EXPECT_FALSE(permissions[1] == 'w' && permissions[2] == 'x') << line;
  }
  EXPECT_GE(views, 2u);
}

class VectorHostBufferTest : public InterpreterTest {};

// SHUFPS has 16384 register forms of five bytes with RET, more than the buffer holds: it is emptied and
// filled again on the way.
TEST_F(VectorHostBufferTest, OutlivesAFullBuffer) {
  state.cr4 |= cr4::kOsfxsr;
  for (unsigned modrm = 0xC0; modrm < 0x100; modrm++)
    for (unsigned order = 0; order < 256; order++) {
      const unsigned to = modrm >> 3 & 7, from = modrm & 7;
      for (unsigned n = 0; n < 8; n++)
        for (unsigned word = 0; word < 4; word++)
          state.fx.xmm[n][word * 4] = static_cast<uint8_t>(n * 4 + word);
      run({0x0F, 0xC6, static_cast<uint8_t>(modrm), static_cast<uint8_t>(order)});
      for (unsigned word = 0; word < 4; word++)
        ASSERT_EQ(state.fx.xmm[to][word * 4], (word < 2 ? to : from) * 4 + (order >> 2 * word & 3))
            << modrm << " " << order;
    }
}

}  // namespace
}  // namespace ringdown
