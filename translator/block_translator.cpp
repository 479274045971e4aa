#include "translator/block_translator.h"

#include <algorithm>

#include "cpu/physical_memory.h"
#include "host-driver/counters.h"

namespace ringdown {
namespace {

constexpr unsigned kMaxInstructions = 64;

bool loads_paragraph_of_stack(Treatment t, const Instruction& i) {
  const bool pop = t == Treatment::kPopParagraph && i.opcode == 0x17;
  const bool move = t == Treatment::kLoadParagraph && i.reg == kSs;
  return pop || move;
}

}  // namespace

BlockTranslator::Comparison BlockTranslator::fastest_comparison() {
  return __builtin_cpu_is("intel") ? Comparison::kJumpIfZero : Comparison::kLoop;
}

std::unique_ptr<Block> BlockTranslator::translate(const BlockKey& key, const GuestCode& code, EnteredBy by) {
  begin_draft(key);
  limit_ = code.limit;
  if (by == EnteredBy::kTable) emit_entry();
  bool ended = false, begins_shadow = false, entered_here = true;
  for (unsigned n = 0; n < kMaxInstructions && !ended; n++) {
    Instruction i;
    const auto status =
        decoder_.decode(code.bytes.subspan(guest_offset_), !key.mode.has(CodeMode::kCode16), i);
    const bool decoded = status == DecodeStatus::kOk;
    const bool crosses = !decoded || guest_offset_ + i.length > code.in_first_page;
    if (crosses && n > 0) break;  // an instruction that reaches into the next page is a block of its own
    const Treatment t = decoded ? treatment_of(i, model_, key.mode) : Treatment::kInterpret;
    length_ = decoded ? i.length : 1;
    checked_ = is_checked(key.physical + guest_offset_);
    if (!leaves_esp_unsettled(t, i) || is_target_of_edge()) settle_esp();
    if (entered_here) add_entry_point();
    accessor_ = !key.mode.user() && user_accessors_.contains(key.physical + guest_offset_);
    block_->starts.push_back({.host_offset = static_cast<uint16_t>(out_.offset()),
                              .guest_offset = static_cast<uint16_t>(guest_offset_),
                              .esp_offset = static_cast<int16_t>(esp_offset_),
                              .checked = checked_,
                              .exchanging = false});
    block_->any_checked |= checked_;
    begins_shadow = t == Treatment::kSetInterruptFlag || loads_paragraph_of_stack(t, i);
    const bool lowered = lower_plain(t, i);
    if (!lowered) emit_interpret();
    ended = !lowered || ends_block(t);
    if (decoded && crosses) block_->second_frame = code.next_frame;
    guest_offset_ += length_;
    counters().instructions_translated++;
    if (crosses || guest_offset_ >= code.in_first_page) break;
    if (goes_on_elsewhere(t) && translated_.find(key_here())) break;
    entered_here = t == Treatment::kCall || t == Treatment::kCallIndirect;
  }
  block_->guest_bytes = static_cast<uint16_t>(guest_offset_);
  // What follows STI runs before the monitor looks for interrupts: a HLT there must not lose its wake-up. And
  // what follows a load of SS loads SP.
  if (!ended && begins_shadow)
    emit_interpret();
  else if (!ended)
    emit_goto(eip());
  join_forward_jumps();
  emit_far_targets();
  counters().blocks_translated++;
  return copy_with_stubs(draft_);
}

void BlockTranslator::begin_draft(const BlockKey& key) {
  block_ = &draft_;
  draft_.key = key_ = key;
  draft_.second_frame = Block::kNoFrame;
  draft_.calls_out = false;
  draft_.any_checked = false;
  draft_.starts.clear();
  draft_.edges.clear();
  draft_.entry_points.clear();
  draft_.eip_fields.clear();
  draft_.return_points.clear();
  out_.reset();
  guest_offset_ = 0;
  esp_offset_ = 0;
}

// Its own, in stubs_, hold the addresses of its edges.
std::unique_ptr<Block> BlockTranslator::copy_with_stubs(const Block& from) {
  auto block = std::make_unique<Block>(from);
  block->incoming.clear();
  for (Edge& edge : block->edges) edge.from = block.get();
  for (EntryPoint& point : block->entry_points) point.block = block.get();
  stubs_.reset();
  emit_stubs(*block);
  return block;
}

void BlockTranslator::add_entry_point() {
  const uint64_t offset = out_.offset();
  block_->entry_points.push_back(
      {.block = block_, .eip = eip(), .body = reinterpret_cast<const uint8_t*>(offset)});
}

// Where the block has come to.
BlockKey BlockTranslator::key_here() const {
  return {.physical = key_.physical + guest_offset_,
          .eip = eip(),
          .mode = key_.mode,
          .code_segment = key_.code_segment};
}

void BlockTranslator::emit_interpret() {
  settle_esp();
  emit_eip(eip());
  out_.emit_exit(Exit::kInterpret);
}

// ---- The same code at another EIP
// --------------------------------------------------------------------------

// r8d = an EIP.
void BlockTranslator::emit_eip(uint32_t eip) {
  out_.a().mov(asmjit::x86::r8d, eip);
  note_eip_field(EipField::Kind::kAdded, 4);
}

void BlockTranslator::note_eip_field(EipField::Kind kind, unsigned bytes_ago) {
  block_->eip_fields.push_back(
      {.host_offset = static_cast<uint16_t>(out_.offset() - bytes_ago), .kind = kind});
}

// Near 0 and 4 GiB the differences that entries compare with have other encodings. And what is checked by now
// would be lost with a copy of a block from before.
bool BlockTranslator::can_relocate(const Block& from, uint32_t eip) const {
  if (from.key.mode.segmented()) return false;
  const auto is_usual = [](uint32_t at) { return at >= kPageSize && at < 0u - kPageSize; };
  if (!is_usual(from.key.eip) || !is_usual(eip)) return false;
  if (!checked_instructions_.may_have_in_page_of(from.key.physical)) return !from.any_checked;
  return std::ranges::all_of(from.starts, [&](const InstructionStart& start) {
    return start.checked == is_checked(from.key.physical + start.guest_offset);
  });
}

std::unique_ptr<Block> BlockTranslator::relocate(const Block& from, uint32_t eip) {
  const uint32_t distance = eip - from.key.eip;
  auto block = copy_with_stubs(from);
  block->key.eip = eip;
  for (Edge& edge : block->edges) {
    edge.to = nullptr;
    edge.target += distance;
    edge.site = reinterpret_cast<const uint8_t*>(edge.site - from.code);
  }
  for (EntryPoint& point : block->entry_points) {
    point.eip += distance;
    point.body = reinterpret_cast<const uint8_t*>(point.body - from.code);
    point.entry = nullptr;
  }
  out_.reset();
  out_.emit_bytes({from.code, from.code_bytes});
  for (const EipField& field : block->eip_fields) field.move(out_.writable(), distance);
  counters().blocks_relocated++;
  return block;
}

// False: nothing was emitted, the instruction is the interpreter's.
bool BlockTranslator::lower_plain(Treatment t, const Instruction& i) {
  if (key_.mode.segmented() && is_lowered_for_segments(t)) return lower_segmented(t, i);
  // clang-format off
  switch (t) {
    case Treatment::kInterpret: return false;
    case Treatment::kNothing: return true;
    case Treatment::kCopy: return lower_copy(i);
    case Treatment::kIncrementRegister: return lower_increment_register(i);
    case Treatment::kAbsoluteMove: return lower_absolute_move(i);
    case Treatment::kLoadEffectiveAddress: return lower_load_effective_address(i);
    case Treatment::kExchange: return lower_exchange(i);
    case Treatment::kDivide: return lower_divide(i);
    case Treatment::kBitString: return lower_bit_string(i);
    case Treatment::kTranslateByte: return lower_translate_byte(i);
    case Treatment::kString: return lower_string(i);
    case Treatment::kPushRegister: return lower_push_register(i);
    case Treatment::kPopRegister: return lower_pop_register(i);
    case Treatment::kPushImmediate: return lower_push_immediate(i);
    case Treatment::kPushMemory: return lower_push_memory(i);
    case Treatment::kPopMemory: return lower_pop_memory(i);
    case Treatment::kPushAll: return lower_push_all(i);
    case Treatment::kPopAll: return lower_pop_all(i);
    case Treatment::kLeave: return lower_leave(i);
    case Treatment::kPushFlags: return lower_push_flags(i);
    case Treatment::kPopFlags: return lower_pop_flags(i);
    case Treatment::kPushSegment: return lower_push_segment(i);
    case Treatment::kReadSegment: return lower_read_segment(i);
    case Treatment::kClearInterruptFlag: return lower_clear_interrupt_flag(i);
    case Treatment::kSetInterruptFlag: return lower_set_interrupt_flag(i);
    case Treatment::kReadTimeStamp: return lower_read_time_stamp(i);
    case Treatment::kIdentify: return lower_identify(i);
    case Treatment::kReadControl: return lower_read_control(i);
    case Treatment::kWriteControl: return lower_write_control(i);
    case Treatment::kClearTaskSwitched: return true;  // nothing to do
    case Treatment::kJumpConditional: return lower_jump_conditional(i);
    case Treatment::kLoop: return lower_loop(i);
    case Treatment::kJump: return lower_jump(i);
    case Treatment::kCall: return lower_call(i);
    case Treatment::kJumpIndirect: return lower_jump_indirect(i);
    case Treatment::kCallIndirect: return lower_call_indirect(i);
    case Treatment::kReturn: return lower_return(i);
    case Treatment::kCallLoadSegment: return lower_load_segment(i);
    case Treatment::kCallPopSegment: return lower_pop_segment(i);
    case Treatment::kCallInterrupt: return lower_callout(Callout::kInterrupt, i.immediate[0].value & 0xFF);
    case Treatment::kCallInterruptReturn: return lower_callout(Callout::kInterruptReturn);
    case Treatment::kCallHalt: return lower_callout(Callout::kHalt);
    case Treatment::kCallSysenter: return lower_callout(Callout::kSysenter, key_.mode.bits);
    case Treatment::kCallSysexit: return lower_callout(Callout::kSysexit, key_.mode.bits);
    case Treatment::kCallPortIo: return lower_port_io(i);
    case Treatment::kCallInvalidatePage: return lower_invalidate_page(i);
    case Treatment::kCallWriteCr0: return lower_write_cr0(i);
    case Treatment::kCallClearTaskSwitched: return lower_callout(Callout::kClearTaskSwitched);
    case Treatment::kCallRealInterrupt: return lower_callout(Callout::kRealInterrupt, i.immediate[0].value & 0xFF);
    case Treatment::kCallRealInterruptReturn: return lower_callout(Callout::kRealInterruptReturn);
    case Treatment::kEnter:
    case Treatment::kLoadParagraph:
    case Treatment::kPopParagraph:
    case Treatment::kLoadFarPointer:
    case Treatment::kFarCall:
    case Treatment::kFarJump:
    case Treatment::kFarReturn: return false;  // of segmented modes
  }
  // clang-format on
  return false;
}

Address BlockTranslator::resolve(const Instruction& i, Address flat) {
  if (i.segment_override == kFs) return add_segment_base(kFsBase, flat);
  if (i.segment_override == kGs) return add_segment_base(kGsBase, flat);
  return accessor_ ? emit_user_or_supervisor(flat) : flat;
}

// The sum wraps at 4 GiB as the guest's does, because the window's addressing is 32 bits wide.
Address BlockTranslator::add_segment_base(HostRegister base, Address flat) {
  if (flat.base != Address::kNone && flat.index != Address::kNone) {
    const int32_t displacement = flat.displacement;
    flat.displacement = 0;
    out_.emit_lea(kR8, flat);
    return {.base = base, .index = kR8, .displacement = displacement};
  }
  if (flat.base == kEsp) return {.base = kEsp, .index = base, .displacement = flat.displacement};
  if (flat.base != Address::kNone)
    return {.base = base, .index = flat.base, .displacement = flat.displacement};
  flat.base = base;
  return flat;
}

// Supervisor code that reaches for the user's memory as well as its own: the base is picked by the 4 MiB slot
// of the address, without touching flags. r8 = address, r9 = base.
Address BlockTranslator::emit_user_or_supervisor(const Address& flat) {
  using namespace asmjit::x86;
  auto& a = out_.a();
  out_.emit_lea(kR8, flat);
  a.rorx(r9, r8, 22);
  a.movzx(r9d, r9w);
  a.movzx(r9d, byte_ptr(r15, r9, 0, offsetof(TranslatorContext, slot_space)));
  a.mov(r9, qword_ptr(r15, r9, 3, offsetof(TranslatorContext, space_base)));
  return {.base = kR9, .index = kR8, .window = false};
}

}  // namespace ringdown
