#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "translator/opcode_pattern.h"
#include "translator/treatment.h"

namespace ringdown {

// The sensitive instructions, one enumerator per line of sensitive.inc.
enum class Sensitive : uint8_t {
#define SENSITIVE(enumerator, ...) enumerator,
#include "translator/sensitive.inc"
#undef SENSITIVE
};

enum class SensitiveGroup : uint8_t {
  kSilent,        // Robin and Irvine's: ring 3 executes it without a trap, and wrongly
  kPrivileged,    // ring 3 (or IOPL) makes the host trap
  kUnprivileged,  // any program may execute it, but it would act on the host
  kAbsent,        // the modelled processors do not have it
};

enum class SensitiveClass : uint8_t { kReadsState, kChangesState, kDependsOnRing, kAddressSpace };

struct SensitiveRow {
  static constexpr unsigned kMaxPatterns = 6;

  Sensitive id;
  std::string_view name;      // in -stats and logs
  std::string_view mnemonic;  // in the documentation
  SensitiveGroup group;
  SensitiveClass sensitive_class;
  std::string_view natively;  // what the host's ring 3 would do
  Treatment ring0, ring3;
  std::array<OpcodePattern, kMaxPatterns> patterns;  // unused ones match nothing

  constexpr bool matches(OpcodeMap map, uint8_t opcode, uint8_t modrm) const {
    for (const OpcodePattern& p : patterns)
      if (p.map() != OpcodeMap::kVector && p.matches(map, opcode, modrm)) return true;
    return false;
  }
};

namespace internal {
constexpr auto make_sensitive_table() {
  using enum SensitiveGroup;
  using enum SensitiveClass;
  using enum Treatment;
  return std::to_array<SensitiveRow>({
#define SENSITIVE(enumerator, name, mnemonic, group, sensitive_class, natively, ring0, ring3, ...) \
  {Sensitive::enumerator, name, mnemonic, group, sensitive_class, natively, ring0, ring3, {__VA_ARGS__}},
#include "translator/sensitive.inc"
#undef SENSITIVE
  });
}
}  // namespace internal

inline constexpr auto kSensitiveTable = internal::make_sensitive_table();
constexpr size_t kSensitiveCount = kSensitiveTable.size();

constexpr const SensitiveRow& row_of(Sensitive id) { return kSensitiveTable[static_cast<size_t>(id)]; }
// nullptr: the instruction is not sensitive.
const SensitiveRow* find_sensitive(const Instruction& i);

// Executions of each sensitive instruction outside of translated code, by Sensitive. Written by the vCPU
// thread.
using SensitiveCounts = std::array<uint64_t, kSensitiveCount>;
namespace internal {
inline constinit SensitiveCounts sensitive_counts{};
}
inline SensitiveCounts& sensitive_counts() noexcept { return internal::sensitive_counts; }

// To be called once for each sensitive instruction that the interpreter or a callout has executed: counts it,
// and shows it under -d sensitive. `eip` and `ring` are those before it.
void note_sensitive(Sensitive id, uint32_t eip, unsigned ring);
// The same for any instruction; does nothing if it is not sensitive.
void note_if_sensitive(const Instruction& i, uint32_t eip, unsigned ring);

}  // namespace ringdown
