// What -d in_asm, out_asm, exec and sensitive write.
#include "translator/block_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "host-driver/log.h"
#include "translator/sensitive.h"

namespace ringdown {
namespace {

// mov eax, [ebx]; jmp to itself — and host code for the two, with an entry of one byte.
constexpr std::array<uint8_t, 4> kGuest = {0x8B, 0x03, 0xEB, 0xFE};
constexpr std::array<uint8_t, 10> kHost = {0x90, 0x67, 0x65, 0x8B, 0x03, 0xE9, 0, 0, 0, 0};

Block block() {
  Block b;
  b.key = {.physical = 0x1000, .eip = 0xC0001000, .mode = {}};
  b.guest_bytes = kGuest.size();
  b.code = reinterpret_cast<const uint8_t*>(uint64_t{0x7000});
  b.code_bytes = kHost.size();
  b.starts = {{.host_offset = 1, .guest_offset = 0}, {.host_offset = 5, .guest_offset = 2}};
  return b;
}

TEST(BlockLog, GuestCodeHasAddressesBytesAndMnemonics) {
  EXPECT_EQ(format_guest_code(block(), kGuest),
            "in c0001000 physical 1000 ring 0 mode 0000\n"
            "c0001000  8b 03                               mov eax, [ebx]\n"
            "c0001002  eb fe                               jmp 0xC0001002\n\n");
}

TEST(BlockLog, HostCodeStandsUnderItsGuestInstruction) {
  EXPECT_EQ(format_host_code(block(), kGuest, kHost),
            "out c0001000 physical 1000 ring 0 mode 0000\n"
            "-- entry\n"
            "000000007000  90                                  nop\n"
            "-- c0001000  8b 03                               mov eax, [ebx]\n"
            "000000007001  67 65 8b 03                         mov eax, gs:[ebx]\n"
            "-- c0001002  eb fe                               jmp 0xC0001002\n"
            "000000007005  e9 00 00 00 00                      jmp 0x000000000000700A\n\n");
}

TEST(BlockLog, WhatIsNoInstructionIsShownAsABadByte) {
  EXPECT_EQ(disassemble_guest(std::array<uint8_t, 2>{0xFF, 0xFF}, 0),
            "00000000  ff                                  (bad)\n00000001  ff                               "
            "   (bad)\n");
}

class LogFile : public ::testing::Test {
 protected:
  std::string written_with(LogClasses classes, void (*act)()) {
    const std::string path = ::testing::TempDir() + "ringdown-block-log-" + std::to_string(::getpid());
    EXPECT_EQ(open_log(classes, path, [](const std::string&) {}), std::nullopt);
    act();
    close_log();
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    std::remove(path.c_str());
    return text.str();
  }
};

TEST_F(LogFile, OnlyWhatIsAskedForIsWritten) {
  const auto translate = [] { log_translation(block(), kGuest, kHost); };
  EXPECT_EQ(written_with(log_bit(LogClass::kInAsm), translate), format_guest_code(block(), kGuest));
  EXPECT_EQ(written_with(log_bit(LogClass::kOutAsm), translate), format_host_code(block(), kGuest, kHost));
  EXPECT_EQ(written_with(log_bit(LogClass::kInt), translate), "");
}

TEST_F(LogFile, EachExecutionIsALine) {
  EXPECT_EQ(
      written_with(log_bit(LogClass::kExec),
                   [] { log_execution(0xC0001000, 3, reinterpret_cast<const uint8_t*>(uint64_t{0x7000})); }),
      "exec c0001000 ring 3 host 0x7000\n");
}

TEST_F(LogFile, EachSensitiveInstructionIsALine) {
  EXPECT_EQ(written_with(log_bit(LogClass::kSensitive),
                         [] { note_sensitive(Sensitive::kMoveToCr3, 0xC0001000, 0); }),
            "sensitive mov_to_cr3 at c0001000 ring 0\n");
}

TEST(Sensitive, ExecutionsAreCounted) {
  sensitive_counts() = {};
  Instruction i;
  ASSERT_EQ(decode(std::array<uint8_t, 2>{0x0F, 0xA2}, true, i), DecodeStatus::kOk);
  note_if_sensitive(i, 0, 3);
  ASSERT_EQ(decode(std::array<uint8_t, 2>{0x89, 0xC0}, true, i), DecodeStatus::kOk);
  note_if_sensitive(i, 0, 3);
  for (const SensitiveRow& row : kSensitiveTable)
    EXPECT_EQ(sensitive_counts()[static_cast<size_t>(row.id)], row.id == Sensitive::kCpuid) << row.name;
}

}  // namespace
}  // namespace ringdown
