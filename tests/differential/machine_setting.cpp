#include "tests/differential/machine_setting.h"

#include "cpu/fault.h"
#include "cpu/paging.h"
#include "interpreter/tss.h"
#include "tests/differential/guest_layout.h"

namespace ringdown::differential {
namespace {

constexpr unsigned kAvailableTss32 = 9;

uint32_t entry_address(const PhysicalMemory& memory, uint32_t linear) {
  const uint32_t table = memory.read<uint32_t>(kPageDirectory + (linear >> 22) * 4);
  return (table & ~0xFFFu) + (linear >> 12 & 0x3FF) * 4;
}

// Wild supervisor code may have changed the tables, or made them code.
void rebuild_tables(PhysicalMemory& memory) {
  static const Page kZero{};
  for (uint32_t at = 0; at < kSystemPhysical + kSystemBytes; at += kPageBytes)
    memory.write_bytes(at, kZero.data(), kPageBytes);
  build_guest_tables(memory);
}

void load_supervisor_pages(const Setting& setting, PhysicalMemory& memory) {
  for (unsigned page = 0; page < kPageCount; ++page) {
    if (!(setting.supervisor_pages >> page & 1)) continue;
    const uint32_t entry = entry_address(memory, kPages[page].address);
    memory.write<uint32_t>(entry, memory.read<uint32_t>(entry) & ~static_cast<uint32_t>(pte::kUser));
  }
}

uint32_t dirty_pages(const PhysicalMemory& memory) {
  uint32_t dirty = 0;
  for (unsigned page = 0; page < kPageCount; ++page)
    if (memory.read<uint32_t>(entry_address(memory, kPages[page].address)) & pte::kDirty) dirty |= 1u << page;
  return dirty;
}

void load_handler_task(unsigned vector, PhysicalMemory& memory) {
  const uint32_t offset = kHandlerTss + vector * kHandlerTssBytes, at = kSystemPhysical + offset;
  const uint16_t selector = static_cast<uint16_t>(kFirstHandlerTss + vector * 8);
  memory.write<uint32_t>(at + tss::kCr3, kPageDirectory);
  memory.write<uint32_t>(at + tss::kEip, kHandlers + vector * kHandlerBytes);
  memory.write<uint32_t>(at + tss::kEflags, eflags::kFixed);
  memory.write<uint32_t>(at + tss::kGprs + kEsp * 4, kSystemLinear + kStackTop);
  for (unsigned segment = kEs; segment <= kGs; ++segment)
    memory.write<uint32_t>(at + tss::kSegments + segment * 4, segment == kCs ? kKernelCode : kKernelData);
  memory.write<uint64_t>(kSystemPhysical + kGdt + selector,
                         system_descriptor(kSystemLinear + offset, kTssLimit, kAvailableTss32));
  constexpr uint64_t kTaskGate = 0xE5ull << 40;  // DPL 3
  memory.write<uint64_t>(kSystemPhysical + kTaskGateIdt + vector * 8, kTaskGate | uint64_t{selector} << 16);
}

void load_supervisor(CpuState& state, PhysicalMemory& memory) {
  for (unsigned vector = 0; vector < kExceptionVectors; ++vector) load_handler_task(vector, memory);
  state.cpl = 0;
  for (unsigned n = kEs; n <= kGs; ++n) {
    Segment& segment = state.segment[n];
    segment.selector = n == kCs ? kKernelCode : kKernelData;
    segment.attributes &= static_cast<uint16_t>(~(3u << segment_attribute::kDplShift));
  }
  state.gdtr.limit = kSupervisorGdtLimit;
  state.idtr.base = kSystemLinear + kTaskGateIdt;
}

bool in_handler_task(const CpuState& state) { return state.tr.selector >= kFirstHandlerTss; }

void read_registers(const CpuState& state, Outcome& outcome) {
  outcome.gpr = state.gpr;
  outcome.eip = state.eip;
  outcome.eflags = state.eflags_image();
  for (unsigned n = 0; n < 3; ++n)
    outcome.system[2 + n] = state.segment[2 * n].selector | state.segment[2 * n + 1].selector << 16;
}

void read_saved_registers(const PhysicalMemory& memory, Outcome& outcome) {
  const auto saved = [&](uint32_t at) { return memory.read<uint32_t>(kSystemPhysical + kTss + at); };
  for (unsigned n = 0; n < 8; ++n) outcome.gpr[n] = saved(tss::kGprs + n * 4);
  outcome.eip = saved(tss::kEip);
  outcome.eflags = saved(tss::kEflags);
  const auto selector = [&](unsigned n) { return saved(tss::kSegments + n * 4) & 0xFFFF; };
  for (unsigned n = 0; n < 3; ++n) outcome.system[2 + n] = selector(2 * n) | selector(2 * n + 1) << 16;
}

void read_handler_task(const CpuState& state, const PhysicalMemory& memory, Outcome& outcome) {
  read_saved_registers(memory, outcome);
  outcome.vector = (state.eip - kHandlers) / kHandlerBytes;
  const bool has_error_code = state.gpr[kEsp] != kSystemLinear + kStackTop;
  outcome.error_code =
      has_error_code ? memory.read<uint32_t>(kSystemPhysical + (state.gpr[kEsp] - kSystemLinear)) : 0;
}

void read_supervisor(const CpuState& state, const PhysicalMemory& memory, Outcome& outcome) {
  outcome.status = Status::kException;
  outcome.error_code = outcome.fault_address = 0;
  if (in_handler_task(state)) {
    read_handler_task(state, memory, outcome);
  } else {
    read_registers(state, outcome);
    outcome.vector = state.shutdown ? kShutdown : kHalted;
  }
  if (outcome.vector == static_cast<uint32_t>(Vector::kPageFault)) outcome.fault_address = state.cr2;
  outcome.fx = state.fx;
}

}  // namespace

void load_setting(const TestCase& test_case, CpuState& state, PhysicalMemory& memory) {
  const Setting& setting = test_case.setting;
  if (setting.kind == Setting::kUserProgram) return;
  rebuild_tables(memory);
  load_supervisor_pages(setting, memory);
  if (setting.kind == Setting::kSupervisor) load_supervisor(state, memory);
  state.segment[kFs].base = setting.fs_base;
  state.segment[kGs].base = setting.gs_base;
  if (setting.ignores_write_protection) state.cr0 &= ~cr0::kWp;
  if (setting.virtual_interrupts & 1) state.cr4 |= cr4::kPvi;
  state.system_flags |= setting.virtual_interrupts & (eflags::kVif | eflags::kVip);
}

bool is_over(const TestCase& test_case, const CpuState& state) {
  if (state.shutdown) return true;
  if (test_case.setting.kind != Setting::kSupervisor) return state.cpl == 0;
  return state.halted || in_handler_task(state);
}

void read_end(const TestCase& test_case, const CpuState& state, const PhysicalMemory& memory,
              Outcome& outcome) {
  outcome.system = {};
  const bool supervisor = test_case.setting.kind == Setting::kSupervisor;
  if (!is_over(test_case, state) || (state.shutdown && !supervisor)) {
    outcome.status = state.shutdown ? Status::kCrashed : Status::kTimedOut;
    return read_registers(state, outcome);
  }
  supervisor ? read_supervisor(state, memory, outcome) : read_exception(state, memory, outcome);
  if (test_case.setting.kind == Setting::kUserProgram) return;
  outcome.system[0] = state.cr0 & ~cr0::kTs;  // which a task switch sets
  outcome.system[1] = state.cr4;
  outcome.system[5] = dirty_pages(memory);
}

}  // namespace ringdown::differential
