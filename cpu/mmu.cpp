#include "cpu/mmu.h"

#include <algorithm>

#include "cpu/fault.h"

namespace ringdown {
namespace {

unsigned bytes_left_in_page(uint32_t linear) { return kPageSize - (linear & kPageMask); }

}  // namespace

bool Mmu::permits(const TlbEntry& entry, Access access) const {
  if (access.user && !entry.user) return false;
  if (access.kind == AccessKind::kFetch) return entry.executable;
  if (access.kind == AccessKind::kRead) return true;
  return entry.dirty && (access.user ? entry.writable_by_user : entry.writable_by_supervisor);
}

uint64_t Mmu::translate(uint32_t linear, Access access) {
  if (accesses_ && access.kind != AccessKind::kFetch && !access.user) accesses_->push_back(linear);
  TlbEntry& entry = tlb_[linear >> kPageShift & (kTlbEntries - 1)];
  if (entry.tag == (linear & ~kPageMask) && permits(entry, access))
    return entry.frame_address | (linear & kPageMask);

  const PagingRegisters registers = PagingRegisters::of(state_);
  WalkFailure failure;
  const auto t = walk(registers, memory_, linear, access, failure);
  if (!t) raise_page_fault(failure.error_code, linear);
  entry = {.tag = linear & ~kPageMask,
           .frame_address = t->physical & ~uint64_t{kPageMask},
           .user = t->user,
           .writable_by_user = t->writable,
           .writable_by_supervisor = t->writable || !registers.write_protect,
           .dirty = t->dirty,
           .executable = t->executable};
  return t->physical;
}

void Mmu::read_bytes(uint32_t linear, void* to, unsigned length, bool user) {
  const unsigned first = std::min(length, bytes_left_in_page(linear));
  memory_.read_bytes(translate(linear, {AccessKind::kRead, user}), to, first);
  if (first < length) read_bytes(linear + first, static_cast<uint8_t*>(to) + first, length - first, user);
}

void Mmu::check_write(uint32_t linear, unsigned length, bool user) {
  translate(linear, {AccessKind::kWrite, user});
  const unsigned first = bytes_left_in_page(linear);
  if (first < length) translate(linear + first, {AccessKind::kWrite, user});
}

void Mmu::write_bytes(uint32_t linear, const void* from, unsigned length, bool user) {
  const unsigned first = std::min(length, bytes_left_in_page(linear));
  const uint64_t head = translate(linear, {AccessKind::kWrite, user});
  if (first == length) return memory_.write_bytes(head, from, length);
  const uint64_t tail = translate(linear + first, {AccessKind::kWrite, user});
  memory_.write_bytes(head, from, first);
  memory_.write_bytes(tail, static_cast<const uint8_t*>(from) + first, length - first);
}

unsigned Mmu::fetch(uint32_t linear, uint8_t* to, unsigned length, bool user) {
  const unsigned first = std::min(length, bytes_left_in_page(linear));
  memory_.read_bytes(translate(linear, {AccessKind::kFetch, user}), to, first);
  if (first == length) return length;
  try {
    memory_.read_bytes(translate(linear + first, {AccessKind::kFetch, user}), to + first, length - first);
  } catch (const Fault&) {
    return first;
  }
  return length;
}

void Mmu::flush() { tlb_.fill(TlbEntry{}); }

void Mmu::flush_page(uint32_t linear) { tlb_[linear >> kPageShift & (kTlbEntries - 1)] = TlbEntry{}; }

}  // namespace ringdown
