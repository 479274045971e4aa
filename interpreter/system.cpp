#include "interpreter/system.h"

#include "interpreter/control_registers.h"
#include "interpreter/dispatch.h"

// The remaining system instructions: HLT, cache control, CPUID and the counters.
namespace ringdown {
namespace {

// The microcode revision of the modelled processors. It is past the ones that operating systems work around.
constexpr uint64_t kMicrocodeRevision = 0x218;

constexpr uint32_t kApicFeature = 1 << 9;  // in EDX of leaf 1

void hlt(Interpreter& it, const Instruction&) {
  require_ring_0(it);
  it.state.halted = true;
}

// INVD and WBINVD: guest memory is always coherent.
void flush_caches(Interpreter& it, const Instruction&) { require_ring_0(it); }

void cpuid(Interpreter& it, const Instruction&) {
  CpuState& s = it.state;
  const uint32_t leaf = s.gpr[kEax], subleaf = s.gpr[kEcx];
  // Leaf 1 loads the microcode's signature (SDM vol. 3, 9.11.7.1): how a guest learns the revision.
  if (leaf == 1) s.msr.microcode_revision = kMicrocodeRevision << 32;
  const CpuidResult r = it.model.cpuid(leaf, subleaf);
  s.gpr[kEax] = r.eax;
  s.gpr[kEbx] = r.ebx;
  s.gpr[kEcx] = r.ecx;
  s.gpr[kEdx] = r.edx;
  if (leaf == 1 && !(s.msr.apic_base & ModelSpecificRegisters::kApicEnable)) s.gpr[kEdx] &= ~kApicFeature;
  it.bus.cpuid_answered(leaf, subleaf);
}

void rdtsc(Interpreter& it, const Instruction&) {
  CpuState& s = it.state;
  if ((s.cr4 & cr4::kTsd) && s.cpl != 0) raise_general_protection();
  const uint64_t value = it.bus.time_stamp_counter();
  s.gpr[kEax] = static_cast<uint32_t>(value);
  s.gpr[kEdx] = static_cast<uint32_t>(value >> 32);
}

// No model has a performance counter, so every counter number is invalid.
void rdpmc(Interpreter&, const Instruction&) { raise_general_protection(); }

}  // namespace

void add_system(DispatchTable& table) {
  table.one_byte[0xF4] = hlt;
  table.two_byte[0x08] = table.two_byte[0x09] = flush_caches;
  table.two_byte[0x31] = rdtsc;
  table.two_byte[0x33] = rdpmc;
  table.two_byte[0xA2] = cpuid;
  add_control_registers(table);
  add_debug_registers(table);
  add_descriptor_tables(table);
  add_model_specific_registers(table);
}

}  // namespace ringdown
