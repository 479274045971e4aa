#pragma once
#include <cstdint>

namespace ringdown {

// Exception vectors (SDM vol. 3, table 6-1).
enum class Vector : uint8_t {
  kDivideError = 0,
  kDebug = 1,
  kNmi = 2,
  kBreakpoint = 3,
  kOverflow = 4,
  kBoundRange = 5,
  kInvalidOpcode = 6,
  kDeviceNotAvailable = 7,
  kDoubleFault = 8,
  kInvalidTss = 10,
  kSegmentNotPresent = 11,
  kStackFault = 12,
  kGeneralProtection = 13,
  kPageFault = 14,
  kX87Error = 16,
  kAlignmentCheck = 17,
  kMachineCheck = 18,
  kSimdError = 19,
};

// A processor exception that an instruction of the guest raised. Thrown inside the interpreter only, which
// catches it and delivers it; the guest state is then still the one before the instruction.
struct Fault {
  Vector vector;
  bool has_error_code = false;
  uint32_t error_code = 0;
  uint32_t linear_address = 0;  // page faults only: what goes to CR2
};

namespace page_fault_error {
constexpr uint32_t kPresent = 1, kWrite = 2, kUser = 4, kReserved = 8, kFetch = 16;
}

[[noreturn]] inline void raise(Vector vector) { throw Fault{vector}; }
[[noreturn]] inline void raise(Vector vector, uint32_t error_code) { throw Fault{vector, true, error_code}; }
[[noreturn]] inline void raise_general_protection(uint32_t error_code = 0) {
  raise(Vector::kGeneralProtection, error_code);
}
[[noreturn]] inline void raise_page_fault(uint32_t error_code, uint32_t address) {
  throw Fault{Vector::kPageFault, true, error_code, address};
}

}  // namespace ringdown
