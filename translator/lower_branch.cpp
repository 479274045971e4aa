// Transfers of control.
#include <algorithm>

#include "cpu/physical_memory.h"
#include "translator/block_translator.h"

namespace ringdown {

using namespace asmjit::x86;

// Within a page a user target is what it was when the jump was translated. On another page it is whatever the
// current space has mapped there, which only that space's jump table knows. Supervisor code is alike in every
// space: what changes is discarded.
bool BlockTranslator::direct_link_allowed(uint32_t target) const {
  return !key_.mode.user() || (key_.linear_of(target) >> kPageShift) == (key_.linear() >> kPageShift);
}

void BlockTranslator::emit_edge(uint32_t rel32_offset, uint32_t target) {
  block_->edges.push_back(
      {.from = block_, .target = target, .site = reinterpret_cast<const uint8_t*>(uint64_t{rel32_offset})});
}

// The table has one place for many EIPs, so the comparison is the target's: r8 is the place asked for. Flags
// are kept, which leaves LOOP and JRCXZ. LOOP's counter of 1 for the EIP that is right makes it fall through,
// so that the usual way has no jump that is taken; but Intel's processors take five cycles for it. Returns
// the offset where to enter, behind what is otherwise done.
uint32_t BlockTranslator::emit_comparison(uint32_t eip, size_t otherwise) {
  auto& a = out_.a();
  const asmjit::Label miss = a.newLabel();
  a.bind(miss);
  a.mov(rcx, r10);
  a.jmp(Emitter::context(otherwise, 8));
  const uint32_t start = out_.offset();
  a.mov(r10, rcx);
  emit_jump_unless_place(eip, miss);
  a.mov(rcx, r10);
  return start;
}

// rcx is lost. A place of segmented code has 64 bits.
void BlockTranslator::emit_jump_unless_place(uint32_t eip, const asmjit::Label& miss) {
  auto& a = out_.a();
  const asmjit::Label hit = a.newLabel();
  if (key_.mode.segmented()) {
    a.mov(rcx, 0 - key_.place_of(eip));
    a.lea(rcx, ptr(r8, rcx));
  } else {
    a.lea(ecx, ptr(r8, static_cast<int32_t>((comparison_ == Comparison::kLoop) - eip)));
    note_eip_field(EipField::Kind::kSubtracted, 4);
    if (comparison_ == Comparison::kLoop) return void(a.loop(rcx, miss));
  }
  a.jecxz(rcx, hit);  // JRCXZ
  a.short_().jmp(miss);
  a.bind(hit);
}

void BlockTranslator::emit_entry() { emit_comparison(key_.eip, Emitter::exit_thunk(Exit::kIndirect)); }

void BlockTranslator::emit_goto(uint32_t target) {
  settle_esp();
  if (!direct_link_allowed(target)) return emit_table_jump_to(target);
  emit_edge(out_.emit_jump(), target);
}

void BlockTranslator::emit_goto_if(uint8_t condition, uint32_t target) {
  const uint32_t rel32 = out_.emit_jump_if(condition);
  if (direct_link_allowed(target)) return emit_edge(rel32, target);
  far_targets_.push_back({rel32, target});
}

bool BlockTranslator::is_target_of_edge() const {
  return std::ranges::any_of(block_->edges, [&](const Edge& edge) { return edge.target == eip(); });
}

// A jump ahead to where the block has come since stays within it. (Not one back: a kick ends no loop within a
// block.)
void BlockTranslator::join_forward_jumps() {
  std::erase_if(block_->edges, [&](const Edge& edge) {
    const auto rel32 = static_cast<uint32_t>(reinterpret_cast<uint64_t>(edge.site));
    const InstructionStart* target = block_->start_of(edge.target);
    if (!target || target->host_offset < rel32) return false;
    out_.patch(rel32, target->host_offset);
    return true;
  });
}

void BlockTranslator::emit_far_targets() {
  for (const auto& [rel32, target] : far_targets_) {
    out_.patch(rel32, out_.offset());
    emit_table_jump_to(target);
  }
  far_targets_.clear();
}

void BlockTranslator::emit_stubs(Block& block) {
  for (Edge& edge : block.edges) {
    edge.stub = reinterpret_cast<const uint8_t*>(uint64_t{stubs_.offset()});
    stubs_.emit_exit(Exit::kLink, reinterpret_cast<uint64_t>(&edge));
  }
}

void BlockTranslator::begin_code_of_no_block(const BlockKey& key) {
  key_ = key;
  no_block_ = {};
  block_ = &no_block_;
  out_.reset();
}

std::span<const uint8_t> BlockTranslator::translate_entry(const BlockKey& key) {
  begin_code_of_no_block(key);
  emit_entry();
  out_.emit_jump();
  return out_.code();
}

void BlockTranslator::emit_table_jump_to(uint32_t target) {
  auto& a = out_.a();
  if (key_.mode.segmented()) return emit_table_jump_to_place(key_.place_of(target));
  a.mov(r8d, target);
  note_eip_field(EipField::Kind::kTableJump, 4);
  a.jmp(qword_ptr(r14, static_cast<int32_t>(offsetof(JumpTable, code) + JumpTable::index(target) * 8)));
  static_assert(offsetof(JumpTable, code) > INT8_MAX, "the displacement is always one of 32 bits");
}

void BlockTranslator::emit_table_jump_to_place(uint64_t place) {
  auto& a = out_.a();
  a.mov(r8, place);
  a.jmp(qword_ptr(r14, static_cast<int32_t>(offsetof(JumpTable, code) + JumpTable::index(place) * 8)));
}

std::span<const uint8_t> BlockTranslator::translate_user_table_jump(const BlockKey& from, uint32_t target) {
  begin_code_of_no_block(from);
  emit_table_jump_to(target);
  return out_.code();
}

uint32_t BlockTranslator::branch_target(const Instruction& i) const {
  const uint32_t target = next_eip() + i.immediate[0].value;
  return i.operand_size == 2 ? target & 0xFFFF : target;
}

bool BlockTranslator::lower_jump_conditional(const Instruction& i) {
  const uint32_t target = branch_target(i);
  if (!within_limit(target)) return false;
  emit_goto_if(i.opcode & 15, target);
  return true;
}

bool BlockTranslator::lower_loop(const Instruction& i) {
  // ECX, not RCX; the short jump skips the way on.
  const uint32_t target = next_eip() + i.immediate[0].value;
  out_.emit_bytes(std::array<uint8_t, 3>{0x67, i.opcode, 0});
  const uint32_t short_jump = out_.offset();
  emit_goto(next_eip());
  out_.patch8(short_jump - 1, out_.offset());
  emit_goto(target);
  return true;
}

bool BlockTranslator::lower_jump(const Instruction& i) {
  const uint32_t target = branch_target(i);
  if (!within_limit(target)) return false;
  emit_goto(target);
  return true;
}

// r9 = the index in JumpTable::returns for RSP as it is. A call and its return ask with the same: in flat
// code the ESP outside of both, in segmented code that of the return address.
void BlockTranslator::emit_index_of_return() {
  out_.a().pext(r9d, esp, dword_ptr(r14, offsetof(JumpTable, return_mask)));
}

// Pushes it, and leaves for the return where it should go on: at the address whose displacement is to be
// patched in.
uint32_t BlockTranslator::emit_push_return_address() {
  auto& a = out_.a();
  out_.emit_store_value(stack(-4), next_eip());
  note_eip_field(EipField::Kind::kAdded, 4);
  emit_index_of_return();
  out_.emit_adjust_stack(-4);
  a.lea(r10, ptr(rip, 0));
  const uint32_t displacement = out_.offset() - 4;
  a.mov(Emitter::return_place(), r10);
  return displacement;
}

void BlockTranslator::emit_return_point(uint32_t lea_displacement) {
  const uint32_t start = emit_comparison(next_eip(), offsetof(TranslatorContext, table_jump));
  out_.patch(lea_displacement, start);
  block_->return_points.push_back(start);
}

bool BlockTranslator::lower_call(const Instruction& i) {
  const uint32_t return_point = emit_push_return_address();
  emit_goto(next_eip() + i.immediate[0].value);
  emit_return_point(return_point);
  return true;
}

bool BlockTranslator::lower_jump_indirect(const Instruction& i) {
  if (i.mod == 3)
    out_.a().mov(r8d, gpd(i.rm));
  else
    out_.emit_load(kR8, operand(i, 4, false));
  out_.emit_table_jump();
  return true;
}

bool BlockTranslator::lower_call_indirect(const Instruction& i) {
  if (i.mod == 3)
    out_.a().mov(r8d, gpd(i.rm));
  else
    out_.emit_load(kR8, operand(i, 4, false));
  const uint32_t return_point = emit_push_return_address();
  out_.emit_table_jump();
  emit_return_point(return_point);
  return true;
}

bool BlockTranslator::lower_return(const Instruction& i) {
  const int32_t extra = i.opcode == 0xC2 ? static_cast<int32_t>(i.immediate[0].value & 0xFFFF) : 0;
  out_.emit_load(kR8, stack(0));
  esp_offset_ += 4;
  settle_esp();
  emit_index_of_return();
  if (extra != 0) out_.emit_adjust_stack(extra);
  out_.a().jmp(Emitter::return_place());
  return true;
}

}  // namespace ringdown
