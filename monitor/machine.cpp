#include "monitor/machine.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <optional>

#include "cpu/cpu_model.h"
#include "display/curses_front_end.h"
#include "display/display.h"
#include "display/sdl_front_end.h"
#include "host-driver/block_queue.h"
#include "host-driver/counters.h"
#include "host-driver/guest_ram.h"
#include "host-driver/host_clock.h"
#include "host-driver/host_error.h"
#include "host-driver/log.h"
#include "host-driver/serial_backend.h"
#include "host-driver/socket_console.h"
#include "host-driver/terminal.h"
#include "host-driver/tsc_frequency.h"
#include "images/firmware_image.h"
#include "images/kernel_image.h"
#include "monitor/board.h"
#include "monitor/end_signals.h"
#include "monitor/exit_codes.h"
#include "monitor/guest_dma.h"
#include "monitor/image_medium.h"
#include "monitor/prompt.h"
#include "monitor/text.h"
#include "monitor/vcpu.h"
#include "monitor/video_storage.h"

namespace ringdown {
namespace {

void set_flat_segments(CpuState& state, const BootState& boot) {
  using namespace segment_attribute;
  constexpr uint16_t common = kPresent | kCodeOrData | kWritableOrReadable | kAccessed | kBig | kGranular;
  state.segment.fill({.base = 0, .limit = 0xFFFFFFFF, .selector = boot.ds, .attributes = common});
  state.segment[kCs] = {.base = 0, .limit = 0xFFFFFFFF, .selector = boot.cs, .attributes = common | kCode};
  state.segment[kSs].selector = boot.ss;
}

void set_boot_state(CpuState& state, const BootState& boot) {
  state.gpr = {boot.eax, boot.ecx, boot.edx, boot.ebx, boot.esp, boot.ebp, boot.esi, boot.edi};
  state.eip = boot.eip;
  state.set_eflags_image(boot.eflags);
  state.cr0 = boot.cr0;
  state.gdtr = {.base = boot.gdt_base, .limit = boot.gdt_limit};
  state.idtr = {.base = boot.idt_base, .limit = boot.idt_limit};
  set_flat_segments(state, boot);
}

void log_state(const CpuState& s) {
  log_printf(LogClass::kCpuReset,
             "reset at eip %08x: eax %08x ecx %08x edx %08x ebx %08x esp %08x ebp %08x esi %08x edi %08x "
             "eflags %08x "
             "cs %04x ss %04x ds %04x es %04x fs %04x gs %04x cr0 %08x cr2 %08x cr3 %08x cr4 %08x ring %u\n",
             s.eip, s.gpr[0], s.gpr[1], s.gpr[2], s.gpr[3], s.gpr[4], s.gpr[5], s.gpr[6], s.gpr[7],
             s.eflags_image(), s.segment[kCs].selector, s.segment[kSs].selector, s.segment[kDs].selector,
             s.segment[kEs].selector, s.segment[kFs].selector, s.segment[kGs].selector, s.cr0, s.cr2, s.cr3,
             s.cr4, s.cpl);
}

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

int refuse(const ImageError& error) {
  print_error_line(error.message);
  return exit_status(ExitCode::kBadImage);
}

ImageAccess access_to(const DriveOptions& drive) {
  if (drive.read_only) return ImageAccess::kReadOnly;
  return drive.snapshot ? ImageAccess::kSnapshot : ImageAccess::kReadWrite;
}

// Where somebody sits who started this by hand.
bool has_desktop() {
  return isatty(STDOUT_FILENO) && (std::getenv("DISPLAY") || std::getenv("WAYLAND_DISPLAY"));
}

auto write_to(SerialBackend& backend) {
  return [&backend](std::string_view text) {
    for (const char c : text) backend.write(static_cast<uint8_t>(c));
    backend.flush();
  };
}

std::string_view text_of(std::span<const uint8_t> bytes, size_t count) {
  return {reinterpret_cast<const char*>(bytes.data()), count};
}

// Where SeaBIOS looks for option ROMs that belong to no PCI device.
std::string option_rom_name(std::string_view path) {
  return concat("genroms/", path.substr(path.rfind('/') + 1)).substr(0, FwCfg::kLongestName);
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
  ~Machine() override { drain_disks(); }

  // The exit status if something is wrong.
  std::optional<int> open_serial_ports();
  std::optional<int> open_disks();
  std::optional<int> open_prompt();
  std::optional<int> open_displays();
  std::optional<int> load_bios();
  int run();
  // Async-signal-safe: the process was asked to end.
  void on_end_signal() {
    for (const auto& serial : serials_) {
      if (serial) serial->stop_waiting();
    }
    vcpu_.request_attention();
  }

 private:
  void power_on();
  std::optional<int> load_vga_bios();
  std::optional<int> load_kernel();
  std::optional<int> check_diskettes() const;
  void add_firmware_number(const char* name, uint64_t value, unsigned size) {
    FwCfg::Bytes content;
    append_little_endian(content, value, size);
    firmware_files_.push_back({name, std::move(content)});
  }
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
  void deliver_from_disks();
  void drain_disks();
  void feed_serial_ports();
  void feed_serial_port(SerialBackend* serial, Uart16550& uart);
  void feed_prompts();
  std::optional<int> open_serial_port(const SerialTarget& target, std::unique_ptr<SerialBackend>& serial);
  std::optional<int> open_serial_backend_of(const SerialTarget& target,
                                            std::unique_ptr<SerialBackend>& backend);
  // PromptHost
  const CpuState& state() const override { return vcpu_.state(); }
  const PhysicalMemory& memory() const override { return memory_; }
  Board& board() override { return *board_; }
  std::string describe_drives() const override;
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
  std::vector<uint8_t> bios_, vga_bios_;
  std::vector<BoardConfiguration::FirmwareFile> firmware_files_;
  PhysicalMemory memory_;
  Vcpu vcpu_;
  VideoStorage video_{memory_, ram_.device_bytes(), vcpu_};
  GuestDma dma_{memory_, [this] { vcpu_.leave_block(); }};
  struct Disk {
    BlockQueue queue;
    ImageMedium medium{queue};
    Disk(std::unique_ptr<BlockImage> image, Vcpu& vcpu)
        : queue(std::move(image), [&vcpu] { vcpu.request_attention(); }) {}
  };
  using OptionalDrive = std::optional<DriveOptions>;
  std::optional<int> open_images(std::span<const OptionalDrive> drives,
                                 std::span<std::unique_ptr<Disk>> disks);
  std::array<std::unique_ptr<Disk>, kDrives + kFloppies> images_;
  std::span<std::unique_ptr<Disk>> disks_ = std::span(images_).first(kDrives);
  std::span<std::unique_ptr<Disk>> diskettes_ = std::span(images_).last(kFloppies);
  std::unique_ptr<Board> board_;
  std::array<std::unique_ptr<SerialBackend>, 2> serials_;  // COM1, COM2
  Display display_{[this] { vcpu_.request_attention(); }};
  std::vector<std::unique_ptr<FrontEnd>> front_ends_;
  // Monitor prompts: on a serial port's terminal, on one of its own, at a socket.
  SerialBackend* port_with_prompt_ = nullptr;
  std::unique_ptr<SerialBackend> prompt_terminal_;
  std::unique_ptr<SocketConsole> prompt_socket_;
  std::optional<PromptSession> serial_prompt_, terminal_prompt_, socket_prompt_;
  std::optional<int> status_;
  uint32_t tsc_khz_ = 0;
  std::optional<ResetKind> reset_requested_;
  bool started_before_ = false;
  std::atomic<bool> quit_requested_{false};
};

std::optional<int> Machine::open_serial_backend_of(const SerialTarget& target,
                                                   std::unique_ptr<SerialBackend>& backend) {
  if (target.kind == SerialKind::kStdio)
    make_terminal_raw(STDIN_FILENO, target.escape_keys ? TerminalSignals::kToGuest : TerminalSignals::kKeep);
  SerialEvents events;
  events.on_input = [this] { vcpu_.request_attention(); };
  events.on_command = [this](TerminalCommand command) {
    if (command == TerminalCommand::kQuit) ask_to_quit();
  };
  events.on_failure = [](const std::string& line) { end_process(ExitCode::kIoError, line); };
  auto opened = open_serial_backend(target, std::move(events));
  if (const auto* line = std::get_if<std::string>(&opened)) {
    print_error_line(*line);
    return exit_status(ExitCode::kIoError);
  }
  backend = std::move(std::get<std::unique_ptr<SerialBackend>>(opened));
  return std::nullopt;
}

std::optional<int> Machine::open_serial_ports() {
  size_t port = 0;
  for (const auto* target : {&options_.serial, &options_.serial2}) {
    auto& serial = serials_[port++];
    if (!*target) continue;
    if (const auto status = open_serial_port(**target, serial)) return status;
  }
  return std::nullopt;
}

std::optional<int> Machine::open_serial_port(const SerialTarget& target,
                                             std::unique_ptr<SerialBackend>& serial) {
  if (const auto status = open_serial_backend_of(target, serial)) return status;
  if (!serial->pty_path().empty()) print_error_line("serial port at " + serial->pty_path());
  if (target.escape_keys) {
    port_with_prompt_ = serial.get();
    serial_prompt_.emplace(*this, true, write_to(*serial));
  }
  return std::nullopt;
}

std::optional<int> Machine::open_prompt() {
  if (!options_.prompt) return std::nullopt;
  if (options_.prompt->kind == PromptTarget::Kind::kStdio) {
    const SerialTarget terminal{.kind = SerialKind::kStdio};
    if (const auto status = open_serial_backend_of(terminal, prompt_terminal_)) return status;
    terminal_prompt_.emplace(*this, isatty(STDIN_FILENO), write_to(*prompt_terminal_));
    write_to (*prompt_terminal_)(PromptSession::greeting());
    return std::nullopt;
  }
  auto opened = open_socket_console(options_.prompt->path, PromptSession::greeting(),
                                    [this] { vcpu_.request_attention(); });
  if (const auto* line = std::get_if<std::string>(&opened)) {
    print_error_line(*line);
    return exit_status(ExitCode::kIoError);
  }
  prompt_socket_ = std::move(std::get<std::unique_ptr<SocketConsole>>(opened));
  socket_prompt_.emplace(*this, false, [this](std::string_view text) { prompt_socket_->write(text); });
  return std::nullopt;
}

std::optional<int> Machine::open_displays() {
  const auto add = [this](OpenedFrontEnd opened) -> std::optional<int> {
    if (const auto* line = std::get_if<std::string>(&opened)) {
      print_error_line(*line);
      return exit_status(ExitCode::kIoError);
    }
    front_ends_.push_back(std::move(std::get<std::unique_ptr<FrontEnd>>(opened)));
    return std::nullopt;
  };
  if (options_.display == DisplayKind::kCurses) {
    if (const auto status = add(open_curses_front_end(display_, [this] { ask_to_quit(); }))) return status;
  }
  const std::string name = options_.name.empty() ? "Ringdown" : options_.name;
  if (options_.display == DisplayKind::kSdl || (options_.display == DisplayKind::kDefault && has_desktop())) {
    auto opened = open_sdl_front_end(display_, name, [this] { ask_to_quit(); });
    const bool is_bad = std::holds_alternative<std::string>(opened);
    if (!is_bad || options_.display == DisplayKind::kSdl) {
      if (const auto status = add(std::move(opened))) return status;
    }
  }
  if (options_.vnc) return add(open_vnc_server(display_, *options_.vnc, name));
  return std::nullopt;
}

std::optional<int> Machine::open_disks() {
  if (const auto status = open_images(options_.drives, disks_)) return status;
  if (const auto status = open_images(options_.floppies, diskettes_)) return status;
  return check_diskettes();
}

std::optional<int> Machine::check_diskettes() const {
  for (unsigned i = 0; i < kFloppies; i++) {
    if (diskettes_[i] && !FloppyFormat::of(diskettes_[i]->medium.sectors()))
      return refuse(
          {concat(options_.floppies[i]->file,
                  ": no diskette has that size; they have 160, 180, 320, 360, 720, 1200, 1440 or 2880 KiB")});
  }
  return std::nullopt;
}

std::optional<int> Machine::open_images(std::span<const OptionalDrive> drives,
                                        std::span<std::unique_ptr<Disk>> disks) {
  for (unsigned i = 0; i < drives.size(); i++) {
    const auto& drive = drives[i];
    if (!drive || drive->file.empty()) continue;
    auto opened = open_block_image(drive->file, access_to(*drive));
    if (const auto* line = std::get_if<std::string>(&opened)) return refuse({*line});
    auto& image = std::get<std::unique_ptr<BlockImage>>(opened);
    image->on_failure([](const std::string& line) { print_error_line(line); });
    disks[i] = std::make_unique<Disk>(std::move(image), vcpu_);
  }
  return std::nullopt;
}

void Machine::attend() {
  if (quit_requested_) return end(exit_status(ExitCode::kUserQuit));
  if (const int signal = EndSignals::received()) return end(128 + signal);
  deliver_from_disks();
  feed_serial_ports();
  feed_prompts();
  display_.attend(board_->input());
}

void Machine::feed_prompts() {
  std::array<uint8_t, 64> bytes;
  while (serial_prompt_ && port_with_prompt_->prompt_input_waiting())
    serial_prompt_->take(text_of(bytes, port_with_prompt_->take_for_prompt(bytes)));
  while (terminal_prompt_ && prompt_terminal_->input_waiting())
    terminal_prompt_->take(text_of(bytes, prompt_terminal_->take(bytes)));
  if (socket_prompt_ && prompt_socket_->input_waiting())
    prompt_socket_->serve([this](std::string_view typed) { socket_prompt_->take(typed); });
}

std::string Machine::describe_drives() const {
  std::string text;
  for (unsigned i = 0; i < kDrives; i++) {
    const auto& drive = options_.drives[i];
    if (!drive) continue;
    text += concat("ide", std::to_string(i / 2), drive->cdrom ? "-cd" : "-hd", std::to_string(i % 2), ": ",
                   drive->file.empty() ? "no disc" : concat(drive->file, " (raw)"),
                   drive->read_only ? ", read-only" : "", drive->snapshot ? ", snapshot" : "", "\n");
  }
  return text;
}

std::optional<Picture> Machine::picture() {
  if (!board_->screen()) return std::nullopt;
  return display_.picture();
}

void Machine::pause() {
  clock_.pause();
  vcpu_.pause();
}

void Machine::resume() {
  clock_.resume();
  vcpu_.resume();
}

void Machine::deliver_from_disks() {
  for (const auto& disk : images_) {
    if (disk && disk->queue.ended()) disk->queue.deliver();
  }
}

void Machine::drain_disks() {
  for (const auto& disk : images_) {
    if (disk) disk->queue.drain();
  }
}

// A processor that halts with interrupts disabled has halted for good, unless it waits for an NMI: it is how
// kernels switch off a machine that has no switch.
void Machine::idle() {
  for (const auto& serial : serials_) {
    if (serial) serial->flush();
  }
  if (!vcpu_.state().interrupt_flag && !options_.no_shutdown) end(exit_status(ExitCode::kPowerOff));
}

void Machine::power_off() {
  if (options_.no_shutdown) return vcpu_.switch_off();
  end(exit_status(ExitCode::kPowerOff));
}

void Machine::feed_serial_ports() {
  feed_serial_port(serials_[0].get(), board_->com1());
  feed_serial_port(serials_[1].get(), board_->com2());
}

void Machine::feed_serial_port(SerialBackend* serial, Uart16550& uart) {
  if (!serial) return;
  while (serial->input_waiting()) {
    std::array<uint8_t, 64> bytes;
    const size_t room = std::min(bytes.size(), uart.receive_room());
    if (room == 0) return;  // on_receive_room continues
    const size_t count = serial->take({bytes.data(), room});
    uart.receive({bytes.data(), count});
  }
}

BoardConfiguration Machine::board_configuration() {
  BoardConfiguration configuration{.ram_bytes = options_.memory,
                                   .utc_seconds = clock_start_,
                                   .serial_port = options_.serial.has_value(),
                                   .serial_port2 = options_.serial2.has_value(),
                                   .firmware = has_bios(),
                                   .acpi = options_.acpi,
                                   .boot_menu = options_.boot.menu,
                                   .apic = model_.has(Feature::kApic),
                                   .hpet = options_.hpet,
                                   .boot_order = boot_order(),
                                   .check_floppy_signature = options_.check_floppy_signature,
                                   .firmware_files = firmware_files_,
                                   .debug_exit = {},
                                   .drives = {},
                                   .floppies = {},
                                   .dma = &dma_,
                                   .video = options_.vga ? &video_ : nullptr,
                                   .vga_bios = vga_bios_,
                                   .display = !front_ends_.empty()};
  if (const auto& ports = options_.debug_exit) configuration.debug_exit = {ports->iobase, ports->iosize};
  for (unsigned i = 0; i < kDrives; i++) {
    if (!options_.drives[i]) continue;
    configuration.drives[i] = {.cdrom = options_.drives[i]->cdrom,
                               .medium = disks_[i] ? &disks_[i]->medium : nullptr};
  }
  for (unsigned i = 0; i < kFloppies; i++) {
    if (diskettes_[i]) configuration.floppies[i] = &diskettes_[i]->medium;
  }
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
      .serial =
          [this](uint8_t byte) {
            if (serials_[0]) serials_[0]->write(byte);
          },
      .serial2 =
          [this](uint8_t byte) {
            if (serials_[1]) serials_[1]->write(byte);
          },
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
  for (Uart16550* uart : {&board_->com1(), &board_->com2()})
    uart->on_receive_room([this] { feed_serial_ports(); });
  vcpu_.attach(*board_);
  display_.attach(board_->screen());
  if (log_enabled(LogClass::kCpuReset)) log_state(vcpu_.state());
  vcpu_.reset();
}

std::optional<int> Machine::load_bios() {
  if (!has_bios()) return std::nullopt;
  auto bios = load_firmware(options_.bios);
  if (!bios) return refuse(bios.error());
  bios_ = std::move(*bios);
  memory_.set_rom(bios_);
  if (const auto status = load_vga_bios()) return status;
  for (const std::string& path : options_.option_roms) {
    auto rom = load_option_rom(path);
    if (!rom) return refuse(rom.error());
    firmware_files_.push_back({option_rom_name(path), std::move(*rom)});
  }
  if (const auto& time = options_.boot.splash_time) add_firmware_number("etc/boot-menu-wait", *time, 2);
  if (const auto& time = options_.boot.reboot_timeout) add_firmware_number("etc/boot-fail-wait", *time, 4);
  return std::nullopt;
}

std::optional<int> Machine::load_vga_bios() {
  if (!options_.vga) return std::nullopt;
  auto bios = load_vga_firmware();
  if (!bios) return refuse(bios.error());
  vga_bios_ = std::move(*bios);
  if (vga_bios_.empty())
    print_error_line(
        "no VGA BIOS (Debian's package seabios): the screen stays dark until the guest sets a mode");
  return std::nullopt;
}

std::optional<int> Machine::load_kernel() {
  if (has_bios()) return std::nullopt;
  const KernelRequest request{
      .kernel = options_.kernel,
      .initrd = options_.initrd.empty() ? std::nullopt : std::optional(options_.initrd),
      .append = options_.append};
  const auto ram = std::as_writable_bytes(ram_.bytes());
  const auto boot = ringdown::load_kernel(request, ram);
  if (!boot) return refuse(boot.error());
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
  drain_disks();
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
    if (board_->debug_exit_overlaps()) {
      print_error_line("isa-debug-exit: another device has its ports, see iobase");
      return exit_status(ExitCode::kBadCommandLine);
    }
    if (const auto status = load_kernel()) return *status;
    if (!tsc_khz_) model_.set_tsc_khz(tsc_khz_ = tsc_frequency_.measure_khz());
    do vcpu_.run();
    while (start_again());
  } while (restart());
  return status_.value_or(exit_status(ExitCode::kPowerOff));
}

// A kernel that is started directly finds a processor without a local APIC, unless it is asked for: nothing
// tells it of an I/O APIC.
std::string processor_specification(const Options& options) {
  const std::string& given = options.cpu;
  if (options.kernel.empty()) return given;
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
  if (!processor.empty() && !CpuModel::parse(processor, model, error)) {
    print_error_line(error);
    return exit_status(ExitCode::kBadCommandLine);
  }
  Machine machine(options, model);
  const EndSignals signals([&machine] { machine.on_end_signal(); });
  if (const auto status = machine.load_bios()) return *status;
  if (const auto status = machine.open_disks()) return *status;
  if (const auto status = machine.open_serial_ports()) return *status;
  if (const auto status = machine.open_prompt()) return *status;
  if (const auto status = machine.open_displays()) return *status;
  return machine.run();
}

}  // namespace ringdown
