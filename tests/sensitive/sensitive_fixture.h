#pragma once
#include <memory>

#include "tests/interpreter/system_fixture.h"
#include "tests/sensitive/case.h"

namespace ringdown::sensitive {

// How the guest's program is executed.
enum class Way : uint8_t {
  kTranslated,
  kCalledOut,  // translated, when callouts have what they need
  kInterpreted,
  kInterpreted16  // 16-bit code
};

// Runs NOP, a case's instruction, UD2. Whatever happens ends at a HLT: each handler is one, so what the
// processor pushed tells how it went.
class SensitiveFixture : public SystemTest {
 public:
  // Is a callout the treatment of this case's instruction in this ring?
  static bool called_out(const Case& c, unsigned ring);

 protected:
  void run_case(const Case& c, unsigned ring, Way way);

 private:
  void set_up(const Case& c, unsigned ring, Way way);
  void place(const Case& c, Way way);
  void execute(Way way);
  void execute_interpreted();
  void execute_translated(bool repeatedly);

  // Undoes the delivery: `state` and `ram` become those of the program when the exception came.
  void undo_delivery(const Result& expected, const std::vector<uint8_t>& expected_ram);
  void restore_bytes(uint32_t from, uint32_t to, const std::vector<uint8_t>& source);
  void expect_equal(const World& expected);
  void expect_equal_system_registers(const CpuState& expected);
  void expect_treatment(const Case& c, unsigned ring, Way way);
  void expect_callout(const Case& c, unsigned ring, const Result& result);
  World world(CpuState& s, std::vector<uint8_t>& memory_bytes, unsigned ring) const;

  Instruction instruction_{};
  bool decoded_ = false;
  uint32_t start_ = 0, end_ = 0;
  std::optional<uint32_t> port_write_;
  SensitiveCounts counts_{};
  uint64_t callouts_ = 0;
};

}  // namespace ringdown::sensitive
