#pragma once
#include <cstdint>
#include <optional>

#include "interpreter/interpreter.h"

// Descriptors of the GDT, the LDT and the IDT (SDM vol. 3, 3.4.5, 3.5, 5.8.3, 6.11).
namespace ringdown {

// Types of system descriptors (SDM vol. 3, table 3-2).
enum class SystemType : uint8_t {
  kTss16Available = 1,
  kLdt = 2,
  kTss16Busy = 3,
  kCallGate16 = 4,
  kTaskGate = 5,
  kInterruptGate16 = 6,
  kTrapGate16 = 7,
  kTss32Available = 9,
  kTss32Busy = 11,
  kCallGate32 = 12,
  kInterruptGate32 = 14,
  kTrapGate32 = 15,
};

// One 8-byte table entry as it is in memory.
struct Descriptor {
  uint64_t raw;

  uint32_t low() const { return static_cast<uint32_t>(raw); }
  uint32_t high() const { return static_cast<uint32_t>(raw >> 32); }

  uint32_t base() const { return low() >> 16 | (high() & 0xFF) << 16 | (high() & 0xFF000000); }
  uint32_t limit() const {  // last valid offset in bytes
    const uint32_t value = (low() & 0xFFFF) | (high() & 0xF0000);
    return high() & 1u << 23 ? value << 12 | 0xFFF : value;
  }
  uint16_t attributes() const { return static_cast<uint16_t>(high() >> 8 & 0xF0FF); }
  unsigned type() const { return high() >> 8 & 0xF; }
  unsigned dpl() const { return high() >> 13 & 3; }
  bool present() const { return high() & 1u << 15; }

  bool system() const { return !(high() & 1u << 12); }
  bool is(SystemType t) const { return system() && type() == static_cast<unsigned>(t); }
  bool available_tss() const { return is(SystemType::kTss16Available) || is(SystemType::kTss32Available); }
  bool busy_tss() const { return is(SystemType::kTss16Busy) || is(SystemType::kTss32Busy); }
  bool call_gate() const { return is(SystemType::kCallGate16) || is(SystemType::kCallGate32); }

  bool code() const { return !system() && (type() & 8); }
  bool data() const { return !system() && !(type() & 8); }
  bool conforming() const { return code() && (type() & 4); }
  bool readable() const { return data() || (code() && (type() & 2)); }
  bool writable() const { return data() && (type() & 2); }

  Segment segment(uint16_t selector) const { return {base(), limit(), selector, attributes()}; }

  // Fields of a gate.
  uint16_t gate_selector() const { return static_cast<uint16_t>(low() >> 16); }
  bool gate_is_32_bit() const { return type() & 8; }
  uint32_t gate_offset() const { return (low() & 0xFFFF) | (gate_is_32_bit() ? high() & 0xFFFF0000 : 0); }
  unsigned gate_parameters() const { return high() & 0x1F; }
};

inline bool null_selector(uint16_t selector) { return !(selector & 0xFFFC); }
inline bool in_ldt(uint16_t selector) { return selector & 4; }
// The error code that names a selector; `ext` is 0 or 1 (SDM vol. 3, 6.13).
inline uint32_t selector_error(uint16_t selector, uint32_t ext = 0) { return (selector & 0xFFFCu) | ext; }

// Linear address of the entry that a selector names; nullopt if it lies beyond its table's limit or if there
// is no LDT. Does not look at null selectors.
inline std::optional<uint32_t> descriptor_address(const CpuState& state, uint16_t selector) {
  if (in_ldt(selector) && !state.ldtr.present()) return std::nullopt;
  const uint32_t base = in_ldt(selector) ? state.ldtr.base : state.gdtr.base;
  const uint32_t limit = in_ldt(selector) ? state.ldtr.limit : state.gdtr.limit;
  if ((selector | 7u) > limit) return std::nullopt;
  return base + (selector & 0xFFF8);
}

// The entry, or nullopt if the selector is null or beyond its table. May raise #PF (a supervisor access).
std::optional<Descriptor> find_descriptor(Interpreter& it, uint16_t selector);
// As find_descriptor, but raises `vector` with the selector as error code (0 for a null selector) and `ext`.
Descriptor require_descriptor(Interpreter& it, uint16_t selector, Vector vector, uint32_t ext = 0);

// Sets the accessed bit of a code or data descriptor in memory and in `d` if it is clear.
void mark_accessed(Interpreter& it, uint16_t selector, Descriptor& d);
// Sets or clears the busy bit of a TSS descriptor in memory.
void set_busy(Interpreter& it, uint16_t selector, bool busy);

// Do presence and type of a segment with a descriptor allow the access? Says nothing about its limit.
inline bool type_allows(const Segment& s, AccessKind kind) {
  if (!s.present()) return false;
  const bool writable_or_readable = s.attributes & segment_attribute::kWritableOrReadable;
  if (s.is_code()) return kind != AccessKind::kWrite && writable_or_readable;
  return kind != AccessKind::kWrite || writable_or_readable;
}

// Are all bytes of an access within the segment's limit? Says nothing about type or presence.
inline bool within_limit(const Segment& s, uint32_t offset, unsigned length) {
  const uint64_t last = uint64_t{offset} + length - 1;
  if (!s.expands_down()) return last <= s.limit;
  return offset > s.limit && last <= (s.big() ? 0xFFFFFFFFu : 0xFFFFu);
}

}  // namespace ringdown
