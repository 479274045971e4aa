#pragma once
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "cpu/cpu_model.h"
#include "cpu/decode_memo.h"
#include "translator/block_cache.h"
#include "translator/emitter.h"
#include "translator/instruction_set.h"
#include "translator/treatment.h"

namespace ringdown {

// The guest code to translate: the bytes from the block's start to the end of its page, and what can be had
// of the next page.
struct GuestCode {
  std::span<const uint8_t> bytes;
  unsigned in_first_page;       // how many of them
  uint64_t next_frame;          // of the next page; Block::kNoFrame if it cannot be fetched
  uint32_t limit = 0xFFFFFFFF;  // of CS; `bytes` ends there
};

struct SegmentMemo;  // lower_callout.cpp

// Who wants a block: what will come more often, as far as one can know.
enum class EnteredBy : uint8_t { kTable, kEdge };

// Turns guest code into one block of host code: a superblock, which goes on behind calls and behind
// conditional jumps that are not taken, until there is an unconditional one or a block that is translated
// already.
class BlockTranslator {
 public:
  // By which instruction a block compares the EIP that it is entered by.
  enum class Comparison : uint8_t { kLoop, kJumpIfZero };
  static Comparison fastest_comparison();

  BlockTranslator(const CpuModel& model, const BlockCache& translated,
                  Comparison comparison = fastest_comparison())
      : model_(model), translated_(translated), comparison_(comparison) {}

  // Instructions (by physical address) of supervisor code that were seen to reach for the user's memory.
  InstructionSet& user_accessors() { return user_accessors_; }
  // Divisions (by physical address) that raised the host's #DE: they look at their divisor first.
  InstructionSet& divide_errors() { return divide_errors_; }
  // Instructions (by physical address): the host faults that they raised of late; less than 0: more may
  // follow.
  std::unordered_map<uint64_t, int>& host_faults() { return host_faults_; }
  // Those that were seen to touch one fresh page after the other: they look what they access up in
  // TranslatorContext::checked_pages first.
  InstructionSet& checked() { return checked_instructions_; }
  static constexpr int kFaultsBeforeChecking = 8;
  static constexpr unsigned kLargestCheckedAccess = 64;  // bytes
  bool is_checked(uint64_t instruction) const { return checked_instructions_.contains(instruction); }

  // Translates at least one instruction. The code is in emitted() until the next call. What the block has of
  // addresses are still offsets: for BlockCache::add(). Instruction starts are ascending.
  std::unique_ptr<Block> translate(const BlockKey& key, const GuestCode& code, EnteredBy by);
  // The same block for another EIP, as translate() would make it there. Their distance is whole pages.
  // `from` is in the cache. Only if can_relocate().
  std::unique_ptr<Block> relocate(const Block& from, uint32_t eip);
  bool can_relocate(const Block& from, uint32_t eip) const;
  std::span<const uint8_t> emitted() const { return out_.code(); }
  std::span<const uint8_t> emitted_stubs() const { return stubs_.code(); }

  // An entry to jump from, by its last four bytes as a rel32, to a body.
  std::span<const uint8_t> translate_entry(const BlockKey& key);

  // A jump by the jump table to a known target: what an edge of user code is redirected to that must not be
  // linked, because only the table knows whether the target is the same in the space that is current then.
  std::span<const uint8_t> translate_user_table_jump(const BlockKey& from, uint32_t target);

 private:
  bool lower_plain(Treatment t, const Instruction& i);
  void emit_interpret();

  // lower_move.cpp
  bool lower_copy(const Instruction& i);
  bool lower_increment_register(const Instruction& i);
  bool lower_absolute_move(const Instruction& i);
  bool lower_load_effective_address(const Instruction& i);
  bool lower_exchange(const Instruction& i);
  bool lower_divide(const Instruction& i);
  void emit_load_extended(uint8_t reg, const Address& from, unsigned bytes);
  bool lower_bit_string(const Instruction& i);
  bool lower_translate_byte(const Instruction& i);
  bool lower_read_segment(const Instruction& i);
  // lower_checked.cpp
  bool lower_checked(const Instruction& i, const Encoding& encoding);
  // A MOV between memory and a general register, or of an immediate to memory: the callout does it itself
  // where there is no memory.
  struct Move {
    bool exists = false;  // it is another instruction otherwise
    uint8_t reg = 0;
    bool of_immediate = false;
    uint32_t immediate = 0;
  };
  Move plain_move(const Instruction& i) const;
  Address emit_checked(const Address& window, unsigned bytes, bool write, const Move& move);
  void emit_checked_miss(const asmjit::x86::Gp& linear, unsigned bytes, bool write, bool of_destination,
                         const Move& move);
  struct StringOperand {
    bool repeated;
    unsigned shift;  // elements of 1 << shift bytes
    bool write = false;
    bool of_destination = false;  // behind a source, whose faults come first
  };
  void emit_checked_string_begin();
  void emit_checked_string_base(const asmjit::x86::Gp& pointer, const asmjit::x86::Gp& base,
                                const StringOperand& operand);
  // The offset of TranslatorContext::checked_pages for this block's ring.
  size_t checked_pages(bool write) const;
  // lower_string.cpp
  bool lower_string(const Instruction& i);
  // lower_stack.cpp
  bool lower_push_register(const Instruction& i);
  bool lower_pop_register(const Instruction& i);
  bool lower_push_immediate(const Instruction& i);
  bool lower_push_memory(const Instruction& i);
  bool lower_pop_memory(const Instruction& i);
  bool lower_push_all(const Instruction& i);
  bool lower_pop_all(const Instruction& i);
  bool lower_leave(const Instruction& i);
  bool lower_push_segment(const Instruction& i);
  Address stack(int32_t offset) const { return {.base = kEsp, .displacement = esp_offset_ + offset}; }
  Address flat_address(const Instruction& i) const;
  bool copies_esp(const Instruction& i) const;
  bool leaves_esp_unsettled(Treatment t, const Instruction& i) const;
  void settle_esp();
  // lower_system.cpp
  bool lower_push_flags(const Instruction& i);
  bool lower_pop_flags(const Instruction& i);
  bool lower_clear_interrupt_flag(const Instruction& i);
  bool lower_set_interrupt_flag(const Instruction& i);
  bool lower_read_time_stamp(const Instruction& i);
  bool lower_identify(const Instruction& i);
  bool lower_read_control(const Instruction& i);
  bool lower_write_control(const Instruction& i);
  bool lower_write_cr0(const Instruction& i);
  void emit_jump_if_control_is(const Instruction& i, const asmjit::Label& same);
  void emit_interpret_if_interrupt_pending();
  void emit_interpret_unless_rcx_is_0(const asmjit::x86::Gp& guest);
  // lower_callout.cpp
  bool lower_callout(Callout callout, unsigned detail = 0);
  bool lower_returning_callout(Callout callout, unsigned detail);
  bool lower_load_of_segment(Callout callout, SegmentIndex segment);
  void emit_load_by_memo(const SegmentMemo& memo);
  bool lower_load_segment(const Instruction& i);
  bool lower_port_io(const Instruction& i);
  bool lower_invalidate_page(const Instruction& i);
  bool lower_pop_segment(const Instruction& i);
  // lower_branch.cpp
  bool lower_jump_conditional(const Instruction& i);
  bool lower_loop(const Instruction& i);
  bool lower_jump(const Instruction& i);
  bool lower_call(const Instruction& i);
  bool lower_jump_indirect(const Instruction& i);
  bool lower_call_indirect(const Instruction& i);
  bool lower_return(const Instruction& i);
  void emit_goto(uint32_t target);
  void emit_goto_if(uint8_t condition, uint32_t target);
  // Of a relative branch.
  uint32_t branch_target(const Instruction& i) const;
  bool within_limit(uint32_t target) const { return target <= limit_; }
  void emit_edge(uint32_t rel32_offset, uint32_t target);
  void emit_table_jump_to(uint32_t target);
  void emit_table_jump_to_place(uint64_t place);
  uint32_t emit_comparison(uint32_t eip, size_t otherwise);
  void emit_jump_unless_place(uint32_t eip, const asmjit::Label& miss);
  void begin_code_of_no_block(const BlockKey& key);
  void emit_entry();
  void emit_eip(uint32_t eip);
  void note_eip_field(EipField::Kind kind, unsigned bytes_ago);
  void emit_index_of_return();
  uint32_t emit_push_return_address();
  void emit_return_point(uint32_t lea_displacement);
  // segmented.cpp: operands in segments
  Address segment_operand(const Instruction& i, unsigned bytes, bool write);
  Address constant_operand(SegmentIndex segment, uint32_t offset, bool address16, unsigned bytes, bool write);
  Address operand_in(SegmentIndex segment, bool address16, unsigned bytes, bool write);
  Address stack_operand(int32_t offset, unsigned bytes, bool write);
  bool reaches_64k(SegmentIndex segment) const;
  void emit_effective_address(const Instruction& i);
  void emit_limit_check(SegmentIndex segment, bool address16, unsigned bytes, bool write);
  void emit_limit_check_at(SegmentIndex segment, const asmjit::x86::Gp& offset, int32_t more, bool write);
  void emit_fetch_check(uint8_t eip, unsigned bytes, uint8_t lost);
  void emit_place(uint8_t eip);
  void emit_low_word(uint8_t to, uint8_t from);
  void emit_add_to_stack_pointer(int32_t bytes);
  void emit_set_register(uint8_t reg, uint8_t from, unsigned bytes);
  void emit_load_register(uint8_t reg, const Address& from, unsigned bytes);
  void emit_store_register(const Address& to, uint8_t reg, unsigned bytes);
  void emit_store_immediate(const Address& to, uint32_t value, unsigned bytes);
  // lower_segmented.cpp
  bool lower_segmented(Treatment t, const Instruction& i);
  bool copy_with_high_byte(const Instruction& i, const Encoding& encoding, const Address& at);
  bool segmented_lea(const Instruction& i);
  bool segmented_absolute_move(const Instruction& i);
  bool segmented_translate_byte(const Instruction& i);
  bool segmented_push(uint8_t reg, unsigned bytes);
  bool segmented_push_immediate(const Instruction& i);
  bool segmented_push_memory(const Instruction& i);
  bool segmented_push_segment(const Instruction& i);
  bool segmented_pop(uint8_t reg, unsigned bytes);
  bool segmented_pop_memory(const Instruction& i);
  bool segmented_push_all(const Instruction& i);
  bool segmented_pop_all(const Instruction& i);
  bool segmented_leave(const Instruction& i);
  bool segmented_enter(const Instruction& i);
  bool segmented_loop(const Instruction& i);
  bool segmented_call(const Instruction& i);
  bool segmented_call_indirect(const Instruction& i);
  bool segmented_jump_indirect(const Instruction& i);
  bool segmented_return(const Instruction& i);
  uint32_t emit_segmented_return_address(unsigned bytes);
  void emit_load_target(const Instruction& i);
  bool segmented_string(const Instruction& i);
  bool segmented_repeated_string(const Instruction& i);
  void emit_string_address(const Instruction& i, SegmentIndex segment, bool source);
  void emit_string_instruction(const Instruction& i);
  // lower_paragraphs.cpp
  bool load_paragraph(const Instruction& i);
  bool pop_paragraph(const Instruction& i);
  bool load_far_pointer(const Instruction& i);
  bool far_jump(const Instruction& i);
  bool far_call(const Instruction& i);
  bool far_return(const Instruction& i);
  void emit_load_paragraph(SegmentIndex segment, uint8_t selector);
  void emit_load_far_operand(const Instruction& i);
  void emit_goto_paragraph(uint8_t selector);
  void emit_goto_far(uint16_t selector, uint32_t target);
  void join_forward_jumps();
  bool is_target_of_edge() const;
  void emit_far_targets();
  void emit_stubs(Block& block);

  // Where a memory operand is in the host: emits what must be computed first, in r8 and r9, and r11 where a
  // limit is checked.
  Address operand(const Instruction& i, unsigned bytes, bool write) {
    return key_.mode.segmented() ? segment_operand(i, bytes, write) : resolve(i, flat_address(i));
  }
  Address resolve(const Instruction& i, Address flat);
  Address add_segment_base(HostRegister base, Address flat);
  Address emit_user_or_supervisor(const Address& flat);

  void begin_draft(const BlockKey& key);
  std::unique_ptr<Block> copy_with_stubs(const Block& from);
  BlockKey key_here() const;
  void add_entry_point();
  uint32_t eip() const { return key_.eip + guest_offset_; }
  uint32_t next_eip() const { return eip() + length_; }
  bool direct_link_allowed(uint32_t target) const;

  const CpuModel& model_;
  const BlockCache& translated_;
  const Comparison comparison_;
  InstructionSet user_accessors_, divide_errors_, checked_instructions_;
  DecodeMemo decoder_;
  std::unordered_map<uint64_t, int> host_faults_;
  Emitter out_, stubs_;
  // draft_: of a block that is being made, so that its vectors grow but once. no_block_: of code of no block.
  Block *block_ = nullptr, draft_, no_block_;
  BlockKey key_{};
  uint32_t guest_offset_ = 0;  // of the current instruction
  uint8_t length_ = 0;
  uint32_t limit_ = 0xFFFFFFFF;              // of CS
  bool accessor_ = false, checked_ = false;  // what the current instruction is
  int32_t esp_offset_ = 0;                   // InstructionStart::esp_offset of what is emitted next
  // Conditional jumps to where only the jump table may lead: patched to code behind the block's own.
  struct FarTarget {
    uint32_t rel32_offset, target;
  };
  std::vector<FarTarget> far_targets_;
};

}  // namespace ringdown
