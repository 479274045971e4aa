#include "translator/callouts.h"

#include <immintrin.h>

#include <optional>

#include "cpu/physical_memory.h"
#include "host-driver/counters.h"
#include "host-driver/log.h"
#include "translator/code_mode.h"
#include "translator/sensitive.h"

namespace ringdown {
namespace {

using namespace segment_attribute;

// ---- Memory -----------------------------------------------------------------------------------------------

// `length` bytes of supervisor memory within one page, or nullptr.
uint8_t* reach(TranslatorContext& c, uint32_t linear, unsigned length, bool write) {
  const uint32_t page = linear >> kPageShift;
  const CalloutPage& entry = c.callout_pages[page % c.callout_pages.size()];
  const uint32_t offset = linear & kPageMask;
  if (offset + length > kPageSize) return nullptr;
  if (entry.tag == page + 1 && (entry.writable || !write)) return entry.host + offset;
  c.callout_miss = page + 1;
  c.callout_miss_write = write;
  return nullptr;
}

uint32_t dword(const uint8_t* from, unsigned index) {
  uint32_t value;
  __builtin_memcpy(&value, from + index * 4, 4);
  return value;
}

uint32_t word(const uint8_t* from, unsigned index) {
  uint16_t value;
  __builtin_memcpy(&value, from + index * 2, 2);
  return value;
}

void set_word(uint8_t* to, unsigned index, uint32_t value) { __builtin_memcpy(to + index * 2, &value, 2); }

void set_dword(uint8_t* to, unsigned index, uint32_t value) { __builtin_memcpy(to + index * 4, &value, 4); }

// ---- Descriptors (SDM vol. 3, 3.4.5) ----------------------------------------------------------------------

struct RawDescriptor {
  uint64_t bits;
  uint16_t attributes() const { return static_cast<uint16_t>(bits >> 40 & 0xF0FF); }
  unsigned dpl() const { return bits >> 45 & 3; }
  bool has(uint16_t attribute) const { return attributes() & attribute; }
  uint32_t base() const { return static_cast<uint32_t>((bits >> 16 & 0xFFFFFF) | (bits >> 32 & 0xFF000000)); }
  uint32_t limit() const {
    const uint32_t raw = static_cast<uint32_t>((bits & 0xFFFF) | (bits >> 32 & 0xF0000));
    return has(kGranular) ? raw << 12 | 0xFFF : raw;
  }
};

bool is_null(uint16_t selector) { return (selector & ~3u) == 0; }

// A code or data segment's descriptor from the GDT, present and already marked accessed.
bool read_descriptor(TranslatorContext& c, uint16_t selector, RawDescriptor& d) {
  const uint32_t offset = selector & ~7u;
  if ((selector & 4) || is_null(selector) || offset + 7 > c.state.gdtr.limit) return false;
  const uint8_t* at = reach(c, c.state.gdtr.base + offset, 8, false);
  if (!at) return false;
  __builtin_memcpy(&d.bits, at, 8);
  constexpr uint16_t needed = kPresent | kCodeOrData | kAccessed;
  return (d.attributes() & needed) == needed;
}

void set_segment(Segment& segment, uint16_t selector, RawDescriptor d) {
  segment.base = d.base();
  segment.limit = d.limit();
  segment.selector = selector;
  segment.attributes = d.attributes();
}

bool is_flat(RawDescriptor d) { return d.base() == 0 && d.limit() == 0xFFFFFFFF; }

// Flat 32-bit code of this privilege level, not conforming.
bool read_flat_code(TranslatorContext& c, uint16_t selector, unsigned dpl, RawDescriptor& d) {
  return read_descriptor(c, selector, d) && d.has(kCode) && !d.has(kExpandDownOrConforming) && d.has(kBig) &&
         d.dpl() == dpl && is_flat(d);
}

// A flat 32-bit stack of this privilege level.
bool read_flat_stack(TranslatorContext& c, uint16_t selector, unsigned dpl, RawDescriptor& d) {
  constexpr uint16_t type = kCode | kExpandDownOrConforming | kWritableOrReadable;
  return (selector & 3u) == dpl && read_descriptor(c, selector, d) &&
         (d.attributes() & type) == kWritableOrReadable && d.has(kBig) && d.dpl() == dpl && is_flat(d);
}

bool load_data_segment(TranslatorContext& c, unsigned index, uint16_t selector) {
  Segment& segment = c.state.segment[index];
  if (is_null(selector)) {
    segment = {.base = 0, .limit = 0, .selector = selector, .attributes = 0};
    return true;
  }
  RawDescriptor d;
  if (!read_descriptor(c, selector, d) || d.has(kCode)) return false;
  if (d.dpl() < c.state.cpl || d.dpl() < (selector & 3u)) return false;
  set_segment(segment, selector, d);
  return true;
}

// As SYSENTER and SYSEXIT load them: fixed flat segments, whatever the descriptors say.
void enter_flat(CpuState& s, uint16_t cs, uint16_t ss, unsigned cpl) {
  constexpr uint16_t common = kPresent | kCodeOrData | kWritableOrReadable | kAccessed | kBig | kGranular;
  const auto dpl = static_cast<uint16_t>(cpl << kDplShift);
  s.segment[kCs] = {.base = 0,
                    .limit = 0xFFFFFFFF,
                    .selector = static_cast<uint16_t>((cs & ~3u) | cpl),
                    .attributes = static_cast<uint16_t>(common | kCode | dpl)};
  s.segment[kSs] = {.base = 0,
                    .limit = 0xFFFFFFFF,
                    .selector = static_cast<uint16_t>((ss & ~3u) | cpl),
                    .attributes = static_cast<uint16_t>(common | dpl)};
  s.cpl = static_cast<uint8_t>(cpl);
}

// ---- Continuing -------------------------------------------------------------------------------------------

uint64_t leave_for_interpreter(TranslatorContext& c, uint32_t eip) {
  c.exit = Exit::kInterpret;
  c.exit_argument = eip;
  return kLeaveForInterpreter;
}

// By the monitor, after a device was reached.
bool is_wanted(const TranslatorContext& c) {
  return c.attention || (c.interrupt_pending && c.state.interrupt_flag);
}

// After the state has changed: the monitor goes on at EIP.
uint64_t dispatch(TranslatorContext& c) {
  c.exit = Exit::kIndirect;
  c.exit_argument = c.state.segment[kCs].base + c.state.eip;
  return kDispatch;
}

// User code that runs natively.
bool is_for_native(TranslatorContext& c, CodeMode mode) {
  const bool is = mode.user() && c.native_user;
  if (is) c.returned_to_user = true;
  return is;
}

uint64_t proceed_in(TranslatorContext& c, CodeMode mode, uint64_t code_segment) {
  const bool user = mode.user();
  c.code_segment = code_segment;
  for (const auto& candidate : c.mode_tables[user]) {
    if (candidate.mode != mode.bits) continue;
    c.jump_table = candidate.table;
    if (c.window_base != c.space_base[user]) {
      c.window_base = c.space_base[user];
      _writegsbase_u64(c.window_base);
    }
    return jump_table_code(candidate.table, code_segment + c.state.eip);
  }
  return kDispatch;
}

// Out of the way of flat code.
[[gnu::noinline]] uint64_t proceed_in_segments(TranslatorContext& c) {
  if (!CodeMode::translatable(c.state)) return kDispatch;
  const CodeMode mode = CodeMode::of(c.state);
  if (is_for_native(c, mode) || !mode.has(CodeMode::kParagraphs)) return kDispatch;
  return proceed_in(c, mode, code_segment_of_paragraphs(c.state.segment[kCs].base));
}

// The same in translated code: the block at EIP in the mode that now holds.
uint64_t proceed(TranslatorContext& c) {
  dispatch(c);
  if (!CodeMode::translatable_flat(c.state)) return proceed_in_segments(c);
  const CodeMode mode = CodeMode::of_flat(c.state);
  return is_for_native(c, mode) ? kDispatch : proceed_in(c, mode, 0);
}

// An instruction that is done: what is left to the interpreter is counted there.
void count(Sensitive instruction) {
  counters().callouts++;
  sensitive_counts()[static_cast<size_t>(instruction)]++;
}

uint64_t finish(TranslatorContext& c, Sensitive instruction) {
  count(instruction);
  return proceed(c);
}

// What CodeMode depends on of a data segment: all there is of it in translatable() for DS and ES, a bit for
// FS and, in ring 3, for GS.
bool is_usable_unchecked(const CpuState& s, unsigned index) {
  const Segment& segment = s.segment[index];
  if (index == kGs && s.cpl == 0) return false;
  return (index == kFs || index == kGs ? segment.unlimited() : segment.flat()) && writable(segment);
}

// Within the block, unless the mode that it was translated for has ended with the load of this segment
// register.
uint64_t come_back(TranslatorContext& c, Sensitive instruction, unsigned index, bool was_usable) {
  if (is_usable_unchecked(c.state, index) != was_usable) return finish(c, instruction);
  count(instruction);
  return c.behind_callout;
}

// True if the GDT is the one that memos are of, or could be made so.
bool follow_gdt(TranslatorContext& c) {
  SegmentLoads& loads = c.segment_loads;
  const DescriptorTable& gdtr = c.state.gdtr;
  if (loads.is_of(gdtr)) return true;
  const uint32_t page = gdtr.base >> kPageShift;
  const CalloutPage& entry = c.callout_pages[page % c.callout_pages.size()];
  if (entry.tag != page + 1) return false;
  loads.forget();
  loads.gdt_base = gdtr.base;
  loads.gdt_limit = gdtr.limit;
  loads.gdt_global = entry.global;
  loads.gdt = entry.host + (gdtr.base & kPageMask);
  return true;
}

// `next`: where it leads.
void remember_segment_load(TranslatorContext& c, unsigned detail, uint16_t selector, bool popped,
                           uint64_t next) {
  const unsigned index = detail & 7, offset = selector & ~7u;
  if (c.state.cpl != 0 || !follow_gdt(c)) return;
  const bool same_page = (c.state.gdtr.base & kPageMask) + offset + 8 <= kPageSize;
  if (!same_page || offset + 7 > c.state.gdtr.limit) return;
  const uint32_t key = SegmentLoads::key_of(detail, selector);
  const uint8_t* descriptor_at = c.segment_loads.gdt + offset;
  uint64_t descriptor;
  __builtin_memcpy(&descriptor, descriptor_at, sizeof descriptor);
  c.segment_loads.memos[popped][SegmentLoads::number_of(key)] = {
      .minus_key = 0 - key,
      .minus_descriptor = 0 - descriptor,
      .descriptor_at = descriptor_at,
      .segment = c.state.segment[index],
      .table = next == c.behind_callout ? 0 : c.jump_table};
}

// ---- The instructions -------------------------------------------------------------------------------------

// `popped`: bytes that the selector takes off the stack.
uint64_t load_segment(TranslatorContext& c, uint32_t eip, uint32_t info, uint32_t selector, uint32_t popped,
                      Sensitive instruction) {
  const unsigned index = info >> 8 & 7;
  const bool was_usable = is_usable_unchecked(c.state, index);
  if (!load_data_segment(c, index, static_cast<uint16_t>(selector))) return leave_for_interpreter(c, eip);
  c.state.gpr[kEsp] += popped;
  c.state.eip = eip + (info & 0xFF);
  const uint64_t next = come_back(c, instruction, index, was_usable);
  if (next != kDispatch)
    remember_segment_load(c, info >> 8, static_cast<uint16_t>(selector), popped != 0, next);
  return next;
}

uint64_t load_segment(TranslatorContext* c, uint32_t eip, uint32_t info, uint32_t value) noexcept {
  return load_segment(*c, eip, info, value, 0, Sensitive::kMoveToSegment);
}

uint64_t pop_segment(TranslatorContext* c, uint32_t eip, uint32_t info, uint32_t value) noexcept {
  return load_segment(*c, eip, info, value, 4, Sensitive::kPopSegment);
}

struct InnerStack {
  RawDescriptor descriptor;
  uint16_t selector;
  uint32_t pointer;
};

// The ring-0 stack that the 32-bit TSS names.
bool read_ring0_stack(TranslatorContext& c, InnerStack& stack) {
  const Segment& tr = c.state.tr;
  constexpr uint16_t kTss32 = 8;
  if (!(tr.attributes & kTss32) || tr.limit < 11) return false;
  const uint8_t* tss = reach(c, tr.base + 4, 8, false);
  if (!tss) return false;
  stack.pointer = dword(tss, 0);
  stack.selector = static_cast<uint16_t>(dword(tss, 1));
  return read_flat_stack(c, stack.selector, 0, stack.descriptor);
}

// Where the frame goes: the current stack in ring 0, the one of the TSS from ring 3.
bool read_handler_stack(TranslatorContext& c, InnerStack& stack) {
  const CpuState& s = c.state;
  if (s.cpl == 3) return read_ring0_stack(c, stack);
  stack.pointer = s.gpr[kEsp];
  return s.segment[kSs].flat() && s.segment[kSs].big();
}

// `bytes` of the stack at SP + `offset`, in real mode; nullptr as reach(), or where SP would wrap.
uint8_t* reach_real_stack(TranslatorContext& c, int32_t offset, unsigned bytes, bool write) {
  const Segment& ss = c.state.segment[kSs];
  const uint32_t first = (c.state.gpr[kEsp] & c.state.stack_mask()) + static_cast<uint32_t>(offset);
  if (first > 0x10000 - bytes || first + bytes - 1 > ss.limit) return nullptr;
  return reach(c, ss.base + first, bytes, write);
}

void add_to_stack_pointer(CpuState& s, uint32_t bytes) {
  const uint32_t mask = s.stack_mask();
  s.gpr[kEsp] = (s.gpr[kEsp] & ~mask) | ((s.gpr[kEsp] + bytes) & mask);
}

void load_real_code_segment(CpuState& s, uint16_t selector) {
  s.segment[kCs].selector = selector;
  s.segment[kCs].base = uint32_t{selector} << 4;
}

// INT n in real mode (SDM vol. 3, 20.1.4): as the interpreter's deliver_in_real_mode().
bool enter_real_mode_handler(TranslatorContext& c, uint8_t vector, uint32_t return_ip) {
  CpuState& s = c.state;
  if (vector * 4u + 3 > s.idtr.limit) return false;
  const uint8_t* entry = reach(c, s.idtr.base + vector * 4u, 4, false);
  uint8_t* frame = reach_real_stack(c, -6, 6, true);
  if (!entry || !frame) return false;
  const uint32_t handler = dword(entry, 0), flags = s.eflags_image();
  set_word(frame, 0, return_ip);
  set_word(frame, 1, s.segment[kCs].selector);
  set_word(frame, 2, flags);
  add_to_stack_pointer(s, 0u - 6);
  load_real_code_segment(s, static_cast<uint16_t>(handler >> 16));
  s.eip = handler & 0xFFFF;
  s.system_flags &= ~(eflags::kTf | eflags::kRf | eflags::kAc);
  s.interrupt_flag = 0;
  return true;
}

uint64_t real_interrupt(TranslatorContext* c, uint32_t eip, uint32_t info, uint32_t) noexcept {
  if (!enter_real_mode_handler(*c, static_cast<uint8_t>(info >> 8), eip + (info & 0xFF)))
    return leave_for_interpreter(*c, eip);
  return finish(*c, Sensitive::kIntN);
}

// IRET with 16-bit operands in real mode.
bool real_interrupt_return(TranslatorContext& c) {
  CpuState& s = c.state;
  const uint8_t* frame = s.nmi_blocked ? nullptr : reach_real_stack(c, 0, 6, false);
  if (!frame) return false;
  const uint32_t ip = word(frame, 0), image = word(frame, 2);
  if ((image & eflags::kTf) || ((image & eflags::kIf) && c.interrupt_pending)) return false;
  add_to_stack_pointer(s, 6);
  load_real_code_segment(s, static_cast<uint16_t>(word(frame, 1)));
  s.eip = ip;
  s.set_eflags_image((s.eflags_image() & ~0xFFFFu) | image);
  return true;
}

uint64_t real_interrupt_return(TranslatorContext* c, uint32_t eip, uint32_t, uint32_t) noexcept {
  if (!real_interrupt_return(*c)) return leave_for_interpreter(*c, eip);
  return finish(*c, Sensitive::kIret);
}

uint64_t interrupt(TranslatorContext* c, uint32_t eip, uint32_t info, uint32_t) noexcept {
  const uint32_t next = eip + (info & 0xFF);
  const Event event{.vector = static_cast<uint8_t>(info >> 8), .source = EventSource::kSoftwareInterrupt};
  if (!enter_handler(*c, event, next)) return leave_for_interpreter(*c, eip);
  return finish(*c, Sensitive::kIntN);
}

uint32_t kind_of(const Segment& s) { return s.selector | uint32_t{s.attributes} << 16; }

// At the end of SYSENTER and SYSEXIT. None of what is compared have they changed.
uint64_t finish_fast_call(TranslatorContext& c, Sensitive instruction, uint32_t info) {
  const CpuState& s = c.state;
  const uint64_t next = finish(c, instruction);
  if (next == kDispatch) return next;
  c.fast_calls[s.cpl == 3] = {.minus_info = 0 - info,
                              .minus_system_flags = 0 - s.system_flags,
                              .minus_gs_limit = 0 - s.segment[kGs].limit,
                              .minus_gs_kind = 0 - kind_of(s.segment[kGs]),
                              .cs = kind_of(s.segment[kCs]),
                              .ss = kind_of(s.segment[kSs]),
                              .table = c.jump_table};
  return next;
}

uint64_t sysenter(TranslatorContext* c, uint32_t eip, uint32_t info, uint32_t) noexcept {
  CpuState& s = c->state;
  const auto cs = static_cast<uint16_t>(s.msr.sysenter_cs);
  if (is_null(cs)) return leave_for_interpreter(*c, eip);
  s.system_flags &= ~(eflags::kVm | eflags::kRf);
  s.interrupt_flag = 0;
  s.eip = s.msr.sysenter_eip;
  s.gpr[kEsp] = s.msr.sysenter_esp;
  enter_flat(s, cs, static_cast<uint16_t>((cs & ~3u) + 8), 0);
  return finish_fast_call(*c, Sensitive::kSysenter, info);
}

uint64_t sysexit(TranslatorContext* c, uint32_t eip, uint32_t info, uint32_t) noexcept {
  CpuState& s = c->state;
  const auto cs = static_cast<uint16_t>(s.msr.sysenter_cs & ~3u);
  if (s.cpl != 0 || is_null(cs)) return leave_for_interpreter(*c, eip);
  s.eip = s.gpr[kEdx];
  s.gpr[kEsp] = s.gpr[kEcx];
  enter_flat(s, static_cast<uint16_t>(cs + 16), static_cast<uint16_t>(cs + 24), 3);
  return finish_fast_call(*c, Sensitive::kSysexit, info);
}

// Would a return to ring 3 have to make this segment register null?
bool inaccessible_to_user(const Segment& s) {
  const bool conforming_code = s.is_code() && (s.attributes & kExpandDownOrConforming);
  return s.attributes != 0 && !conforming_code && s.dpl() < 3;
}

bool return_to_user(TranslatorContext& c, uint16_t cs, const uint8_t* frame) {
  CpuState& s = c.state;
  RawDescriptor code, data;
  const auto ss = static_cast<uint16_t>(dword(frame, 4));
  if (!read_flat_code(c, cs, 3, code) || !read_flat_stack(c, ss, 3, data)) return false;
  for (const unsigned n : {unsigned{kEs}, unsigned{kDs}, unsigned{kFs}, unsigned{kGs}}) {
    if (inaccessible_to_user(s.segment[n])) return false;
  }
  s.gpr[kEsp] = dword(frame, 3);
  set_segment(s.segment[kCs], cs, code);
  set_segment(s.segment[kSs], ss, data);
  s.cpl = 3;
  return true;
}

// IRETD in ring 0 to ring 0 or 3 (SDM vol. 2, IRET).
bool interrupt_return(TranslatorContext& c) {
  CpuState& s = c.state;
  if (s.cpl != 0 || s.nmi_blocked) return false;
  const uint8_t* frame = reach(c, s.gpr[kEsp], 12, false);
  if (!frame) return false;
  const uint32_t eip = dword(frame, 0), image = dword(frame, 2);
  const auto cs = static_cast<uint16_t>(dword(frame, 1));
  // RF, set in the image of every fault, matters to instruction breakpoints only, and there are none in
  // translated code.
  constexpr uint32_t unusual = eflags::kTf | eflags::kNt | eflags::kVm | eflags::kVif | eflags::kVip;
  if ((image | s.system_flags) & unusual) return false;
  if ((image & eflags::kIf) && c.interrupt_pending) return false;
  if ((cs & 3) == 3) {
    frame = reach(c, s.gpr[kEsp], 20, false);
    if (!frame || !return_to_user(c, cs, frame)) return false;
  } else {
    RawDescriptor code;
    if ((cs & 3) != 0 || !read_flat_code(c, cs, 0, code)) return false;
    set_segment(s.segment[kCs], cs, code);
    s.gpr[kEsp] += 12;
  }
  s.eip = eip;
  s.set_eflags_image(image & ~eflags::kRf);
  return true;
}

uint64_t interrupt_return(TranslatorContext* c, uint32_t eip, uint32_t, uint32_t) noexcept {
  if (!interrupt_return(*c)) return leave_for_interpreter(*c, eip);
  const uint64_t next = finish(*c, Sensitive::kIret);
  // Let the monitor map the page that the guest has just provided.
  return c->retry.pending && c->state.eip == c->retry.eip ? kDispatch : next;
}

// In ring 0. The monitor waits for the interrupt.
uint64_t halt(TranslatorContext* c, uint32_t eip, uint32_t info, uint32_t) noexcept {
  c->state.eip = eip + (info & 0xFF);
  c->state.halted = true;
  count(Sensitive::kHlt);
  return dispatch(*c);
}

// IN and OUT in ring 0, where IOPL and the I/O permission bitmap do not matter.
uint64_t port_io(TranslatorContext* c, uint32_t eip, uint32_t info, uint32_t value) noexcept {
  if (!c->bus) return leave_for_interpreter(*c, eip);
  constexpr unsigned kWide = 1 << 8, kOutput = 2 << 8, kWord = 4 << 8;
  const auto port = static_cast<uint16_t>(value);
  const unsigned size = !(info & kWide) ? 1 : info & kWord ? 2 : 4;
  const uint32_t mask = size == 4 ? ~0u : (1u << 8 * size) - 1;
  uint32_t& eax = c->state.gpr[kEax];
  c->state.eip = eip;  // for the log
  if (info & kOutput)
    c->bus->write_port(port, size, eax & mask);
  else
    eax = (eax & ~mask) | (c->bus->read_port(port, size) & mask);
  c->state.eip = eip + (info & 0xFF);
  count(info & kOutput ? Sensitive::kOut : Sensitive::kIn);
  return is_wanted(*c) ? dispatch(*c) : c->behind_callout;
}

// INVLPG in ring 0.
uint64_t invalidate_page(TranslatorContext* c, uint32_t eip, uint32_t info, uint32_t linear) noexcept {
  if (!c->bus) return leave_for_interpreter(*c, eip);
  c->state.eip = eip + (info & 0xFF);
  c->bus->page_invalidated(linear);
  return finish(*c, Sensitive::kInvlpg);
}

// The block's mode does not say that TS was set: EM does the same.
uint64_t clear_task_switched(TranslatorContext* c, uint32_t eip, uint32_t info, uint32_t) noexcept {
  c->state.cr0 &= ~cr0::kTs;
  c->state.eip = eip + (info & 0xFF);
  return finish(*c, Sensitive::kClts);
}

// What changes TS alone has no other effect than on the mode.
uint64_t write_cr0(TranslatorContext* c, uint32_t eip, uint32_t info, uint32_t value) noexcept {
  if ((c->state.cr0 ^ value) != cr0::kTs) return leave_for_interpreter(*c, eip);
  c->state.cr0 = value;
  c->state.eip = eip + (info & 0xFF);
  return finish(*c, Sensitive::kMoveToCr0);
}

// Does what Vcpu::exception_raised() does of a fault's delivery, but for the log.
bool enter_fault_handler(TranslatorContext& c, uint32_t eip, Vector vector,
                         std::optional<uint32_t> error_code = std::nullopt) {
  const Event event{.vector = static_cast<uint8_t>(vector),
                    .source = EventSource::kException,
                    .error_code = error_code,
                    .sets_resume_flag = true};
  if (log_enabled(LogClass::kInt) || !enter_handler(c, event, eip)) return false;
  counters().guest_exceptions++;
  return true;
}

uint64_t divide_error(TranslatorContext* c, uint32_t eip, uint32_t, uint32_t) noexcept {
  if (!enter_fault_handler(*c, eip, Vector::kDivideError)) return leave_for_interpreter(*c, eip);
  counters().callouts++;
  return proceed(*c);
}

uint64_t deliver_page_fault(TranslatorContext& c, uint32_t eip, uint32_t linear, uint32_t error_code) {
  if (!enter_fault_handler(c, eip, Vector::kPageFault, error_code)) return leave_for_interpreter(c, eip);
  c.state.cr2 = linear;
  counters().guest_page_faults++;
  return proceed(c);
}

// Behind a MOV that a device has answered. `into`: the register that it loads, or nullptr.
uint64_t go_on_behind_move(TranslatorContext& c, uint32_t next, uint32_t* into, unsigned bytes,
                           uint32_t value) {
  const uint32_t mask = ~0u >> (32 - 8 * bytes);
  if (into) *into = (*into & ~mask) | (value & mask);
  c.state.eip = next;
  return is_wanted(c) ? dispatch(c) : proceed(c);
}

// Bits of `info`: 0 to 7 the instruction's length, 8 to 14 the access's, 15 a write, 16 of_destination; 17 a
// MOV, 18 to 20 its register, 21 an immediate instead of that; 22 by_piece.
uint64_t checked_miss(TranslatorContext* c, uint32_t eip, uint32_t info, uint32_t linear) noexcept {
  const bool write = info >> 15 & 1, is_move = info >> 17 & 1, of_immediate = info >> 21 & 1;
  uint32_t& reg = c->state.gpr[info >> 18 & 7];
  uint32_t moved = of_immediate ? c->moved_immediate : reg;
  const CheckedMiss miss{.linear = linear,
                         .bytes = static_cast<uint16_t>(info >> 8 & 0x7F),
                         .write = write,
                         .of_destination = (info >> 16 & 1) != 0,
                         .by_piece = (info >> 22 & 1) != 0,
                         .moved = is_move && c->state.cpl == 0 ? &moved : nullptr};
  uint32_t error_code = 0;
  counters().callouts++;
  c->state.eip = eip;  // for the log
  switch (c->checked_misses->serve(miss, error_code)) {
    case CheckedMissServer::Answer::kEntered:
      return c->behind_callout;
    case CheckedMissServer::Answer::kMoved:
      return go_on_behind_move(*c, eip + (info & 0xFF), write ? nullptr : &reg, miss.bytes, moved);
    case CheckedMissServer::Answer::kPageFault:
      return deliver_page_fault(*c, eip, linear, error_code);
    case CheckedMissServer::Answer::kInterpret:
      break;
  }
  return leave_for_interpreter(*c, eip);
}

}  // namespace

// SDM vol. 3, 6.12.1.
bool enter_handler(TranslatorContext& c, const Event& event, uint32_t return_eip) {
  CpuState& s = c.state;
  const bool breakpoints = s.dr[7] & 0xFF;
  if (s.without_descriptors() || breakpoints || (s.cpl != 0 && s.cpl != 3)) return false;
  if (event.vector * 8u + 7 > s.idtr.limit) return false;
  const uint8_t* gate = reach(c, s.idtr.base + event.vector * 8u, 8, false);
  if (!gate) return false;
  const uint32_t low = dword(gate, 0), high = dword(gate, 1);
  // Present, 32-bit interrupt (E) or trap (F) gate.
  if ((high & 0x9E00) != 0x8E00) return false;
  if (event.is_software() && (high >> 13 & 3) < s.cpl) return false;
  const auto cs = static_cast<uint16_t>(low >> 16);
  RawDescriptor code;
  InnerStack stack;
  if (!read_flat_code(c, cs, 0, code) || !read_handler_stack(c, stack)) return false;
  const bool switched = s.cpl != 0;
  const unsigned bytes = 4 * (3 + 2 * switched + event.error_code.has_value());
  uint8_t* frame = reach(c, stack.pointer - bytes, bytes, true);
  if (!frame) return false;
  if (event.error_code) {
    set_dword(frame, 0, *event.error_code);
    frame += 4;
  }
  set_dword(frame, 0, return_eip);
  set_dword(frame, 1, s.segment[kCs].selector);
  set_dword(frame, 2, s.eflags_image() | (event.sets_resume_flag ? eflags::kRf : 0));
  if (switched) {
    set_dword(frame, 3, s.gpr[kEsp]);
    set_dword(frame, 4, s.segment[kSs].selector);
    set_segment(s.segment[kSs], stack.selector, stack.descriptor);
  }
  s.gpr[kEsp] = stack.pointer - bytes;
  set_segment(s.segment[kCs], static_cast<uint16_t>(cs & ~3u), code);
  s.cpl = 0;
  s.interrupts_shadowed = s.debug_trap_shadowed = false;
  s.system_flags &= ~(eflags::kTf | eflags::kNt | eflags::kRf | eflags::kVm);
  if (!(high & 0x100)) s.interrupt_flag = 0;
  s.eip = (low & 0xFFFF) | (high & 0xFFFF0000);
  return true;
}

CalloutFunction callout_function(Callout callout) {
  // clang-format off
  switch (callout) {
    case Callout::kLoadSegment: return load_segment;
    case Callout::kPopSegment: return pop_segment;
    case Callout::kInterrupt: return interrupt;
    case Callout::kSysenter: return sysenter;
    case Callout::kSysexit: return sysexit;
    case Callout::kInterruptReturn: return interrupt_return;
    case Callout::kRealInterrupt: return real_interrupt;
    case Callout::kRealInterruptReturn: return real_interrupt_return;
    case Callout::kHalt: return halt;
    case Callout::kClearTaskSwitched: return clear_task_switched;
    case Callout::kWriteCr0: return write_cr0;
    case Callout::kDivideError: return divide_error;
    case Callout::kPortIo: return port_io;
    case Callout::kInvalidatePage: return invalidate_page;
    case Callout::kCheckedMiss: return checked_miss;
  }
  // clang-format on
  return nullptr;
}

}  // namespace ringdown
