#pragma once
#include <cstdint>

#include "cpu/event.h"
#include "cpu/fault.h"

namespace ringdown {

// Which cached translations the guest has just told its processor to forget (SDM vol. 3, 4.10.4).
enum class TlbFlush : uint8_t {
  kAll,        // CR0.PG, CR0.WP, CR4.PGE/PSE/PAE, EFER.NXE changed: global pages too
  kNonGlobal,  // MOV CR3, task switch
};

// What a processor reaches outside of itself. The interpreter calls it; the machine implements it.
class CpuBus {
 public:
  virtual ~CpuBus() = default;
  virtual uint32_t read_port(uint16_t port, unsigned size) = 0;
  virtual void write_port(uint16_t port, unsigned size, uint32_t value) = 0;
  // The value that RDTSC returns; set_time_stamp_counter is WRMSR to IA32_TIME_STAMP_COUNTER.
  virtual uint64_t time_stamp_counter() = 0;
  virtual void set_time_stamp_counter(uint64_t value) = 0;
  // Called after the registers have changed.
  virtual void tlb_flushed(TlbFlush) = 0;
  virtual void page_invalidated(uint32_t linear) = 0;
  // For those who watch: an exception is about to be delivered, with the state still that of the program.
  virtual void exception_raised(const Fault&) {}
  // CPUID was asked this; the answer is in the registers.
  virtual void cpuid_answered(uint32_t /*leaf*/, uint32_t /*subleaf*/) {}
  // IA32_APIC_BASE was written: CPUID may answer otherwise.
  virtual void apic_base_written() {}
  // Has it delivered the event itself, faster? If not, nothing has changed.
  virtual bool deliver(const Event&) { return false; }
};

}  // namespace ringdown
