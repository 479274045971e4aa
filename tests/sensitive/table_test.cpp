// The table itself: is it complete, and does the translator obey it?
#include <Zydis/Zydis.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "cpu/cpu_model.h"
#include "tests/sensitive/page.h"
#include "translator/sensitive.h"

namespace ringdown::sensitive {
namespace {

// Calls f with every instruction of the two maps that the table is about, in 32-bit code: each opcode with
// each ModRM byte, with and without the prefixes that select other instructions.
template <class F>
void for_each_encoding(F f) {
  static constexpr std::array<uint8_t, 4> kPrefixes = {0, 0x66, 0xF2, 0xF3};
  for (const uint8_t prefix : kPrefixes) {
    for (const bool two_byte : {false, true}) {
      for (unsigned n = 0; n < 1 << 16; n++) {
        std::array<uint8_t, 15> code{};
        size_t size = 0;
        if (prefix) code[size++] = prefix;
        if (two_byte) code[size++] = 0x0F;
        code[size++] = static_cast<uint8_t>(n >> 8);
        code[size++] = static_cast<uint8_t>(n);
        Instruction i;
        if (decode(code, true, i) == DecodeStatus::kOk) f(i);
      }
    }
  }
}

std::string text(const Instruction& i) {
  std::string bytes = ZydisMnemonicGetString(static_cast<ZydisMnemonic>(i.mnemonic));
  for (unsigned n = 0; n < i.length; n++) {
    char byte[4];
    std::snprintf(byte, sizeof byte, " %02x", i.bytes[n]);
    bytes += byte;
  }
  return bytes;
}

// What the decoder, which knows nothing of the table, takes for a matter of the system.
bool is_systems(const Instruction& i) {
  switch (i.category) {
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_IO:
    case ZYDIS_CATEGORY_IOSTRINGOP:
    case ZYDIS_CATEGORY_SEGOP:
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_SYSTEM:
    case ZYDIS_CATEGORY_VTX:
    case ZYDIS_CATEGORY_PKU:
      return true;
  }
  return false;
}

// BOUND computes on operands alone; ARPL too, though the decoder calls it a system instruction.
bool only_computes(const Instruction& i) {
  return i.mnemonic == ZYDIS_MNEMONIC_BOUND || i.mnemonic == ZYDIS_MNEMONIC_ARPL;
}

TEST(SensitiveTable, HasEverySystemInstructionOfTheModel) {
  const CpuModel model = CpuModel::default_model();
  unsigned seen = 0;
  for_each_encoding([&](const Instruction& i) {
    if (!is_systems(i) || only_computes(i) || !model.supports(i)) return;
    seen++;
    EXPECT_TRUE(find_sensitive(i)) << text(i);
  });
  EXPECT_GT(seen, 1000u);
}

TEST(SensitiveTable, IsObeyedInEveryMode) {
  const CpuModel model = CpuModel::default_model();
  for_each_encoding([&](const Instruction& i) {
    const SensitiveRow* row = find_sensitive(i);
    if (!row) return;
    for (uint16_t bits = 0; bits < 128; bits++) {
      const CodeMode mode{bits};
      const Treatment t = treatment_of(i, model, mode);
      const Treatment by_table = mode.user() ? row->ring3 : row->ring0;
      const bool clear = by_table == Treatment::kCallClearTaskSwitched && t == Treatment::kClearTaskSwitched;
      ASSERT_TRUE(t == by_table || t == Treatment::kInterpret || clear) << text(i) << " in mode " << bits;
      ASSERT_NE(kind_of(t), TreatmentKind::kIdentical) << text(i) << " in mode " << bits;
    }
  });
}

// An unsupported encoding that the host would know must not reach it either.
TEST(SensitiveTable, WhatTheModelDoesNotHaveIsInterpreted) {
  const CpuModel model = CpuModel::default_model();
  for_each_encoding([&](const Instruction& i) {
    if (model.supports(i)) return;
    for (const uint16_t bits : {uint16_t{0}, uint16_t{127}})
      ASSERT_EQ(treatment_of(i, model, CodeMode{bits}), Treatment::kInterpret) << text(i);
  });
}

TEST(SensitiveTable, NamesAreUnique) {
  std::set<std::string_view> names;
  for (const SensitiveRow& row : kSensitiveTable) EXPECT_TRUE(names.insert(row.name).second) << row.name;
}

TEST(SensitiveTable, ThePageIsWhatItGenerates) {
  std::ifstream file(RINGDOWN_SENSITIVE_PAGE);
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), sensitive_page()) << "run print_sensitive_page > docs/sensitive-instructions.md";
}

}  // namespace
}  // namespace ringdown::sensitive
