#include "cpu/fault.h"
#include "interpreter/debug_breakpoints.h"
#include "interpreter/descriptor.h"
#include "interpreter/interpreter.h"

// What stands between an instruction's offset and linear memory: the segment's checks (SDM vol. 3, chapter
// 5), alignment (6.15, #AC) and data breakpoints.
namespace ringdown {
namespace {

bool limit_allows(const Segment& s, uint32_t offset, unsigned length) {
  const uint32_t last = offset + length - 1;
  if (!s.expands_down()) return s.limit == 0xFFFFFFFF || (last >= offset && last <= s.limit);
  const uint32_t highest = s.big() ? 0xFFFFFFFF : 0xFFFF;
  return offset > s.limit && last >= offset && last <= highest;
}

uint32_t alignment_of(unsigned length) {
  switch (length) {
    case 2:
    case 4:
    case 8:
      return length;
    case 10:
      return 8;  // x87 extended precision
  }
  return 1;  // bytes, and images that check their own alignment or have none
}

}  // namespace

bool Interpreter::segment_allows(SegmentIndex segment, uint32_t offset, unsigned length,
                                 AccessKind kind) const {
  const Segment& s = state.segment[segment];
  return (state.without_descriptors() || type_allows(s, kind)) && limit_allows(s, offset, length);
}

bool Interpreter::alignment_checked() const {
  return state.cpl == 3 && (state.system_flags & eflags::kAc) && (state.cr0 & cr0::kAm);
}

bool Interpreter::accesses_observed() const {
  return alignment_checked() || (state.dr[7] & dr7::kAnyEnabled);
}

uint32_t Interpreter::linear(SegmentIndex segment, uint32_t offset, unsigned length, AccessKind kind) {
  if (!segment_allows(segment, offset, length, kind))
    raise(segment == kSs ? Vector::kStackFault : Vector::kGeneralProtection, 0);
  const uint32_t address = state.segment[segment].base + offset;
  if (accesses_observed()) {
    check_alignment(address, length, kind);
    check_data_breakpoints(address, length, kind);
  }
  return address;
}

void Interpreter::check_alignment(uint32_t address, unsigned length, AccessKind kind) {
  if (!alignment_checked() || !(address & (alignment_of(length) - 1))) return;
  mmu.translate(address, {kind, user()});  // a page fault comes first
  mmu.translate(address + length - 1, {kind, user()});
  raise(Vector::kAlignmentCheck, 0);
}

void Interpreter::check_data_breakpoints(uint32_t address, unsigned length, AccessKind kind) {
  debug_hits_ |= breakpoints_hit(state, [&](const Breakpoint& b) {
    const bool watched =
        b.condition == dr7::kReadWrite || (b.condition == dr7::kWrite && kind == AccessKind::kWrite);
    return watched && b.overlaps(address, length);
  });
}

}  // namespace ringdown
