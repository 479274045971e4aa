#include "monitor/guest_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <functional>
#include <sstream>

#include "host-driver/log.h"

namespace ringdown {
namespace {

std::string written_with(LogClass log_class, const std::function<void()>& act) {
  const std::string path = testing::TempDir() + "ringdown-guest-log-" + std::to_string(::getpid());
  EXPECT_EQ(open_log(log_bit(log_class), path, [](const std::string&) {}), std::nullopt);
  act();
  close_log();
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  std::remove(path.c_str());
  return text.str();
}

Instruction decoded(std::array<uint8_t, 3> code) {
  Instruction i{};
  EXPECT_EQ(decode(code, true, i), DecodeStatus::kOk);
  return i;
}

TEST(GuestLog, ResetShowsTheRegisters) {
  CpuState state{};
  state.reset(0x612);
  state.gpr[kEsi] = 0x12345678;
  const std::string text = written_with(LogClass::kCpuReset, [&] { log_reset(state); });
  EXPECT_EQ(text, "reset\n" + format_state(state));
  EXPECT_NE(text.find("edx 00000612\n"), std::string::npos) << text;
  EXPECT_NE(text.find("esi 12345678 "), std::string::npos) << text;
  EXPECT_NE(text.find("cs   f000 base ffff0000 limit 0000ffff"), std::string::npos) << text;
}

TEST(GuestLog, WhatTheProcessorLacksIsNamed) {
  const CpuModel model = CpuModel::default_model();
  CpuState state{};
  state.eip = 0xC0001000;
  state.gpr[kEcx] = 0x1FF;
  const Fault undefined{Vector::kInvalidOpcode}, protection{Vector::kGeneralProtection, true, 0};
  const auto text = [&](std::array<uint8_t, 3> code, const Fault& fault) {
    return written_with(LogClass::kUnimp, [&] { log_if_unimplemented(decoded(code), fault, state, model); });
  };
  EXPECT_EQ(text({0x0F, 0x32, 0}, protection), "no model-specific register 000001ff at c0001000\n");
  EXPECT_EQ(text({0x0F, 0x01, 0xD0}, undefined),
            "no instruction c0001000  0f 01 d0                            xgetbv\n");
  EXPECT_EQ(text({0x0F, 0x0B, 0}, undefined), "") << "UD2 is there";
  state.gpr[kEcx] = 0x174;
  EXPECT_EQ(text({0x0F, 0x32, 0}, protection), "") << "a fault for another reason";
}

TEST(GuestLog, PortsThatNobodyClaims) {
  EXPECT_EQ(written_with(LogClass::kGuestErrors, [] { log_unclaimed_port("read", 0x1E0, 2, 0xC0001000); }),
            "read of 2 bytes at port 01e0, which is nobody's, around c0001000\n");
}

}  // namespace
}  // namespace ringdown
