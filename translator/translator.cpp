#include "translator/translator.h"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <utility>

#include "host-driver/counters.h"
#include "interpreter/descriptor.h"
#include "translator/block_log.h"
#include "translator/callouts.h"
#include "translator/thunks.h"

namespace ringdown {
namespace {

constexpr size_t kCodeCacheBytes = 64u << 20;
constexpr unsigned kLongestInstruction = 15;
// Of an instruction it counts what it raised among the last so many faults of all.
constexpr unsigned kRecentFaults = 1000;
// With so many checked instructions all are forgotten.
constexpr size_t kMaxCheckedInstructions = 1 << 16;
// After so many kicks in a row that found a checked access running it is checked no more.
constexpr unsigned kSamplesOfHotAccess = 3;
// What is checked no more since its pages are mapped may fault on so many others.
constexpr int kFaultsOfCrowded = 1024;
// A guest that translates no more than so many blocks while it halts so often has settled; it is worth to
// empty a cache with so many bytes of blocks then.
constexpr unsigned kFewBlocks = 50, kSettledHalts = 250;
constexpr size_t kWorthEmptying = 2u << 20;
// More than any block: 64 instructions of 15 bytes.
constexpr unsigned kLongestBlock = 1024;

// A string instruction, of which the host's registers hold what lower_string() made of the guest's, or
// nullptr.
const uint8_t* string_opcode(const uint8_t* code) {
  while (*code == 0xF3 || *code == 0xF2 || *code == 0x66) code++;
  const bool string = *code >= 0xA4 && *code <= 0xAF && *code != 0xA8 && *code != 0xA9;
  return string ? code : nullptr;
}

// An interrupt can end it between iterations.
bool is_repeated_string(const uint8_t* code) {
  const bool repeated = *code == 0xF3 || *code == 0xF2;
  return repeated && string_opcode(code);
}

// Makes RSI and RDI the guest's again, if a string instruction was interrupted.
void restore_string_pointers(ucontext_t& host) {
  auto& gregs = host.uc_mcontext.gregs;
  const uint8_t* const opcode = string_opcode(reinterpret_cast<const uint8_t*>(gregs[REG_RIP]));
  if (!opcode) return;
  if (string_has_source(*opcode)) gregs[REG_RSI] = static_cast<uint32_t>(gregs[REG_RSI] - gregs[REG_R10]);
  if (string_has_destination(*opcode))
    gregs[REG_RDI] = static_cast<uint32_t>(gregs[REG_RDI] - gregs[REG_R11]);
}

// An exchanging instruction could read in its first page but perhaps not write there, which would be its
// fault.
bool reads_second_page(uint64_t address, const ucontext_t& host) {
  const auto first = static_cast<uint32_t>(host.uc_mcontext.gregs[REG_R11]);
  return (static_cast<uint32_t>(address) ^ first) & ~kPageMask;
}

}  // namespace

Translator::Translator(TranslatorContext& context, Mmu& mmu, ShadowMmu& shadow, const CpuModel& model)
    : context_(context),
      state_(context.state),
      mmu_(mmu),
      memory_(mmu.memory()),
      shadow_(shadow),
      cache_(kCodeCacheBytes),
      blocks_(model, cache_) {
  const auto add_thunk = [this](const auto& emit) {
    Emitter out;
    emit(out);
    return reinterpret_cast<uint64_t>(cache_.add_permanent(out.code()));
  };
  entry_ = reinterpret_cast<void (*)(TranslatorContext*)>(add_thunk(emit_entry_thunk));
  for (const Exit exit : {Exit::kLink, Exit::kIndirect, Exit::kInterpret, Exit::kFault})
    context_.exits[static_cast<size_t>(exit)] = add_thunk([&](Emitter& out) { emit_exit_thunk(out, exit); });
  context_.table_jump = add_thunk([](Emitter& out) { out.emit_table_jump(); });
  for (size_t n = 0; n < kCallouts; n++)
    context_.callouts[n] = add_thunk([&](Emitter& out) { emit_callout_thunk(out, static_cast<Callout>(n)); });
  context_.checked_misses = this;
  empty_table_ = std::make_unique<CodeView::Table>(nowhere(), PageSize::kSmall);
  memory_.set_observer(this);
  reset();
}

void Translator::reset() {
  flush_cache();
  views_.clear();
  context_.slot_space.fill(0);
  forget_cpuid();
  forget_pages();
  follow_spaces();
}

// After the current spaces have changed.
void Translator::follow_spaces() {
  const WindowSpace* spaces[] = {&shadow_.supervisor(), &shadow_.user()};
  for (unsigned n = 0; n < 2; n++) {
    context_.space_base[n] = spaces[n]->base();
    current_views_[n] = &view_of(*spaces[n]);
    use_mode_tables(n, *current_views_[n]);
  }
}

void Translator::use_mode_tables(unsigned user, const CodeView& view) {
  const auto tables = view.mode_tables();
  if (tables == context_.mode_tables[user]) return;
  context_.mode_tables[user] = tables;
  context_.fast_calls[user].forget();
  if (!user) context_.segment_loads.forget();
}

// ---- Running ----------------------------------------------------------------------------------------------

RunEnd Translator::run() {
  while (true) {
    const CodeMode mode = CodeMode::of(state_);
    context_.code_segment = code_segment(mode);
    forget_what_no_longer_holds();
    const uint8_t* code = code_at(state_.eip, mode);
    if (!code) return no_code_end_;
    if (kicked_) {
      kicked_ = 0;
      (*empty_table_)->returns.fill(nowhere().ret);  // but for a call on the way out
      stop_checking_what_is_hot();
      return RunEnd::kKicked;
    }
    enter(code);
    switch (context_.exit) {
      case Exit::kLink: {
        Edge& edge = *reinterpret_cast<Edge*>(context_.exit_argument);
        state_.eip = edge.target;
        follow(edge);
        break;
      }
      case Exit::kIndirect:
        state_.eip = static_cast<uint32_t>(context_.exit_argument) - state_.segment[kCs].base;
        if (context_.retry.pending) map_for_retry();
        break;
      case Exit::kInterpret:
        state_.eip = static_cast<uint32_t>(context_.exit_argument);
        if (context_.callout_miss) serve_callout_miss();
        if (std::exchange(crowded_, false)) stop_checking_crowded();
        return RunEnd::kInterpret;
      case Exit::kFault:
        if (!fault_redispatch_) return fault_end_;
        break;
    }
    if (std::exchange(context_.returned_to_user, false)) return RunEnd::kUser;
    // A callout may have changed the mode, armed a device, raised an interrupt, or halted.
    const bool interrupt = context_.interrupt_pending && state_.interrupt_flag;
    if (context_.attention || interrupt || state_.halted || !CodeMode::translatable(state_))
      return RunEnd::kKicked;
  }
}

// Memos of what the interpreter alone changes.
void Translator::forget_what_no_longer_holds() {
  if (!context_.segment_loads.is_of(state_.gdtr)) context_.segment_loads.forget();
  const auto registers = FastCallRegisters::of(state_);
  if (registers == fast_call_registers_) return;
  fast_call_registers_ = registers;
  for (FastCallMemo& memo : context_.fast_calls) memo.forget();
}

// The guest has returned to the access that it took a page fault for.
void Translator::map_for_retry() {
  const auto& retry = context_.retry;
  if (retry.eip != state_.eip || retry.cr3 != state_.cr3) return;
  context_.retry.pending = false;
  counters().shadow_pages_mapped_ahead++;
  shadow_.map_ahead(retry.linear, retry.write);
}

bool Translator::deliver(const Event& event) {
  const bool done = enter_handler(context_, event, state_.eip);
  if (context_.callout_miss) serve_callout_miss();
  return done;
}

void Translator::remember_cpuid(uint32_t leaf, uint32_t subleaf) {
  const auto& gpr = state_.gpr;
  context_.cpuid = {.empty = 0,
                    .minus_leaf = 0 - leaf,
                    .minus_subleaf = 0 - subleaf,
                    .minus_revision = 0 - static_cast<uint32_t>(state_.msr.microcode_revision >> 32),
                    .eax = gpr[kEax],
                    .ebx = gpr[kEbx],
                    .ecx = gpr[kEcx],
                    .edx = gpr[kEdx],
                    .answered = 1};
}

// The page that a callout would have needed, for the next time.
void Translator::serve_callout_miss() {
  const uint32_t page = context_.callout_miss - 1;
  const bool write = context_.callout_miss_write;
  context_.callout_miss = 0;
  WalkFailure failure;
  const Access access{write ? AccessKind::kWrite : AccessKind::kRead, false};
  const auto t = walk(PagingRegisters::of(state_), memory_, page << kPageShift, access, failure);
  if (!t || !memory_.is_ram_page(t->physical >> kPageShift)) return;
  if (write && memory_.holds_code(t->physical)) return;
  context_.callout_pages[page % context_.callout_pages.size()] = {
      .tag = page + 1, .writable = write, .global = t->global, .host = memory_.ram() + t->physical};
}

CheckedMissServer::Answer Translator::serve(const CheckedMiss& miss, uint32_t& error_code) {
  const auto [linear, bytes, write, of_destination, by_piece, moved] = miss;
  counters().checked_misses++;
  const bool user = state_.cpl == 3;
  if (!by_piece && hot_checked_accesses_.user == user) hot_checked_accesses_ = {};
  const uint32_t unit = by_piece ? CodePieces::kBytes : kPageSize;
  if (linear % unit + bytes > unit || may_fault_otherwise(linear, bytes)) return Answer::kInterpret;
  if (of_destination && !source_is_readable(user)) return Answer::kInterpret;
  WalkFailure failure;
  const Access access{write ? AccessKind::kWrite : AccessKind::kRead, user};
  const auto t = walk(PagingRegisters::of(state_), memory_, linear, access, failure);
  if (!t) {
    error_code = failure.error_code;
    return Answer::kPageFault;
  }
  const uint64_t frame = t->physical >> kPageShift, storage = memory_.storage_page(frame);
  if (storage == PhysicalMemory::kNoStorage)
    return moved ? reach_device(t->physical, miss) : Answer::kInterpret;
  if (write && memory_.announce_write(frame) && (!by_piece || code_pieces_.holds(t->physical, bytes)))
    return Answer::kInterpret;
  const uint64_t host_of_0 =
      reinterpret_cast<uint64_t>(memory_.ram()) + (storage << kPageShift) - (linear & ~kPageMask);
  if (by_piece) {
    has_checked_pieces_ = true;
    CheckedPages& pieces = context_.checked_pieces[user];
    // An instruction with several accesses would displace its own for ever, where SP wraps.
    const bool displaces = pieces.has_another_than(linear / unit);
    pieces.enter(linear / unit, host_of_0, false);
    return displaces ? Answer::kInterpret : Answer::kEntered;
  }
  if (user && is_of_crowd(linear, write)) return Answer::kInterpret;
  for (const bool writes : {false, write})
    context_.checked_pages[user][writes].enter(linear / unit, host_of_0, t->global);
  return Answer::kEntered;
}

// A page enters the user's software TLB. True: the instruction that needs it shall be checked no more.
bool Translator::is_of_crowd(uint32_t linear, bool write) {
  using Advice = CrowdedPages::Advice;
  const uint32_t page = linear >> kPageShift;
  const bool displaces = context_.checked_pages[1][write].has_another_than(page);
  const auto is_mapped = [&] {
    return shadow_.user().pages().is_mapped(PagingRegisters::of(state_), linear, write);
  };
  const Advice advice = crowded_pages_.enter(page, write, displaces, is_mapped);
  if (advice == Advice::kMap) shadow_.map_ahead(linear, write);
  return crowded_ = advice == Advice::kStopChecking;
}

CheckedMissServer::Answer Translator::reach_device(uint64_t physical, const CheckedMiss& miss) {
  counters().checked_device_accesses++;
  if (miss.write)
    memory_.write_bytes(physical, miss.moved, miss.bytes);
  else
    memory_.read_bytes(physical, miss.moved, miss.bytes);
  return Answer::kMoved;
}

// The element at ESI, whatever its size.
bool Translator::source_is_readable(bool user) const {
  constexpr unsigned kLargestElement = 4;
  const uint32_t linear = state_.gpr[kEsi];
  WalkFailure failure;
  const bool one_page = (linear & kPageMask) + kLargestElement <= kPageSize;
  return one_page && walk(PagingRegisters::of(state_), memory_, linear, {AccessKind::kRead, user}, failure);
}

// Before its page fault: for want of the alignment that most vector operands need, or a pending x87
// exception's.
bool Translator::may_fault_otherwise(uint32_t linear, unsigned bytes) {
  constexpr unsigned kVector = 16;
  constexpr uint16_t kErrorSummary = 1 << 7;
  uint16_t x87_status;
  asm volatile("fnstsw %0" : "=a"(x87_status));
  return (bytes == kVector && linear % kVector != 0) || (x87_status & kErrorSummary);
}

RunEnd Translator::page_fault(const WalkFailure& failure, uint32_t linear) {
  pending_fault_ = {Vector::kPageFault, true, failure.error_code, linear};
  return RunEnd::kGuestFault;
}

// See TranslatorContext::code_segment. A number takes two of the upper half, for sums that carry into it.
uint64_t Translator::code_segment(CodeMode mode) {
  const Segment& cs = state_.segment[kCs];
  if (!mode.segmented()) return 0;
  if (mode.has(CodeMode::kParagraphs)) return code_segment_of_paragraphs(cs.base);
  const auto number = code_segments_.try_emplace(uint64_t{cs.limit} << 32 | cs.base, code_segments_.size());
  return uint64_t{number.first->second} << 33 | cs.base;
}

// As the interpreter's segment_allows(), but that an access never wraps at 4 GiB.
void Translator::set_limit_probes() {
  const bool typed = !state_.without_descriptors();
  for (unsigned n = 0; n < state_.segment.size(); n++) {
    const Segment& s = state_.segment[n];
    const auto probe = [&](AccessKind kind) {
      const bool allowed = (!typed || type_allows(s, kind)) && !s.expands_down();
      return allowed ? limits_.for_last(s.limit) : limits_.for_nothing();
    };
    context_.limit_probes[n] = {probe(AccessKind::kRead), probe(AccessKind::kWrite)};
  }
  context_.fetch_probe = limits_.for_last(state_.segment[kCs].limit);
}

void Translator::enter(const uint8_t* code) {
  const bool user = state_.cpl == 3;
  if (current_view().mode().segmented()) set_limit_probes();
  const uint64_t base = context_.space_base[user];
  if (base != context_.window_base) {
    context_.window_base = base;
    _writegsbase_u64(base);
  }
  context_.jump_table = current_view().table();
  context_.entry = reinterpret_cast<uint64_t>(code);
  log_execution(state_.eip, state_.cpl, code);
  entry_(&context_);
}

CodeView& Translator::view_of(const WindowSpace& space) {
  auto& view = views_[&space];
  const bool supervisor = &space == &shadow_.supervisor();
  if (!view) view = std::make_unique<CodeView>(nowhere(), supervisor ? PageSize::kHuge : PageSize::kSmall);
  return *view;
}

void Translator::use_mode(CodeView& view, CodeMode mode) {
  if (view.use_mode(mode)) use_mode_tables(mode.user(), view);
}

// nullptr: nothing can be translated there, because it is not RAM.
const uint8_t* Translator::code_at(uint32_t eip, CodeMode mode) {
  counters().block_lookups++;
  CodeView& view = current_view();
  use_mode(view, mode);
  if (const uint8_t* code = view.find(context_.code_segment + eip)) return code;
  EntryPoint* point = block_at(view, eip, mode, EnteredBy::kTable);
  if (!point) return nullptr;
  enter_in_table(view, *point);
  return point->body;
}

// Without room for an entry it has to be looked up each time, until the cache is flushed.
void Translator::enter_in_table(CodeView& view, EntryPoint& point) {
  if (!point.entry) {
    const CountedCycles cycles(counters().translation_cycles);
    const auto code = blocks_.translate_entry(EntryTable::key_of(point));
    if (!cache_.has_room(code.size())) return;
    cache_.add_entry(point, code);
  }
  view.enter(point.place(), point.entry);
}

const CodeView::Page* Translator::executable_page(CodeView& view, uint32_t linear, bool user) {
  const uint32_t number = linear >> kPageShift;
  const auto known = view.pages().find(number);
  if (known != view.pages().end()) return &known->second;
  WalkFailure failure;
  const auto t = walk(PagingRegisters::of(state_), memory_, linear, {AccessKind::kFetch, user}, failure);
  if (!t) {
    no_code_end_ = page_fault(failure, linear);
    return nullptr;
  }
  const uint64_t frame = t->physical >> kPageShift;
  view.has_non_global |= !t->global;
  if (user) move_blocks_here(number, frame);
  enter_blocks_of(view, number, frame);
  return &(view.pages()[number] = {.frame = frame, .translation = *t});
}

// A program's libraries lie elsewhere in each process, but they are the same memory: once the process before
// has ended, what was translated for it is moved, if there is nothing at the new place yet.
void Translator::move_blocks_here(uint32_t page_number, uint64_t frame) {
  const auto begins_here = [frame](const Block* block) {
    return block->key.mode.user() && !block->key.mode.segmented() &&
           block->key.physical >> kPageShift == frame;
  };
  const Block* any = nullptr;
  for (const Block* block : cache_.blocks_of_frame(frame)) {
    if (!begins_here(block)) continue;
    if (block->key.eip >> kPageShift == page_number) return;
    if (!any) any = block;
  }
  if (!any || any_view_has(any->key.eip >> kPageShift, frame)) return;
  const uint32_t from_page = any->key.eip >> kPageShift;
  const auto blocks = cache_.blocks_of_frame(frame);
  for (Block* block : std::vector(blocks.begin(), blocks.end())) {
    if (!begins_here(block) || block->key.eip >> kPageShift != from_page) continue;
    const uint32_t distance = (page_number - from_page) << kPageShift;
    if (!blocks_.can_relocate(*block, block->key.eip + distance))
      cache_.discard(*block);
    else
      cache_.move(*block, distance);
  }
}

bool Translator::any_view_has(uint32_t page_number, uint64_t frame) const {
  return std::ranges::any_of(views_, [&](const auto& entry) {
    const auto page = entry.second->pages().find(page_number);
    return page != entry.second->pages().end() && page->second.frame == frame;
  });
}

// What was translated for another space, or before this one forgot its pages.
void Translator::enter_blocks_of(CodeView& view, uint32_t page_number, uint64_t frame) {
  for (const Block* block : cache_.blocks_of_frame(frame)) {
    const bool begins_here = block->key.linear() >> kPageShift == page_number;
    if (!begins_here || block->crosses_page() || !view.is_current(block->key.mode)) continue;
    for (const EntryPoint& point : block->entry_points) {
      if (point.entry) view.enter_ahead(point.place(), point.entry);
    }
  }
}

EntryPoint* Translator::block_at(CodeView& view, uint32_t eip, CodeMode mode, EnteredBy by) {
  no_code_end_ = RunEnd::kInterpret;
  if (eip > state_.segment[kCs].limit) return nullptr;
  BlockKey key{.physical = 0, .eip = eip, .mode = mode, .code_segment = context_.code_segment};
  const CodeView::Page* page = executable_page(view, key.linear(), mode.user());
  if (!page) return nullptr;
  const uint64_t frame = page->frame;
  if (!memory_.is_ram_page(frame)) return nullptr;
  key.physical = frame << kPageShift | (key.linear() & kPageMask);
  EntryPoint* point = cache_.find(key);
  if (point && point->block->crosses_page()) {
    Block& block = *point->block;
    const CodeView::Page* next = executable_page(view, key.linear() + block.guest_bytes - 1, mode.user());
    if (!next || next->frame != block.second_frame) {
      discard_block(block);
      point = nullptr;
    }
  }
  return point ? point : translate(view, key, by);
}

// ---- Translating ------------------------------------------------------------------------------------------

EntryPoint* Translator::translate(CodeView& view, const BlockKey& key, EnteredBy by) {
  if (std::unique_ptr<Block> block = relocated(view, key)) return place(std::move(block));
  const CountedCycles cycles(counters().translation_cycles);
  const unsigned in_first_page = kPageSize - (key.linear() & kPageMask);
  const uint8_t* first = memory_.ram() + key.physical;
  std::array<uint8_t, kLongestBlock + kLongestInstruction> buffer;
  GuestCode code{
      .bytes = {first, in_first_page}, .in_first_page = in_first_page, .next_frame = Block::kNoFrame};
  if (in_first_page < kLongestBlock) {
    std::copy_n(first, in_first_page, buffer.begin());
    unsigned size = in_first_page;
    // If there is none: whoever executes an instruction that reaches there takes the fault.
    const CodeView::Page* next = executable_page(view, key.linear() + in_first_page, key.mode.user());
    if (next && memory_.is_ram_page(next->frame)) {
      code.next_frame = next->frame;
      std::copy_n(memory_.ram() + (next->frame << kPageShift), kLongestInstruction,
                  buffer.begin() + in_first_page);
      size += kLongestInstruction;
    }
    code.bytes = {buffer.data(), size};
  }
  const uint32_t limit = state_.segment[kCs].limit;
  code.limit = limit;
  if (limit - key.eip < code.bytes.size()) code.bytes = code.bytes.first(limit - key.eip + 1);
  EntryPoint* const start = place(blocks_.translate(key, code, by));
  log_translation(*start->block, code.bytes, blocks_.emitted());
  return start;
}

// From what another process has elsewhere. nullptr: translate it.
std::unique_ptr<Block> Translator::relocated(CodeView& view, const BlockKey& key) {
  const Block* const from = key.mode.user() ? cache_.find_elsewhere(key) : nullptr;
  if (!from || !blocks_.can_relocate(*from, key.eip)) return nullptr;
  if (from->crosses_page()) {
    const CodeView::Page* next = executable_page(view, key.eip + from->guest_bytes - 1, true);
    if (!next || next->frame != from->second_frame) return nullptr;
  }
  return blocks_.relocate(*from, key.eip);
}

// What blocks_ has just made. Returns its start.
EntryPoint* Translator::place(std::unique_ptr<Block> block) {
  Block& b = *block;
  if (!cache_.has_room(blocks_.emitted().size() + blocks_.emitted_stubs().size())) flush_cache();
  cache_.add(std::move(block), blocks_.emitted(), blocks_.emitted_stubs());
  code_pieces_.add(b);
  forget_pieces();
  own_frame(b.key.physical >> kPageShift);
  if (b.crosses_page()) own_frame(b.second_frame);
  return &b.start();
}

void Translator::own_frame(uint64_t frame) {
  if (memory_.holds_code(frame << kPageShift)) return;
  memory_.set_holds_code(frame, true);
  protect_watched(frame, 1);
}

void Translator::protect_watched(uint64_t first_frame, uint64_t frames) {
  shadow_.protect_watched(first_frame, frames);
  forget_pages();
}

// What callouts and checked accesses reach without a walk.
void Translator::forget_pages() {
  context_.callout_pages.fill({});
  context_.segment_loads.forget();
  for_checked_pages([](CheckedPages& pages) { pages.clear(); });
}

template <class F>
void Translator::for_checked_pages(F act) {
  for (auto& ring : context_.checked_pages) {
    for (CheckedPages& pages : ring) act(pages);
  }
  forget_pieces();  // by linear page these say nothing
}

void Translator::forget_pieces() {
  if (!std::exchange(has_checked_pieces_, false)) return;
  for (CheckedPages& pieces : context_.checked_pieces) pieces.clear();
}

void Translator::flush_cache() {
  cache_.flush([&](uint64_t frame) { memory_.set_holds_code(frame, false); });
  code_pieces_.clear();
  for (auto& [space, view] : views_) view->clear_table();
}

// Most of what a guest runs while it starts it never runs again, and what it then runs all the time lies
// scattered among it. Emptied, the cache fills again in the order that code runs in.
bool Translator::halted() {
  if (cache_.blocks() - blocks_before_halts_ > kFewBlocks) {
    blocks_before_halts_ = cache_.blocks();
    settled_halts_ = 0;
  }
  if (++settled_halts_ != kSettledHalts) return false;
  if (cache_.used() >= kWorthEmptying) flush_cache();
  return true;
}

// Links an edge that was just taken, if its target can be had and may be linked.
void Translator::follow(Edge& edge) {
  const CodeMode mode = edge.from->key.mode;
  const uint64_t generation = cache_.generation();
  CodeView& view = current_view();
  if (mode != CodeMode::of(state_)) return;
  use_mode(view, mode);
  EntryPoint* target = block_at(view, edge.target, mode, EnteredBy::kEdge);
  // Making room for the target may have emptied the cache, the edge's own block with it.
  if (!target || cache_.generation() != generation) return;
  if (mode.user() && target->block->crosses_page())
    link_to_table(edge);
  else
    cache_.link(edge, *target);
}

// Of user code.
void Translator::link_to_table(Edge& edge) {
  const auto trampoline = blocks_.translate_user_table_jump(edge.from->key, edge.target);
  if (cache_.has_room(trampoline.size())) cache_.redirect(edge, cache_.add_stubs(trampoline));
}

// ---- What the guest changes -------------------------------------------------------------------------------

void Translator::remove_from_tables(const Block& block) {
  for (const EntryPoint& point : block.entry_points) {
    if (!point.entry) continue;
    for (auto& [space, view] : views_) view->remove(point.place());
  }
}

void Translator::discard_block(Block& block) {
  remove_from_tables(block);
  cache_.discard(block);
}

void Translator::discard_frame(uint64_t frame) {
  for (const Block* block : cache_.blocks_of_frame(frame)) remove_from_tables(*block);
  cache_.discard_frame(frame);
  code_pieces_.forget(frame);
  if (memory_.is_ram_page(frame)) memory_.set_holds_code(frame, false);  // a jump may lead anywhere
}

void Translator::on_code_write(uint64_t physical, unsigned length) {
  if (!code_pieces_.holds(physical, length)) return;
  counters().traced_code_writes++;
  for (uint64_t frame = physical >> kPageShift; frame <= (physical + length - 1) >> kPageShift; frame++)
    discard_frame(frame);
}

// Does the page still translate as it did when it was first executed? For the supervisor a cleared A bit is
// set again, as a processor may that fetches ahead: its blocks are linked across pages and would have to go.
bool Translator::still_valid(uint32_t page_number, CodeView::Page& page, bool supervisor) {
  const auto registers = PagingRegisters::of(state_);
  const uint32_t linear = page_number << kPageShift;
  const auto now = peek(registers, memory_, linear);
  if (!now || now->physical >> kPageShift != page.frame || now->executable != page.translation.executable ||
      now->user != page.translation.user)
    return false;
  page.translation = *now;
  if (now->accessed()) return true;  // otherwise the guest waits for the next fetch to set A again
  WalkFailure failure;
  return supervisor && walk(registers, memory_, linear, {AccessKind::kFetch, false}, failure);
}

void Translator::revalidate_pages(CodeView& view, bool supervisor, bool global_too) {
  if (!global_too && !view.has_non_global) return;
  bool changed = false;
  view.has_non_global = false;
  for (auto item = view.pages().begin(); item != view.pages().end();) {
    auto& [number, page] = *item;
    if ((page.translation.global && !global_too) || still_valid(number, page, supervisor)) {
      view.has_non_global |= !page.translation.global;
      ++item;
      continue;
    }
    changed = true;
    // Supervisor blocks are linked across pages, whatever the space.
    if (supervisor) discard_frame(page.frame);
    item = view.pages().erase(item);
  }
  if (changed) forget_code(view, supervisor);
}

// A user's view begins anew: its pages' blocks are then entered page by page.
void Translator::forget_code(CodeView& view, bool supervisor) {
  if (supervisor)
    view.clear_table();
  else
    view.forget();
}

void Translator::tlb_flushed(TlbFlush kind) {
  follow_spaces();
  crowded_pages_.flush();
  for (CalloutPage& page : context_.callout_pages) {
    if (kind == TlbFlush::kAll || !page.global) page.tag = 0;
  }
  if (kind == TlbFlush::kAll || !context_.segment_loads.gdt_global) context_.segment_loads.forget();
  for_checked_pages([&](CheckedPages& pages) {
    if (kind == TlbFlush::kAll)
      pages.clear();
    else
      pages.clear_non_global();
  });
  revalidate_pages(*current_views_[0], true, kind == TlbFlush::kAll);
  current_views_[1]->use_cr3(state_.cr3);
  revalidate_pages(*current_views_[1], false, true);
}

void Translator::page_invalidated(uint32_t linear) {
  const uint32_t number = linear >> kPageShift;
  mmu_.flush_page(linear);
  crowded_pages_.invalidate(number);
  context_.callout_pages[number % context_.callout_pages.size()].tag = 0;
  context_.segment_loads.forget_page(number);
  for_checked_pages([&](CheckedPages& pages) { pages.remove(number); });
  for (const bool supervisor : {true, false}) {
    CodeView& view = *current_views_[supervisor ? 0 : 1];
    const auto page = view.pages().find(number);
    if (page == view.pages().end() || still_valid(number, page->second, supervisor)) continue;
    if (supervisor) discard_frame(page->second.frame);
    view.pages().erase(page);
    forget_code(view, supervisor);
  }
}

// ---- What the host reports --------------------------------------------------------------------------------

// A callout goes on by a table of its own. Without one all that leaves the block leaves translated code.
bool Translator::kick(ucontext_t& host) {
  kicked_ = 1;
  const auto rip = static_cast<uint64_t>(host.uc_mcontext.gregs[REG_RIP]);
  if (!cache_.contains(rip)) return false;
  Block* block = cache_.at(reinterpret_cast<const uint8_t*>(rip));
  if (!block) return false;
  if (is_repeated_string(reinterpret_cast<const uint8_t*>(rip))) return leave_repeat(*block, host);
  note_where_time_goes(*block, reinterpret_cast<const uint8_t*>(rip));
  for (Edge& edge : block->edges) cache_.unlink(edge);
  host.uc_mcontext.gregs[REG_R14] = static_cast<int64_t>(empty_table_->base());
  return !block->calls_out;
}

// Kicks are samples: checked accesses whose block they hit again and again, with no miss of the same ring in
// between, are in a hot loop, where the window serves them better.
void Translator::note_where_time_goes(const Block& block, const uint8_t* host) {
  if (host < block.start().body || block.key.mode.segmented() || !has_checked_access(block)) return;
  if (hot_checked_accesses_.user != block.key.mode.user()) hot_checked_accesses_ = {};
  hot_checked_accesses_.user = block.key.mode.user();
  hot_checked_accesses_.samples++;
  hot_checked_accesses_.last = block.key;
}

bool Translator::has_checked_access(const Block& block) const {
  return std::any_of(block.starts.begin(), block.starts.end(), [&](const InstructionStart& start) {
    return blocks_.is_checked(block.key.physical + start.guest_offset);
  });
}

// No block is running. What is still hot then is found by the next kick.
void Translator::stop_checking_what_is_hot() {
  if (hot_checked_accesses_.samples < kSamplesOfHotAccess) return;
  const EntryPoint* const point = cache_.find(std::exchange(hot_checked_accesses_, {}).last);
  if (!point) return;
  counters().checks_dropped++;
  const Block& block = *point->block;
  for (const InstructionStart& start : block.starts) stop_checking(block.key.physical + start.guest_offset);
  discard_frame(block.key.physical >> kPageShift);
}

// What is at EIP. It takes a host's fault for each page that is not mapped yet, which is no reason to check
// it again.
void Translator::stop_checking_crowded() {
  const CodeMode mode = CodeMode::of(state_);
  const CodeView::Page* page =
      mode.segmented() ? nullptr : executable_page(*current_views_[1], state_.eip, true);
  if (!page) return;
  const uint64_t instruction = page->frame << kPageShift | (state_.eip & kPageMask);
  counters().checks_dropped++;
  stop_checking(instruction);
  blocks_.host_faults()[instruction] = -kFaultsOfCrowded;
  discard_frame(page->frame);
}

void Translator::stop_checking(uint64_t instruction) {
  blocks_.host_faults().erase(instruction);
  blocks_.checked().erase(instruction);
}

// A long repetition would keep interrupts waiting. Behind STI it does: its first iteration lies in the
// shadow.
bool Translator::leave_repeat(const Block& block, ucontext_t& host) {
  constexpr uint8_t kSti = 0xFB;
  const InstructionStart& start =
      block.start_at(reinterpret_cast<const uint8_t*>(host.uc_mcontext.gregs[REG_RIP]));
  const uint64_t physical = block.key.physical + start.guest_offset;
  if (start.guest_offset > 0 && memory_.ram()[physical - 1] == kSti) return false;
  leave(RunEnd::kKicked, place_of(block, start), host);
  return true;
}

bool Translator::handle_host_fault(int signal, siginfo_t& info, ucontext_t& host) {
  const auto rip = static_cast<uint64_t>(host.uc_mcontext.gregs[REG_RIP]);
  if (!cache_.contains(rip)) return false;
  Block* block = cache_.at(reinterpret_cast<const uint8_t*>(rip));
  if (!block) return false;
  const InstructionStart& start = block->start_at(reinterpret_cast<const uint8_t*>(rip));
  constexpr int64_t kDivideErrorTrap = 0, kPageFaultTrap = 14;
  const auto trap = host.uc_mcontext.gregs[REG_TRAPNO];
  if (signal == SIGSEGV && trap == kPageFaultTrap) {
    const bool write = host.uc_mcontext.gregs[REG_ERR] & 2;
    const auto address = reinterpret_cast<uint64_t>(info.si_addr);
    if (start.exchanging && !write && reads_second_page(address, host))
      leave_for_interpreter(place_of(*block, start), host);
    else
      answer_page_fault(*block, start, address, write || start.exchanging, host);
  } else if (signal == SIGFPE && trap == kDivideErrorTrap) {
    answer_divide_error(*block, start, host);
  } else {
    leave_for_interpreter(place_of(*block, start), host);
  }
  return true;
}

// What divides by 0 once may do so often: it will look before.
void Translator::answer_divide_error(Block& block, const InstructionStart& start, ucontext_t& host) {
  if (blocks_.divide_errors().insert(block.key.physical + start.guest_offset))
    return translate_again(block, start, host, true);
  pending_fault_ = {Vector::kDivideError};
  leave(RunEnd::kGuestFault, place_of(block, start), host);
}

void Translator::answer_page_fault(Block& block, const InstructionStart& start, uint64_t address, bool write,
                                   ucontext_t& host) {
  const GuestPlace at = place_of(block, start);
  if (!shadow_.space_at(address)) return leave_for_interpreter(at, host);
  if (adapt_to_fresh_pages(block, start, host)) return;
  WalkFailure failure{};
  uint32_t linear = 0;
  Miss miss = shadow_.resolve(address, write, block.key.mode.user(), failure, linear);
  if (miss == Miss::kCodeWrite) {
    counters().traced_code_writes++;
    const auto t = peek(PagingRegisters::of(state_), memory_, linear);
    const uint64_t frame = t->physical >> kPageShift;
    if (adapt_to_mixed_page(block, start, t->physical, host)) return;
    const bool own = frame == block.key.physical >> kPageShift || frame == block.second_frame;
    if (own) return leave_for_interpreter(at, host);  // the next instruction may be what it changes
    discard_frame(frame);
    miss = shadow_.resolve(address, write, block.key.mode.user(), failure, linear);
  }
  switch (miss) {
    case Miss::kMapped:
      return;
    case Miss::kGuestFault:
      page_fault(failure, linear);
      context_.retry = {.pending = true, .write = write, .eip = at.eip, .cr3 = state_.cr3, .linear = linear};
      return leave(RunEnd::kGuestFault, at, host);
    case Miss::kCodeWrite:
    case Miss::kEmulate:
      return leave_for_interpreter(at, host);
    case Miss::kUserPage:
      return adapt_to_user_memory(block, start, linear, write, host);
    case Miss::kSupervisorPage:
      context_.slot_space[linear >> 22] = 0;
      return leave_for_interpreter(at, host);
  }
}

// Supervisor code touched a page of the user's through the supervisor's space.
void Translator::adapt_to_user_memory(Block& block, const InstructionStart& start, uint32_t linear,
                                      bool write, ucontext_t& host) {
  const uint64_t instruction = block.key.physical + start.guest_offset;
  uint8_t& slot = context_.slot_space[linear >> 22];
  if (blocks_.user_accessors().insert(instruction)) {
    slot = 1;
    return translate_again(block, start, host);
  }
  if (slot == 0) {
    slot = 1;
    return restart(block, start, host);
  }
  // It does not go by the slots: its translation has no room for that.
  shadow_.map_user_page_for_supervisor(linear, write);
}

// Segmented code that keeps writing beside code looks first whether it does: others' pages and its own alike.
// True: it is tried again, or left to the interpreter, which looks as well.
bool Translator::adapt_to_mixed_page(Block& block, const InstructionStart& start, uint64_t physical,
                                     ucontext_t& host) {
  constexpr unsigned kLargestStore = 8;
  if (!block.key.mode.segmented() || code_pieces_.holds(physical, kLargestStore)) return false;
  if (!code_pieces_.note_write_beside(physical >> kPageShift)) return false;
  if (blocks_.checked().insert(block.key.physical + start.guest_offset))
    translate_again(block, start, host);
  else
    leave_for_interpreter(place_of(block, start), host);
  return true;
}

// An instruction that faults time and again goes from one page to the next. True: it will check from now on,
// and is tried again. Other blocks that have it do so when their turn to fault has come often enough.
bool Translator::adapt_to_fresh_pages(Block& block, const InstructionStart& start, ucontext_t& host) {
  const uint64_t instruction = block.key.physical + start.guest_offset;
  auto& faults = blocks_.host_faults();
  if (++recent_faults_ == kRecentFaults) {
    recent_faults_ = 0;
    std::erase_if(faults, [](const auto& f) {
      return f.second >= 0 && f.second < BlockTranslator::kFaultsBeforeChecking;
    });
    if (faults.size() >= kMaxCheckedInstructions) {
      faults.clear();
      blocks_.checked().clear();
    }
  }
  const int count = ++faults[instruction];
  const bool often = count > 0 && count % BlockTranslator::kFaultsBeforeChecking == 0;
  if (!often || start.checked || block.key.mode.segmented()) return false;
  blocks_.checked().insert(instruction);
  translate_again(block, start, host);
  return true;
}

// For the supervisor's, every block that has the instruction. In user code the others may be hot loops over
// pages that are there to stay, more than a software TLB holds: only if `all`.
void Translator::translate_again(Block& block, const InstructionStart& start, ucontext_t& host, bool all) {
  const GuestPlace at = place_of(block, start);
  const uint64_t instruction = block.key.physical + start.guest_offset;
  const auto in_frame = cache_.blocks_of_frame(instruction >> kPageShift);
  for (Block* other : std::vector<Block*>(in_frame.begin(), in_frame.end())) {
    if (!all && other != &block && other->key.mode.user()) continue;
    if (instruction - other->key.physical >= other->guest_bytes) continue;
    counters().blocks_adapted++;
    discard_block(*other);
  }
  leave(RunEnd::kInterpret, at, host);
  fault_redispatch_ = true;
}

void Translator::restart(const Block& block, const InstructionStart& start, ucontext_t& host) {
  restore_string_pointers(host);
  host.uc_mcontext.gregs[REG_RIP] = reinterpret_cast<int64_t>(block.code + start.host_offset);
}

Translator::GuestPlace Translator::place_of(const Block& block, const InstructionStart& start) {
  return {.eip = block.key.eip + start.guest_offset, .esp_offset = start.esp_offset};
}

void Translator::leave_for_interpreter(GuestPlace at, ucontext_t& host) {
  leave(RunEnd::kInterpret, at, host);
}

void Translator::leave(RunEnd end, GuestPlace at, ucontext_t& host) {
  restore_string_pointers(host);
  fault_end_ = end;
  fault_redispatch_ = false;
  state_.eip = at.eip;
  auto& registers = host.uc_mcontext.gregs;
  registers[REG_RSP] = static_cast<uint32_t>(registers[REG_RSP] + at.esp_offset);
  registers[REG_RIP] = static_cast<int64_t>(context_.exits[static_cast<size_t>(Exit::kFault)]);
}

}  // namespace ringdown
