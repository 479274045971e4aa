#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

// The architectural state of the guest's processor (SDM vol. 3, chapters 2 and 3). It is the only place
// where guest registers live while C++ runs; translated code holds the general registers, the status
// flags and the x87/SSE state in the host's own registers and stores them back when it leaves.
namespace ringdown {

enum Gpr : uint8_t { kEax, kEcx, kEdx, kEbx, kEsp, kEbp, kEsi, kEdi };
enum SegmentIndex : uint8_t { kEs, kCs, kSs, kDs, kFs, kGs };

namespace eflags {
constexpr uint32_t kCf = 1u << 0, kFixed = 1u << 1, kPf = 1u << 2, kAf = 1u << 4, kZf = 1u << 6,
                   kSf = 1u << 7, kTf = 1u << 8, kIf = 1u << 9, kDf = 1u << 10, kOf = 1u << 11,
                   kIopl = 3u << 12, kNt = 1u << 14, kRf = 1u << 16, kVm = 1u << 17, kAc = 1u << 18,
                   kVif = 1u << 19, kVip = 1u << 20, kId = 1u << 21;
constexpr uint32_t kStatus = kCf | kPf | kAf | kZf | kSf | kOf;
// What translated code keeps in the host's own flags; the rest is virtual.
constexpr uint32_t kInHostFlags = kStatus | kDf;
}  // namespace eflags

namespace cr0 {
constexpr uint32_t kPe = 1u << 0, kMp = 1u << 1, kEm = 1u << 2, kTs = 1u << 3, kEt = 1u << 4, kNe = 1u << 5,
                   kWp = 1u << 16, kAm = 1u << 18, kNw = 1u << 29, kCd = 1u << 30, kPg = 1u << 31;
}
namespace cr4 {
constexpr uint32_t kVme = 1u << 0, kPvi = 1u << 1, kTsd = 1u << 2, kDe = 1u << 3, kPse = 1u << 4,
                   kPae = 1u << 5, kMce = 1u << 6, kPge = 1u << 7, kPce = 1u << 8, kOsfxsr = 1u << 9,
                   kOsxmmexcpt = 1u << 10;
}
namespace efer {
constexpr uint64_t kNxe = 1u << 11;
}

// Attributes of a loaded segment: bytes 5 and 6 of its descriptor as one word, limit bits 19:16 cleared.
namespace segment_attribute {
constexpr uint16_t kTypeMask = 0xF, kAccessed = 1, kWritableOrReadable = 2, kExpandDownOrConforming = 4,
                   kCode = 8, kCodeOrData = 1 << 4 /* S */, kPresent = 1 << 7, kAvailable = 1 << 12,
                   kBig = 1 << 14 /* D/B */, kGranular = 1 << 15;
constexpr int kDplShift = 5;
}  // namespace segment_attribute

// A segment register with its hidden part. In real and virtual-8086 mode: base = selector << 4,
// limit 0xFFFF, attributes of a read/write (or readable code) segment, DPL 0 or 3.
struct Segment {
  uint32_t base;
  uint32_t limit;  // last valid offset in bytes, granularity applied
  uint16_t selector;
  uint16_t attributes;  // 0 (not present): a null selector was loaded; every access faults

  bool present() const { return attributes & segment_attribute::kPresent; }
  bool is_code() const { return attributes & segment_attribute::kCode; }
  bool big() const { return attributes & segment_attribute::kBig; }
  bool expands_down() const {
    return !is_code() && (attributes & segment_attribute::kExpandDownOrConforming);
  }
  unsigned dpl() const { return attributes >> segment_attribute::kDplShift & 3; }
  // Base 0, limit 4 GiB - 1, expand-up: an access needs no check and no addition.
  bool flat() const;
  // As flat() but any base: an access needs an addition only.
  bool unlimited() const;
};

inline bool Segment::unlimited() const { return present() && limit == 0xFFFFFFFF && !expands_down(); }
inline bool Segment::flat() const { return base == 0 && unlimited(); }

struct DescriptorTable {
  uint32_t base;
  uint16_t limit;
};

// Model-specific registers that are plain storage (SDM vol. 4). Others act when they are written.
struct ModelSpecificRegisters {
  uint64_t efer;
  uint32_t sysenter_cs, sysenter_esp, sysenter_eip;
  uint64_t pat;
  static constexpr uint64_t kApicEnable = 1u << 11;
  uint64_t apic_base;
  uint64_t misc_enable;
  uint64_t mtrr_def_type;
  std::array<uint64_t, 16> mtrr_variable;  // base, mask pairs
  std::array<uint64_t, 11> mtrr_fixed;
  uint64_t debugctl;
  uint64_t microcode_revision;
  uint64_t tsc_adjust;  // what the guest has added to the TSC since the reset
};

// The 512-byte image of FXSAVE (SDM vol. 1, 10.5.1), legacy layout as 64-bit FXSAVE without REX.W writes it.
struct alignas(16) FxsaveImage {
  uint16_t control_word;
  uint16_t status_word;
  uint8_t abridged_tag_word;
  uint8_t reserved0;
  uint16_t last_opcode;
  uint32_t instruction_offset;
  uint16_t instruction_selector;
  uint16_t reserved1;
  uint32_t operand_offset;
  uint16_t operand_selector;
  uint16_t reserved2;
  uint32_t mxcsr;
  uint32_t mxcsr_mask;
  std::array<std::array<uint8_t, 16>, 8> st;  // ST0..ST7 (by stack position), 10 bytes each used
  std::array<std::array<uint8_t, 16>, 16> xmm;
  std::array<uint8_t, 96> available;
};
static_assert(sizeof(FxsaveImage) == 512);

struct alignas(64) CpuState {
  std::array<uint32_t, 8> gpr;
  uint32_t eip;
  uint32_t flags;           // eflags::kInHostFlags only
  uint32_t interrupt_flag;  // 0 or eflags::kIf; a word of its own because translated code sets it in line
  uint32_t system_flags;    // the other writable bits of EFLAGS: TF IOPL NT RF VM AC VIF VIP ID
  std::array<Segment, 6> segment;
  Segment ldtr, tr;
  DescriptorTable gdtr, idtr;
  uint32_t cr0, cr2, cr3, cr4;
  std::array<uint64_t, 4> pdpte;  // loaded by MOV CR3 under PAE (SDM vol. 3, 4.4.1)
  std::array<uint32_t, 8> dr;
  uint8_t cpl;               // == CS.RPL in protected mode, 0 in real mode, 3 in virtual-8086 mode
  bool halted;               // HLT: waiting for an interrupt
  bool shutdown;             // triple fault
  bool interrupts_shadowed;  // after STI, MOV SS, POP SS: none until the next instruction has run
  bool debug_trap_shadowed;  // after MOV SS, POP SS: #DB too
  bool nmi_blocked;
  ModelSpecificRegisters msr;
  FxsaveImage fx;

  uint32_t eflags_image() const { return flags | interrupt_flag | system_flags | eflags::kFixed; }
  void set_eflags_image(uint32_t value) {
    using namespace eflags;
    flags = value & kInHostFlags;
    interrupt_flag = value & kIf;
    system_flags = value & (kTf | kIopl | kNt | kRf | kVm | kAc | kVif | kVip | kId);
  }
  unsigned iopl() const { return system_flags >> 12 & 3; }
  bool protected_mode() const { return cr0 & cr0::kPe; }
  bool virtual_8086() const { return system_flags & eflags::kVm; }
  bool real_mode() const { return !protected_mode(); }
  // Real and virtual-8086 mode: a selector is a base divided by 16.
  bool without_descriptors() const { return real_mode() || virtual_8086(); }
  bool paging() const { return cr0 & cr0::kPg; }
  bool pae() const { return cr4 & cr4::kPae; }
  uint32_t stack_mask() const { return segment[kSs].big() ? 0xFFFFFFFF : 0xFFFF; }

  // State after RESET (SDM vol. 3, table 9-1); `signature` is CPUID(1).EAX, which is left in EDX.
  void reset(uint32_t signature);
  // After INIT, which keeps x87 and SSE registers, MSRs but EFER, and the caches' bits of CR0.
  void init(uint32_t signature);
};

}  // namespace ringdown
