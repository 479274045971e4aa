#pragma once
#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include "cpu/cpu_bus.h"
#include "cpu/physical_memory.h"
#include "interpreter/interpreter.h"

// A processor with one megabyte of RAM, and tables that make every exception visible: a test puts a few bytes
// of code at kCode, runs them, and looks at registers, memory and exception().
namespace ringdown {

// Ports that read a script and remember what was done.
class FakeBus : public CpuBus {
 public:
  struct Access {
    bool write;
    uint16_t port;
    unsigned size;
    uint32_t value;
    bool operator==(const Access&) const = default;
  };
  std::deque<uint32_t> to_read;  // what reads return; 0 when it is used up
  std::vector<Access> accesses;

  uint32_t read_port(uint16_t port, unsigned size) override {
    uint32_t value = 0;
    if (!to_read.empty()) {
      value = to_read.front();
      to_read.pop_front();
    }
    accesses.push_back({false, port, size, value});
    return value;
  }
  void write_port(uint16_t port, unsigned size, uint32_t value) override {
    accesses.push_back({true, port, size, value});
  }
  uint64_t time_stamp_counter() override { return tsc; }
  void set_time_stamp_counter(uint64_t value) override { tsc = value; }
  void tlb_flushed(TlbFlush) override { flushes++; }
  void page_invalidated(uint32_t) override { flushes++; }
  uint64_t tsc = 0;
  unsigned flushes = 0;
};

// An exception as its handler finds it on the stack.
struct Delivered {
  unsigned vector;
  std::optional<uint32_t> error_code;
  uint32_t eip, eflags;
};

class InterpreterTest : public ::testing::Test {
 protected:
  // Linear, and physical while paging is off. In real mode segments start there: CS = kCode >> 4 and so on.
  static constexpr uint32_t kGdt = 0x1000, kIdt = 0x1800, kTss = 0x2000, kHandlers = 0x8000, kCode = 0x10000,
                            kData = 0x20000, kStackSegment = 0x30000, kStackTop = 0x38000,
                            kKernelStackTop = 0x40000, kPageDirectory = 0x50000, kPageTable = 0x51000,
                            kRamSize = 1 << 20;
  static constexpr uint16_t kKernelCs = 0x08, kKernelDs = 0x10, kUserCs = 0x1B, kUserDs = 0x23, kTr = 0x28;

  InterpreterTest()
      : ram(kRamSize),
        memory(ram),
        model(CpuModel::default_model()),
        mmu(state, memory),
        cpu(state, mmu, bus, model) {
    protected_mode(0);
  }

  // ---- Modes --------------------------------------------------------------------------------------------

  // 32-bit flat segments at this privilege level, all exceptions handled at level 0.
  void protected_mode(unsigned cpl) {
    reset();
    state.cr0 = cr0::kPe | cr0::kEt | cr0::kNe;
    state.cpl = static_cast<uint8_t>(cpl);
    build_tables();
    const unsigned dpl = cpl << segment_attribute::kDplShift;
    const Segment data = {0, 0xFFFFFFFF, static_cast<uint16_t>(cpl ? kUserDs : kKernelDs),
                          static_cast<uint16_t>(0xC093 | dpl)};
    state.segment.fill(data);
    state.segment[kCs] = {0, 0xFFFFFFFF, static_cast<uint16_t>(cpl ? kUserCs : kKernelCs),
                          static_cast<uint16_t>(0xC09B | dpl)};
    state.eip = kCode;
    state.gpr[kEsp] = kStackTop;
  }

  // As protected_mode(0), with 16-bit code, data and stack segments that start at kCode, kData,
  // kStackSegment.
  void protected_mode_16() {
    protected_mode(0);
    for (auto& s : state.segment) s.attributes &= ~segment_attribute::kBig;
    place_segments();
  }

  void real_mode() {
    reset();
    state.cr0 = cr0::kEt;
    for (unsigned v = 0; v < 256; v++) memory.write<uint32_t>(v * 4, kHandlers + v * 16);
    state.idtr = {0, 0x3FF};
    state.segment.fill({0, 0xFFFF, 0, 0x93});
    place_segments();
  }

  void virtual_8086(unsigned iopl) {
    protected_mode(3);
    state.segment.fill({0, 0xFFFF, 0, 0xF3});
    state.system_flags |= eflags::kVm | iopl << 12;
    place_segments();
  }

  // Identity-maps the RAM, all pages for everyone.
  void enable_paging() {
    for (uint32_t page = 0; page < kRamSize / kPageSize; page++)
      memory.write<uint32_t>(kPageTable + page * 4, page << kPageShift | 7);
    memory.write<uint32_t>(kPageDirectory, kPageTable | 7);
    state.cr3 = kPageDirectory;
    state.cr0 |= cr0::kPg | cr0::kWp;
    mmu.flush();
  }
  void set_page(uint32_t linear, uint32_t pte_bits) {
    memory.write<uint32_t>(kPageTable + (linear >> kPageShift) * 4, (linear & ~kPageMask) | pte_bits);
    mmu.flush();
  }

  // ---- Running ------------------------------------------------------------------------------------------

  void place_code(std::initializer_list<uint8_t> bytes) {
    place_code(std::span<const uint8_t>(bytes.begin(), bytes.size()));
  }
  void place_code(std::span<const uint8_t> bytes) {
    std::memcpy(ram.data() + kCode, bytes.data(), bytes.size());
    state.eip = faulting_eip_ = code_eip();
  }
  void run(std::initializer_list<uint8_t> bytes) {
    place_code(bytes);
    cpu.step();
  }
  uint32_t code_eip() const { return kCode - state.segment[kCs].base; }
  // How far EIP has moved from where the code began.
  uint32_t advanced() const { return state.eip - faulting_eip_; }

  // The exception that was delivered and whose handler has not begun, if any.
  std::optional<Delivered> exception() const {
    const uint32_t at = state.eip + state.segment[kCs].base - kHandlers;
    if (at >= 256 * 16 || at % 16 != 0) return std::nullopt;
    Delivered d{.vector = at / 16, .error_code = {}, .eip = 0, .eflags = 0};
    uint32_t top = state.segment[kSs].base + (state.gpr[kEsp] & state.stack_mask());
    if (state.real_mode()) {
      d.eip = memory.read<uint16_t>(top);
      d.eflags = memory.read<uint16_t>(top + 4);
      return d;
    }
    if (d.vector == 8 || (d.vector >= 10 && d.vector <= 14) || d.vector == 17) {
      d.error_code = memory.read<uint32_t>(top);
      top += 4;
    }
    d.eip = memory.read<uint32_t>(top);
    d.eflags = memory.read<uint32_t>(top + 8);
    return d;
  }

  void expect_exception(Vector vector, std::optional<uint32_t> error_code = {}) {
    const auto d = exception();
    ASSERT_TRUE(d) << "no exception; eip " << std::hex << state.eip;
    EXPECT_EQ(d->vector, static_cast<unsigned>(vector));
    EXPECT_EQ(d->error_code, error_code);
  }
  // A fault whose saved EIP is that of the instruction at kCode.
  void expect_fault(Vector vector, std::optional<uint32_t> error_code = {}) {
    const uint32_t start = faulting_eip_;
    expect_exception(vector, error_code);
    if (exception()) {
      EXPECT_EQ(exception()->eip, start);
    }
  }
  void expect_general_protection() { expect_fault(Vector::kGeneralProtection, 0); }
  void expect_undefined() { expect_fault(Vector::kInvalidOpcode); }
  void expect_no_exception() {
    const auto d = exception();
    EXPECT_FALSE(d) << "exception " << (d ? d->vector : 0);
  }

  template <class T>
  T at(uint32_t linear) const {
    return memory.read<T>(linear);
  }
  template <class T>
  void put(uint32_t linear, T value) {
    memory.write<T>(linear, value);
  }
  uint32_t& eax() { return state.gpr[kEax]; }
  uint32_t& ecx() { return state.gpr[kEcx]; }
  uint32_t& edx() { return state.gpr[kEdx]; }
  uint32_t& ebx() { return state.gpr[kEbx]; }
  uint32_t& esp() { return state.gpr[kEsp]; }
  uint32_t& ebp() { return state.gpr[kEbp]; }
  uint32_t& esi() { return state.gpr[kEsi]; }
  uint32_t& edi() { return state.gpr[kEdi]; }
  bool flag(uint32_t f) const { return (state.eflags_image() & f) != 0; }

  std::vector<uint8_t> ram;
  PhysicalMemory memory;
  CpuState state{};
  FakeBus bus;
  CpuModel model;
  Mmu mmu;
  Interpreter cpu;

 private:
  void reset() {
    state.reset(model.signature());
    state.gpr.fill(0);
    std::memset(ram.data(), 0, ram.size());
    mmu.flush();
    faulting_eip_ = 0;
  }
  void place_segments() {
    const auto place = [&](SegmentIndex n, uint32_t base) {
      state.segment[n].base = base;
      state.segment[n].limit = 0xFFFF;
      if (state.real_mode() || state.virtual_8086())
        state.segment[n].selector = static_cast<uint16_t>(base >> 4);
    };
    for (SegmentIndex n : {kDs, kEs, kFs, kGs}) place(n, kData);
    place(kCs, kCode);
    place(kSs, kStackSegment);
    state.eip = 0;
    state.gpr[kEsp] = kStackTop - kStackSegment;
  }
  void build_tables() {
    const uint64_t descriptors[] = {0,
                                    0x00CF9B000000FFFF,
                                    0x00CF93000000FFFF,
                                    0x00CFFB000000FFFF,
                                    0x00CFF3000000FFFF,
                                    0x00008B0000000067 | uint64_t{kTss} << 16};
    for (unsigned n = 0; n < std::size(descriptors); n++) put<uint64_t>(kGdt + n * 8, descriptors[n]);
    for (unsigned v = 0; v < 256; v++) put<uint64_t>(kIdt + v * 8, 0x0000EE0000080000 | (kHandlers + v * 16));
    put<uint32_t>(kTss + 4, kKernelStackTop);
    put<uint16_t>(kTss + 8, kKernelDs);
    put<uint16_t>(kTss + 0x66, 0x68);
    state.gdtr = {kGdt, sizeof(descriptors) - 1};
    state.idtr = {kIdt, 256 * 8 - 1};
    state.tr = {kTss, 0x67, kTr, 0x8B};
  }

  uint32_t faulting_eip_ = 0;
};

}  // namespace ringdown
