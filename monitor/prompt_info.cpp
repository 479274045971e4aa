#include <algorithm>
#include <array>

#include "host-driver/log.h"
#include "monitor/guest_log.h"
#include "monitor/help.h"
#include "monitor/prompt.h"
#include "monitor/text.h"
#include "vdevices/pci_function.h"

namespace ringdown {
namespace {

std::string info_registers(PromptHost& host) { return format_state(host.state()); }

std::string info_status(PromptHost& host) {
  return host.paused() ? "VM status: paused\n" : "VM status: running\n";
}

std::string info_block(PromptHost& host) {
  const std::string drives = host.describe_drives();
  return drives.empty() ? "no drives\n" : drives;
}

std::string info_version(PromptHost&) { return version_text(); }

void append_pic(std::string& text, const char* name, const I8259a& chip) {
  const auto [irr, isr, imr, base] = chip.registers();
  append_printf(text, "%s: irr=%02x imr=%02x isr=%02x irq_base=%02x elcr=%02x\n", name, unsigned{irr},
                unsigned{imr}, unsigned{isr}, unsigned{base}, unsigned{chip.elcr()});
}

std::string info_pic(PromptHost& host) {
  std::string text;
  append_pic(text, "pic0", host.board().pics().master_chip());
  append_pic(text, "pic1", host.board().pics().slave_chip());
  return text;
}

void append_bars(std::string& text, const PciFunction& function) {
  constexpr uint8_t kFirstBar = 0x10, kBars = 6;
  constexpr uint32_t kIsIo = 1;
  for (unsigned i = 0; i < kBars; i++) {
    const uint32_t bar = function.read_config(static_cast<uint8_t>(kFirstBar + 4 * i), 4);
    if (bar == 0) continue;
    if (bar & kIsIo)
      append_printf(text, "  BAR%u: I/O at %04x\n", i, bar & ~3u);
    else
      append_printf(text, "  BAR%u: memory at %08x\n", i, bar & ~0xFu);
  }
}

std::string info_pci(PromptHost& host) {
  const PciHost* bus = host.board().pci();
  if (!bus) return "there is no PCI bus: the kernel was started without a BIOS, or the machine is isapc\n";
  std::string text;
  for (unsigned address = 0; address < 256; address++) {
    const PciFunction* function = bus->function(static_cast<uint8_t>(address));
    if (!function) continue;
    append_printf(
        text, "bus 0, device %u, function %u: class %04x, id %04x:%04x\n", address / PciHost::kFunctions,
        address % PciHost::kFunctions,
        function->read_config(pci::kClassCode + 1, 1) | function->read_config(pci::kClassCode + 2, 1) << 8,
        function->read_config(pci::kVendor, 2), function->read_config(pci::kDevice, 2));
    append_bars(text, *function);
  }
  return text;
}

struct Subject {
  std::string_view name, help;
  std::string (*run)(PromptHost& host);
};
constexpr auto kSubjects = std::to_array<Subject>({
    {"registers", "the processor's registers", info_registers},
    {"mem", "the ranges that the page tables map", prompt_page_ranges},
    {"pic", "the interrupt controllers", info_pic},
    {"pci", "the functions on the PCI bus", info_pci},
    {"block", "the drives, and what is in them", info_block},
    {"status", "whether the guest runs", info_status},
    {"version", "the version of ringdown", info_version},
});

}  // namespace

std::string prompt_info(PromptHost& host, PromptWords words) {
  if (words.empty()) {
    std::string text;
    for (const Subject& subject : kSubjects)
      text += concat("info ", subject.name, " -- ", subject.help, "\n");
    return text;
  }
  const auto subject = std::ranges::find(kSubjects, words[0], &Subject::name);
  if (subject == kSubjects.end()) return concat("info: no such subject: '", words[0], "'\n");
  return subject->run(host);
}

}  // namespace ringdown
