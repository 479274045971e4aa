#include "sandbox/child_process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include "host-driver/file_descriptor.h"
#include "sandbox/stub_image.h"

namespace ringdown {
namespace {

// What the new process needs until it executes its program, and what it tells about that. It is in our
// memory, since both share it until then (CLONE_VM).
struct Start {
  pid_t parent;
  ChildFiles files;
  int image_file;
  const char* refused = nullptr;
  int error = 0;
};

std::string refusal(const char* what, int error) { return std::string(what) + ": " + std::strerror(error); }

// Moves the files to their numbers and closes all others. They are first put out of each other's way.
bool arrange_files(const Start& start) {
  constexpr int kOutOfTheWay = 16;
  const auto out_of_the_way = [](int file) { return fcntl(file, F_DUPFD, kOutOfTheWay); };
  const int ram = out_of_the_way(start.files.ram), reports = out_of_the_way(start.files.reports);
  const int shared = out_of_the_way(start.files.shared), orders = out_of_the_way(start.files.orders);
  const int image = out_of_the_way(start.image_file);
  return dup2(ram, kChildRam) >= 0 && dup2(reports, kChildReports) >= 0 && dup2(shared, kChildShared) >= 0 &&
         dup2(orders, kChildOrders) >= 0 && dup3(image, kChildImage, O_CLOEXEC) >= 0 &&
         syscall(SYS_close_range, kChildImage + 1u, ~0u, 0u) == 0;
}

// A core of it would have the guest's memory.
bool forbid_core() {
  const rlimit none{0, 0};
  return setrlimit(RLIMIT_CORE, &none) == 0;
}

int refuse(Start& start, const char* what) {
  start.refused = what;
  start.error = errno;
  return 1;
}

// Runs in the new process, in our memory and on a stack of its own, all signals blocked, while the thread
// that made it waits. A parent that died before it could be watched has been replaced by another one.
int prepare_and_execute(void* argument) {
  auto& start = *static_cast<Start*>(argument);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return refuse(start, "prctl(PR_SET_PDEATHSIG)");
  if (getppid() != start.parent) return 1;
  setsid();
  personality(PER_LINUX);  // no inherited READ_IMPLIES_EXEC
  if (!forbid_core()) return refuse(start, "setrlimit(RLIMIT_CORE)");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return refuse(start, "prctl(PR_SET_NO_NEW_PRIVS)");
  if (!arrange_files(start)) return refuse(start, "dup or close_range");
  char name[] = "ringdown-sandbox";
  char* arguments[] = {name, nullptr};
  char* environment[] = {nullptr};
  syscall(SYS_execveat, kChildImage, "", arguments, environment, AT_EMPTY_PATH);
  return refuse(start, "execveat of a memfd (vm.memfd_noexec?)");
}

FileDescriptor image_file() {
  FileDescriptor file(memfd_create("ringdown-sandbox", MFD_CLOEXEC));
  const std::vector<uint8_t> image = stub_image();
  if (file && write(file.get(), image.data(), image.size()) != static_cast<ssize_t>(image.size()))
    file.reset();
  return file;
}

// clone(2), because fork would copy the page tables of a monitor with tens of thousands of mappings. The
// signals are blocked lest a handler of ours runs there.
pid_t clone_and_wait_for_program(Start& start) {
  std::vector<std::array<uint8_t, 64>> stack(1024);
  auto* const top = reinterpret_cast<uint8_t*>(stack.data() + stack.size());
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = clone(prepare_and_execute, top, CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

}  // namespace

std::variant<std::unique_ptr<ChildProcess>, std::string> ChildProcess::start(const ChildFiles& files) {
  const FileDescriptor image = image_file();
  if (!image) return refusal("a memfd for its program", errno);
  Start start{.parent = getpid(), .files = files, .image_file = image.get()};
  const pid_t pid = clone_and_wait_for_program(start);
  if (pid < 0) return refusal("clone", errno);
  std::unique_ptr<ChildProcess> child(new ChildProcess(pid));
  if (start.refused) return refusal(start.refused, start.error);
  return child;
}

ChildProcess::~ChildProcess() {
  kill(SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

bool ChildProcess::is_dead() const {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT | WNOHANG) < 0 || info.si_pid != 0;
}

int ChildProcess::exit_status() const {
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) continue;
  return info.si_code == CLD_EXITED ? info.si_status : 0;
}

void ChildProcess::kill(int signal) const { ::kill(pid_, signal); }

}  // namespace ringdown
