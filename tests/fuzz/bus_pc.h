#pragma once
#include <array>
#include <memory>
#include <span>

#include "tests/fuzz/input.h"
#include "tests/vdevices/flat_memory.h"
#include "tests/vdevices/vga_pc.h"
#include "vdevices/acpi_events.h"
#include "vdevices/apm_ports.h"
#include "vdevices/clock.h"
#include "vdevices/debug_console.h"
#include "vdevices/debug_exit.h"
#include "vdevices/fw_cfg.h"
#include "vdevices/i440fx.h"
#include "vdevices/i8042.h"
#include "vdevices/i8237a.h"
#include "vdevices/i8254.h"
#include "vdevices/i8259a.h"
#include "vdevices/input_feed.h"
#include "vdevices/irq_lines.h"
#include "vdevices/mc146818.h"
#include "vdevices/pci_host.h"
#include "vdevices/piix3.h"
#include "vdevices/piix4_pm.h"
#include "vdevices/port_bus.h"
#include "vdevices/system_control.h"
#include "vdevices/uart16550.h"
#include "vdevices/vga.h"
#include "vdevices/vga_pci.h"

namespace ringdown::fuzz {

struct FuzzClock : Clock {
  Nanoseconds time = 0;
  Nanoseconds now() const override { return time; }
};

// A device on a DMA channel that always asks, for as long as its buffer lasts.
struct DmaSource : IsaDmaDevice {
  std::array<uint8_t, 64> buffer{};
  size_t left = 0;
  uint8_t way = 0;  // kNone, kToMemory or kFromMemory
  DmaRequest dma_request() const override {
    return left ? static_cast<DmaRequest>(way % 3) : DmaRequest::kNone;
  }
  std::span<uint8_t> dma_data() override { return std::span(buffer).last(left); }
  void dma_moved(size_t bytes, bool) override {
    require(bytes <= left);
    left -= bytes;
  }
};

// Every port device, wired and addressed as in a PC. Outputs that leave the machine are only counted.
struct BusPc {
  FuzzClock clock;
  uint64_t outputs = 0;
  I8259aPair pic{[this](bool) { ++outputs; }};
  IrqLines irqs{[this](unsigned irq, bool level) { pic.ir(irq).set(level); }};
  I8254 pit{clock, irqs.isa(0)};
  PortB port_b{clock, pit};
  Line a20{[this](bool) { ++outputs; }};
  PortA port_a{a20, [this](ResetKind) { ++outputs; }};
  ResetControl reset_control{[this](ResetKind) { ++outputs; }};
  PciHost pci{reset_control};
  I440fx host_bridge{[this](unsigned, bool, bool) { ++outputs; }};
  Piix3IsaBridge isa_bridge{irqs};
  FwCfg fw_cfg;
  PostCode post_code;
  Mc146818 rtc{clock, irqs.isa(8), 1'700'000'000};
  Uart16550 com1{clock, irqs.isa(4), [this](uint8_t) { ++outputs; }};
  testing::FlatMemory dma_memory{1 << 16};
  IsaDma dma{&dma_memory};
  DmaSource bytes_source, words_source;  // channels 2 and 5
  I8042 kbc{{irqs.isa(1), irqs.isa(12), a20, [this] { ++outputs; }}};
  InputFeed input{clock, kbc};
  DebugConsole debug_console{[this](uint8_t) { ++outputs; }};
  DebugExit debug_exit{[this](uint32_t) { ++outputs; }};
  testing::FakeVideoMemory video_memory;
  Vga vga{clock, video_memory};
  MemoryBus memory;
  VgaPci vga_function{vga, memory, {}};
  PortBus bus;
  Piix4Pm power_management{clock, bus, irqs.isa(9), [this] { ++outputs; }, {.com1 = true}};
  ApmPorts apm{[this](bool enable) { power_management.acpi().set_sci_enable(enable); }};
  AcpiEvents events;
  PciHotPlug hot_plug;
  std::array<Line*, 2> pins{&isa_bridge.connect(2, 0), &isa_bridge.connect(31, 3)};
  TimedDevice* const timed[5] = {&pit, &rtc, &com1, &input, &power_management.acpi()};

  BusPc() {
    dma.connect(2, bytes_source);
    dma.connect(5, words_source);
    bus.map(0x00, 16, dma.byte_channels());
    bus.map(0xC0, 32, dma.word_channels());
    bus.map(0x81, DmaPageRegisters::kPorts, dma.pages());
    bus.map(0x20, 2, pic.master());
    bus.map(0xA0, 2, pic.slave());
    bus.map(0x4D0, 2, pic.elcr());
    bus.map(0x40, 4, pit);
    bus.map(0x60, 1, kbc.data_port());
    bus.map(0x61, 1, port_b);
    bus.map(0x64, 1, kbc.command_port());
    bus.map(0x70, 2, rtc);
    bus.map(0x80, 1, post_code);
    bus.map(0x92, 1, port_a);
    bus.map(0xE9, 1, debug_console);
    bus.map(0x3F8, 8, com1);
    bus.map(0xF4, 4, debug_exit, 4);
    bus.map(0x510, 2, fw_cfg, 2);
    bus.map(0xCF8, 8, pci, 4);
    pci.add(PciHost::address(0, 0), host_bridge);
    bus.map(0xB2, 2, apm);
    bus.map(0xAFE0, AcpiEvents::kPorts, events);
    bus.map(0xAE00, PciHotPlug::kPorts, hot_plug, 4);
    pci.add(PciHost::address(1, 0), isa_bridge);
    pci.add(PciHost::address(1, 3), power_management);
    power_management.write_config(0x40, 2, 0x600);
    power_management.write_config(0x80, 1, 1);
    power_management.write_config(0x90, 2, 0x700);
    power_management.write_config(0xD2, 1, 9);
    power_management.write_config(0x04, 1, 1);
    pci.add(PciHost::address(2, 0), vga_function);
    bus.map(0x3B0, VgaRegisters::kPorts, vga.ports());
    bus.map(0x1CE, Vga::kDispiPorts, vga.dispi_ports(), 2);
  }
};

}  // namespace ringdown::fuzz
