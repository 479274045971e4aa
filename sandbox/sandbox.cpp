#include "sandbox/sandbox.h"

#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "cpu/fault.h"
#include "cpu/physical_memory.h"
#include "host-driver/host_setting.h"
#include "sandbox/host_processor.h"
#include "sandbox/stub_image.h"

namespace ringdown {
namespace {

constexpr uint64_t kGuestEnd = 1ull << 32;
// How often a wait looks whether the child still lives and answers.
constexpr uint32_t kLookMilliseconds = 10;
// The host allows 65,530 mappings per process by default (vm.max_map_count). At that limit munmap fails, too;
// so it is never reached. A map or an unmap makes at most two more.
constexpr uint32_t kMostMappings = 60'000, kMappingsPerCall = 2;

// What the host cannot map for want of a privilege that the child does not have.
uint32_t lowest_mappable_of_host() {
  constexpr uint64_t kUsual = 64 << 10;
  const uint64_t lowest = host_setting("/proc/sys/vm/mmap_min_addr").value_or(kUsual);
  return static_cast<uint32_t>(std::min<uint64_t>(lowest, UINT32_MAX));
}

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "ringdown: Sandbox: %s\n", what);
  std::abort();
}

uint64_t host_protection(PageRights rights) {
  switch (rights) {
    case PageRights::kRead:
      return PROT_READ;
    case PageRights::kReadExecute:
      return PROT_READ | PROT_EXEC;
    case PageRights::kReadWrite:
      return PROT_READ | PROT_WRITE;
    case PageRights::kReadWriteExecute:
      return PROT_READ | PROT_WRITE | PROT_EXEC;
  }
  return PROT_NONE;
}

// Whether the host's page tables are filled at once. A page that is written costs a fault of 2 us otherwise,
// and a page of a run that is not written costs 0.5 us for nothing. Reading has the host fill several at a
// fault.
bool is_worth_filling(const Mapping& mapping) {
  constexpr uint64_t kMost = 256 << 10;
  const bool is_written =
      mapping.rights == PageRights::kReadWrite || mapping.rights == PageRights::kReadWriteExecute;
  return is_written && mapping.length > kPageSize && mapping.length <= kMost;
}

Mapper::Call call_of(const Mapping& mapping) {
  constexpr uint64_t kFlags = MAP_SHARED | MAP_FIXED | MAP_NORESERVE;
  const uint64_t flags = is_worth_filling(mapping) ? kFlags | MAP_POPULATE : kFlags;
  return {SYS_mmap, mapping.linear, mapping.length,    host_protection(mapping.rights),
          flags,    kChildRam,      mapping.ram_offset};
}

// What other code traps in, 64-bit code of the guest's or the stub, is no trap of the guest's.
bool is_guest_code(const TrapRecord& record) {
  const uint64_t selectors = record.registers[REG_CSGSFS];
  return (selectors & 0xFFFF) == kHostCode32;
}

void find_loaded_segments(const TrapRecord& record, const UserState& entered, Trap& trap) {
  const TrapRecord::Out& out = record.out;
  const auto compare = [&](SegmentIndex index, uint16_t found, uint16_t was) {
    if (found != was) trap.loaded[index] = found;
    trap.segments_kept &= found == was;
  };
  compare(kSs, static_cast<uint16_t>(record.registers[REG_CSGSFS] >> 48), kHostData);
  compare(kDs, out.ds, kHostData);
  compare(kEs, out.es, kHostData);
  compare(kFs, out.fs, entered_selector(entered.fs_null));
  compare(kGs, out.gs, entered_selector(entered.gs_null));
  trap.segments_kept &= out.fs_base == entered.fs_base && out.gs_base == entered.gs_base;
}

void read_registers(const TrapRecord& record, UserState& state) {
  for (size_t n = 0; n < state.gpr.size(); ++n)
    state.gpr[n] = static_cast<uint32_t>(record.registers[kFrameGprs[n]]);
  state.eip = static_cast<uint32_t>(record.registers[REG_RIP]);
  state.flags = static_cast<uint32_t>(record.registers[REG_EFL]) & UserState::kFlags;
  state.fs_base = static_cast<uint32_t>(record.out.fs_base);
  state.gs_base = static_cast<uint32_t>(record.out.gs_base);
}

// Linux makes SYSCALL and SYSENTER of 32-bit code look like an INT 80h in its vDSO, which is above 4 GiB in a
// 64-bit process, so no 32-bit code has such a RIP. EBP it takes from the stack; its own is then in RCX of a
// SYSCALL and in RSP of a SYSENTER (entry_64_compat.S). A stack that cannot be read is EAX = -EFAULT and a
// return to there, which faults.
Trap fast_system_call(const TrapRecord& record, UserState& state) {
  state.gpr[kEbp] =
      static_cast<uint32_t>(record.registers[HostProcessor::this_one().has_sysenter ? REG_RSP : REG_RCX]);
  return {.kind = Trap::Kind::kFastSystemCall};
}

// A signal that the kernel raised for the instruction, and not for another process, has a positive code
// (sigaction(2)).
Trap trap_of(const TrapRecord& record, UserState& state) {
  constexpr uint32_t kInt80Bytes = 2;
  if (record.registers[REG_RIP] >= kGuestEnd) return fast_system_call(record, state);
  if (record.info.code <= 0) return {.kind = Trap::Kind::kPreempted};
  if (record.out.signal == SIGSYS) {
    state.eip -= kInt80Bytes;
    return {.kind = Trap::Kind::kSystemCall, .vector = 0x80};
  }
  Trap trap{.kind = Trap::Kind::kException,
            .vector = static_cast<uint8_t>(record.registers[REG_TRAPNO]),
            .error_code = static_cast<uint32_t>(record.registers[REG_ERR])};
  if (trap.vector == static_cast<uint8_t>(Vector::kPageFault)) {
    trap.kind = Trap::Kind::kPageFault;
    trap.address = static_cast<uint32_t>(record.registers[REG_CR2]);
  }
  return trap;
}

}  // namespace

std::variant<std::unique_ptr<Sandbox>, std::string> Sandbox::create(int ram_file) {
  const std::string refused = "the host refuses a sandbox for the guest's user code: ";
  struct stat ram;
  if (fstat(ram_file, &ram) < 0) return refused + "fstat of guest RAM: " + std::strerror(errno);
  std::unique_ptr<SharedPage> shared = SharedPage::create();
  if (!shared) return refused + "memory to share with it: " + std::strerror(errno);
  std::unique_ptr<Mapper> mapper = Mapper::create();
  if (!mapper) return refused + "memory or a pipe for its mapper: " + std::strerror(errno);
  auto started = ChildProcess::start({.ram = ram_file,
                                      .reports = mapper->reports_file(),
                                      .shared = shared->file(),
                                      .orders = mapper->orders_file()});
  if (const auto* reason = std::get_if<std::string>(&started)) return refused + *reason;
  auto& child = std::get<std::unique_ptr<ChildProcess>>(started);
  mapper->started();
  std::unique_ptr<Sandbox> sandbox(new Sandbox(std::move(shared), std::move(mapper), std::move(child),
                                               static_cast<uint64_t>(ram.st_size)));
  if (sandbox->reaches_first_trap()) return sandbox;
  const int status = sandbox->child_->exit_status();
  return refused + (status ? std::string(name_of_start_step(status)) : "its process died");
}

Sandbox::Sandbox(std::unique_ptr<SharedPage> shared, std::unique_ptr<Mapper> mapper,
                 std::unique_ptr<ChildProcess> child, uint64_t ram_bytes)
    : shared_(std::move(shared)),
      mapper_(std::move(mapper)),
      child_(std::move(child)),
      ram_bytes_(ram_bytes),
      lowest_mappable_(lowest_mappable_of_host()) {}

// Both threads are confined then.
bool Sandbox::reaches_first_trap() {
  if (!mapper_->is_ready() || !await_turn() || !shared_->learn_frame()) return kill_child();
  mapper_->set_thread(shared_->mapper());
  has_trapped_ = true;
  return true;
}

// Ours again, or the child is dead.
bool Sandbox::await_turn() {
  std::optional<Clock::time_point> impatient_at;
  while (true) {
    const auto limit = has_to_look() ? std::optional(kLookMilliseconds) : std::nullopt;
    const SharedPage::Turn turn = shared_->wait_for_turn(limit);
    if (turn == SharedPage::Turn::kOurs) return true;
    if (turn == SharedPage::Turn::kNobodys || !is_worth_waiting(impatient_at)) return kill_child();
  }
}

// Whether a wait has to look for itself what has become of the child. Otherwise the kernel tells its death.
// One that has meddled with that keeps its turn until a signal ends the wait, as does any program that loops.
bool Sandbox::has_to_look() const {
  return !has_trapped_ || looks() || mapper_gives_turn_ || preempting_.load(std::memory_order_relaxed);
}

bool Sandbox::is_worth_waiting(std::optional<Clock::time_point>& impatient_at) const {
  if (child_->is_dead() || mapper_->has_failed()) return false;
  if (!preempting_.load(std::memory_order_relaxed)) return true;
  const Clock::time_point now = Clock::now();
  if (!impatient_at) impatient_at = now + kPatience;
  return now < *impatient_at;
}

bool Sandbox::kill_child() {
  child_->kill(SIGKILL);
  alive_ = false;
  return false;
}

// Only memory that runs out can make it fail; then what is mapped is not known.
bool Sandbox::call_mapper(std::span<const Mapper::Call> calls) {
  return alive_ && (mapper_->make(calls) || kill_child());
}

bool Sandbox::finish_maps() {
  const size_t count = std::exchange(queued_, 0);
  return count == 0 || call_mapper(std::span(queue_).first(count));
}

// With one CPU the mapper hands over to the child by itself, which saves two changes of the running task.
// With several the child may already be looking at its turn on another one.
bool Sandbox::give_turn() {
  mapper_gives_turn_ = queued_ != 0 && !shared_->spins();
  if (!mapper_gives_turn_) return finish_maps() && (shared_->give_turn() || kill_child());
  if (!shared_->give_turn_to_mapper()) return kill_child();
  return mapper_->make_and_give_turn(std::span(queue_).first(std::exchange(queued_, 0))) || kill_child();
}

bool Sandbox::is_too_low(const Mapping& m) const {
  require((m.linear | m.ram_offset | m.length) % kPageSize == 0 && m.length != 0, "map: not whole pages");
  require(m.length <= kGuestEnd - m.linear, "map: beyond 4 GiB");
  require(m.ram_offset <= ram_bytes_ && m.length <= ram_bytes_ - m.ram_offset,
          "map: beyond the guest's memory");
  return m.linear < lowest_mappable_;
}

MapResult Sandbox::map(std::span<const Mapping> mappings) {
  for (const Mapping& mapping : mappings)
    if (is_too_low(mapping)) return MapResult::kTooLow;
  if (mappings.size() > (kMostMappings - mappings_) / kMappingsPerCall) return MapResult::kFull;
  mappings_ += static_cast<uint32_t>(mappings.size()) * kMappingsPerCall;
  for (const Mapping& mapping : mappings) {
    if (queued_ == queue_.size() && !finish_maps()) break;
    queue_[queued_++] = call_of(mapping);
  }
  return alive_ ? MapResult::kMapped : MapResult::kDied;
}

MapResult Sandbox::map(uint32_t linear, uint64_t ram_offset, uint64_t length, PageRights rights) {
  const Mapping mapping{.linear = linear, .ram_offset = ram_offset, .length = length, .rights = rights};
  return map(std::span(&mapping, 1));
}

bool Sandbox::unmap(uint32_t linear, uint64_t length) {
  require((linear | length) % kPageSize == 0 && length != 0, "unmap: not whole pages");
  require(length <= kGuestEnd - linear, "unmap: beyond 4 GiB");
  if (mappings_ + kMappingsPerCall > kMostMappings) return unmap_all();
  mappings_ += kMappingsPerCall;
  return finish_maps() && call_mapper({{{SYS_munmap, linear, length}}});
}

bool Sandbox::unmap_all() {
  mappings_ = 0;
  queued_ = 0;
  return call_mapper({{{SYS_munmap, 0, kGuestEnd}}});
}

void Sandbox::trap_cpuid() {
  if (std::exchange(traps_cpuid_, true)) return;
  shared_->trap_cpuid();
  const Mapper::Call likewise{SYS_arch_prctl, ARCH_SET_CPUID, 0};
  call_mapper(std::span(&likewise, 1));
}

void Sandbox::trap_rdtsc(bool traps) {
  if (std::exchange(traps_rdtsc_, traps) != traps) shared_->trap_rdtsc(traps);
}

Trap Sandbox::run(UserState& state) {
  if (!alive_) return {.kind = Trap::Kind::kDied};
  if (traps_cpuid_) set_cpuid_trapping(true);
  shared_->write(state);
  if (!give_turn() || !await_turn()) return {.kind = Trap::Kind::kDied};
  TrapRecord record;
  if (!shared_->read(record) || !is_guest_code(record)) {
    kill_child();
    return {.kind = Trap::Kind::kDied};
  }
  const UserState entered = state;
  read_registers(record, state);
  shared_->read_vectors(state);
  Trap trap = trap_of(record, state);
  find_loaded_segments(record, entered, trap);
  if (trap.kind == Trap::Kind::kPreempted) preempting_ = false;
  return trap;
}

void Sandbox::preempt() {
  preempting_ = true;
  child_->kill(sandbox_kick_signal());
  shared_->wake();
}

}  // namespace ringdown
