#pragma once
#include <ucontext.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "host-driver/file_descriptor.h"
#include "sandbox/stub_layout.h"

namespace ringdown {

struct UserState;

constexpr uint16_t kHostCode32 = 0x23, kHostData = 0x2B;  // __USER32_CS, __USER_DS
// What FS or GS holds when guest code is entered.
constexpr uint16_t entered_selector(bool null) { return null ? 0 : kHostData; }
// The kernel's frame of a signal handler has them by REG_RIP and so on (<sys/ucontext.h>); the general ones
// by their numbers.
using FrameRegisters = std::array<uint64_t, NGREG>;
constexpr std::array<int, 8> kFrameGprs = {REG_RAX, REG_RCX, REG_RDX, REG_RBX,
                                           REG_RSP, REG_RBP, REG_RSI, REG_RDI};

// What the stub says at a trap, and the kernel's frame of its signal handler, copied once.
struct TrapRecord {
  struct Out {
    uint32_t signal, unused;
    uint64_t context, info, fs_base, gs_base;
    uint16_t ds, es, fs, gs;
  } out;
  struct Info {
    int32_t signal, error, code, unused;
  } info;
  FrameRegisters registers;
};
static_assert(sizeof(TrapRecord::Out) == STUB_OUT_GS + 2 - STUB_OUT, "as stub.S writes it");

// The memory that monitor and child share (stub_layout.h), as the monitor sees it. The child may write
// anything there at any time. So whatever is read is copied first, and no address in it is followed: that of
// the signal frame is learned before any guest code has run.
class SharedPage {
 public:
  // Empty if the host refuses; errno says why.
  static std::unique_ptr<SharedPage> create();
  ~SharedPage();
  SharedPage(const SharedPage&) = delete;
  SharedPage& operator=(const SharedPage&) = delete;

  int file() const { return file_.get(); }

  // Whether there are other CPUs for the child to run on while we look at the turn: as count_cpus() has
  // found.
  bool spins() const { return spins_ != 0; }
  void count_cpus();
  // Gives the turn, which is ours, to the child, waking it if it sleeps. False: it is not ours any more, for
  // the child is dead or has meddled with it.
  bool give_turn();
  // Gives it to the mapper, which gives it on to the child.
  bool give_turn_to_mapper();
  enum class Turn { kOurs, kTheirs, kNobodys /* one of the child's threads has died */ };
  // Spins, then sleeps until the turn comes or a thread of the child dies, a signal is handled, or wake() is
  // called; for up to so many milliseconds, if any.
  Turn wait_for_turn(std::optional<uint32_t> milliseconds);
  // Any thread, and signal handlers.
  void wake();

  // From the next turn of the child's on.
  void trap_cpuid();
  void trap_rdtsc(bool traps);

  // The mapper's thread. Before any guest code has run.
  pid_t mapper() const;
  // After the first trap. False: the frame is not where a frame can be.
  bool learn_frame();
  // False: the frame is not where it was, so it is not that of a trap of the guest's code.
  bool read(TrapRecord& record) const;
  // Of the last trap.
  void read_vectors(UserState& state) const;

  // Into the frame that the stub returns from.
  void write(const UserState& state);

 private:
  SharedPage(FileDescriptor file, uint8_t* bytes);
  bool give_turn_to(uint32_t whom);
  uint8_t* at_child_address(uint64_t address) const { return bytes_ + (address - STUB_SHARED); }

  FileDescriptor file_;
  uint8_t* const bytes_;
  uint32_t spins_ = 0;
  uint64_t context_ = 0, info_ = 0, vectors_ = 0;  // addresses in the child
};

}  // namespace ringdown
