#pragma once
#include <array>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "cpu/cpu_model.h"
#include "cpu/fault.h"
#include "native/looks.h"
#include "native/native_space.h"
#include "native/stays.h"
#include "native/user_code.h"
#include "translator/context.h"

namespace ringdown {

// User code of the guest that runs as it is, each address space in a sandbox of its own. What traps there is
// done by translated code, which goes on until the guest's kernel returns to the user.
class NativeUser {
 public:
  // Not owned: everything. `code_writes` is told when user code writes where code was translated from.
  NativeUser(int ram_file, PhysicalMemory& memory, TranslatorContext& context, ShadowMmu& shadow,
             CodeWriteObserver& code_writes, const CpuModel& model, const Clock& clock);

  // One line if the host refuses what is needed for it; then everything runs translated.
  std::optional<std::string> set_policy(UserCode policy);
  void reset();

  // Is what comes next at CS:EIP to be run by run()?
  bool takes();

  enum class End : uint8_t {
    kKicked,      // preempt() was called
    kTranslate,   // the instruction at EIP is the translator's
    kFault,       // the instruction at EIP raised pending_fault()
    kSingleStep,  // EFLAGS.TF: the instruction before EIP is done
    kSysenter,    // SYSENTER was executed and is to be done; EIP and ESP are lost
    kSegments,    // loaded_segments() are to be loaded, then the instruction at EIP is to be tried again
  };
  // `attention`: nonzero ends it.
  End run(const volatile sig_atomic_t& attention);
  const Fault& pending_fault() const { return pending_fault_; }
  // By SegmentIndex: the selectors that the code has loaded.
  const std::array<std::optional<uint16_t>, 6>& loaded_segments() const { return loaded_; }

  // Signal handlers on the vCPU thread: makes run() return soon. False: it is not running.
  bool preempt() {
    if (!running_) return false;
    running_->preempt();
    return true;
  }

  // The same: whether run() looks by itself what has become of a sandbox that does not come.
  bool looks() const { return running_ && running_->looks(); }

  // What trapped is done: the guest's kernel has returned to user code.
  void returned();
  // Whether the next instruction is the interpreter's: of those few that lead from a page of system calls,
  // such as a Linux guest's vDSO, back to code that runs natively.
  bool leaves_kernel_entry();
  // When look() is to be called, wherever the guest is then; kNever: only interrupts tell.
  Nanoseconds next_look() const { return next_look_; }
  void look(Nanoseconds now);
  // The guest's code is about to be interrupted from outside.
  void interrupted();
  // The guest waits, and others run on the host: time for what would hold up the next program.
  void idle();
  void tlb_flushed();
  void page_invalidated(uint32_t linear);

 private:
  // A host has some 1,000 files for a process; a sandbox needs three.
  static constexpr size_t kMaxSandboxes = 128;
  // Those of processes that have ended, until there is time to end them, too.
  static constexpr size_t kMaxEnded = 16;
  // Behind a system call, until its page is left: a vDSO takes four.
  static constexpr unsigned kInstructionsToLeave = 8;

  struct Space {
    HotPages hot;
    std::unique_ptr<NativeSpace> native;
    Conduct conduct;
    bool is_native = false;
    bool has_run_translated = false;              // since it was native last: it knows other pages now
    uint64_t tlb_flushes = 0, watch_changes = 0;  // how many of them it has seen
    uint64_t last_used = 0;
    // The access that a page fault was delivered for: its page is mapped before the user goes on.
    struct Retry {
      uint32_t eip, linear;
      AccessKind kind;
    };
    std::optional<Retry> retry;
  };
  // Time in one address space without a break, in ring 0 or 3: what there was when it began.
  struct Stretch {
    Nanoseconds begin;
    uint64_t kernel_entries, instructions_translated;
  };

  bool can_run() const;
  bool may_read_time_stamps() const;
  bool make_sandbox(Space& space);
  std::unique_ptr<Sandbox> new_sandbox() const;  // empty if the host refuses
  void end_sandbox(Space& space);
  void drop_least_recently_used();
  void set_native(Space& space, bool native);
  bool is_in_kernel_entry() const;
  bool prepare();
  bool revalidate(Space& space);
  void retry_page_fault();
  std::optional<End> answer(const Trap& trap);
  End answer_fast_system_call();
  void put_back_behind_trap(const Trap& trap);
  std::optional<End> answer_page_fault(const Trap& trap);
  End translate();
  End translate_page();
  End raise(const Fault& fault);
  End died();
  Space& current_space();
  void begin_stretch();
  void end_stretch();
  void note_passage();
  static uint64_t kernel_entries();

  const int ram_file_;
  PhysicalMemory& memory_;
  TranslatorContext& context_;
  CpuState& state_;
  ShadowMmu& shadow_;
  CodeWriteObserver& code_writes_;
  const CpuModel& model_;
  const Clock& clock_;
  UserCode policy_ = UserCode::kTranslated;
  std::minstd_rand chance_;                     // of kRestless
  std::unordered_map<uint32_t, Space> spaces_;  // by CR3
  std::unique_ptr<Sandbox> spare_;              // made ahead
  bool wants_spare_ = false;                    // one has been needed
  std::vector<std::unique_ptr<NativeSpace>> ended_;
  uint32_t cr3_ = 0;
  Space* current_ = nullptr;  // of cr3_, if there is one
  Sandbox* volatile running_ = nullptr;
  bool trapped_ = false;      // translated code is at work on what trapped
  uint32_t trapped_at_ = 0;   // `trapped_`: EIP
  bool fetched_ = false;      // the last trap was for fetching there, in this address space
  uint32_t returned_to_ = 0;  // EIP, when the kernel did last
  unsigned instructions_to_leave_ = 0;
  uint64_t tlb_flushes_ = 1, time_ = 0;
  Fault pending_fault_{};
  std::array<std::optional<uint16_t>, 6> loaded_{};
  std::optional<Stretch> stretch_;  // of cr3_; by kAuto and kRestless
  Looks looks_;
  Nanoseconds next_look_ = kNever;
  Stays stays_;
};

}  // namespace ringdown
