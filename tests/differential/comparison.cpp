#include "tests/differential/comparison.h"

#include <cstdio>

#include "tests/differential/guest_tables.h"

namespace ringdown::differential {
namespace {

constexpr const char* kGprNames[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
constexpr const char* kSystemNames[] = {"cr0", "cr4", "cs:es", "ds:ss", "gs:fs", "dirty"};
constexpr uint32_t kComparedFlags = eflags::kStatus | eflags::kDf | eflags::kTf | eflags::kIf |
                                    eflags::kIopl | eflags::kNt | eflags::kAc | eflags::kId | eflags::kRf |
                                    eflags::kVm;

class Differences {
 public:
  std::vector<std::string> lines;

  void number(const char* name, uint32_t expected, uint32_t actual, int digits = 8) {
    if (expected == actual) return;
    char line[64];
    std::snprintf(line, sizeof(line), "%s %0*x %0*x", name, digits, expected, digits, actual);
    lines.push_back(line);
  }
  void bytes(const std::string& name, std::span<const uint8_t> expected, std::span<const uint8_t> actual) {
    if (std::memcmp(expected.data(), actual.data(), expected.size()) == 0) return;
    lines.push_back(name + " " + hex(expected) + " " + hex(actual));
  }

 private:
  static std::string hex(std::span<const uint8_t> bytes) {
    std::string text;
    char digits[3];
    for (const uint8_t byte : bytes) {
      std::snprintf(digits, sizeof(digits), "%02x", byte);
      text += digits;
    }
    return text;
  }
};

void compare_fx(const FxsaveImage& a, const FxsaveImage& b, Differences& out) {
  out.number("fcw", a.control_word, b.control_word, 4);
  out.number("fsw", a.status_word, b.status_word, 4);
  out.number("ftw", a.abridged_tag_word, b.abridged_tag_word, 2);
  out.number("mxcsr", a.mxcsr, b.mxcsr);
  for (unsigned i = 0; i < 8; ++i) {
    const std::string number = std::to_string(i);
    out.bytes("st" + number, std::span(a.st[i]).first(10), std::span(b.st[i]).first(10));
    out.bytes("xmm" + number, a.xmm[i], b.xmm[i]);
  }
}

void compare_memory(const Memory& a, const Memory& b, Differences& out) {
  for (unsigned page = 0; page < kPageCount; ++page)
    for (unsigned at = 0; at < kPageBytes; at += 4) {
      if (std::memcmp(&a[page][at], &b[page][at], 4) == 0) continue;
      char name[16];
      std::snprintf(name, sizeof(name), "[%08x]", kPages[page].address + at);
      out.bytes(name, std::span(a[page]).subspan(at, 4), std::span(b[page]).subspan(at, 4));
    }
}

bool same_page_bytes(const Memory& a, const Memory& b) { return std::memcmp(&a, &b, sizeof(Memory)) == 0; }

uint32_t comparable_error_code(const Outcome& outcome) {
  constexpr uint32_t kPageFault = 14, kInstructionFetch = 16;
  return outcome.vector == kPageFault ? outcome.error_code & ~kInstructionFetch : outcome.error_code;
}

void compare_registers(const Outcome& expected, const Outcome& actual, uint32_t undefined_flags,
                       Differences& out) {
  out.number("status", static_cast<uint32_t>(expected.status), static_cast<uint32_t>(actual.status), 1);
  out.number("vector", expected.vector, actual.vector, 2);
  out.number("error-code", comparable_error_code(expected), comparable_error_code(actual));
  out.number("fault-address", expected.fault_address, actual.fault_address);
  out.number("eip", expected.eip, actual.eip);
  const uint32_t flags = kComparedFlags & ~undefined_flags;
  out.number("eflags", expected.eflags & flags, actual.eflags & flags);
  for (unsigned i = 0; i < 8; ++i) out.number(kGprNames[i], expected.gpr[i], actual.gpr[i]);
  for (unsigned i = 0; i < expected.system.size(); ++i)
    out.number(kSystemNames[i], expected.system[i], actual.system[i]);
}

}  // namespace

std::vector<std::string> differences(const Outcome& expected, const Outcome& actual,
                                     uint32_t undefined_flags) {
  Differences out;
  compare_registers(expected, actual, undefined_flags, out);
  compare_fx(expected.fx, actual.fx, out);
  if (!same_page_bytes(expected.memory, actual.memory)) compare_memory(expected.memory, actual.memory, out);
  return out.lines;
}

bool agree(const Outcome& expected, const Outcome& actual, const Program& program) {
  if (expected.status != Status::kException || actual.status != Status::kException) return false;
  Differences out;
  compare_registers(expected, actual, program.undefined_flags_at(expected.eip), out);
  compare_fx(expected.fx, actual.fx, out);
  return out.lines.empty() && same_page_bytes(expected.memory, actual.memory);
}

bool is_inconclusive(const Outcome& reference, const Program& program) {
  if (reference.status != Status::kException) return true;
  if (reference.fault_address - kSystemLinear < kSystemBytes) return true;
  // A return to a selector that wild code has pushed: the upper half of its slot is up to the processor.
  if (reference.eip == kCodeSelector || reference.eip == kDataSelector) return true;
  const uint32_t offset = reference.eip - program.initial.eip;
  if (offset <= program.code_bytes()) return false;
  // It may have run over the end of a page.
  constexpr uint32_t kLongestInstruction = 15;
  return page_of(reference.eip) != kPageCount || page_of(reference.eip - kLongestInstruction) != kPageCount;
}

}  // namespace ringdown::differential
