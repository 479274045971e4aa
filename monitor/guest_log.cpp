#include "monitor/guest_log.h"

#include "host-driver/log.h"
#include "translator/block_log.h"

namespace ringdown {
namespace {

void append_segment(std::string& text, const char* name, const Segment& s) {
  append_printf(text, "%-4s %04x base %08x limit %08x attributes %04x\n", name, unsigned{s.selector}, s.base,
                s.limit, unsigned{s.attributes});
}

bool is_msr_access(const Instruction& i) {
  return i.map == OpcodeMap::k0F && (i.opcode == 0x30 || i.opcode == 0x32);
}

}  // namespace

std::string format_state(const CpuState& s) {
  std::string text;
  append_printf(text, "eax %08x ebx %08x ecx %08x edx %08x\n", s.gpr[kEax], s.gpr[kEbx], s.gpr[kEcx],
                s.gpr[kEdx]);
  append_printf(text, "esi %08x edi %08x ebp %08x esp %08x\n", s.gpr[kEsi], s.gpr[kEdi], s.gpr[kEbp],
                s.gpr[kEsp]);
  append_printf(text, "eip %08x eflags %08x cpl %u halted %u\n", s.eip, s.eflags_image(), unsigned{s.cpl},
                unsigned{s.halted});
  static constexpr const char* kNames[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  for (unsigned n = 0; n < 6; n++) append_segment(text, kNames[n], s.segment[n]);
  append_segment(text, "ldtr", s.ldtr);
  append_segment(text, "tr", s.tr);
  append_printf(text, "gdtr base %08x limit %04x idtr base %08x limit %04x\n", s.gdtr.base,
                unsigned{s.gdtr.limit}, s.idtr.base, unsigned{s.idtr.limit});
  append_printf(text, "cr0 %08x cr2 %08x cr3 %08x cr4 %08x efer %llx\n", s.cr0, s.cr2, s.cr3, s.cr4,
                static_cast<unsigned long long>(s.msr.efer));
  append_printf(text, "dr0 %08x dr1 %08x dr2 %08x dr3 %08x dr6 %08x dr7 %08x\n", s.dr[0], s.dr[1], s.dr[2],
                s.dr[3], s.dr[6], s.dr[7]);
  return text;
}

void log_reset(const CpuState& state) {
  if (log_enabled(LogClass::kCpuReset)) log_write(LogClass::kCpuReset, "reset\n" + format_state(state));
}

void log_if_unimplemented(const Instruction& i, const Fault& fault, const CpuState& state,
                          const CpuModel& model) {
  if (!log_enabled(LogClass::kUnimp)) return;
  if (fault.vector == Vector::kInvalidOpcode && !model.supports(i))
    log_write(LogClass::kUnimp, "no instruction " + disassemble_guest({i.bytes.data(), i.length}, state.eip));
  if (fault.vector == Vector::kGeneralProtection && is_msr_access(i) && !model.has_msr(state.gpr[kEcx]))
    log_printf(LogClass::kUnimp, "no model-specific register %08x at %08x\n", state.gpr[kEcx], state.eip);
}

void log_unclaimed_port(const char* access, uint16_t port, unsigned size, uint32_t eip) {
  if (log_enabled(LogClass::kGuestErrors))
    log_printf(LogClass::kGuestErrors, "%s of %u bytes at port %04x, which is nobody's, around %08x\n",
               access, size, unsigned{port}, eip);
}

}  // namespace ringdown
