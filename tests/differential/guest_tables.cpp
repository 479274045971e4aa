#include "tests/differential/guest_tables.h"

#include "cpu/paging.h"
#include "tests/differential/guest_layout.h"

namespace ringdown::differential {
namespace {

constexpr unsigned kEsp0Offset = 4, kSs0Offset = 8, kIoMapOffset = 0x66;

uint64_t flat_descriptor(bool code, unsigned dpl) {
  return 0x00CF'9200'0000'FFFF | uint64_t{code} << 43 | uint64_t{dpl} << 45 | uint64_t{1} << 40;
}

uint64_t interrupt_gate(unsigned vector) {
  const uint32_t handler = kHandlers + vector * kHandlerBytes;
  const bool breakpoint_or_overflow = vector == 3 || vector == 4;  // which user code may raise
  const uint64_t attributes = breakpoint_or_overflow ? 0xEE : 0x8E;
  return (handler & 0xFFFF) | uint64_t{kKernelCode} << 16 | attributes << 40 | uint64_t{handler >> 16} << 48;
}

class PageTables {
 public:
  explicit PageTables(PhysicalMemory& memory) : memory_(memory) {}

  void map(uint32_t linear, uint32_t physical, uint32_t flags) {
    const uint32_t directory_entry = kPageDirectory + (linear >> 22) * 4;
    uint32_t table = memory_.read<uint32_t>(directory_entry);
    if (!(table & pte::kPresent)) {
      table = next_table_ | pte::kPresent | pte::kWritable | pte::kUser;
      next_table_ += kPageBytes;
      memory_.write<uint32_t>(directory_entry, table);
    }
    memory_.write<uint32_t>((table & ~0xFFFu) + (linear >> 12 & 0x3FF) * 4, physical | flags | pte::kPresent);
  }

 private:
  PhysicalMemory& memory_;
  uint32_t next_table_ = kFirstPageTable;
};

Segment flat_segment(uint16_t selector, bool code) {
  const unsigned dpl = selector & 3;
  const uint64_t descriptor = flat_descriptor(code, dpl);
  return {0, 0xFFFFFFFF, selector, static_cast<uint16_t>(descriptor >> 40 & 0xF0FF)};
}

Segment task_segment() {
  constexpr uint16_t kBusyTss32 = 0x8B;
  return {kSystemLinear + kTss, kTssLimit, kTssSelector, kBusyTss32};
}

}  // namespace

uint64_t system_descriptor(uint32_t base, uint32_t limit, unsigned type) {
  return limit | uint64_t{base & 0xFFFFFF} << 16 | uint64_t{type | 0x80} << 40 | uint64_t{base >> 24} << 56;
}

void build_guest_tables(PhysicalMemory& memory) {
  PageTables tables(memory);
  for (unsigned page = 0; page < kPageCount; ++page)
    tables.map(kPages[page].address, kFirstFrameAddress + page * kPageBytes,
               pte::kUser | (kPages[page].writable ? pte::kWritable : 0));
  for (uint32_t at = 0; at < kSystemBytes; at += kPageBytes)
    tables.map(kSystemLinear + at, kSystemPhysical + at, pte::kWritable);

  const auto descriptor = [&](uint16_t selector, uint64_t value) {
    memory.write<uint64_t>(kSystemPhysical + kGdt + (selector & ~7u), value);
  };
  descriptor(kKernelCode, flat_descriptor(true, 0));
  descriptor(kKernelData, flat_descriptor(false, 0));
  descriptor(kCodeSelector, flat_descriptor(true, 3));
  descriptor(kDataSelector, flat_descriptor(false, 3));
  descriptor(kTssSelector, system_descriptor(kSystemLinear + kTss, kTssLimit, 0xB));
  for (unsigned vector = 0; vector < 256; ++vector)
    memory.write<uint64_t>(kSystemPhysical + kIdt + vector * 8, interrupt_gate(vector));
  memory.write<uint32_t>(kSystemPhysical + kTss + kEsp0Offset, kSystemLinear + kStackTop);
  memory.write<uint16_t>(kSystemPhysical + kTss + kSs0Offset, kKernelData);
  memory.write<uint16_t>(kSystemPhysical + kTss + kIoMapOffset, kTssLimit + 1);
}

void load_initial_state(const TestCase& test_case, CpuState& state) {
  state.reset(0);
  state.gpr = test_case.gpr;
  state.eip = test_case.eip;
  state.set_eflags_image((test_case.eflags & (eflags::kStatus | eflags::kDf)) | eflags::kIf);
  for (Segment& segment : state.segment) segment = flat_segment(kDataSelector, false);
  state.segment[kCs] = flat_segment(kCodeSelector, true);
  state.ldtr = {};
  state.tr = task_segment();
  state.gdtr = {kSystemLinear + kGdt, kGdtLimit};
  state.idtr = {kSystemLinear + kIdt, kIdtLimit};
  state.cr0 = cr0::kPe | cr0::kMp | cr0::kEt | cr0::kNe | cr0::kWp | cr0::kAm | cr0::kPg;
  state.cr3 = kPageDirectory;
  state.cr4 = cr4::kOsfxsr | cr4::kOsxmmexcpt;
  state.cpl = 3;
  state.fx = test_case.fx;
}

void load_memory(const TestCase& test_case, PhysicalMemory& memory) {
  std::memcpy(memory.ram() + kFirstFrameAddress, &test_case.memory, sizeof(Memory));
}

void read_memory(const PhysicalMemory& memory, Outcome& outcome) {
  std::memcpy(&outcome.memory, memory.ram() + kFirstFrameAddress, sizeof(Memory));
}

void read_exception(const CpuState& state, const PhysicalMemory& memory, Outcome& outcome) {
  outcome.status = Status::kException;
  outcome.vector = (state.eip - kHandlers) / kHandlerBytes;
  uint32_t frame = kSystemPhysical + (state.gpr[kEsp] - kSystemLinear);
  constexpr uint32_t kFrameBytes = 5 * 4;
  const bool has_error_code = state.gpr[kEsp] + kFrameBytes != kSystemLinear + kStackTop;
  outcome.error_code = has_error_code ? memory.read<uint32_t>(frame) : 0;
  if (has_error_code) frame += 4;
  outcome.fault_address = outcome.vector == 14 ? state.cr2 : 0;
  outcome.gpr = state.gpr;
  outcome.eip = memory.read<uint32_t>(frame);
  outcome.eflags = memory.read<uint32_t>(frame + 8);
  outcome.gpr[kEsp] = memory.read<uint32_t>(frame + 12);
  outcome.fx = state.fx;
}

}  // namespace ringdown::differential
