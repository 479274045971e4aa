#include "sandbox/stub_image.h"

#include <elf.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <csignal>
#include <cstring>
#include <initializer_list>
#include <span>

#include "sandbox/stub_layout.h"

extern "C" const uint8_t ringdown_stub[], ringdown_stub_started[], ringdown_stub_handler[],
    ringdown_stub_end[], ringdown_stub_after_futex[], ringdown_stub_after_sigreturn[],
    ringdown_stub_after_arch_prctl[], ringdown_stub_after_prctl[], ringdown_mapper[],
    ringdown_mapper_after_call[], ringdown_mapper_after_futex[], ringdown_mapper_after_write[],
    ringdown_mapper_after_wake[];

namespace ringdown {
namespace {

// The last address of user space and one page that the kernel keeps back, with 4 levels of page tables. It
// maps nothing above unless asked to, also with 5 (Documentation/arch/x86/x86_64/5level-paging.rst).
constexpr uint64_t kUserSpaceEnd = 0x7FFFFFFFF000;
constexpr uint64_t kSignalSetBytes = 8;  // the kernel's

struct Step {
  std::array<uint64_t, 7> number_and_arguments;
};
static_assert(sizeof(Step) == 56, "the stub goes from one to the next by this");

struct KernelSigaction {
  uint64_t handler, flags, restorer, mask;
};

constexpr uint64_t kTurn = STUB_SHARED + STUB_TURN;

constexpr auto kTrapSignals = std::to_array({SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS});

constexpr std::string_view kStepNames[] = {
    "munmap of all that is not the stub",
    "munmap of all that is not the stub",
    "mmap of the page shared with the monitor",
    "mmap of the mapper's orders",
    "close",
    "close",
    "set_tid_address",
    "capset",
    "clone of the mapper",
    "close of guest RAM",
    "close of the mapper's pipe",
    "sigaltstack",
    "rt_sigaction",
    "rt_sigaction",
    "rt_sigaction",
    "rt_sigaction",
    "rt_sigaction",
    "rt_sigaction",
    "rt_sigaction",
    "rt_sigprocmask",
    "prctl, RDTSC",
    "seccomp, the filter of the guest's thread",
    // The mapper's.
    "rt_sigprocmask of the mapper",
    "seccomp, the mapper's filter",
};
constexpr size_t kMapperSteps = 2, kGuestSteps = std::size(kStepNames) - kMapperSteps;

uint64_t signal_bit(int signal) { return 1ull << (signal - 1); }

// Grows as the image does; knows where its end will be in the child.
class ImageWriter {
 public:
  template <class T>
  uint64_t add(const T& value) {
    return add_bytes({reinterpret_cast<const uint8_t*>(&value), sizeof(value)});
  }
  uint64_t add_bytes(std::span<const uint8_t> bytes) {
    constexpr size_t kAlignment = 16;
    bytes_.resize((bytes_.size() + kAlignment - 1) & ~(kAlignment - 1));
    const uint64_t address = STUB_BASE + bytes_.size();
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return address;
  }
  std::vector<uint8_t>& bytes() { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

constexpr size_t kHeaders = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr);
constexpr uint64_t kStubOffset = (kHeaders + 15) & ~size_t{15};

uint64_t in_child(const uint8_t* stub_address) {
  return STUB_BASE + kStubOffset + static_cast<uint64_t>(stub_address - ringdown_stub);
}

Elf64_Ehdr file_header() {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = header.e_version = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_entry = in_child(ringdown_stub);
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  return header;
}

// The stack, which the stub unmaps, is named for its flags: without them the kernel may make data executable.
void write_headers(std::vector<uint8_t>& image) {
  const Elf64_Ehdr header = file_header();
  Elf64_Phdr segments[2]{};
  segments[0] = {.p_type = PT_LOAD,
                 .p_flags = PF_R | PF_X,
                 .p_vaddr = STUB_BASE,
                 .p_filesz = image.size(),
                 .p_memsz = image.size(),
                 .p_align = 4096};
  segments[1] = {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W};
  std::memcpy(image.data(), &header, sizeof(header));
  std::memcpy(image.data() + sizeof(header), segments, sizeof(segments));
}

std::vector<Step> memory_steps() {
  return {
      {{SYS_munmap, 0, STUB_BASE}},
      {{SYS_munmap, STUB_SHARED, kUserSpaceEnd - STUB_SHARED}},
      {{SYS_mmap, STUB_SHARED, STUB_SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
        kChildShared, 0}},
      {{SYS_mmap, STUB_ORDERS, STUB_ORDERS_BYTES, PROT_READ, MAP_SHARED | MAP_FIXED, kChildOrders, 0}},
      {{SYS_close, kChildShared}},
      {{SYS_close, kChildOrders}},
      {{SYS_set_tid_address, kTurn}},
  };
}

// Without CLONE_FILES: the mapper has its own table of files, and keeps what the guest's thread closes. Their
// stack is the same one, which neither has. The kernel writes to kTurn when a thread dies while there is
// another in its memory: so one of the two at least tells the monitor.
void add_mapper_steps(std::vector<Step>& steps, uint64_t mapper_script) {
  constexpr uint64_t kFlags = CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                              CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  steps.push_back({{SYS_clone, kFlags, 0, STUB_SHARED + STUB_MAPPER, kTurn, kGuestSteps, mapper_script}});
  steps.push_back({{SYS_close, kChildRam}});
  steps.push_back({{SYS_close, kChildReports}});
}

void add_signal_steps(ImageWriter& image, std::vector<Step>& steps) {
  constexpr uint64_t kRestorerFlag = 0x04000000;  // SA_RESTORER: x86-64 has no signals without it
  const stack_t stack{.ss_sp = reinterpret_cast<void*>(uint64_t{STUB_SIGNAL_STACK}),
                      .ss_flags = 0,
                      .ss_size = STUB_SIGNAL_STACK_BYTES};
  const uint64_t handler = in_child(ringdown_stub_handler);
  const KernelSigaction action{handler, SA_SIGINFO | SA_ONSTACK | kRestorerFlag, handler, ~0ull};
  const uint64_t action_address = image.add(action);
  uint64_t blocked = ~signal_bit(sandbox_kick_signal());
  steps.push_back({{SYS_sigaltstack, image.add(stack), 0}});
  for (const int signal : kTrapSignals) {
    steps.push_back({{SYS_rt_sigaction, static_cast<uint64_t>(signal), action_address, 0, kSignalSetBytes}});
    blocked &= ~signal_bit(signal);
  }
  steps.push_back(
      {{SYS_rt_sigaction, static_cast<uint64_t>(sandbox_kick_signal()), action_address, 0, kSignalSetBytes}});
  steps.push_back({{SYS_rt_sigprocmask, SIG_SETMASK, image.add(blocked), 0, kSignalSetBytes}});
}

void add_privilege_step(ImageWriter& image, std::vector<Step>& steps) {
  const __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
  steps.push_back({{SYS_capset, image.add(header), image.add(none)}});
}

void add_filter_step(ImageWriter& image, std::vector<Step>& steps, const std::vector<sock_filter>& filter) {
  const uint64_t code =
      image.add_bytes({reinterpret_cast<const uint8_t*>(filter.data()), filter.size() * sizeof(sock_filter)});
  const sock_fprog program{static_cast<unsigned short>(filter.size()), reinterpret_cast<sock_filter*>(code)};
  steps.push_back({{SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, image.add(program)}});
}

Step end_of_script(const uint8_t* go_on_at) { return {{~0ull, in_child(go_on_at)}}; }

std::vector<Step> guest_script(ImageWriter& image, uint64_t mapper_script) {
  std::vector<Step> steps = memory_steps();
  add_privilege_step(image, steps);
  add_mapper_steps(steps, mapper_script);
  add_signal_steps(image, steps);
  steps.push_back({{SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV}});
  add_filter_step(image, steps, guest_filter(stub_call_sites()));
  steps.push_back(end_of_script(ringdown_stub_started));
  return steps;
}

std::vector<Step> mapper_script_of(ImageWriter& image) {
  std::vector<Step> steps{{{SYS_rt_sigprocmask, SIG_SETMASK, image.add(~0ull), 0, kSignalSetBytes}}};
  add_filter_step(image, steps, mapper_filter(stub_call_sites()));
  steps.push_back(end_of_script(ringdown_mapper));
  return steps;
}

}  // namespace

int sandbox_kick_signal() { return SIGUSR1; }

StubCallSites stub_call_sites() {
  return {.futex = in_child(ringdown_stub_after_futex),
          .sigreturn = in_child(ringdown_stub_after_sigreturn),
          .arch_prctl = in_child(ringdown_stub_after_arch_prctl),
          .prctl = in_child(ringdown_stub_after_prctl),
          .mapper_call = in_child(ringdown_mapper_after_call),
          .mapper_futex = in_child(ringdown_mapper_after_futex),
          .mapper_write = in_child(ringdown_mapper_after_write),
          .mapper_wake = in_child(ringdown_mapper_after_wake)};
}

std::vector<uint8_t> stub_image() {
  ImageWriter image;
  image.bytes().resize(kStubOffset);
  image.add_bytes({ringdown_stub, ringdown_stub_end});
  const size_t script = image.bytes().size();
  const size_t mapper_script = script + (kGuestSteps + 1) * sizeof(Step);
  image.bytes().resize(mapper_script + (kMapperSteps + 1) * sizeof(Step));
  const auto write_script = [&](size_t offset, const std::vector<Step>& steps) {
    std::memcpy(image.bytes().data() + offset, steps.data(), steps.size() * sizeof(Step));
  };
  write_script(script, guest_script(image, STUB_BASE + mapper_script));
  write_script(mapper_script, mapper_script_of(image));
  write_headers(image.bytes());
  return std::move(image.bytes());
}

std::string_view name_of_start_step(int status) {
  const auto step = static_cast<size_t>(status) - 1;
  return step < std::size(kStepNames) ? kStepNames[step] : "an unknown step";
}

}  // namespace ringdown
