#include "interpreter/control_registers.h"
#include "interpreter/dispatch.h"
#include "interpreter/system.h"

// RDMSR and WRMSR (SDM vol. 4, chapter 2). Which registers exist is the model's business: any other index
// raises #GP(0), as do reserved bits and bad values.
namespace ringdown {
namespace {

enum Msr : uint32_t {
  kTimeStampCounter = 0x10,
  kPlatformId = 0x17,
  kApicBase = 0x1B,
  kTscAdjust = 0x3B,
  kMicrocodeRevision = 0x8B,
  kMtrrCapabilities = 0xFE,
  kSysenterCs = 0x174,
  kSysenterEsp = 0x175,
  kSysenterEip = 0x176,
  kMiscEnable = 0x1A0,
  kDebugctl = 0x1D9,
  kMtrrVariable = 0x200,
  kMtrrVariableEnd = 0x210,
  kMtrrFixed64k = 0x250,
  kMtrrFixed16k = 0x258,
  kMtrrFixed4k = 0x268,
  kMtrrFixedEnd = 0x270,
  kPat = 0x277,
  kMtrrDefaultType = 0x2FF,
  kEfer = 0xC0000080,
};

constexpr uint64_t kPhysicalAddressMask = 0xFFFFFFFFFull;  // 36 bits
constexpr uint64_t kMtrrCapabilitiesValue = 8 | 1 << 8 /* fixed ranges */ | 1 << 10 /* write-combining */;

// Index into msr.mtrr_fixed (64K at 0, two 16K, eight 4K), or -1.
int fixed_range(uint32_t index) {
  if (index == kMtrrFixed64k) return 0;
  if (index == kMtrrFixed16k || index == kMtrrFixed16k + 1)
    return 1 + static_cast<int>(index - kMtrrFixed16k);
  if (index >= kMtrrFixed4k && index < kMtrrFixedEnd) return 3 + static_cast<int>(index - kMtrrFixed4k);
  return -1;
}

bool variable_range(uint32_t index) { return index >= kMtrrVariable && index < kMtrrVariableEnd; }

// Memory types: UC WC WT WP WB, and for the PAT also UC-.
bool mtrr_type(uint64_t type) { return type <= 1 || (type >= 4 && type <= 6); }
bool pat_type(uint64_t type) { return mtrr_type(type) || type == 7; }

template <class Predicate>
bool every_byte(uint64_t value, Predicate valid) {
  for (unsigned shift = 0; shift < 64; shift += 8)
    if (!valid(value >> shift & 0xFF)) return false;
  return true;
}

void require(bool valid) {
  if (!valid) raise_general_protection();
}

void write_fixed_range(CpuState& s, int range, uint64_t value) {
  require(every_byte(value, mtrr_type));
  s.msr.mtrr_fixed[range] = value;
}

// Even indices are bases (type in the low byte), odd ones are masks (bit 11: valid).
void write_variable_range(CpuState& s, uint32_t index, uint64_t value) {
  const bool mask = index & 1;
  require(!(value & ~kPhysicalAddressMask) && !(value & (mask ? 0x7FFu : 0xF00u)));
  require(mask || mtrr_type(value & 0xFF));
  s.msr.mtrr_variable[index - kMtrrVariable] = value;
}

void write_default_type(CpuState& s, uint64_t value) {
  constexpr uint64_t kEnables = 3u << 10;
  require(!(value & ~(kEnables | 0xFF)) && mtrr_type(value & 0xFF));
  s.msr.mtrr_def_type = value;
}

void write_efer(Interpreter& it, uint64_t value) {
  require(!(value & ~it.model.efer_writable()));
  const bool changed = it.state.msr.efer != value;
  it.state.msr.efer = value;
  if (changed) flush_tlb(it, TlbFlush::kAll);
}

void write_apic_base(Interpreter& it, uint64_t value) {
  constexpr uint64_t kBootstrap = 1u << 8;
  require(
      !(value & ~(kPhysicalAddressMask & ~0xFFFull) & ~(kBootstrap | ModelSpecificRegisters::kApicEnable)));
  it.state.msr.apic_base = value;
  it.bus.apic_base_written();
}

// Both registers follow each other (SDM vol. 3, 18.17.3).
void write_time_stamp_counter(Interpreter& it, uint64_t value) {
  it.state.msr.tsc_adjust += value - it.bus.time_stamp_counter();
  it.bus.set_time_stamp_counter(value);
}

void write_tsc_adjust(Interpreter& it, uint64_t value) {
  const uint64_t more = value - it.state.msr.tsc_adjust;
  it.state.msr.tsc_adjust = value;
  it.bus.set_time_stamp_counter(it.bus.time_stamp_counter() + more);
}

void write_debugctl(CpuState& s, uint64_t value) {
  constexpr uint64_t kLbr = 1, kBtf = 2;
  require(!(value & ~(kLbr | kBtf)));
  s.msr.debugctl = value;
}

uint64_t read_msr(Interpreter& it, uint32_t index) {
  const ModelSpecificRegisters& m = it.state.msr;
  switch (index) {
    case kTimeStampCounter:
      return it.bus.time_stamp_counter();
    case kPlatformId:
      return 0;
    case kApicBase:
      return m.apic_base;
    case kTscAdjust:
      return m.tsc_adjust;
    case kMicrocodeRevision:
      return m.microcode_revision;
    case kMtrrCapabilities:
      return kMtrrCapabilitiesValue;
    case kSysenterCs:
      return m.sysenter_cs;
    case kSysenterEsp:
      return m.sysenter_esp;
    case kSysenterEip:
      return m.sysenter_eip;
    case kMiscEnable:
      return m.misc_enable;
    case kDebugctl:
      return m.debugctl;
    case kPat:
      return m.pat;
    case kMtrrDefaultType:
      return m.mtrr_def_type;
    case kEfer:
      return m.efer;
  }
  if (variable_range(index)) return m.mtrr_variable[index - kMtrrVariable];
  if (const int range = fixed_range(index); range >= 0) return m.mtrr_fixed[range];
  return 0;  // one that the model has but that holds nothing, as a machine-check bank
}

void write_msr(Interpreter& it, uint32_t index, uint64_t value) {
  CpuState& s = it.state;
  switch (index) {
    case kTimeStampCounter:
      return write_time_stamp_counter(it, value);
    case kPlatformId:
    case kMtrrCapabilities:
      raise_general_protection();  // read only
    case kApicBase:
      return write_apic_base(it, value);
    case kTscAdjust:
      return write_tsc_adjust(it, value);
    case kMicrocodeRevision:
      s.msr.microcode_revision = value;
      return;
    case kSysenterCs:
      s.msr.sysenter_cs = static_cast<uint32_t>(value);
      return;
    case kSysenterEsp:
      s.msr.sysenter_esp = static_cast<uint32_t>(value);
      return;
    case kSysenterEip:
      s.msr.sysenter_eip = static_cast<uint32_t>(value);
      return;
    case kMiscEnable:
      s.msr.misc_enable = value;
      return;
    case kDebugctl:
      return write_debugctl(s, value);
    case kPat:
      require(every_byte(value, pat_type));
      s.msr.pat = value;
      return;
    case kMtrrDefaultType:
      return write_default_type(s, value);
    case kEfer:
      return write_efer(it, value);
  }
  if (variable_range(index)) return write_variable_range(s, index, value);
  if (const int range = fixed_range(index); range >= 0) write_fixed_range(s, range, value);
}

void rdmsr(Interpreter& it, const Instruction&) {
  CpuState& s = it.state;
  require_ring_0(it);
  require(it.model.has_msr(s.gpr[kEcx]));
  const uint64_t value = read_msr(it, s.gpr[kEcx]);
  s.gpr[kEax] = static_cast<uint32_t>(value);
  s.gpr[kEdx] = static_cast<uint32_t>(value >> 32);
}

void wrmsr(Interpreter& it, const Instruction&) {
  const CpuState& s = it.state;
  require_ring_0(it);
  require(it.model.has_msr(s.gpr[kEcx]));
  write_msr(it, s.gpr[kEcx], uint64_t{s.gpr[kEdx]} << 32 | s.gpr[kEax]);
}

}  // namespace

void add_model_specific_registers(DispatchTable& table) {
  table.two_byte[0x30] = wrmsr;
  table.two_byte[0x32] = rdmsr;
}

}  // namespace ringdown
