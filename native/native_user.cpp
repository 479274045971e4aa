#include "native/native_user.h"

#include <algorithm>
#include <utility>

#include "host-driver/counters.h"
#include "host-driver/log.h"
#include "interpreter/fast_call.h"
#include "translator/code_mode.h"
#include "translator/sensitive.h"

namespace ringdown {
namespace {

// Those that the guest has of the host's.
constexpr uint32_t kSystemFlags = UserState::kFlags & ~eflags::kInHostFlags;

bool is_null(const Segment& segment) { return segment.attributes == 0; }

UserState user_state_of(const CpuState& s) {
  return {.gpr = s.gpr,
          .eip = s.eip,
          .flags = s.eflags_image() & UserState::kFlags,
          .fs_base = s.segment[kFs].base,
          .gs_base = s.segment[kGs].base,
          .fs_null = is_null(s.segment[kFs]),
          .gs_null = is_null(s.segment[kGs]),
          .fx = s.fx};
}

void store(const UserState& user, CpuState& s) {
  s.gpr = user.gpr;
  s.eip = user.eip;
  s.flags = user.flags & eflags::kInHostFlags;
  s.system_flags = (s.system_flags & ~kSystemFlags) | (user.flags & kSystemFlags);
  s.fx = user.fx;
}

AccessKind access_of(const Trap& trap) {
  if (trap.error_code & page_fault_error::kFetch) return AccessKind::kFetch;
  return trap.error_code & page_fault_error::kWrite ? AccessKind::kWrite : AccessKind::kRead;
}

bool is(const Trap& trap, Vector vector) { return trap.vector == static_cast<uint8_t>(vector); }

}  // namespace

NativeUser::NativeUser(int ram_file, PhysicalMemory& memory, TranslatorContext& context, ShadowMmu& shadow,
                       CodeWriteObserver& code_writes, const CpuModel& model, const Clock& clock)
    : ram_file_(ram_file),
      memory_(memory),
      context_(context),
      state_(context.state),
      shadow_(shadow),
      code_writes_(code_writes),
      model_(model),
      clock_(clock) {}

std::optional<std::string> NativeUser::set_policy(UserCode policy) {
  policy_ = policy;
  reset();
  if (policy != UserCode::kNative) return std::nullopt;
  auto tried = Sandbox::create(ram_file_);
  const auto* line = std::get_if<std::string>(&tried);
  if (!line) return std::nullopt;
  policy_ = UserCode::kTranslated;
  return *line;
}

void NativeUser::reset() {
  spaces_.clear();
  ended_.clear();
  spare_.reset();
  wants_spare_ = false;
  current_ = nullptr;
  context_.set_native_user(false);
  trapped_ = false;
  tlb_flushed();
}

// ---- Which code -------------------------------------------------------------------------------------------

// What the state demands that a sandbox cannot give (docs/decisions/014-sandbox-process.md) runs translated.
bool NativeUser::can_run() const {
  const CodeMode mode = CodeMode::of(state_);
  return !mode.segmented() && mode.has(CodeMode::kSse) && !mode.has(CodeMode::kIoPrivileged) &&
         state_.interrupt_flag && !(state_.system_flags & (eflags::kVif | eflags::kVip)) &&
         (mode.has(CodeMode::kFsUnlimited) || is_null(state_.segment[kFs])) &&
         (mode.has(CodeMode::kGsUnlimited) || is_null(state_.segment[kGs]));
}

// The host's counter is the guest's.
bool NativeUser::may_read_time_stamps() const {
  return context_.time_stamp_offset == 0 && model_.has(Feature::kTsc) && !(state_.cr4 & cr4::kTsd);
}

bool NativeUser::takes() {
  if (!context_.native_user) return false;
  if (state_.cpl != 3) {
    trapped_ = false;
    return false;
  }
  return !trapped_ && can_run() && prepare();
}

bool NativeUser::prepare() {
  Space& space = *current_;
  if (space.native && !revalidate(space)) {
    // What may have taken the sandbox over belongs to a process that has ended.
    end_sandbox(space);
    space = {.is_native = policy_ == UserCode::kNative};
    context_.set_native_user(space.is_native);
    if (!space.is_native) return false;
  }
  if (!space.native && !make_sandbox(space)) return false;
  if (std::exchange(space.has_run_translated, false)) space.native->map_accessed(shadow_);
  space.last_used = ++time_;
  retry_page_fault();
  space.native->prepare_sysenter(shadow_, state_);
  space.native->sandbox().trap_rdtsc(!may_read_time_stamps());
  return true;
}

bool NativeUser::revalidate(Space& space) {
  if (std::exchange(space.tlb_flushes, tlb_flushes_) != tlb_flushes_ && !space.native->revalidate(shadow_))
    return false;
  const uint64_t watch_changes = memory_.watch_changes();
  if (std::exchange(space.watch_changes, watch_changes) != watch_changes) space.native->protect_watched();
  return true;
}

bool NativeUser::make_sandbox(Space& space) {
  drop_least_recently_used();
  std::unique_ptr<Sandbox> sandbox = spare_ ? std::move(spare_) : new_sandbox();
  if (!sandbox) {
    policy_ = UserCode::kTranslated;
    set_native(space, false);
    return false;
  }
  sandbox->count_cpus();
  counters().native_sandboxes++;
  space.native = std::make_unique<NativeSpace>(std::move(sandbox), memory_, state_, space.hot);
  wants_spare_ = true;
  return true;
}

std::unique_ptr<Sandbox> NativeUser::new_sandbox() const {
  auto made = Sandbox::create(ram_file_);
  auto* const sandbox = std::get_if<std::unique_ptr<Sandbox>>(&made);
  return sandbox ? std::move(*sandbox) : nullptr;
}

void NativeUser::end_sandbox(Space& space) {
  if (ended_.size() == kMaxEnded) ended_.clear();
  ended_.push_back(std::move(space.native));
}

void NativeUser::drop_least_recently_used() {
  Space* oldest = nullptr;
  size_t sandboxes = 0;
  for (auto& [cr3, space] : spaces_) {
    if (!space.native) continue;
    sandboxes++;
    if (!oldest || space.last_used < oldest->last_used) oldest = &space;
  }
  if (sandboxes >= kMaxSandboxes) oldest->native.reset();
}

void NativeUser::set_native(Space& space, bool native) {
  if (space.is_native == native) return;
  counters().native_switches++;
  if (native) stays_.begin(cr3_);
  space.is_native = native;
  space.has_run_translated = native;
  if (&space == current_) context_.set_native_user(native);
}

void NativeUser::retry_page_fault() {
  const auto retry = std::exchange(current_->retry, std::nullopt);
  if (!retry || retry->eip != state_.eip) return;
  WalkFailure failure;
  current_->native->resolve(shadow_, retry->linear, retry->kind, failure);
}

// ---- Running ----------------------------------------------------------------------------------------------

NativeUser::End NativeUser::run(const volatile sig_atomic_t& attention) {
  UserState user = user_state_of(state_);
  running_ = &current_->native->sandbox();
  std::optional<End> end;
  while (!end) {
    if (attention) {
      end = End::kKicked;
      break;
    }
    counters().native_entries++;
    const Trap trap = running_->run(user);
    if (trap.kind == Trap::Kind::kDied) {
      end = died();
      break;
    }
    store(user, state_);
    end = answer(trap);
  }
  running_ = nullptr;
  if (stretch_ && kernel_entries() - stretch_->kernel_entries >= Conduct::kEntriesOfWindow) {
    end_stretch();
    begin_stretch();
  }
  return *end;
}

// nullopt: it goes on.
std::optional<NativeUser::End> NativeUser::answer(const Trap& trap) {
  const bool single_step =
      trap.kind == Trap::Kind::kException && is(trap, Vector::kDebug) && (state_.system_flags & eflags::kTf);
  if (trap.kind == Trap::Kind::kException && !single_step) put_back_behind_trap(trap);
  if (!trap.segments_kept) {
    loaded_ = trap.loaded;
    return End::kSegments;
  }
  switch (trap.kind) {
    case Trap::Kind::kPageFault:
      return answer_page_fault(trap);
    case Trap::Kind::kPreempted:
      return End::kKicked;
    case Trap::Kind::kFastSystemCall:
      return answer_fast_system_call();
    case Trap::Kind::kException:
      if (single_step) return End::kSingleStep;
      break;
    case Trap::Kind::kSystemCall:
    case Trap::Kind::kDied:
      break;
  }
  return translate();
}

// SYSENTER loses on the host what it loses anyway. A SYSCALL, which no model has, is #UD; its EIP is lost.
NativeUser::End NativeUser::answer_fast_system_call() {
  if (!HostProcessor::this_one().has_sysenter) return raise({Vector::kInvalidOpcode});
  if (!can_sysenter(state_)) return raise({Vector::kGeneralProtection, true, 0});
  return End::kSysenter;
}

// INT3 and INTO are traps; also in their long forms, as INT n. So is INT1, but not on every host.
void NativeUser::put_back_behind_trap(const Trap& trap) {
  constexpr uint8_t kInt1 = 0xF1, kInt3 = 0xCC, kInto = 0xCE;
  const auto byte_at = [&](uint32_t linear) {
    const auto t = peek(PagingRegisters::of(state_), memory_, linear);
    return t ? memory_.read<uint8_t>(t->physical) : uint8_t{0};
  };
  const uint8_t last = byte_at(state_.eip - 1);
  if (is(trap, Vector::kDebug)) state_.eip -= byte_at(state_.eip) == kInt1 ? 0 : 1;
  if (is(trap, Vector::kBreakpoint) || is(trap, Vector::kOverflow))
    state_.eip -= last == kInt3 || last == kInto ? 1 : 2;
}

std::optional<NativeUser::End> NativeUser::answer_page_fault(const Trap& trap) {
  const AccessKind kind = access_of(trap);
  NativeSpace& native = *current_->native;
  WalkFailure failure;
  counters().native_page_faults++;
  Miss miss = native.resolve(shadow_, trap.address, kind, failure);
  if (miss == Miss::kCodeWrite) {
    // The whole page becomes writable.
    const auto t = peek(PagingRegisters::of(state_), memory_, trap.address);
    code_writes_.on_code_write(t->physical & ~uint64_t{kPageMask}, kPageSize);
    miss = native.resolve(shadow_, trap.address, kind, failure);
  }
  if (miss == Miss::kMapped) return std::nullopt;
  if (miss == Miss::kGuestFault) {
    current_->retry = {.eip = state_.eip, .linear = trap.address, .kind = kind};
    return raise({Vector::kPageFault, true, failure.error_code, trap.address});
  }
  return kind == AccessKind::kFetch ? translate_page() : translate();
}

NativeUser::End NativeUser::translate() {
  trapped_ = true;
  trapped_at_ = state_.eip;
  fetched_ = false;
  return End::kTranslate;
}

NativeUser::End NativeUser::translate_page() {
  translate();
  fetched_ = true;
  context_.cpuid.answered = 0;
  return End::kTranslate;
}

void NativeUser::returned() {
  note_passage();
  trapped_ = false;
  instructions_to_leave_ = is_in_kernel_entry() ? kInstructionsToLeave : 0;
  returned_to_ = state_.eip;
}

// What was fetched in a page that does not run natively did not do there what keeps the page from it, as far
// as that is CPUID: after some of that the page does.
void NativeUser::note_passage() {
  if (!std::exchange(fetched_, false) || !current_ || !current_->native || context_.cpuid.answered) return;
  const bool is_elsewhere = (state_.eip ^ trapped_at_) >> kPageShift;
  if (is_elsewhere && !current_->native->is_kernel_entry(trapped_at_)) current_->hot.note(trapped_at_);
}

bool NativeUser::is_in_kernel_entry() const {
  return current_ && current_->native && current_->native->is_kernel_entry(state_.eip);
}

bool NativeUser::leaves_kernel_entry() {
  if (instructions_to_leave_ == 0) return false;
  if (!context_.native_user || state_.cpl != 3) {
    instructions_to_leave_ = 0;
  } else if (!is_in_kernel_entry()) {
    instructions_to_leave_ = 0;
    current_->hot.forget(returned_to_);
  } else if (--instructions_to_leave_ == 0) {
    translate();
  }
  return instructions_to_leave_ != 0;
}

NativeUser::End NativeUser::raise(const Fault& fault) {
  pending_fault_ = fault;
  return End::kFault;
}

// Killed, or taken over and caught at what no guest code may do. Its registers are lost: the guest gets a
// fault where it was last entered, as of a far jump to a wrong selector.
NativeUser::End NativeUser::died() {
  counters().native_sandboxes_died++;
  log_printf(LogClass::kGuestErrors, "the sandbox of the user code at %08x (CR3 %08x) has died\n", state_.eip,
             state_.cr3);
  current_->native.reset();
  return raise({Vector::kGeneralProtection, true, 0});
}

// ---- When -------------------------------------------------------------------------------------------------

void NativeUser::tlb_flushed() {
  if (policy_ == UserCode::kTranslated) return;
  tlb_flushes_++;
  if (state_.cr3 == cr3_) return;
  cr3_ = state_.cr3;
  current_ = nullptr;
  fetched_ = false;
  if (policy_ == UserCode::kNative) {
    current_space().is_native = true;
  } else if (const auto known = spaces_.find(cr3_); known != spaces_.end()) {
    // Of a process that has ended nothing is left in the shadow MMU either, where it ran last.
    if (!known->second.is_native && shadow_.user().pages().mapped_pages() == 0)
      spaces_.erase(known);
    else
      current_ = &known->second;
  }
  context_.set_native_user(current_ && current_->is_native);
  // Where programs that went native did not stay so, the guest's ticks are soon enough.
  looks_.enter_space(!current_ && stays_.are_long());
  begin_stretch();
}

// Of the current address space: what others have of it goes with their next TLB flush.
void NativeUser::page_invalidated(uint32_t linear) {
  if (current_ && current_->native) current_->native->invalidate_page(shadow_, linear);
}

void NativeUser::look(Nanoseconds now) {
  if (now < next_look_) return;
  if (state_.cpl == 3) end_stretch();
  looks_.looked(!current_ || !current_->is_native);
  begin_stretch();
}

void NativeUser::interrupted() {
  if (policy_ == UserCode::kTranslated) return;
  if (state_.cpl == 3) {
    // Where a page keeps code from running natively, code that calls it is found translated.
    current_space().hot.note(current_->is_native && trapped_ ? trapped_at_ : state_.eip);
    end_stretch();
  }
  begin_stretch();
}

void NativeUser::idle() {
  set_cpuid_trapping(false);
  stretch_.reset();
  next_look_ = kNever;
  ended_.clear();
  if (std::exchange(wants_spare_, false) && !spare_) spare_ = new_sandbox();
}

NativeUser::Space& NativeUser::current_space() {
  if (!current_) current_ = &spaces_[cr3_];
  return *current_;
}

// What ends in the guest's kernel is not counted: it may have been there all the time.
void NativeUser::begin_stretch() {
  if (policy_ != UserCode::kAuto && policy_ != UserCode::kRestless) return;
  stretch_ = {.begin = clock_.now(),
              .kernel_entries = kernel_entries(),
              .instructions_translated = counters().instructions_translated};
  next_look_ = looks_.next(stretch_->begin);
}

void NativeUser::end_stretch() {
  if (!stretch_) return;
  const Stretch begin = *std::exchange(stretch_, std::nullopt);
  const Conduct::Stretch stretch{
      .elapsed = clock_.now() - begin.begin,
      .kernel_entries = kernel_entries() - begin.kernel_entries,
      .instructions_translated = counters().instructions_translated - begin.instructions_translated};
  Space& space = current_space();
  if (space.is_native) stays_.add(cr3_, stretch.elapsed);
  const Nanoseconds quiet = stays_.are_long() ? Conduct::kQuiet : Conduct::kWindow;
  set_native(space, policy_ == UserCode::kRestless ? chance_() % 2
                                                   : space.conduct.note(space.is_native, stretch, quiet));
}

uint64_t NativeUser::kernel_entries() {
  const auto count = [](Sensitive instruction) {
    return sensitive_counts()[static_cast<size_t>(instruction)];
  };
  return count(Sensitive::kIntN) + count(Sensitive::kSysenter) + counters().guest_exceptions;
}

}  // namespace ringdown
