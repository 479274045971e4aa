#pragma once
#include <cstdint>

#include "cpu/state.h"

namespace ringdown {

// The processor state that translated code was made for; part of a block's key. A mode is flat or segmented:
// flat is 32-bit code whose CS, SS, DS and ES need neither a base nor a limit, all else is segmented. States
// that are not `translatable` are the interpreter's: rings 1 and 2, single-stepping, alignment checks,
// breakpoints, data segments that grow down, virtual interrupts that may be due.
struct CodeMode {
  static constexpr uint16_t kUser = 1;  // CPL 3
  static constexpr uint16_t kX87 = 2;   // x87 and MMX do not fault: CR0.EM = CR0.TS = 0
  static constexpr uint16_t kSse = 4;   // nor does SSE: CR4.OSFXSR = 1 as well
  // Flat modes only:
  static constexpr uint16_t kFsUnlimited = 8;  // FS is usable without a limit check
  static constexpr uint16_t kGsUnlimited =
      16;  // user mode only: kernels reload GS for each user and seldom use it
  static constexpr uint16_t kTscTrapped = 32;    // user mode with CR4.TSD
  static constexpr uint16_t kIoPrivileged = 64;  // user mode with IOPL 3
  static constexpr uint16_t kSegmented = 128;
  // Segmented modes only:
  static constexpr uint16_t kCode16 = 256;   // CS.D = 0
  static constexpr uint16_t kStack16 = 512;  // SS.B = 0
  // No descriptors: a selector is a base. Real mode in ring 0, virtual-8086 mode in ring 3.
  static constexpr uint16_t kParagraphs = 1024;
  // DS, ES and SS, and without descriptors all, can be read and written up to FFFFh at least.
  static constexpr uint16_t kFull64K = 2048;

  uint16_t bits = 0;

  bool has(uint16_t bit) const { return bits & bit; }
  bool user() const { return has(kUser); }
  bool segmented() const { return has(kSegmented); }
  bool real() const { return has(kParagraphs) && !user(); }
  bool virtual_8086() const { return has(kParagraphs) && user(); }
  bool operator==(const CodeMode&) const = default;

  // In line always: callouts.cpp needs them compiled with its own flags.
  [[gnu::always_inline]] static CodeMode of(const CpuState& state);
  [[gnu::always_inline]] static bool translatable(const CpuState& state);
  // The same of what is most, quickly: is it translatable and flat, and the mode if it is.
  [[gnu::always_inline]] static bool translatable_flat(const CpuState& state);
  [[gnu::always_inline]] static CodeMode of_flat(const CpuState& state);

 private:
  [[gnu::always_inline]] static bool is_flat(const CpuState& state);
  [[gnu::always_inline]] static bool flags_are_translatable(const CpuState& state);
  [[gnu::always_inline]] static uint16_t common_bits(const CpuState& state);
  [[gnu::always_inline]] static uint16_t flat_bits(const CpuState& state);
  [[gnu::always_inline]] static bool are_paragraphs(const CpuState& state);
  [[gnu::always_inline]] static uint16_t segmented_bits(const CpuState& state);
};

// May data be written through it? Never through code.
[[gnu::always_inline]] inline bool writable(const Segment& s) {
  return !s.is_code() && (s.attributes & segment_attribute::kWritableOrReadable);
}

// All bits at once and without jumps: every callout asks.
inline bool CodeMode::is_flat(const CpuState& s) {
  using namespace segment_attribute;
  constexpr uint32_t kData = kPresent | kCode | kExpandDownOrConforming;
  const auto difference = [&s](SegmentIndex n, uint32_t relevant, uint32_t wanted) {
    const Segment& segment = s.segment[n];
    return segment.base | ~segment.limit | ((segment.attributes & relevant) ^ wanted);
  };
  const uint32_t differences = difference(kCs, kPresent | kBig, kPresent | kBig) |
                               difference(kSs, kData | kBig, kPresent | kBig) |
                               difference(kDs, kData | kWritableOrReadable, kPresent | kWritableOrReadable) |
                               difference(kEs, kData | kWritableOrReadable, kPresent | kWritableOrReadable);
  return differences == 0 && !s.without_descriptors();
}

inline uint16_t CodeMode::segmented_bits(const CpuState& s) {
  const bool paragraphs = s.without_descriptors();
  const auto full = [&](SegmentIndex n) {
    const Segment& segment = s.segment[n];
    return segment.limit >= 0xFFFF && (paragraphs || (segment.present() && writable(segment)));
  };
  const bool all_full =
      full(kDs) && full(kEs) && full(kSs) && (!paragraphs || (full(kCs) && full(kFs) && full(kGs)));
  return static_cast<uint16_t>(kSegmented | (s.segment[kCs].big() ? 0 : kCode16) |
                               (s.segment[kSs].big() ? 0 : kStack16) | (paragraphs ? kParagraphs : 0) |
                               (all_full ? kFull64K : 0));
}

inline uint16_t CodeMode::flat_bits(const CpuState& s) {
  const auto unlimited = [&](SegmentIndex n) { return s.segment[n].unlimited() && writable(s.segment[n]); };
  return static_cast<uint16_t>((unlimited(kFs) ? kFsUnlimited : 0) |
                               (s.cpl == 3 && unlimited(kGs) ? kGsUnlimited : 0));
}

inline uint16_t CodeMode::common_bits(const CpuState& s) {
  uint16_t bits = 0;
  const auto set = [&](uint16_t bit, bool condition) {
    if (condition) bits |= bit;
  };
  const bool user = s.cpl == 3;
  const bool x87 = !(s.cr0 & (cr0::kEm | cr0::kTs));
  set(kUser, user);
  set(kX87, x87);
  set(kSse, x87 && (s.cr4 & cr4::kOsfxsr));
  set(kTscTrapped, user && (s.cr4 & cr4::kTsd));
  set(kIoPrivileged, user && s.iopl() == 3);
  return bits;
}

inline CodeMode CodeMode::of(const CpuState& s) {
  return {static_cast<uint16_t>(common_bits(s) | (is_flat(s) ? flat_bits(s) : segmented_bits(s)))};
}

inline bool CodeMode::translatable_flat(const CpuState& s) { return is_flat(s) && flags_are_translatable(s); }
inline CodeMode CodeMode::of_flat(const CpuState& s) {
  return {static_cast<uint16_t>(common_bits(s) | flat_bits(s))};
}

inline bool CodeMode::flags_are_translatable(const CpuState& s) {
  if (s.cpl != 0 && s.cpl != 3) return false;
  if (s.system_flags & (eflags::kTf | eflags::kRf)) return false;
  constexpr uint32_t kVirtualInterrupt = eflags::kVif | eflags::kVip;
  if (s.cpl == 3 && (((s.cr0 & cr0::kAm) && (s.system_flags & eflags::kAc)) ||
                     (s.system_flags & kVirtualInterrupt) == kVirtualInterrupt))
    return false;
  return !(s.dr[7] & 0xFF);
}

inline bool CodeMode::translatable(const CpuState& s) {
  if (!flags_are_translatable(s)) return false;
  if (is_flat(s)) return true;
  const auto& segment = s.segment;
  if (segment[kSs].expands_down() || segment[kDs].expands_down() || segment[kEs].expands_down()) return false;
  return s.without_descriptors() ? are_paragraphs(s) : segment[kCs].is_code();
}

// Then a load of a segment register changes selector and base alone. Virtual-8086 mode has no others; of real
// mode this leaves out code beyond 64 KiB, and what protected mode has left unusable.
inline bool CodeMode::are_paragraphs(const CpuState& s) {
  bool present = true;
  for (const Segment& segment : s.segment) present &= segment.present();
  return present && s.segment[kCs].limit == 0xFFFF;
}

}  // namespace ringdown
