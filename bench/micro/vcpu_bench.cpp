// A processor and its board, running a small kernel: an item is a port access or an interrupt.
#include <optional>

#include "bench/micro/cycles.h"
#include "host-driver/host_clock.h"
#include "monitor/vcpu.h"

// Both run ECX times and end by port 501h. The code is position-independent.
__asm__(R"(
  .pushsection .rodata
  .code32
port_guest:
  inb $0x21, %al
  decl %ecx
  jnz port_guest
  movw $0x501, %dx
  outb %al, %dx
1: jmp 1b
port_guest_end:

  # COM1 requests an interrupt without end, level-triggered; the first 8259A acknowledges by itself.
interrupt_guest:
  movb $0x11, %al
  outb %al, $0x20
  movb $0x20, %al
  outb %al, $0x21
  movb $0x04, %al
  outb %al, $0x21
  movb $0x03, %al
  outb %al, $0x21
  movb $0xEF, %al
  outb %al, $0x21
  movw $0x4D0, %dx
  movb $0x10, %al
  outb %al, %dx
  movw $0x3FC, %dx
  movb $0x08, %al
  outb %al, %dx
  movw $0x3F9, %dx
  movb $0x02, %al
  outb %al, %dx
  sti
1: jmp 1b
interrupt_guest_handler:
  decl %ecx
  jz 2f
  iretl
2: movw $0x501, %dx
  outb %al, %dx
1: jmp 1b
interrupt_guest_end:
  .code64
  .popsection
)");
extern const uint8_t port_guest[], port_guest_end[], interrupt_guest[], interrupt_guest_handler[],
    interrupt_guest_end[];

namespace ringdown {
namespace {

constexpr uint64_t kRamBytes = 16 << 20;
constexpr uint32_t kGdt = 0x1000, kIdt = 0x2000, kStackTop = 0x8000, kCode = 0x100000;
constexpr uint32_t kUartVector = 0x24;
constexpr uint16_t kCodeSelector = 8, kDataSelector = 16;

class Processor {
 public:
  explicit Processor(std::span<const uint8_t> code) {
    memory_.write_bytes(kCode, code.data(), code.size());
    memory_.write<uint64_t>(kGdt + kCodeSelector, 0x00CF9B000000FFFF);
    memory_.write<uint64_t>(kGdt + kDataSelector, 0x00CF93000000FFFF);
    vcpu_.on_attention = [] {};
    vcpu_.on_idle = [] {};
  }

  void set_interrupt_handler(uint32_t vector, uint32_t offset) {
    const uint32_t target = kCode + offset;
    memory_.write<uint32_t>(kIdt + vector * 8, kCodeSelector << 16 | (target & 0xFFFF));
    memory_.write<uint32_t>(kIdt + vector * 8 + 4, (target & 0xFFFF0000) | 0x8E00);
  }

  void run(uint32_t count) {
    power_on();
    CpuState& state = vcpu_.state();
    state.gpr = {0, count, 0, 0, kStackTop, 0, 0, 0};
    state.eip = kCode;
    state.set_eflags_image(eflags::kFixed);
    state.cr0 = cr0::kPe;
    state.cpl = 0;
    state.gdtr = {.base = kGdt, .limit = 23};
    state.idtr = {.base = kIdt, .limit = 0x3FF};
    state.segment.fill({.base = 0, .limit = 0xFFFFFFFF, .selector = kDataSelector, .attributes = 0xC093});
    state.segment[kCs] = {.base = 0, .limit = 0xFFFFFFFF, .selector = kCodeSelector, .attributes = 0xC09B};
    vcpu_.state_changed();
    vcpu_.run();
  }

  bool ended_well() { return !vcpu_.state().shutdown && vcpu_.state().gpr[kEcx] == 0; }

 private:
  void power_on() {
    const BoardConfiguration configuration{.ram_bytes = kRamBytes,
                                           .debug_exit = BoardConfiguration::DebugExitPorts{0x501, 2}};
    board_.emplace(clock_, configuration,
                   BoardOutputs{.intr = [this](bool level) { vcpu_.set_interrupt_request(level); },
                                .reset = [](ResetKind) {},
                                .debug_exit = [this](uint32_t) { vcpu_.stop(); },
                                .serial = [](uint8_t) {}});
    vcpu_.attach(*board_);
    vcpu_.reset();
  }

  HostClock clock_;
  GuestRam ram_{kRamBytes};
  PhysicalMemory memory_{ram_.bytes()};
  const CpuModel model_ = CpuModel::default_model();
  Vcpu vcpu_{ram_, memory_, model_, clock_};
  std::optional<Board> board_;
};

void run_items(benchmark::State& state, Processor& processor) {
  constexpr uint32_t kItems = 100000;
  Cycles cycles;
  for (auto _ : state) {
    cycles.start();
    processor.run(kItems);
    cycles.stop();
    if (!processor.ended_well()) state.SkipWithError("the guest did not come to its end");
  }
  cycles.report(state, state.iterations() * kItems);
}

void read_port(benchmark::State& state) {
  Processor processor({port_guest, port_guest_end});
  run_items(state, processor);
}
BENCHMARK(read_port);

void deliver_interrupt(benchmark::State& state) {
  Processor processor({interrupt_guest, interrupt_guest_end});
  processor.set_interrupt_handler(kUartVector,
                                  static_cast<uint32_t>(interrupt_guest_handler - interrupt_guest));
  run_items(state, processor);
}
BENCHMARK(deliver_interrupt);

}  // namespace
}  // namespace ringdown
