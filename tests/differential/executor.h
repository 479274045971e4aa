#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "cpu/state.h"

// The differential test runs one case of user-level 32-bit code on several executors and compares what is
// left. A case and an outcome are plain memory, so that they can be handed to another process as they are.
namespace ringdown::differential {

constexpr uint32_t kPageBytes = 4096;

// The pages of user memory that exist, in every case; all others are absent. Each may be executed, as it
// may under 32-bit paging, which has no execute-disable bit. There is none in the lowest 64 KiB, which
// Linux gives to nobody, so 16-bit addresses always fault.
struct PageLayout {
  uint32_t address;
  bool writable;
};
enum PageNumber { kCode0, kCode1, kData0, kData1, kReadOnly, kIsland, kStack0, kStack1, kTop, kPageCount };
constexpr std::array<PageLayout, kPageCount> kPages = {{
    {0x00400000, true},
    {0x00401000, true},
    {0x20000000, true},
    {0x20001000, true},
    {0x20002000, false},
    {0x20004000, true},  // behind an absent page
    {0x7FFFE000, true},
    {0x7FFFF000, true},
    {0xFFFFF000, true},
}};

// Selectors of the flat segments: Linux's own, so that code may store and load them.
constexpr uint16_t kCodeSelector = 0x23;
constexpr uint16_t kDataSelector = 0x2B;  // SS DS ES FS GS

using Page = std::array<uint8_t, kPageBytes>;
using Memory = std::array<Page, kPageCount>;

// What makes a case more than a user program. Only the executors that are machines know of it.
struct Setting {
  enum Kind : uint32_t {
    kUserProgram,  // none of it
    kUser,         // CPL 3, with what follows
    kSupervisor,   // CPL 0
  };
  Kind kind;
  uint32_t fs_base, gs_base;
  uint32_t supervisor_pages;          // bit n: page n is the supervisor's
  uint32_t ignores_write_protection;  // 1: CR0.WP = 0
  uint32_t interrupt_pending;         // 1: and nobody takes it; it changes how the translator goes about STI
  uint32_t virtual_interrupts;        // bit 0: CR4.PVI; VIF and VIP where EFLAGS has them
};

// Initial state. CPL is 3, IF is set, IOPL is 0, CR0.AM and CR0.NE are set, CR4 is as an operating system
// with FXSAVE and SSE exceptions leaves it. Code is part of `memory`; it ends with UD2, so every case ends
// with an exception. All zero is a plain setting.
struct TestCase {
  Setting setting;
  uint32_t endless;  // 1: the reference's outcome is kTimedOut, and so is that of who need not run it
  std::array<uint32_t, 8> gpr;  // by Gpr
  uint32_t eip;
  uint32_t eflags;  // eflags::kStatus and kDf count
  FxsaveImage fx;   // XMM8 and above do not count
  alignas(16) Memory memory;
};

enum class Status : uint32_t {
  kException,   // the end of every good case
  kTimedOut,    // ran for too long
  kSystemCall,  // left the processor: a system call instruction, another code segment
  kCrashed,     // the executor itself died
};

// State at the first exception, as a handler finds it.
struct Outcome {
  Status status;
  uint32_t vector;
  uint32_t error_code;     // 0 for a vector that has none
  uint32_t fault_address;  // CR2, for a page fault
  std::array<uint32_t, 8> gpr;
  uint32_t eip;
  uint32_t eflags;  // the image that the exception pushes
  FxsaveImage fx;
  // If the setting is more than a user program: CR0, CR4, the segment registers' selectors by pairs, and
  // which pages are dirty.
  std::array<uint32_t, 6> system;
  alignas(16) Memory memory;
};

// Vectors of cases that end without an exception.
constexpr uint32_t kHalted = 0x100, kShutdown = 0x101;
// Of a crash: translated code reached for memory outside of the guest's.
constexpr uint32_t kEscaped = 0x102;

class Executor {
 public:
  virtual ~Executor() = default;
  virtual const char* name() const = 0;
  virtual void run(const TestCase& test_case, Outcome& outcome) = 0;
  // As run() for each; an executor for which a hand-over is dear takes them all at once. Same size of both.
  virtual void run_batch(std::span<const TestCase> cases, std::span<Outcome> outcomes) {
    for (size_t i = 0; i < cases.size(); ++i) run(cases[i], outcomes[i]);
  }
};

// Copies to or from the pages by linear address; what falls on no page is left out.
void poke(Memory& memory, uint32_t address, std::span<const uint8_t> bytes);
void peek(const Memory& memory, uint32_t address, std::span<uint8_t> bytes);
// The page that holds the address, or kPageCount.
PageNumber page_of(uint32_t address);

}  // namespace ringdown::differential
