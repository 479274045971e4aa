#include "sandbox/sandbox.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
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

#include "cpu/fault.h"
#include "cpu/physical_memory.h"
#include "host-driver/host_setting.h"
#include "sandbox/stub_image.h"

namespace ringdown {
namespace {

constexpr uint64_t kGuestEnd = 1ull << 32;
// How often a wait looks whether the child still lives.
constexpr uint32_t kLookMilliseconds = 10;
// The host allows 65,530 mappings per process by default (vm.max_map_count). At that limit munmap fails, and
// only a child that has not been taken over can be believed to say so; so it is never reached. A map or an
// unmap makes at most two more.
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

bool has_input(int file, int milliseconds) {
  pollfd poll_for{.fd = file, .events = POLLIN};
  return poll(&poll_for, 1, milliseconds) == 1 && poll_for.revents & POLLIN;
}

// ioctl(2), again if one of the monitor's own signals comes.
bool control(int file, unsigned long request, void* argument) {
  int result;
  do result = ioctl(file, request, argument);
  while (result < 0 && errno == EINTR);
  return result == 0;
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
// 64-bit process, so no 32-bit code has such a RIP. EBP it takes from the stack; SYSCALL's own is then in RCX
// (entry_64_compat.S). A stack that cannot be read is EAX = -EFAULT and a return to there, which faults.
Trap fast_system_call(const TrapRecord& record, UserState& state) {
  state.gpr[kEbp] = static_cast<uint32_t>(record.registers[REG_RCX]);
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
  auto started = ChildProcess::start(ram_file, shared->file());
  if (const auto* reason = std::get_if<std::string>(&started)) return refused + *reason;
  auto& child = std::get<std::unique_ptr<ChildProcess>>(started);
  std::unique_ptr<Sandbox> sandbox(
      new Sandbox(std::move(shared), std::move(child), static_cast<uint64_t>(ram.st_size)));
  if (sandbox->reaches_first_trap()) return sandbox;
  const int status = sandbox->child_->exit_status();
  return refused + (status ? std::string(name_of_start_step(status)) : "its process died");
}

Sandbox::Sandbox(std::unique_ptr<SharedPage> shared, std::unique_ptr<ChildProcess> child, uint64_t ram_bytes)
    : shared_(std::move(shared)),
      child_(std::move(child)),
      ram_bytes_(ram_bytes),
      lowest_mappable_(lowest_mappable_of_host()) {}

bool Sandbox::reaches_first_trap() { return await_turn() && (shared_->learn_frame() || kill_child()); }

// Ours again, or the child is dead.
bool Sandbox::await_turn() {
  std::optional<Clock::time_point> impatient_at;
  while (!shared_->wait_for_turn(kLookMilliseconds))
    if (!is_worth_waiting(impatient_at)) return kill_child();
  return true;
}

// No system call of the stub asks for approval while it has the turn and call_memory() does not listen: who
// asks has taken it over.
bool Sandbox::is_worth_waiting(std::optional<Clock::time_point>& impatient_at) const {
  if (child_->is_dead() || has_input(child_->listener(), 0)) return false;
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

// The stub makes the call, the kernel shows it to us, and if it is the one that was asked for it goes on. The
// arguments are in registers: nobody can change them after we have looked (seccomp_unotify(2)).
bool Sandbox::call_memory(const std::array<uint64_t, 7>& number_and_arguments) {
  if (!alive_) return false;
  shared_->write_call(number_and_arguments);
  shared_->give_turn(STUB_COMMAND_CALL);
  if (!approve_request(number_and_arguments) || !await_turn()) return kill_child();
  // Only memory that runs out can make it fail; then what is mapped is not known.
  constexpr uint64_t kFirstError = -4095ull;
  return shared_->read_result() < kFirstError || kill_child();
}

// A child that gives the turn back without having asked says that it has done what it has not.
bool Sandbox::await_request() const {
  const Clock::time_point give_up_at = Clock::now() + kPatience;
  while (!has_input(child_->listener(), kLookMilliseconds))
    if (child_->is_dead() || shared_->is_our_turn() || Clock::now() > give_up_at) return false;
  return true;
}

bool Sandbox::approve_request(const std::array<uint64_t, 7>& expected) {
  const int listener = child_->listener();
  if (!await_request()) return false;
  seccomp_notif request{};
  if (!control(listener, SECCOMP_IOCTL_NOTIF_RECV, &request)) return false;
  if (request.data.arch != AUDIT_ARCH_X86_64 || static_cast<uint64_t>(request.data.nr) != expected[0] ||
      request.data.instruction_pointer != stub_call_sites().call ||
      std::memcmp(request.data.args, &expected[1], sizeof(request.data.args)) != 0)
    return false;
  seccomp_notif_resp answer{.id = request.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
  return control(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

MapResult Sandbox::map(uint32_t linear, uint64_t ram_offset, uint64_t length, PageRights rights) {
  require((linear | ram_offset | length) % kPageSize == 0 && length != 0, "map: not whole pages");
  require(length <= kGuestEnd - linear, "map: beyond 4 GiB");
  require(ram_offset <= ram_bytes_ && length <= ram_bytes_ - ram_offset, "map: beyond the guest's memory");
  if (linear < lowest_mappable_) return MapResult::kTooLow;
  if (mappings_ + kMappingsPerCall > kMostMappings) return MapResult::kFull;
  mappings_ += kMappingsPerCall;
  constexpr uint64_t kFlags = MAP_SHARED | MAP_FIXED | MAP_NORESERVE;
  const bool mapped =
      call_memory({SYS_mmap, linear, length, host_protection(rights), kFlags, kChildRam, ram_offset});
  return mapped ? MapResult::kMapped : MapResult::kDied;
}

bool Sandbox::unmap(uint32_t linear, uint64_t length) {
  require((linear | length) % kPageSize == 0 && length != 0, "unmap: not whole pages");
  require(length <= kGuestEnd - linear, "unmap: beyond 4 GiB");
  if (mappings_ + kMappingsPerCall > kMostMappings) return unmap_all();
  mappings_ += kMappingsPerCall;
  return call_memory({SYS_munmap, linear, length});
}

bool Sandbox::unmap_all() {
  mappings_ = 0;
  return call_memory({SYS_munmap, 0, kGuestEnd});
}

Trap Sandbox::run(UserState& state) {
  if (!alive_) return {.kind = Trap::Kind::kDied};
  shared_->write(state);
  shared_->give_turn(STUB_COMMAND_RUN);
  if (!await_turn()) return {.kind = Trap::Kind::kDied};
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
}

}  // namespace ringdown
