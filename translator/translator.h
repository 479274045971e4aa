#pragma once
#include <csignal>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "cpu/cpu_bus.h"
#include "cpu/fault.h"
#include "cpu/mmu.h"
#include "host-driver/limit_probe.h"
#include "shadowmmu/shadow_mmu.h"
#include "translator/block_cache.h"
#include "translator/block_translator.h"
#include "translator/code_pieces.h"
#include "translator/code_view.h"
#include "translator/context.h"
#include "translator/crowded_pages.h"

namespace ringdown {

// Why run() came back. The guest's state is exact, at an instruction boundary.
enum class RunEnd : uint8_t {
  kInterpret,   // the instruction at EIP is the interpreter's
  kGuestFault,  // the instruction at EIP raised pending_fault()
  kKicked,      // kick() was called: the monitor has something to do
  kUser,        // the supervisor has returned to user code that is to run natively
};

// What decides where SYSENTER and SYSEXIT lead, beside what their memos compare: none that runs translated
// changes it. Of CR0.TS the block's mode knows.
struct FastCallRegisters {
  uint32_t sysenter_cs, cr0, cr4;
  bool operator==(const FastCallRegisters&) const = default;

  static FastCallRegisters of(const CpuState& s) { return {s.msr.sysenter_cs, s.cr0 & ~cr0::kTs, s.cr4}; }
};

// Runs guest code by translation: finds, makes, links and adapts blocks, and answers the host's faults in
// them.
class Translator final : public CodeWriteObserver, private CheckedMissServer {
 public:
  Translator(TranslatorContext& context, Mmu& mmu, ShadowMmu& shadow, const CpuModel& model);

  // Runs from CS:EIP until the monitor is needed. Only while CodeMode::translatable().
  RunEnd run();
  const Fault& pending_fault() const { return pending_fault_; }
  // Enters the event's handler, in the usual case; otherwise false, and nothing has changed.
  bool deliver(const Event& event);

  // CPUID was asked this, and the answer is in the registers.
  void remember_cpuid(uint32_t leaf, uint32_t subleaf);
  // It may answer otherwise from now on.
  void forget_cpuid() { context_.cpuid = {.empty = 1}; }

  // Called from signal handlers on the vCPU thread. False: the signal did not interrupt translated code.
  bool handle_host_fault(int signal, siginfo_t& info, ucontext_t& host);
  // Is a page fault there a limit that was exceeded?
  bool is_limit_probe(uint64_t address) const { return limits_.stops_at(address); }
  // Makes run() return when the block that runs now ends, or at once. False: it may not, and this is to be
  // called again soon.
  bool kick(ucontext_t& host);

  // The guest waits for an interrupt. True: it has done little else for long, but did before. (This is when
  // the cache is made dense.)
  bool halted();

  // The guest flushed its TLB; after the shadow MMU was told.
  void tlb_flushed(TlbFlush kind);
  void page_invalidated(uint32_t linear);
  void on_code_write(uint64_t physical, unsigned length) override;
  void reset();
  // Some of these frames have come to be watched: writes to them are announced from now on.
  void protect_watched(uint64_t first_frame, uint64_t frames);

 private:
  CodeView& current_view() { return *current_views_[state_.cpl == 3]; }
  CodeView& view_of(const WindowSpace& space);
  CodeView::Nowhere nowhere() const {
    return {.jump = context_.exits[static_cast<size_t>(Exit::kIndirect)], .ret = context_.table_jump};
  }
  void follow_spaces();
  void use_mode_tables(unsigned user, const CodeView& view);
  void serve_callout_miss();
  Answer serve(const CheckedMiss& miss, uint32_t& error_code) override;
  Answer reach_device(uint64_t physical, const CheckedMiss& miss);
  bool source_is_readable(bool user) const;
  static bool may_fault_otherwise(uint32_t linear, unsigned bytes);
  void forget_pages();
  void forget_pieces();
  template <class F>
  void for_checked_pages(F act);
  void forget_what_no_longer_holds();
  void map_for_retry();
  // nullptr: `no_code_end_` says how the run ends.
  const uint8_t* code_at(uint32_t eip, CodeMode mode);
  EntryPoint* block_at(CodeView& view, uint32_t eip, CodeMode mode, EnteredBy by);
  uint64_t code_segment(CodeMode mode);
  void set_limit_probes();
  void use_mode(CodeView& view, CodeMode mode);
  void enter_in_table(CodeView& view, EntryPoint& point);
  const CodeView::Page* executable_page(CodeView& view, uint32_t linear, bool user);
  void enter_blocks_of(CodeView& view, uint32_t page_number, uint64_t frame);
  void move_blocks_here(uint32_t page_number, uint64_t frame);
  bool any_view_has(uint32_t page_number, uint64_t frame) const;
  RunEnd page_fault(const WalkFailure& failure, uint32_t linear);
  EntryPoint* translate(CodeView& view, const BlockKey& key, EnteredBy by);
  std::unique_ptr<Block> relocated(CodeView& view, const BlockKey& key);
  EntryPoint* place(std::unique_ptr<Block> block);
  void flush_cache();
  void own_frame(uint64_t frame);
  void follow(Edge& edge);
  void link_to_table(Edge& edge);
  void enter(const uint8_t* code);

  void discard_frame(uint64_t frame);
  void discard_block(Block& block);
  void remove_from_tables(const Block& block);
  void revalidate_pages(CodeView& view, bool supervisor, bool global_too);
  static void forget_code(CodeView& view, bool supervisor);
  bool still_valid(uint32_t page_number, CodeView::Page& page, bool supervisor);

  // Checked accesses that shall not be. Kicks are samples.
  void note_where_time_goes(const Block& block, const uint8_t* host);
  bool has_checked_access(const Block& block) const;
  void stop_checking_what_is_hot();
  bool is_of_crowd(uint32_t linear, bool write);
  void stop_checking_crowded();
  void stop_checking(uint64_t instruction);

  // Host faults.
  void answer_divide_error(Block& block, const InstructionStart& start, ucontext_t& host);
  void answer_page_fault(Block& block, const InstructionStart& start, uint64_t address, bool write,
                         ucontext_t& host);
  bool leave_repeat(const Block& block, ucontext_t& host);
  // The instruction that has not been done, and InstructionStart::esp_offset there.
  struct GuestPlace {
    uint32_t eip;
    int32_t esp_offset;
  };
  static GuestPlace place_of(const Block& block, const InstructionStart& start);
  void leave_for_interpreter(GuestPlace at, ucontext_t& host);
  void leave(RunEnd end, GuestPlace at, ucontext_t& host);
  void adapt_to_user_memory(Block& block, const InstructionStart& start, uint32_t linear, bool write,
                            ucontext_t& host);
  bool adapt_to_mixed_page(Block& block, const InstructionStart& start, uint64_t physical, ucontext_t& host);
  bool adapt_to_fresh_pages(Block& block, const InstructionStart& start, ucontext_t& host);
  void translate_again(Block& block, const InstructionStart& start, ucontext_t& host, bool all = false);
  void restart(const Block& block, const InstructionStart& start, ucontext_t& host);

  TranslatorContext& context_;
  CpuState& state_;
  Mmu& mmu_;
  PhysicalMemory& memory_;
  ShadowMmu& shadow_;
  const LimitProbe limits_;
  CodePieces code_pieces_;
  FastCallRegisters fast_call_registers_{};  // as the memos of both have them
  bool has_checked_pieces_ =
      true;  // TranslatorContext::checked_pieces may have any; at first they are not even empty
  // Of the code segments with descriptors that are not flat, by base and limit: their numbers.
  std::unordered_map<uint64_t, uint32_t> code_segments_;
  BlockCache cache_;
  BlockTranslator blocks_;
  void (*entry_)(TranslatorContext*) = nullptr;
  std::unordered_map<const WindowSpace*, std::unique_ptr<CodeView>> views_;
  CodeView* current_views_[2] = {};  // of the supervisor space and of the current user space
  // Every look-up in it leaves translated code.
  std::unique_ptr<CodeView::Table> empty_table_;
  struct {
    bool user;
    unsigned samples;
    BlockKey last;  // of the block that the last one hit
  } hot_checked_accesses_ = {};
  CrowdedPages crowded_pages_;
  bool crowded_ = false;  // what was left at EIP shall not be checked
  unsigned recent_faults_ = 0;
  // Since blocks were last translated in number: how many there were then, and how often the guest halted.
  size_t blocks_before_halts_ = 0;
  unsigned settled_halts_ = 0;
  volatile sig_atomic_t kicked_ = 0;
  RunEnd fault_end_ = RunEnd::kInterpret, no_code_end_ = RunEnd::kInterpret;
  bool fault_redispatch_ = false;
  Fault pending_fault_{};
};

}  // namespace ringdown
