#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "cpu/state.h"
#include "sandbox/child_process.h"
#include "sandbox/mapper.h"
#include "sandbox/shared_page.h"

namespace ringdown {

// What 32-bit code in ring 3 has of the processor. Segments are flat but for the bases of FS and GS.
struct UserState {
  // Of EFLAGS, what the host's own flags hold for the guest. The others are virtual: not looked at, and zero
  // in what comes back.
  static constexpr uint32_t kFlags =
      eflags::kStatus | eflags::kDf | eflags::kTf | eflags::kNt | eflags::kAc | eflags::kId;

  std::array<uint32_t, 8> gpr{};
  uint32_t eip = 0;
  uint32_t flags = 0;
  uint32_t fs_base = 0, gs_base = 0;
  bool fs_null = false, gs_null = false;  // every access through it is #GP, and its base 0
  FxsaveImage fx{};  // the XMM registers from 8 on do not exist for 32-bit code and are not kept
};

// Why Sandbox::run() came back. The state is that of an instruction boundary.
struct Trap {
  enum class Kind : uint8_t {
    kPageFault,   // EIP at the instruction; `address`, and `error_code` as the host's page tables see it
    kException,   // any other of the processor's, `vector` and `error_code`; EIP as the processor saves it:
                  // behind INT3, INTO and a single step, else at the instruction. INT n is #GP, n * 8 + 2;
                  // RDTSC and RDTSCP may be #GP(0)
    kSystemCall,  // INT 80h, EIP at it: it has not been executed
    kFastSystemCall,  // SYSCALL or SYSENTER, the one that the host has for 32-bit code. Lost are EIP, ECX of
                      // SYSCALL, ESP of SYSENTER, and EAX if the host could not read what ESP, or of
                      // SYSENTER EBP, points to
    kPreempted,
    kDied,  // there is no state: the child was killed, or it did what no trap of honest code does
  };
  Kind kind = Kind::kDied;
  uint8_t vector = 0;
  uint32_t error_code = 0;
  uint32_t address = 0;
  // False: the code has loaded a segment register since it was entered, or has changed a base. What it
  // addressed in between was the host's idea of that selector. `state` has the bases as they were found.
  bool segments_kept = true;
  // By SegmentIndex: a selector that the code did not find there. (One that it has read and loaded again is
  // not seen.)
  std::array<std::optional<uint16_t>, 6> loaded{};
};

enum class PageRights : uint8_t { kRead, kReadExecute, kReadWrite, kReadWriteExecute };

// RAM at guest addresses, in bytes.
struct Mapping {
  uint32_t linear;
  uint64_t ram_offset, length;
  PageRights rights;
};

enum class MapResult : uint8_t {
  kMapped,
  kTooLow,  // below vm.mmap_min_addr the host maps nothing; code that needs these pages cannot run here
  kFull,    // as many mappings as one process may safely have: unmap_all() makes room
  kDied,
};

// A process in which guest code of ring 3 runs as it is. Guest code can reach 64-bit mode and all of the
// stub there, and what the child writes is believed only where a lie harms nobody but the guest's own
// process (docs/decisions/014-sandbox-process.md). So a sandbox is for one guest address space only: what
// has taken a child over stays in it. All but preempt() are for the thread that made it, which has to live as
// long.
class Sandbox {
 public:
  // `ram_file` is GuestRam::file(), and stays the caller's. The second alternative is one line for the user.
  static std::variant<std::unique_ptr<Sandbox>, std::string> create(int ram_file);

  // Below this map() puts nothing. In bytes.
  uint32_t lowest_mappable() const { return lowest_mappable_; }
  // Puts RAM at guest addresses, in place of what was there, before the next run(): all of it, or nothing
  // unless kDied. Multiples of the page size, within RAM and 4 GiB: others are a bug of the caller's and
  // abort.
  [[nodiscard]] MapResult map(std::span<const Mapping> mappings);
  [[nodiscard]] MapResult map(uint32_t linear, uint64_t ram_offset, uint64_t length, PageRights rights);
  // Does that at once. False: the child is dead.
  bool finish_maps();
  // False: the child is dead, and so has nothing mapped.
  bool unmap(uint32_t linear, uint64_t length);
  bool unmap_all();

  // How many CPUs there are for the calling thread is looked at by create(), and again by this.
  void count_cpus() { shared_->count_cpus(); }

  // CPUID is #GP(0) from the next run() on, which makes it so for the calling thread as well. Only if
  // HostProcessor::traps_cpuid.
  void trap_cpuid();
  // Whether RDTSC and RDTSCP are #GP(0) from the next run() on, as they are at first, or read the host's
  // counter. One that traps costs each hand-off two writes of CR4, which a virtual machine may pay for
  // dearly.
  void trap_rdtsc(bool traps);

  // Runs until a trap. EFLAGS.IF of the guest has to be 1 and IOPL 0, or the guest would see otherwise. `fx`
  // is one that FXRSTOR accepts: reserved bits of MXCSR are the child's end.
  Trap run(UserState& state);
  // Any thread, and signal handlers: run() soon returns kPreempted, or the next one does. A child that does
  // not answer for kPatience is killed; but unless run() looks() only when its thread handles another signal.
  void preempt();
  static constexpr std::chrono::milliseconds kPatience{2000};
  bool looks() const { return shared_->spins(); }
  pid_t pid() const { return child_->pid(); }

 private:
  using Clock = std::chrono::steady_clock;

  Sandbox(std::unique_ptr<SharedPage> shared, std::unique_ptr<Mapper> mapper,
          std::unique_ptr<ChildProcess> child, uint64_t ram_bytes);

  bool reaches_first_trap();
  bool await_turn();
  bool has_to_look() const;
  bool is_worth_waiting(std::optional<Clock::time_point>& impatient_at) const;
  bool is_too_low(const Mapping& mapping) const;
  bool call_mapper(std::span<const Mapper::Call> calls);
  bool give_turn();
  bool kill_child();

  const std::unique_ptr<SharedPage> shared_;
  const std::unique_ptr<Mapper> mapper_;
  const std::unique_ptr<ChildProcess> child_;
  const uint64_t ram_bytes_;
  const uint32_t lowest_mappable_;
  uint32_t mappings_ = 0;                               // an upper bound
  std::array<Mapper::Call, Mapper::kMostCalls> queue_;  // calls that are made before the child runs
  size_t queued_ = 0;
  std::atomic<bool> preempting_ = false;
  bool alive_ = true, has_trapped_ = false, mapper_gives_turn_ = false;
  bool traps_cpuid_ = false, traps_rdtsc_ = true;
};

}  // namespace ringdown
