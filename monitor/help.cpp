#include "monitor/help.h"

#include <algorithm>

#include "monitor/option_table.h"
#include "monitor/text.h"

namespace ringdown {
namespace {

// "  left      right", with the right column in its place however long the left one is.
void add_row(std::string& text, std::string_view left, std::string_view right) {
  constexpr size_t kColumn = 26;
  std::string line = concat("  ", left);
  line.resize(std::max(line.size() + 1, kColumn), ' ');
  text += line.append(right) + "\n";
}

void add_names(std::string& text, std::span<const std::string_view> names) {
  std::string line = " ";
  for (const auto name : names) {
    if (line.size() + name.size() > 78) {
      text += concat(line, "\n");
      line.assign(1, ' ');
    }
    line.append(" ").append(name);
  }
  text += concat(line, "\n");
}

}  // namespace

std::string help_text() {
  std::string text =
      "usage: ringdown [-kernel FILE] [option]...\n"
      "       ringdown doctor     look at the host: what is there, what is missing, what mends it\n"
      "\n"
      "Runs an unmodified x86 operating system in one Linux process, without VT-x or AMD-V.\n"
      "Options are those of QEMU; two dashes are as good as one.\n";
  std::string_view group;
  for (const auto& row : option_table()) {
    if (row.group != group) text += concat("\n", group = row.group, "\n");
    std::string left = concat("-", row.name);
    if (!row.argument.empty()) left.append(" ").append(row.argument);
    add_row(text, left, row.help);
  }
  return concat(text, "\nOn the terminal, C-a h shows the keys and C-a x ends ringdown. See ringdown(1).\n");
}

std::string version_text() { return concat("ringdown ", kVersion, "\n"); }

std::string cpu_list_text(const CpuNames& names) {
  std::string text = "Models:\n";
  add_names(text, names.models);
  text += "Features, to add with + or take away with -:\n";
  add_names(text, names.features);
  return text;
}

std::string device_list_text() {
  std::string text =
      "isa-debug-exit            a write of V to its ports ends the run with exit status (V<<1)|1\n";
  add_row(text, "iobase=PORT", "first port; default 0x501");
  add_row(text, "iosize=COUNT", "number of ports; default 2");
  return text;
}

std::string machine_list_text() {
  return "pc      a PC with a 440FX and a PIIX: PCI, ACPI and APICs, with a BIOS (default)\n"
         "isapc   a PC with an ISA bus alone\n";
}

std::string log_class_list_text() {
  std::string text;
  for (const auto& row : log_class_table()) add_row(text, row.name, row.meaning);
  add_row(text, "all", "all of these");
  return text;
}

}  // namespace ringdown
