#include "tests/differential/interpreter_executor.h"

#include <vector>

#include "interpreter/interpreter.h"
#include "tests/differential/guest_tables.h"
#include "tests/differential/machine_setting.h"

namespace ringdown::differential {
namespace {

constexpr unsigned kStepLimit = 2'000'000;

// User code without I/O privilege reaches no port.
class NoBus : public CpuBus {
 public:
  uint32_t read_port(uint16_t, unsigned) override { return 0xFFFFFFFF; }
  void write_port(uint16_t, unsigned, uint32_t) override {}
  uint64_t time_stamp_counter() override { return 0; }
  void set_time_stamp_counter(uint64_t) override {}
  void tlb_flushed(TlbFlush) override {}
  void page_invalidated(uint32_t) override {}
};

}  // namespace

struct InterpreterExecutor::Machine {
  std::vector<uint8_t> ram = std::vector<uint8_t>(kGuestRamBytes);
  PhysicalMemory memory{ram};
  CpuState state{};
  Mmu mmu{state, memory};
  NoBus bus;
  CpuModel model = CpuModel::default_model();
  Interpreter interpreter{state, mmu, bus, model};
};

InterpreterExecutor::InterpreterExecutor() : machine_(std::make_unique<Machine>()) {
  build_guest_tables(machine_->memory);
}
InterpreterExecutor::~InterpreterExecutor() = default;

void InterpreterExecutor::run(const TestCase& test_case, Outcome& outcome) {
  Machine& m = *machine_;
  load_initial_state(test_case, m.state);
  load_setting(test_case, m.state, m.memory);
  load_memory(test_case, m.memory);
  m.mmu.flush();
  unsigned steps = 0;
  while (!is_over(test_case, m.state) && steps < kStepLimit) {
    m.interpreter.step();
    ++steps;
  }
  read_end(test_case, m.state, m.memory, outcome);
  read_memory(m.memory, outcome);
}

}  // namespace ringdown::differential
