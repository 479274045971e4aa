// What is remembered of instructions is what decoding them anew says.
#include "cpu/decode_memo.h"

#include <gtest/gtest.h>

#include <random>
#include <sstream>

namespace ringdown {
namespace {

using Code = std::array<uint8_t, 16>;

std::string text(const Code& code) {
  std::ostringstream out;
  for (const uint8_t byte : code) out << std::hex << unsigned{byte} << ' ';
  return out.str();
}

class Memo : public testing::Test {
 protected:
  void expect_as_anew(std::span<const uint8_t> code, bool big, const Code& whole) {
    Instruction remembered{}, anew{};
    const DecodeStatus status = decode(code, big, anew);
    ASSERT_EQ(memo_.decode(code, big, remembered), status) << text(whole) << big;
    ASSERT_TRUE(status != DecodeStatus::kOk || remembered == anew) << text(whole) << big;
  }

  Code with_random_rest(std::initializer_list<uint8_t> first) {
    Code code;
    for (uint8_t& byte : code) byte = static_cast<uint8_t>(random_());
    std::copy(first.begin(), first.end(), code.begin());
    return code;
  }

  std::mt19937 random_{1};
  DecodeMemo memo_;
};

// Each opcode with each ModRM byte, several times, so that all but the first are remembered.
TEST_F(Memo, AgreesOnEveryOpcode) {
  for (unsigned n = 0; n < 1 << 16; n++) {
    const auto opcode = static_cast<uint8_t>(n >> 8), modrm = static_cast<uint8_t>(n);
    for (unsigned turn = 0; turn < 3; turn++) {
      for (const bool big : {true, false}) {
        for (const Code& code :
             {with_random_rest({opcode, modrm}), with_random_rest({0x0F, opcode, modrm}),
              with_random_rest({0x66, opcode, modrm}), with_random_rest({0x67, opcode, modrm}),
              with_random_rest({0xF3, 0x0F, opcode, modrm})})
          ASSERT_NO_FATAL_FAILURE(expect_as_anew(code, big, code));
      }
    }
  }
}

// Few different bytes, so that shapes come back.
TEST_F(Memo, AgreesOnRandomCode) {
  constexpr std::array<uint8_t, 24> kBytes = {0x00, 0x01, 0x04, 0x05, 0x0F, 0x24, 0x26, 0x38,
                                              0x3A, 0x44, 0x64, 0x66, 0x67, 0x80, 0x83, 0x8B,
                                              0x9A, 0xA1, 0xC4, 0xC8, 0xE8, 0xF2, 0xF3, 0xFF};
  for (unsigned n = 0; n < 400000; n++) {
    Code code;
    for (uint8_t& byte : code) byte = kBytes[random_() % kBytes.size()];
    const std::span<const uint8_t> all = code;
    ASSERT_NO_FATAL_FAILURE(expect_as_anew(n % 8 ? all : all.first(random_() % 16), n & 1, code));
  }
}

}  // namespace
}  // namespace ringdown
