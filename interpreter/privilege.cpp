#include "interpreter/privilege.h"

#include <cstring>

#include "interpreter/tss.h"

namespace ringdown {
namespace {

struct FarPointer {
  uint16_t selector;
  uint32_t offset;
};

FarPointer stack_pointer_from_tss(Interpreter& it, unsigned cpl, uint32_t ext) {
  const Segment& tr = it.state.tr;
  const bool wide = tss::is_32_bit(tr);
  const uint32_t at = wide ? tss::kEsp0 + cpl * 8 : tss::kSp0_16 + cpl * 4;
  if (at + (wide ? 5 : 3) > tr.limit) raise(Vector::kInvalidTss, selector_error(tr.selector, ext));
  if (!wide) {
    const uint32_t both = it.mmu.read<uint32_t>(tr.base + at, false);
    return {static_cast<uint16_t>(both >> 16), both & 0xFFFF};
  }
  return {it.mmu.read<uint16_t>(tr.base + at + 4, false), it.mmu.read<uint32_t>(tr.base + at, false)};
}

}  // namespace

Stack stack_from_tss(Interpreter& it, unsigned cpl, uint32_t ext) {
  const auto [selector, offset] = stack_pointer_from_tss(it, cpl, ext);
  Descriptor d = require_descriptor(it, selector, Vector::kInvalidTss, ext);
  if ((selector & 3u) != cpl || d.dpl() != cpl || !d.writable())
    raise(Vector::kInvalidTss, selector_error(selector, ext));
  if (!d.present()) raise(Vector::kStackFault, selector_error(selector, ext));
  mark_accessed(it, selector, d);
  return {d.segment(selector), offset};
}

void StackFrame::push(uint32_t value) {
  start_ -= width_;
  std::memcpy(&bytes_[start_], &value, width_);
}

void StackFrame::write(Interpreter& it, Stack& stack, unsigned cpl, uint32_t error_code) const {
  const unsigned size = kCapacity - start_;
  const uint32_t top = (stack.pointer - size) & stack.mask();
  const bool user = cpl == 3;
  if (uint64_t{top} + size > uint64_t{stack.mask()} + 1) {
    write_around_the_end(it, stack, user, error_code);
  } else {
    if (!within_limit(stack.segment, top, size)) raise(Vector::kStackFault, error_code);
    it.mmu.write_bytes(stack.segment.base + top, &bytes_[start_], size, user);
  }
  stack.pointer = (stack.pointer & ~stack.mask()) | top;
}

void StackFrame::write_around_the_end(Interpreter& it, const Stack& stack, bool user,
                                      uint32_t error_code) const {
  const auto each = [&](auto act) {
    uint32_t offset = stack.pointer;
    for (unsigned at = kCapacity; at > start_;) {
      at -= width_;
      offset = (offset - width_) & stack.mask();
      act(offset, &bytes_[at]);
    }
  };
  each([&](uint32_t offset, const uint8_t*) {
    if (!within_limit(stack.segment, offset, width_)) raise(Vector::kStackFault, error_code);
    it.mmu.check_write(stack.segment.base + offset, width_, user);
  });
  each([&](uint32_t offset, const uint8_t* value) {
    it.mmu.write_bytes(stack.segment.base + offset, value, width_, user);
  });
}

void enter_code_segment(CpuState& state, Segment cs, unsigned cpl, uint32_t eip) {
  cs.selector = static_cast<uint16_t>((cs.selector & ~3u) | cpl);
  state.segment[kCs] = cs;
  state.cpl = static_cast<uint8_t>(cpl);
  state.eip = eip;
}

Descriptor return_code_descriptor(Interpreter& it, uint16_t selector) {
  const Descriptor d = require_descriptor(it, selector, Vector::kGeneralProtection);
  const unsigned rpl = selector & 3;
  const bool allowed = d.code() && rpl >= it.state.cpl && (d.conforming() ? d.dpl() <= rpl : d.dpl() == rpl);
  if (!allowed) raise_general_protection(selector_error(selector));
  if (!d.present()) raise(Vector::kSegmentNotPresent, selector_error(selector));
  return d;
}

Segment checked_stack_segment(Interpreter& it, uint16_t selector, unsigned cpl) {
  Descriptor d = require_descriptor(it, selector, Vector::kGeneralProtection);
  if ((selector & 3u) != cpl || d.dpl() != cpl || !d.writable())
    raise_general_protection(selector_error(selector));
  if (!d.present()) raise(Vector::kStackFault, selector_error(selector));
  mark_accessed(it, selector, d);
  return d.segment(selector);
}

void drop_inaccessible_segments(CpuState& state) {
  using namespace segment_attribute;
  for (const SegmentIndex index : {kEs, kDs, kFs, kGs}) {
    Segment& s = state.segment[index];
    const bool conforming = s.is_code() && (s.attributes & kExpandDownOrConforming);
    if (!conforming && s.dpl() < state.cpl) s = Segment{};
  }
}

void load_real_mode_segment(Segment& segment, uint16_t selector) {
  using namespace segment_attribute;
  segment.selector = selector;
  segment.base = uint32_t{selector} << 4;
  if (segment.present()) return;
  // A null selector of protected mode left it unusable; the limit is what it was after reset.
  segment.limit = 0xFFFF;
  segment.attributes = kPresent | kCodeOrData | kWritableOrReadable | kAccessed;
}

Segment virtual_8086_segment(uint16_t selector) {
  using namespace segment_attribute;
  constexpr uint16_t attributes = kPresent | 3 << kDplShift | kCodeOrData | kWritableOrReadable | kAccessed;
  return {uint32_t{selector} << 4, 0xFFFF, selector, attributes};
}

}  // namespace ringdown
