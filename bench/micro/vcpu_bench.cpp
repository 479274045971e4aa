// A processor and its board, running a small kernel: an item is a port access or an interrupt.
#include "bench/micro/cycles.h"
#include "host-driver/host_clock.h"
#include "tests/monitor/flat_machine.h"

// Both run ECX times.
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
interrupt_guest:)" SET_UP_8259A("0xEF") R"(  movw $0x4D0, %dx
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

constexpr uint32_t kUartVector = 0x24;

using testing::FlatMachine;

void run_items(benchmark::State& state, FlatMachine& machine) {
  constexpr uint32_t kItems = 100000;
  Cycles cycles;
  for (auto _ : state) {
    cycles.start();
    const CpuState& end = machine.run(kItems);
    cycles.stop();
    if (end.shutdown || end.gpr[kEcx] != 0) state.SkipWithError("the guest did not come to its end");
  }
  cycles.report(state, state.iterations() * kItems);
}

void read_port(benchmark::State& state) {
  const HostClock clock;
  FlatMachine machine(clock, {port_guest, port_guest_end});
  run_items(state, machine);
}
BENCHMARK(read_port);

void deliver_interrupt(benchmark::State& state) {
  const HostClock clock;
  FlatMachine machine(clock, {interrupt_guest, interrupt_guest_end});
  machine.set_interrupt_handler(kUartVector,
                                static_cast<uint32_t>(interrupt_guest_handler - interrupt_guest));
  run_items(state, machine);
}
BENCHMARK(deliver_interrupt);

}  // namespace
}  // namespace ringdown
