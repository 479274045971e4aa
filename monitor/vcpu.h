#pragma once
#include <atomic>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>

#include "cpu/cpu_bus.h"
#include "cpu/cpu_model.h"
#include "cpu/mmu.h"
#include "host-driver/fault_signals.h"
#include "host-driver/guest_ram.h"
#include "host-driver/kick_timer.h"
#include "interpreter/interpreter.h"
#include "monitor/board.h"
#include "monitor/kick_schedule.h"
#include "monitor/wake_lines.h"
#include "native/native_user.h"
#include "shadowmmu/shadow_mmu.h"
#include "translator/translator.h"

namespace ringdown {

// Decides what runs next: a device that is due, an interrupt, translated code, or the interpreter.
class Vcpu final : public CpuBus, public DeviceMemoryBus, public HostFaultHandler {
 public:
  Vcpu(GuestRam& ram, PhysicalMemory& memory, const CpuModel& model, const Clock& clock);

  // The board whose ports, interrupts and timers this processor is wired to. It may be exchanged between
  // runs.
  void attach(Board& board) { board_ = &board; }
  CpuState& state() { return context_->state; }
  const CpuState& state() const { return context_->state; }

  // How user code runs; translated until this is called. One line if the host refuses that: it stays so.
  std::optional<std::string> set_user_code(UserCode policy) { return native_.set_policy(policy); }

  // The state after power-on. The caller then sets what its boot protocol demands.
  void reset();
  // INIT: the processor starts again at its reset vector, and nothing else does.
  void init();
  // Called after the state was set from outside.
  void state_changed();

  // Called after which of the physical addresses are RAM has changed, from within a port access or before
  // run(). What was mapped and translated is forgotten before the next instruction.
  void memory_map_changed() {
    memory_map_changed_ = true;
    attention_ = 1;
  }

  // The same of which of them are devices' storage: nothing was translated from that.
  void apertures_changed() {
    apertures_changed_ = true;
    attention_ = 1;
  }
  // Called after some of these frames have come to be watched (PhysicalMemory::is_watched()), from anywhere
  // but within translated code: writes to them are announced from now on.
  void protect_watched(uint64_t first_frame, uint64_t frames) {
    translator_.protect_watched(first_frame, frames);
  }

  // Called when a device has written to what had been translated, from within a port access or attention:
  // the block that runs may be that.
  void leave_block() { attention_ = 1; }

  // Runs until stop() is called or the processor shuts down (a triple fault: state().shutdown).
  void run();
  void stop() { stop_ = true; }
  // Called from within a port access: the processor executes nothing more, but attention is still paid.
  void switch_off();
  // From within on_attention: nothing of the guest runs, its time stamp counter stands still, and no device
  // is told of the time, until resume(). The clock is the caller's. run() goes on attending to requests.
  void pause();
  void resume();
  bool paused() const { return paused_time_stamp_.has_value(); }
  // The INTR pin.
  void set_interrupt_request(bool level) { context_->interrupt_pending = level; }
  // An edge of the NMI pin.
  void raise_nmi() {
    nmi_pending_ = true;
    attention_ = 1;
  }

  // Any thread: makes the vCPU call on_attention soon, also when it idles.
  void request_attention();
  // Called on the vCPU thread when attention was requested, and before the processor idles.
  std::function<void()> on_attention;
  std::function<void()> on_idle;

 private:
  // CpuBus
  uint32_t read_port(uint16_t port, unsigned size) override;
  void write_port(uint16_t port, unsigned size, uint32_t value) override;
  uint64_t time_stamp_counter() override;
  void set_time_stamp_counter(uint64_t value) override;
  void tlb_flushed(TlbFlush kind) override;
  void page_invalidated(uint32_t linear) override;
  void exception_raised(const Fault& fault) override;
  void cpuid_answered(uint32_t leaf, uint32_t subleaf) override;
  void apic_base_written() override;
  bool deliver(const Event& event) override;
  // DeviceMemoryBus
  uint32_t read_device(uint32_t physical, unsigned size) override;
  void write_device(uint32_t physical, unsigned size, uint32_t value) override;
  // HostFaultHandler
  bool on_fault(int signal, siginfo_t& info, ucontext_t& host) override;
  void on_kick(ucontext_t& host) override;

  void forget_mappings();
  void attend();
  void idle();
  void rest();
  bool take_interrupt();
  bool take_nmi();
  void take(uint8_t vector);
  void execute();
  void execute_natively();
  void load_segments();
  void interpret();
  void deliver(const Fault& fault);
  void arm(Nanoseconds deadline);
  Nanoseconds next_deadline() const;
  void arm_look();
  void note_device_access();

  const Clock& clock_;
  std::unique_ptr<TranslatorContext> context_;
  Mmu mmu_;
  ShadowMmu shadow_;
  Interpreter interpreter_;
  Translator translator_;
  NativeUser native_;
  Board* board_ = nullptr;
  FaultSignals signals_;
  WakeLines wake_lines_{mmu_};
  KickTimer timer_;
  KickSchedule kicks_;  // as timer_ is set
  uint32_t signature_;
  volatile sig_atomic_t attention_ = 1;
  volatile sig_atomic_t kick_came_ = 0;  // the timer is spent, or on_kick() has armed it for another one
  std::atomic<bool> requested_{false};
  bool memory_map_changed_ = false, apertures_changed_ = false;
  bool nmi_pending_ = false;
  bool stop_ = false;
  std::optional<uint64_t> paused_time_stamp_;
};

}  // namespace ringdown
