#include <algorithm>
#include <array>

#include "interpreter/alu.h"
#include "interpreter/dispatch.h"
#include "interpreter/port_io.h"

// String instructions (SDM vol. 2: MOVS CMPS SCAS LODS STOS INS OUTS, REP). One iteration is a function;
// repeat() runs it as the prefix asks. Every iteration is committed, so that a fault in a later one finds the
// registers as that iteration began. Repeated MOVS and STOS do a page at a time where nobody can tell the
// difference.
namespace ringdown {
namespace {

// ---- Registers as the address size sees them ------------------------------------------------------------

uint32_t address_mask(const Instruction& i) { return i.address_size == 2 ? 0xFFFF : 0xFFFFFFFF; }

uint32_t masked(const Interpreter& cpu, const Instruction& i, Gpr n) {
  return cpu.state.gpr[n] & address_mask(i);
}

void set_masked(Interpreter& cpu, const Instruction& i, Gpr n, uint32_t value) {
  uint32_t& reg = cpu.state.gpr[n];
  reg = (reg & ~address_mask(i)) | (value & address_mask(i));
}

template <class T>
void advance(Interpreter& cpu, const Instruction& i, Gpr n, uint32_t iterations = 1) {
  const uint32_t distance = iterations * sizeof(T);
  const bool down = cpu.state.flags & eflags::kDf;
  set_masked(cpu, i, n, cpu.state.gpr[n] + (down ? -distance : distance));
}

// The destination is always in ES; the source may have an override.
SegmentIndex source_segment(const Instruction& i) {
  return i.segment_override == kNoRegister ? kDs : static_cast<SegmentIndex>(i.segment_override);
}

template <class T>
T read_source(Interpreter& cpu, const Instruction& i) {
  return cpu.read<T>(source_segment(i), masked(cpu, i, kEsi));
}
template <class T>
T read_destination(Interpreter& cpu, const Instruction& i) {
  return cpu.read<T>(kEs, masked(cpu, i, kEdi));
}
template <class T>
void write_destination(Interpreter& cpu, const Instruction& i, T value) {
  cpu.write<T>(kEs, masked(cpu, i, kEdi), value);
}

// ---- Repetition -----------------------------------------------------------------------------------------

// Runs `iterate(limit)`, which performs between one and `limit` iterations and returns how many, until the
// count is 0, `done()` ends it early, or the batch is used up.
template <class Iterate, class Done>
void repeat(Interpreter& cpu, const Instruction& i, Iterate iterate, Done done) {
  if (i.repeat == RepeatPrefix::kNone) {
    iterate(1);
    return;
  }
  unsigned batch = Interpreter::kRepeatBatch;
  for (uint32_t count = masked(cpu, i, kEcx); count != 0;) {
    const unsigned performed = iterate(std::min<uint32_t>(count, batch));
    count -= performed;
    batch -= performed;
    set_masked(cpu, i, kEcx, count);
    cpu.commit();
    if (count == 0 || done()) return;
    if (batch == 0 || !cpu.may_continue_repeat()) return cpu.stay_at_this_instruction();
  }
}

// One iteration at a time, for as long as the count says.
template <class Body>
void repeat_by_count(Interpreter& cpu, const Instruction& i, Body body) {
  const auto iterate = [&](unsigned) {
    body();
    return 1u;
  };
  repeat(cpu, i, iterate, [] { return false; });
}

// CMPS and SCAS: F3 goes on while ZF is set, F2 while it is clear.
template <class Body>
void repeat_by_comparison(Interpreter& cpu, const Instruction& i, Body body) {
  const auto iterate = [&](unsigned) {
    body();
    return 1u;
  };
  const bool while_equal = i.repeat == RepeatPrefix::kRep;
  repeat(cpu, i, iterate, [&] { return ((cpu.state.flags & eflags::kZf) != 0) != while_equal; });
}

// ---- A page at a time -----------------------------------------------------------------------------------

constexpr unsigned kLongestRun = kPageSize;  // bytes

// How many whole elements, of at most `limit`, go upwards from here within one page of linear memory, one
// wrap of the offset and the segment. 0: use the plain way, which also raises what there is to raise.
template <class T>
unsigned elements_in_reach(const Interpreter& cpu, const Instruction& i, SegmentIndex segment, Gpr index,
                           AccessKind kind, unsigned limit) {
  const uint32_t offset = masked(cpu, i, index);
  const uint32_t linear = cpu.state.segment[segment].base + offset;
  const uint64_t before_wrap = uint64_t{address_mask(i)} + 1 - offset;
  const uint64_t bytes = std::min<uint64_t>(before_wrap, kPageSize - (linear & kPageMask));
  const unsigned elements = std::min<unsigned>(limit, static_cast<unsigned>(bytes / sizeof(T)));
  const bool allowed = elements != 0 && cpu.segment_allows(segment, offset, elements * sizeof(T), kind);
  return allowed ? elements : 0;
}

bool runs_allowed(const Interpreter& cpu) {
  return !(cpu.state.flags & eflags::kDf) && !cpu.accesses_observed() && cpu.may_continue_repeat();
}

template <class T>
unsigned store_run(Interpreter& cpu, const Instruction& i, unsigned limit) {
  if (limit < 2 || !runs_allowed(cpu)) return 0;
  const unsigned run = elements_in_reach<T>(cpu, i, kEs, kEdi, AccessKind::kWrite, limit);
  if (run == 0) return 0;
  std::array<T, kLongestRun / sizeof(T)> values;
  std::fill_n(values.begin(), run, cpu.reg<T>(kEax));
  const uint32_t to = cpu.state.segment[kEs].base + masked(cpu, i, kEdi);
  cpu.mmu.write_bytes(to, values.data(), run * sizeof(T), cpu.user());
  advance<T>(cpu, i, kEdi, run);
  return run;
}

// A destination that begins within the source would be fed its own output: stop short of that, so that each
// run reads only what was there before it.
template <class T>
unsigned move_run(Interpreter& cpu, const Instruction& i, unsigned limit) {
  if (limit < 2 || !runs_allowed(cpu)) return 0;
  const SegmentIndex segment = source_segment(i);
  unsigned run = elements_in_reach<T>(cpu, i, segment, kEsi, AccessKind::kRead, limit);
  run = std::min(run, elements_in_reach<T>(cpu, i, kEs, kEdi, AccessKind::kWrite, limit));
  if (run == 0) return 0;
  const uint32_t from = cpu.state.segment[segment].base + masked(cpu, i, kEsi);
  const uint32_t to = cpu.state.segment[kEs].base + masked(cpu, i, kEdi);
  const uint64_t source = cpu.mmu.translate(from, {AccessKind::kRead, cpu.user()});
  const uint64_t destination = cpu.mmu.translate(to, {AccessKind::kWrite, cpu.user()});
  if (destination > source && destination - source < run * sizeof(T))
    run = static_cast<unsigned>((destination - source) / sizeof(T));
  if (run == 0) return 0;
  std::array<uint8_t, kLongestRun> bytes;
  cpu.mmu.memory().read_bytes(source, bytes.data(), run * sizeof(T));
  cpu.mmu.memory().write_bytes(destination, bytes.data(), run * sizeof(T));
  advance<T>(cpu, i, kEsi, run);
  advance<T>(cpu, i, kEdi, run);
  return run;
}

// ---- The instructions -----------------------------------------------------------------------------------

// A4, A5
void movs(Interpreter& cpu, const Instruction& i) {
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    const auto iterate = [&](unsigned limit) {
      if (const unsigned run = move_run<T>(cpu, i, limit)) return run;
      write_destination<T>(cpu, i, read_source<T>(cpu, i));
      advance<T>(cpu, i, kEsi);
      advance<T>(cpu, i, kEdi);
      return 1u;
    };
    repeat(cpu, i, iterate, [] { return false; });
  });
}

// AA, AB
void stos(Interpreter& cpu, const Instruction& i) {
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    const auto iterate = [&](unsigned limit) {
      if (const unsigned run = store_run<T>(cpu, i, limit)) return run;
      write_destination<T>(cpu, i, cpu.reg<T>(kEax));
      advance<T>(cpu, i, kEdi);
      return 1u;
    };
    repeat(cpu, i, iterate, [] { return false; });
  });
}

// AC, AD
void lods(Interpreter& cpu, const Instruction& i) {
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    repeat_by_count(cpu, i, [&] {
      cpu.set_reg<T>(kEax, read_source<T>(cpu, i));
      advance<T>(cpu, i, kEsi);
    });
  });
}

// A6, A7: the source minus the destination
void cmps(Interpreter& cpu, const Instruction& i) {
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    repeat_by_comparison(cpu, i, [&] {
      const T source = read_source<T>(cpu, i);
      set_flags(cpu.state, alu::subtract<T>(source, read_destination<T>(cpu, i)).flags);
      advance<T>(cpu, i, kEsi);
      advance<T>(cpu, i, kEdi);
    });
  });
}

// AE, AF: the accumulator minus the destination
void scas(Interpreter& cpu, const Instruction& i) {
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    repeat_by_comparison(cpu, i, [&] {
      set_flags(cpu.state, alu::subtract<T>(cpu.reg<T>(kEax), read_destination<T>(cpu, i)).flags);
      advance<T>(cpu, i, kEdi);
    });
  });
}

// 6C, 6D. The destination is checked before the port is read, since reading a port may change a device.
void ins(Interpreter& cpu, const Instruction& i) {
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    const uint16_t port = cpu.reg<uint16_t>(kEdx);
    check_port_access(cpu, port, sizeof(T));
    repeat_by_count(cpu, i, [&] {
      const uint32_t to = cpu.linear(kEs, masked(cpu, i, kEdi), sizeof(T), AccessKind::kWrite);
      cpu.mmu.check_write(to, sizeof(T), cpu.user());
      cpu.mmu.write<T>(to, static_cast<T>(cpu.bus.read_port(port, sizeof(T))), cpu.user());
      advance<T>(cpu, i, kEdi);
    });
  });
}

// 6E, 6F
void outs(Interpreter& cpu, const Instruction& i) {
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    const uint16_t port = cpu.reg<uint16_t>(kEdx);
    check_port_access(cpu, port, sizeof(T));
    repeat_by_count(cpu, i, [&] {
      cpu.bus.write_port(port, sizeof(T), read_source<T>(cpu, i));
      advance<T>(cpu, i, kEsi);
    });
  });
}

}  // namespace

void add_string(DispatchTable& table) {
  table.one_byte[0x6C] = table.one_byte[0x6D] = ins;
  table.one_byte[0x6E] = table.one_byte[0x6F] = outs;
  table.one_byte[0xA4] = table.one_byte[0xA5] = movs;
  table.one_byte[0xA6] = table.one_byte[0xA7] = cmps;
  table.one_byte[0xAA] = table.one_byte[0xAB] = stos;
  table.one_byte[0xAC] = table.one_byte[0xAD] = lods;
  table.one_byte[0xAE] = table.one_byte[0xAF] = scas;
}

}  // namespace ringdown
