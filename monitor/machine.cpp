#include "monitor/machine.h"

#include <atomic>
#include <ctime>
#include <memory>
#include <optional>

#include "cpu/cpu_model.h"
#include "host-driver/counters.h"
#include "host-driver/guest_ram.h"
#include "host-driver/host_clock.h"
#include "host-driver/host_error.h"
#include "host-driver/log.h"
#include "host-driver/tsc_frequency.h"
#include "images/kernel_image.h"
#include "monitor/board.h"
#include "monitor/boot_state.h"
#include "monitor/displays.h"
#include "monitor/drives.h"
#include "monitor/end_signals.h"
#include "monitor/exit_codes.h"
#include "monitor/firmware_files.h"
#include "monitor/guest_dma.h"
#include "monitor/prompts.h"
#include "monitor/serial_ports.h"
#include "monitor/text.h"
#include "monitor/vcpu.h"
#include "monitor/video_storage.h"

namespace ringdown {
namespace {

int64_t clock_start(const RtcStart& rtc) {
  const time_t now = time(nullptr);
  switch (rtc.base) {
    case RtcStart::Base::kUtc:
      return now;
    case RtcStart::Base::kLocalTime: {
      tm local{};
      localtime_r(&now, &local);
      return now + local.tm_gmtoff;
    }
    case RtcStart::Base::kDate:
      return rtc.date;
  }
  return now;
}

// One run of the command: a machine that is built, boots, is reset as often as its guest asks, and ends.
class Machine final : public PromptHost {
 public:
  // `model` is completed by what is known of the host once the machine runs.
  Machine(const Options& options, CpuModel& model)
      : options_(options),
        model_(model),
        clock_start_(clock_start(options.rtc)),
        ram_(options.memory, options.vga ? VgaMemory::kStorageBytes : 0),
        memory_(ram_.bytes(), ram_.device_bytes().size()),
        vcpu_(ram_, memory_, model, clock_) {
    vcpu_.on_attention = [this] { attend(); };
    vcpu_.on_idle = [this] { idle(); };
    if (const auto refusal = vcpu_.set_user_code(options.user_code))
      print_error_line(*refusal + "; user code runs translated");
  }

  // What is under way uses the drives' buffers, and is to reach the image.
  ~Machine() override { drives_.drain(); }

  // Opens what the options name. The exit status if something is wrong.
  std::optional<int> open();
  int run();
  // Async-signal-safe: the process was asked to end.
  void on_end_signal() {
    serial_ports_.stop_waiting();
    vcpu_.request_attention();
  }

 private:
  void power_on();
  std::optional<int> load_bios();
  std::optional<int> open_prompts();
  std::optional<int> load_kernel();
  bool has_bios() const { return options_.kernel.empty(); }
  const std::string& boot_order() const {
    const BootOptions& boot = options_.boot;
    return started_before_ || boot.once.empty() ? boot.order : boot.once;
  }
  BoardConfiguration board_configuration();
  BoardOutputs board_outputs();
  void attend();
  void idle();
  void power_off();
  void ask_to_quit() {
    quit_requested_ = true;
    vcpu_.request_attention();
  }
  // PromptHost
  const CpuState& state() const override { return vcpu_.state(); }
  const PhysicalMemory& memory() const override { return memory_; }
  Board& board() override { return *board_; }
  std::string describe_drives() override { return drives_.describe(*board_); }
  std::string eject(std::string_view drive, bool force) override {
    return drives_.eject(*board_, drive, force);
  }
  std::string change(std::string_view drive, std::string_view file) override {
    return drives_.change(*board_, drive, file);
  }
  std::optional<Picture> picture() override;
  void pause() override;
  void resume() override;
  bool paused() const override { return vcpu_.paused(); }
  void reset() override {
    reset_requested_ = ResetKind::kSystem;
    vcpu_.stop();
  }
  void quit() override { end(exit_status(ExitCode::kUserQuit)); }
  bool press_power_button() override { return board_->press_power_button(); }
  void end(int status) {
    status_ = status;
    vcpu_.stop();
  }
  // After the processor has stopped: true if it alone was reset, to go on with RAM and devices as they are.
  bool start_again();
  // The same: true if the machine was reset and runs again.
  bool restart();

  const Options& options_;
  CpuModel& model_;
  const TscFrequency tsc_frequency_;
  const int64_t clock_start_;  // what the guest's clock shows at time 0 of clock_
  HostClock clock_;
  GuestRam ram_;
  FirmwareFiles firmware_;
  PhysicalMemory memory_;
  Vcpu vcpu_;
  VideoStorage video_{memory_, ram_.device_bytes(), vcpu_};
  GuestDma dma_{memory_, [this] { vcpu_.leave_block(); }};
  const Requests requests_{.attention = [this] { vcpu_.request_attention(); },
                           .quit = [this] { ask_to_quit(); }};
  Drives drives_{options_, requests_.attention};
  std::unique_ptr<Board> board_;
  SerialPorts serial_ports_{options_, requests_};
  Displays displays_{options_, requests_};
  Prompts prompts_{*this, requests_};
  std::optional<int> status_;
  uint32_t tsc_khz_ = 0;
  std::optional<ResetKind> reset_requested_;
  bool started_before_ = false;
  std::atomic<bool> quit_requested_{false};
};

void Machine::attend() {
  if (quit_requested_) return end(exit_status(ExitCode::kUserQuit));
  if (const int signal = EndSignals::received()) return end(128 + signal);
  drives_.deliver();
  serial_ports_.feed();
  prompts_.feed();
  displays_.attend(board_->input());
}

std::optional<Picture> Machine::picture() {
  if (!board_->screen()) return std::nullopt;
  return displays_.picture();
}

void Machine::pause() {
  clock_.pause();
  vcpu_.pause();
}

void Machine::resume() {
  clock_.resume();
  vcpu_.resume();
}

// A processor that halts with interrupts disabled has halted for good, unless it waits for an NMI: it is how
// kernels switch off a machine that has no switch.
void Machine::idle() {
  serial_ports_.flush();
  if (!vcpu_.state().interrupt_flag && !options_.no_shutdown) end(exit_status(ExitCode::kPowerOff));
}

void Machine::power_off() {
  if (options_.no_shutdown) return vcpu_.switch_off();
  end(exit_status(ExitCode::kPowerOff));
}

BoardConfiguration Machine::board_configuration() {
  BoardConfiguration configuration{.ram_bytes = options_.memory,
                                   .utc_seconds = clock_start_,
                                   .serial_port = options_.serial.has_value(),
                                   .serial_port2 = options_.serial2.has_value(),
                                   .firmware = has_bios(),
                                   .pci = options_.pci,
                                   .acpi = options_.acpi,
                                   .boot_menu = options_.boot.menu,
                                   .apic = model_.has(Feature::kApic),
                                   .hpet = options_.hpet && options_.pci,
                                   .boot_order = boot_order(),
                                   .check_floppy_signature = options_.check_floppy_signature,
                                   .firmware_files = firmware_.files,
                                   .debug_exit = {},
                                   .drives = {},
                                   .floppies = {},
                                   .dma = &dma_,
                                   .video = options_.vga ? &video_ : nullptr,
                                   .vga_bios = firmware_.vga_bios,
                                   .display = displays_.any()};
  if (const auto& ports = options_.debug_exit) configuration.debug_exit = {ports->iobase, ports->iosize};
  drives_.describe_to(configuration);
  return configuration;
}

BoardOutputs Machine::board_outputs() {
  BoardOutputs outputs{
      .intr = [this](bool level) { vcpu_.set_interrupt_request(level); },
      .nmi = [this] { vcpu_.raise_nmi(); },
      .reset =
          [this](ResetKind kind) {
            if (reset_requested_ != ResetKind::kSystem) reset_requested_ = kind;
            vcpu_.stop();
          },
      .power_off = [this] { power_off(); },
      .debug_exit = [this](uint32_t status) { end(static_cast<int>(status & 0xFF)); },
      .serial = [this](uint8_t byte) { serial_ports_.write(0, byte); },
      .serial2 = [this](uint8_t byte) { serial_ports_.write(1, byte); },
      .upper_memory =
          [this](unsigned segment, bool reads, bool writes) {
            if (memory_.set_upper_memory(segment, {reads, writes})) vcpu_.memory_map_changed();
          },
      .a20 =
          [this](bool open) {
            if (memory_.set_a20(open)) vcpu_.memory_map_changed();
          },
  };
  if (log_enabled(LogClass::kFirmware)) {
    outputs.firmware_log = [](uint8_t byte) {
      const char text = static_cast<char>(byte);
      log_write(LogClass::kFirmware, {&text, 1});
    };
  }
  return outputs;
}

void Machine::power_on() {
  board_ = std::make_unique<Board>(clock_, board_configuration(), board_outputs());
  serial_ports_.attach(*board_);
  vcpu_.attach(*board_);
  displays_.attach(board_->screen());
  vcpu_.reset();
  if (has_bios() && !options_.pci) memory_.copy_rom_to_upper_memory();
}

std::optional<int> Machine::open() {
  if (const auto status = load_bios()) return status;
  if (const auto status = drives_.open()) return status;
  if (const auto status = serial_ports_.open()) return status;
  if (const auto status = open_prompts()) return status;
  return displays_.open();
}

std::optional<int> Machine::load_bios() {
  if (!has_bios()) return std::nullopt;
  if (const auto status = firmware_.load(options_)) return status;
  memory_.set_rom(firmware_.bios);
  return std::nullopt;
}

std::optional<int> Machine::open_prompts() {
  if (SerialBackend* port = serial_ports_.with_prompt()) prompts_.share(*port);
  return options_.prompt ? prompts_.open(*options_.prompt) : std::nullopt;
}

std::optional<int> Machine::load_kernel() {
  if (has_bios()) return std::nullopt;
  const KernelRequest request{
      .kernel = options_.kernel,
      .initrd = options_.initrd.empty() ? std::nullopt : std::optional(options_.initrd),
      .append = options_.append};
  const auto ram = std::as_writable_bytes(ram_.bytes());
  const auto boot = ringdown::load_kernel(request, ram);
  if (!boot) return refuse(ExitCode::kBadImage, boot.error().message);
  for (const auto& warning : boot->warnings) print_error_line(warning);
  set_boot_state(vcpu_.state(), *boot);
  vcpu_.state_changed();
  return std::nullopt;
}

// As 286 software comes back to real mode. Where firmware would start all over again, so does the machine.
bool Machine::start_again() {
  const bool of_processor =
      reset_requested_ ? *reset_requested_ == ResetKind::kProcessor : vcpu_.state().shutdown;
  if (status_ || !of_processor || !has_bios() || !board_->firmware_resumes()) return false;
  counters().guest_processor_resets++;
  reset_requested_.reset();
  board_->processor_reset();
  vcpu_.init();
  return true;
}

bool Machine::restart() {
  drives_.drain();
  const bool triple_fault = vcpu_.state().shutdown;
  if (status_ || (!triple_fault && !reset_requested_)) return false;
  if (options_.no_reboot) {
    status_ = exit_status(triple_fault ? ExitCode::kTripleFaultWithNoReboot : ExitCode::kResetWithNoReboot);
    return false;
  }
  counters().guest_resets++;
  counters().guest_triple_faults += triple_fault;
  reset_requested_.reset();
  started_before_ = true;
  ram_.clear();
  return true;
}

int Machine::run() {
  if (options_.start_stopped && options_.prompt) pause();
  do {
    power_on();
    if (board_->debug_exit_overlaps())
      return refuse(ExitCode::kBadCommandLine, "isa-debug-exit: another device has its ports, see iobase");
    if (const auto status = load_kernel()) return *status;
    if (!tsc_khz_) model_.set_tsc_khz(tsc_khz_ = tsc_frequency_.measure_khz());
    do vcpu_.run();
    while (start_again());
  } while (restart());
  return status_.value_or(exit_status(ExitCode::kPowerOff));
}

// A kernel that is started directly finds a processor without a local APIC, unless it is asked for: nothing
// tells it of an I/O APIC. The same goes for isapc, a machine that is older than APICs.
std::string processor_specification(const Options& options) {
  const std::string& given = options.cpu;
  if (options.kernel.empty() && options.pci) return given;
  const size_t name_ends = std::min(given.find(','), given.size());
  const std::string name =
      given.empty() ? std::string(CpuModel::model_names().front()) : given.substr(0, name_ends);
  return concat(name, ",-apic", given.substr(name_ends));
}

}  // namespace

int run_machine(const Options& options) {
  set_host_refusal_handler([](const std::string& line) { end_process(ExitCode::kHostLacksFeature, line); });
  CpuModel model = CpuModel::default_model();
  std::string error;
  const std::string processor = processor_specification(options);
  if (!processor.empty() && !CpuModel::parse(processor, model, error))
    return refuse(ExitCode::kBadCommandLine, error);
  Machine machine(options, model);
  const EndSignals signals([&machine] { machine.on_end_signal(); });
  if (const auto status = machine.open()) return *status;
  return machine.run();
}

}  // namespace ringdown
