#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vdevices/acpi_events.h"
#include "vdevices/apm_ports.h"
#include "vdevices/ata_channel.h"
#include "vdevices/ata_drive.h"
#include "vdevices/atapi_cdrom.h"
#include "vdevices/block_medium.h"
#include "vdevices/clock.h"
#include "vdevices/debug_console.h"
#include "vdevices/debug_exit.h"
#include "vdevices/fw_cfg.h"
#include "vdevices/hpet.h"
#include "vdevices/i440fx.h"
#include "vdevices/i8042.h"
#include "vdevices/i82077aa.h"
#include "vdevices/i8237a.h"
#include "vdevices/i8254.h"
#include "vdevices/i8259a.h"
#include "vdevices/input_feed.h"
#include "vdevices/io_apic.h"
#include "vdevices/irq_lines.h"
#include "vdevices/local_apic.h"
#include "vdevices/mc146818.h"
#include "vdevices/memory_bus.h"
#include "vdevices/pci_host.h"
#include "vdevices/piix3.h"
#include "vdevices/piix3_ide.h"
#include "vdevices/piix4_pm.h"
#include "vdevices/port_bus.h"
#include "vdevices/screen.h"
#include "vdevices/system_control.h"
#include "vdevices/uart16550.h"
#include "vdevices/vga.h"
#include "vdevices/vga_pci.h"
#include "vdevices/video_memory.h"

namespace ringdown {

// What leaves the board. All are called on the vCPU thread, from within an access or advance().
struct BoardOutputs {
  std::function<void(bool)> intr;  // the INTR pin of the processor
  std::function<void()> nmi;       // its NMI pin
  std::function<void(ResetKind)> reset;
  std::function<void()> power_off;
  std::function<void(uint32_t)> debug_exit;   // exit status
  std::function<void(uint8_t)> serial;        // COM1
  std::function<void(uint8_t)> serial2 = {};  // COM2
  I440fx::SetSegment upper_memory = {};       // with firmware only
  std::function<void(bool)> a20 = {};         // of each change of the A20 gate: is it open? At first it is
  std::function<void(uint8_t)> firmware_log =
      {};  // what firmware says of itself; none: it finds nobody listening
};

struct BoardConfiguration {
  uint64_t ram_bytes = 0;
  int64_t utc_seconds = 0;
  bool serial_port = true;    // COM1
  bool serial_port2 = false;  // COM2
  bool firmware = false;      // with what a BIOS needs; a kernel that is started directly finds no PCI bus
  bool pci = true;            // with firmware only: the bridges, and PAM
  bool acpi = true;           // with PCI only: power management, and tables that tell of it
  bool boot_menu = false;     // that firmware is to offer
  bool apic = false;          // local APIC and I/O APIC
  bool hpet = false;          // with the APICs only
  // What firmware is to try first, a letter each: a floppy disk, c hard disk, d CD-ROM; three at most, none
  // twice. Empty: cad.
  std::string boot_order = {};
  bool check_floppy_signature = true;
  struct FirmwareFile {
    std::string name;
    FwCfg::Bytes content;
  };
  std::vector<FirmwareFile> firmware_files = {};  // of fw_cfg, beside its own
  struct DebugExitPorts {
    uint16_t first;
    uint32_t count;
  };
  std::optional<DebugExitPorts> debug_exit;
  struct Drive {
    bool cdrom = false;
    BlockMedium* medium = nullptr;  // not owned; of a CD-ROM drive null for no disc
  };
  // Primary master and slave, then secondary. Without any there is no controller; it is on PCI if
  // there is one.
  using Drives = std::array<std::optional<Drive>, 4>;
  Drives drives = {};
  struct FloppyDrive {
    uint8_t type = 0;               // FloppyFormat's
    BlockMedium* medium = nullptr;  // not owned, one that the drive takes; null for no diskette
  };
  // A and B. Without any there is no controller.
  std::array<std::optional<FloppyDrive>, 2> floppies = {};
  DmaMemory* dma = nullptr;  // not owned; needed with drives, and without it ISA DMA reaches nothing
  // Of a VGA, VgaMemory::kStorageBytes; not owned. None: there is no VGA. It is on PCI if there is one.
  VideoMemory* video = nullptr;
  std::span<const uint8_t> vga_bios = {};  // not owned
  bool display = false;                    // somebody sees the VGA's screen
};

// The PC's system board: every device, wired. The one place that knows port numbers and interrupt lines.
class Board {
 public:
  Board(const Clock& clock, const BoardConfiguration& configuration, BoardOutputs outputs);
  Board(const Board&) = delete;

  PortBus& ports() { return *ports_; }
  MemoryBus& memory() { return memory_; }
  // The processor's INTA: returns the vector.
  uint8_t acknowledge_interrupt() { return apics_ ? apics_->local.acknowledge() : pic_.acknowledge(); }
  // The processor's IA32_APIC_BASE (MSR 1Bh), after power-on and after the guest has written it.
  void set_apic_base(uint64_t value);
  I8259aPair& pics() { return pic_; }
  Uart16550& com1() { return com1_; }
  Uart16550& com2() { return com2_; }
  // What the processor's INIT means to the board: the A20 gate opens (82801AA data sheet: ALT_A20_GATE).
  void processor_reset() { a20_.set(true); }
  // Firmware that starts is to go on with what was there (AT technical reference: shutdown status byte).
  bool firmware_resumes() const;
  I8042& keyboard_controller() { return kbc_; }
  // The user has pressed it: what follows is the guest's affair. False: there is none.
  bool press_power_button();
  InputFeed& input() { return input_; }
  // What a person does at them. Null where no such drive is: of an IDE channel, of the floppy controller.
  AtapiCdrom* cdrom(size_t drive);
  I82077aa* floppies() { return floppies_.get(); }
  const PciHost* pci() const { return pci_ ? &pci_->host : nullptr; }
  // Null without a VGA.
  Screen* screen() { return video_ ? &video_->vga.screen() : nullptr; }

  Nanoseconds next_event() const;
  // The devices whose event is due.
  void advance(Nanoseconds now);

  // The user's choice of ports for it was another device's: it is not there.
  bool debug_exit_overlaps() const { return debug_exit_overlaps_; }

 private:
  struct Apics {
    LocalApic local;
    IoApic io{[this](const ApicMessage& message) { return local.deliver(message); }};
  };
  // What is there with firmware only.
  struct Firmware {
    Firmware(const BoardConfiguration& configuration, const BoardOutputs& outputs);

    FwCfg fw_cfg;
    DebugConsole log;
  };
  // What is there with PCI only.
  struct Pci {
    Pci(const BoardOutputs& outputs, ResetControl& reset_control, IrqLines& irqs);

    PciHost host;
    I440fx host_bridge;
    Piix3IsaBridge isa_bridge;
  };
  // What is there with PCI and ACPI.
  struct PowerManagement {
    PowerManagement(const Clock& clock, const BoardConfiguration& configuration, const BoardOutputs& outputs,
                    PortBus& bus, IrqLines& irqs);

    Piix4Pm function;
    ApmPorts apm;
    AcpiEvents events;
    PciHotPlug hot_plug;
  };
  // What is there with drives only.
  struct Disks {
    Disks(const BoardConfiguration& configuration, IrqLines& irqs);

    std::array<std::unique_ptr<AtaDrive>, 4> drives;
    AtaChannel primary, secondary;
    std::optional<Piix3Ide> controller;
  };
  std::unique_ptr<Apics> make_apics(const Clock& clock);
  std::unique_ptr<Hpet> make_hpet(const Clock& clock);
  void set_irq(unsigned irq, bool level);
  void set_intr(bool level);
  void map_apics();
  bool ignores_ticks() const;
  // What is there with a VGA only.
  struct Video {
    Video(const Clock& clock, VideoMemory& storage) : vga(clock, storage) {}

    Vga vga;
    std::optional<VgaPci> pci;
  };
  void map_firmware(const BoardConfiguration& configuration);
  void map_power_management(const Clock& clock, const BoardConfiguration& configuration);
  void map_debug_exit(const BoardConfiguration::DebugExitPorts& ports);
  void map_disks(const BoardConfiguration& configuration);
  void map_video(const Clock& clock, const BoardConfiguration& configuration);
  void describe_disks(const BoardConfiguration::Drives& drives);
  void map_floppies(const BoardConfiguration& configuration);
  void set_boot_order(const BoardConfiguration& configuration);

  BoardOutputs outputs_;
  std::unique_ptr<PortBus> ports_ = std::make_unique<PortBus>();
  MemoryBus memory_;
  std::unique_ptr<Apics> apics_;
  I8259aPair pic_;
  IrqLines irqs_{[this](unsigned irq, bool level) { set_irq(irq, level); }};
  std::unique_ptr<Hpet> hpet_;
  I8254 pit_;
  PortB port_b_;
  Line a20_;  // the gate is open
  PortA port_a_;
  ResetControl reset_control_;
  PostCode post_code_;
  IsaDma isa_dma_;
  Mc146818 rtc_;
  Uart16550 com1_, com2_;
  I8042 kbc_;
  InputFeed input_;
  DebugExit debug_exit_;
  bool debug_exit_overlaps_ = false;
  std::unique_ptr<Firmware> firmware_;
  std::unique_ptr<Pci> pci_;
  std::unique_ptr<PowerManagement> power_management_;
  std::unique_ptr<Disks> disks_;
  std::unique_ptr<I82077aa> floppies_;
  std::unique_ptr<Video> video_;
  std::vector<TimedDevice*> timed_{&pit_, &rtc_, &com1_, &input_};
};

}  // namespace ringdown
