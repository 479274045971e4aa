#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "cpu/cpu_bus.h"
#include "cpu/physical_memory.h"
#include "cpu/state.h"

namespace ringdown {

// Why translated code came back to the monitor.
enum class Exit : uint32_t {
  kLink,       // a direct jump that is not linked yet; argument: its Edge
  kIndirect,   // an indirect jump whose target is not in the jump table; argument: target EIP
  kInterpret,  // the instruction at EIP = argument is the interpreter's
  kFault,      // the host raised a fault; the fault handler has left its decision in the context
};

// Sensitive instructions for which translated code calls C++ that touches no vector register, so that nothing
// but the general registers has to be saved (callouts.h).
enum class Callout : uint8_t {
  kLoadSegment,
  kPopSegment,
  kInterrupt,
  kSysenter,
  kSysexit,
  kInterruptReturn,
  kRealInterrupt,
  kRealInterruptReturn,
  kHalt,
  kClearTaskSwitched,
  kWriteCr0,
  kDivideError,
  // What these reach is ordinary C++, which may use SSE registers: their thunks save those.
  kPortIo,
  kInvalidatePage,
  kCheckedMiss,
};
constexpr size_t kCallouts = 15;
// Whether its block goes on behind it; r11 says where.
constexpr bool comes_back(Callout callout) {
  return callout == Callout::kLoadSegment || callout == Callout::kPopSegment || callout == Callout::kPortIo ||
         callout == Callout::kCheckedMiss;
}

// A page of supervisor memory that callouts reach (stacks, descriptor tables) without a page walk. Filled by
// the monitor; dropped when the guest flushes its TLB.
struct CalloutPage {
  uint32_t tag;  // linear page number + 1; 0: empty
  bool writable, global;
  uint8_t* host;  // in the flat mapping of guest RAM
};

// The pages that checked accesses (lower_checked.cpp) of one ring may read, or write, without the window: a
// software TLB, by linear page number. Filled by the monitor; a page leaves it when the guest's TLB would
// forget it.
struct CheckedPages {
  static constexpr uint32_t kCount = 256;
  static constexpr uint32_t kEmpty = 1;  // the negative of no page number
  std::array<uint32_t, kCount> tag;      // the negative of the linear page number
  std::array<uint64_t, kCount> host;     // of linear 0, were all pages where this one is
  std::array<uint32_t, kCount> global;   // 1: stays when CR3 is loaded

  void clear() { tag.fill(kEmpty); }
  void clear_non_global() {
    for (uint32_t n = 0; n < kCount; n++) tag[n] = global[n] ? tag[n] : kEmpty;
  }
  void remove(uint32_t page) { tag[page % kCount] = kEmpty; }
  // In its place.
  bool has_another_than(uint32_t page) const {
    const uint32_t there = tag[page % kCount];
    return there != kEmpty && there != 0 - page;
  }
  void enter(uint32_t page, uint64_t host_of_0, bool is_global) {
    tag[page % kCount] = 0 - page;
    host[page % kCount] = host_of_0;
    global[page % kCount] = is_global;
  }
};

// An access that CheckedPages did not have.
struct CheckedMiss {
  uint32_t linear;
  uint16_t bytes;
  bool write;
  bool of_destination;  // of MOVS: a fault of its source comes first
  bool by_piece;        // for TranslatorContext::checked_pieces
  uint32_t* moved;      // what a MOV that can be done here reads or writes; null: it is another instruction
};
// What becomes of it. Called while the guest's x87 state is in the host's registers.
class CheckedMissServer {
 public:
  enum class Answer : uint8_t { kEntered, kMoved, kPageFault, kInterpret };
  // kEntered: the access will now find its page. kMoved: it reaches no memory, and has been done. kInterpret:
  // it reaches none and is no MOV, writes to code, lies in two pages, or may have another fault.
  virtual Answer serve(const CheckedMiss& miss, uint32_t& error_code) = 0;

 protected:
  ~CheckedMissServer() = default;
};

// What CPUID answered last, for the next time that it is asked the same. It also tells a guest which
// microcode is loaded (cpuid() in the interpreter): where that is what the register holds already, and
// nowhere else, it only answers.
struct CpuidMemo {
  uint32_t empty;                                      // 1: there is none
  uint32_t minus_leaf, minus_subleaf, minus_revision;  // the latter: bits 32 to 63
  uint32_t eax, ebx, ecx, edx;
  uint32_t answered;  // CPUID has been executed since this was set to 0
};

// What SYSENTER or SYSEXIT did last, for the next time that it is executed in the same circumstances. All
// that decides where it leads, or in which mode, is compared, or is among the FastCallRegisters. The thunk
// then does it without C++.
struct FastCallMemo {
  uint32_t minus_info;  // the instruction's length, and its block's mode; 0: there is no memo
  uint32_t minus_system_flags, minus_gs_limit;  // of SYSEXIT only: ring 0 depends on neither
  uint32_t minus_gs_kind;                       // likewise; selector and attributes, as segments have them
  uint32_t cs, ss;                              // as segments have them
  uint64_t table;                               // the jump table of the mode that it leads to

  void forget() { minus_info = 0; }
};

// What MOV and POP to DS, ES, FS and GS did in ring 0, for the next time: kernels load the same few selectors
// with every system call. A load is done again as before, in its block (lower_callout.cpp), if the block's
// mode, the selector and the descriptor in memory are the same; all is forgotten when GDTR changes.
struct SegmentLoads {
  struct alignas(64) Memo {
    uint32_t minus_key;         // the negative of key_of(); kEmpty: there is none
    uint64_t minus_descriptor;  // of what is in the GDT; of a null selector: what is in the GDT's first entry
    const uint8_t* descriptor_at;  // in the flat mapping of guest RAM
    Segment segment;               // what is loaded
    uint64_t table;                // the jump table of the mode that begins with it; 0: the block goes on
  };
  static constexpr uint32_t kEmpty = 1;  // the negative of no key: no mode has all bits
  // `detail`: the segment register's number and, above 3 bits, the mode of the block.
  static constexpr uint32_t key_of(uint32_t detail, uint16_t selector) { return detail << 16 | selector; }
  // The memos of one register are told from each other by two bits of the selector's index.
  static constexpr uint32_t kSelectorBits = 0x18, kMemosOfRegister = 4;
  static constexpr uint32_t number_of(uint32_t key) {
    return (key >> 16 & 7) * kMemosOfRegister + (key >> 3 & 3);
  }

  static constexpr uint64_t kNoBase = ~uint64_t{0};
  uint64_t gdt_base;  // GDTR as all memos have it; kNoBase: nothing is remembered
  uint32_t gdt_limit;
  bool gdt_global;     // its page is
  const uint8_t* gdt;  // in the flat mapping of guest RAM, to the end of its page
  std::array<Memo, 8 * kMemosOfRegister> memos[2];  // of MOV, of POP

  void forget() {
    if (gdt_base == kNoBase) return;
    gdt_base = kNoBase;
    for (auto& of_kind : memos) {
      for (Memo& memo : of_kind) memo.minus_key = kEmpty;
    }
  }
  void forget_page(uint32_t page) {
    if (gdt_base >> kPageShift == page) forget();
  }
  bool is_of(const DescriptorTable& gdtr) const { return gdt_base == gdtr.base && gdt_limit == gdtr.limit; }
};

// What translated code and the monitor share; r15 points to it while translated code runs. Guest registers
// are in the host's registers then, and `state` holds all that is not: see docs/architecture.md, "Registers".
struct alignas(64) TranslatorContext {
  CpuState state;

  // Written by the monitor, read by translated code.
  uint64_t space_base[2];      // host address of linear 0: [0] supervisor space, [1] user space
  uint64_t jump_table;         // of the current space, loaded into r14 on entry
  uint64_t time_stamp_offset;  // guest TSC = host TSC + this
  uint32_t interrupt_pending;  // the INTR pin: STI and POPF leave translated code if it is set
  bool native_user;            // user code of the current CR3 runs natively: callouts that return to it leave
  // What a *place*, by which jump tables know an instruction, is beyond its EIP: 0 of flat code. Of other
  // code its lower half is CS.base, and the whole tells from each other what differs in CS's base or limit.
  // In modes with descriptors it is for the monitor to know (Translator::code_segment()), in those without
  // it is code_segment_of_paragraphs().
  uint64_t code_segment;
  // Where a load shows whether an offset is within a segment's limit, and may be read [0] and written [1];
  // and fetched from (host-driver/limit_probe.h). Those of CS, DS … as they are when a segmented mode is
  // entered.
  std::array<std::array<uint64_t, 2>, 6> limit_probes;
  uint64_t fetch_probe;
  std::array<uint64_t, 4> exits;  // addresses of the exit thunks, by Exit
  uint64_t table_jump;            // address of the thunk that goes by the jump table to the EIP in r8d
  CpuidMemo cpuid;
  FastCallMemo fast_calls[2];  // [0] SYSENTER, [1] SYSEXIT: by whether they lead to ring 3
  SegmentLoads segment_loads;
  std::array<uint8_t, 1024> slot_space;  // by 4 MiB of linear address: which of space_base supervisor code
                                         // that reaches for user memory should use

  // The access that a guest page fault was delivered for. If IRET returns to it, its page is mapped ahead of
  // the second attempt, which saves a host fault.
  struct Retry {
    bool pending, write;
    uint32_t eip, cr3, linear;
  } retry;

  // For callouts. Written by the monitor.
  CpuBus* bus;                        // not owned; nullptr: port I/O is the interpreter's
  CheckedMissServer* checked_misses;  // not owned
  uint32_t attention;  // nonzero: the run loop has something to do, such as arming a timer earlier
  struct ModeTable {
    uint64_t mode;  // CodeMode bits; ~0: none
    uint64_t table;
    bool operator==(const ModeTable&) const = default;
  };
  static constexpr size_t kModeTables = 4;
  std::array<ModeTable, kModeTables>
      mode_tables[2];                         // the jump tables of the current spaces, by ring as space_base
  std::array<uint64_t, kCallouts> callouts;   // addresses of their thunks
  std::array<CalloutPage, 64> callout_pages;  // by linear page number
  CheckedPages checked_pages[2][2];           // by ring as space_base, and for reads [0] and writes [1]
  // The same by ring for pieces of pages (code_pieces.h) that segmented code writes to beside translated
  // code.
  CheckedPages checked_pieces[2];
  // Written by callouts and their thunks.
  bool returned_to_user;    // for `native_user`
  uint64_t behind_callout;  // host address where a callout that comes back goes on in its block
  uint64_t saved[2];        // host registers, within the code of an instruction that may leave for C++
  uint64_t window_base;     // what the host's GS base holds
  uint32_t callout_miss;    // linear page number + 1 that a callout had no page for; 0: none
  bool callout_miss_write;
  // Written by checked accesses.
  uint64_t string_count,
      string_direction;      // of the checked string instruction that is on: RCX, and DF as 0 or 1
  uint32_t moved_immediate;  // of the checked MOV that has missed

  // Whether user code of the current CR3 runs natively.
  void set_native_user(bool native) {
    native_user = native;
    fast_calls[1].forget();
  }

  // Written by the thunks.
  uint64_t host_stack;  // the monitor's stack pointer while translated code runs
  uint64_t entry;       // host address to enter at
  uint64_t exit_argument;
  Exit exit;
};

// Reserved host registers; rax…rdi hold the guest's registers of the same number, upper halves zero, and the
// host's status flags and DF the guest's. r8–r11 are free within an instruction.
//   r12 base of guest FS    r13 base of guest GS    r14 jump table    r15 TranslatorContext

// TranslatorContext::code_segment in modes without descriptors, where CS's limit is FFFFh.
constexpr uint64_t code_segment_of_paragraphs(uint32_t base) { return uint64_t{base} << 32 | base; }

// Where control goes by an EIP, or a place, that is only known when it gets there. r14 points to it.
struct JumpTable {
  // Returns find their place by ESP: a call leaves there where its return should go on, which compares r8d
  // with the EIP behind the call and goes by `code` if the guest returns elsewhere.
  static constexpr uint32_t kReturns = 512;
  static constexpr uint32_t kReturnMask = (kReturns - 1) << 2, kReturnMask16 = (kReturns - 1) << 1;

  static constexpr uint32_t kEntries = 1 << 16;
  static constexpr uint32_t index(uint64_t place) { return place % kEntries; }
  // What spreads over these are EIPs whose lower halves are alike.
  static constexpr uint32_t evicted_index(uint64_t place) {
    const auto linear = static_cast<uint32_t>(place);
    return (linear + (linear >> 16)) % kEntries;
  }

  // What another entry has displaced from `code`. The thunk kIndirect looks here last.
  struct Evicted {
    uint64_t tag;  // 0: none
    uint64_t code;
    // Plus 1 plus the place that is sought: 0.
    static constexpr uint64_t tag_of(uint64_t place) { return ~place; }
  };

  uint64_t return_mask;  // kReturnMask or, where SP is pushed by words, kReturnMask16; for PEXT
  std::array<uint64_t, kReturns> returns;  // by the bits of ESP that return_mask has; the thunk table_jump
  std::array<uint64_t, kEntries>
      code;  // by index(): a block's entry, which compares r8d, or the thunk kIndirect
  std::array<Evicted, kEntries> evicted;  // by evicted_index()
};
inline uint64_t jump_table_code(uint64_t table, uint64_t place) {
  return reinterpret_cast<const JumpTable*>(table)->code[JumpTable::index(place)];
}

}  // namespace ringdown
