#include "native/instruction_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace ringdown {
namespace {

constexpr uint8_t kCpuid = 0xA2, kNop = 0x90;
constexpr TwoBytes kCpuidBytes = {0x0F, kCpuid};
constexpr uint32_t kMiddle = 0x123;

class InstructionSearch : public testing::Test {
 protected:
  InstructionSearch() { page_.fill(kNop); }
  void put(uint32_t at, std::initializer_list<uint8_t> bytes) {
    std::ranges::copy(bytes, page_.begin() + at);
  }
  std::vector<uint32_t> found() const {
    std::vector<uint32_t> offsets;
    for (const auto& [offset, bytes] : find_two_byte_instructions(page_, behind_, {&kCpuidBytes, 1}))
      offsets.push_back(offset);
    return offsets;
  }

  std::array<uint8_t, 4096> page_;
  std::optional<uint8_t> behind_;
};

TEST_F(InstructionSearch, NothingInNothing) { EXPECT_TRUE(found().empty()); }

TEST_F(InstructionSearch, AllThatAreThere) {
  for (const uint32_t at : {0u, 15u, kMiddle, 4094u}) put(at, {0x0F, kCpuid});
  EXPECT_EQ(found(), (std::vector<uint32_t>{0, 15, kMiddle, 4094}));
}

TEST_F(InstructionSearch, EachByItsBytes) {
  constexpr TwoBytes kSysenter = {0x0F, 0x34}, kInt80 = {0xCD, 0x80};
  put(kMiddle, {0x0F, 0x34, 0xCD, 0x80, 0xCD, 0x81, 0x0F, kCpuid});
  EXPECT_EQ(find_two_byte_instructions(page_, behind_, std::array{kCpuidBytes, kSysenter, kInt80}),
            (std::vector<TwoByteInstruction>{
                {kMiddle, kSysenter}, {kMiddle + 2, kInt80}, {kMiddle + 6, kCpuidBytes}}));
}

TEST_F(InstructionSearch, WithinAnImmediateItIsAnAccident) {
  put(kMiddle, {0xB8, 0x0F, kCpuid, 0, 0});  // MOV EAX, A20Fh
  EXPECT_TRUE(found().empty());
}

TEST_F(InstructionSearch, WithinADisplacementItIsAnAccident) {
  put(kMiddle, {0x0F, 0x84, 0x0F, kCpuid, 0, 0});  // JE
  EXPECT_TRUE(found().empty());
}

TEST_F(InstructionSearch, BehindAnAccidentItIsThere) {
  put(kMiddle, {0xB8, 0x0F, kCpuid, 0, 0, 0x0F, kCpuid});
  EXPECT_EQ(found(), (std::vector<uint32_t>{kMiddle + 5}));
}

TEST_F(InstructionSearch, NearTheBeginningAccidentsCount) {
  put(0, {0xB8, 0x0F, kCpuid, 0, 0});
  EXPECT_EQ(found(), (std::vector<uint32_t>{1})) << "what the page before ends with is not known";
}

TEST_F(InstructionSearch, OverTheEndOfThePage) {
  put(4095, {0x0F});
  EXPECT_TRUE(found().empty()) << "there is no next page";
  behind_ = kNop;
  EXPECT_TRUE(found().empty());
  behind_ = kCpuid;
  EXPECT_EQ(found(), (std::vector<uint32_t>{4095}));
}

TEST_F(InstructionSearch, AnImmediateThatEndsThePageIsNone) {
  put(4091, {0xB8, 0, 0, 0, 0x0F});
  behind_ = kCpuid;
  EXPECT_TRUE(found().empty());
}

TEST_F(InstructionSearch, BytesThatAreNoInstructionsAreSteppedOver) {
  for (uint32_t at = kMiddle - 100; at < kMiddle; at++) put(at, {0x06});  // PUSH ES; the rest are no code
  put(kMiddle - 3, {0x0F, 0x0B, 0xD6});
  put(kMiddle, {0x0F, kCpuid});
  EXPECT_EQ(found(), (std::vector<uint32_t>{kMiddle}));
}

}  // namespace
}  // namespace ringdown
