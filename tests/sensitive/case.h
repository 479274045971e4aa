#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <ostream>
#include <vector>

#include "cpu/cpu_model.h"
#include "cpu/fault.h"
#include "cpu/state.h"
#include "translator/sensitive.h"

// One case of a sensitive instruction: the code, what must be there before, and the manual's answer (SDM vol.
// 2, each instruction's operation, flags affected and exceptions) in ring 0 and in ring 3 with IOPL 0.
namespace ringdown::sensitive {

// Linear addresses and selectors, beside those of InterpreterTest.
constexpr uint32_t kData = 0x20000;         // what EBX and EDI point to; 64 zero bytes
constexpr uint32_t kTarget = 0x12000;       // where transfers go: UD2 is there
constexpr uint32_t kNewStackTop = 0x3C000;  // a stack that nothing else uses
constexpr uint32_t kGdt = 0x1000, kIdt = 0x1800, kNewTable = 0x4000;
constexpr uint16_t kKernelCs = 0x08, kKernelDs = 0x10, kUserCs = 0x1B, kUserDs = 0x23, kTr = 0x28,
                   kFree = 0x30;

// The processor and its memory: before an instruction, or as they should be after it.
struct World {
  CpuState& s;
  std::vector<uint8_t>& ram;
  const CpuModel& model;
  unsigned ring;
  unsigned width;            // the instruction's operand size
  uint32_t unspecified = 0;  // general registers whose value the manual leaves open, a bit each
  std::optional<uint32_t> port_write;

  uint32_t& reg(Gpr n) { return s.gpr[n]; }
  void load(Gpr n, uint32_t value) {
    s.gpr[n] = width == 4 ? value : (s.gpr[n] & 0xFFFF0000) | (value & 0xFFFF);
  }
  void put(uint32_t linear, uint64_t value, unsigned bytes) { std::memcpy(&ram[linear], &value, bytes); }
  void push(uint32_t value) {
    s.gpr[kEsp] -= width;
    put(s.gpr[kEsp], value, width);
  }
  uint16_t own_cs() const { return ring ? kUserCs : kKernelCs; }
  // Sets or clears status flags.
  void flags(uint32_t mask, bool set) { s.flags = set ? s.flags | mask : s.flags & ~mask; }
  void jump(uint32_t eip, uint16_t cs) {
    s.eip = eip;
    s.segment[kCs].selector = cs;
    s.cpl = cs & 3;
  }
  void describe(uint16_t selector, uint64_t raw) {  // in the GDT
    put(kGdt + (selector & ~7u), raw, 8);
    s.gdtr.limit = static_cast<uint16_t>((selector & ~7u) + 7);
  }
};
using Effect = void (*)(World&);

// What becomes of the instruction.
struct Result {
  enum class Kind : uint8_t { kDone, kFault, kTrap, kHalts } kind;
  uint8_t vector;
  std::optional<uint32_t> error_code;
  Effect effect;
};
constexpr Result done(Effect effect = nullptr) { return {Result::Kind::kDone, 6, {}, effect}; }
// The exception is reported with the instruction's own address and nothing has changed.
constexpr Result fault(Vector vector, std::optional<uint32_t> error_code = {}) {
  return {Result::Kind::kFault, static_cast<uint8_t>(vector), error_code, nullptr};
}
// The handler returns behind the instruction.
constexpr Result trap(uint8_t vector) { return {Result::Kind::kTrap, vector, {}, nullptr}; }
constexpr Result halts() { return {Result::Kind::kHalts, 0, {}, nullptr}; }
constexpr Result kGp0 = fault(Vector::kGeneralProtection, 0);
constexpr Result kUd = fault(Vector::kInvalidOpcode);

struct Code {
  std::array<uint8_t, 8> bytes{};
  uint8_t size = 0;
  constexpr Code() = default;
  constexpr Code(std::initializer_list<uint8_t> code) {
    for (const uint8_t byte : code) bytes[size++] = byte;
  }
};

struct Case {
  Sensitive id;
  const char* name;
  Code code;
  Code code16{};  // for 16-bit code; empty: the same bytes
  Effect prepare = nullptr;
  Result ring0, ring3;
  bool unusual_form = false;  // the table's treatment is not for this one
};
inline void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

}  // namespace ringdown::sensitive
