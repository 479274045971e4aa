#include "tests/differential/case_text.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "tests/differential/initial_state.h"

namespace ringdown::differential {
namespace {

constexpr const char* kGprNames[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};

std::string hex(std::span<const uint8_t> bytes) {
  std::string text;
  char digits[4];
  for (const uint8_t byte : bytes) {
    std::snprintf(digits, sizeof(digits), " %02x", byte);
    text += digits;
  }
  return text;
}

std::string number(const std::string& name, uint32_t value) {
  char line[48];
  std::snprintf(line, sizeof(line), "%s %08x\n", name.c_str(), value);
  return line;
}

std::vector<uint8_t> parse_bytes(const std::string& text) {
  std::string digits;
  for (const char c : text)
    if (!std::isspace(static_cast<unsigned char>(c))) digits += c;
  if (digits.size() % 2) throw std::invalid_argument(text);
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < digits.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

void parse_register_bytes(const std::string& text, std::array<uint8_t, 16>& out) {
  const auto bytes = parse_bytes(text);
  if (bytes.size() > out.size()) throw std::invalid_argument(text);
  std::copy(bytes.begin(), bytes.end(), out.begin());
}

bool parse_vector_register(const std::string& key, const std::string& rest, FxsaveImage& fx) {
  const bool xmm = key.starts_with("xmm");
  if (!xmm && !key.starts_with("st")) return false;
  const size_t index = std::stoul(key.substr(xmm ? 3 : 2));
  if (index > 7) throw std::invalid_argument(key);
  parse_register_bytes(rest, xmm ? fx.xmm[index] : fx.st[index]);
  return true;
}

struct SettingName {
  const char* name;
  uint32_t Setting::*field;
};
constexpr SettingName kSettingNames[] = {{"fs-base", &Setting::fs_base},
                                         {"gs-base", &Setting::gs_base},
                                         {"supervisor-pages", &Setting::supervisor_pages},
                                         {"ignores-write-protection", &Setting::ignores_write_protection},
                                         {"interrupt-pending", &Setting::interrupt_pending},
                                         {"virtual-interrupts", &Setting::virtual_interrupts}};

bool parse_setting(const std::string& key, const std::string& rest, Setting& setting) {
  if (key == "user") return setting.kind = Setting::kUser, true;
  if (key == "supervisor") return setting.kind = Setting::kSupervisor, true;
  for (const SettingName& s : kSettingNames)
    if (key == s.name) return setting.*s.field = static_cast<uint32_t>(std::stoul(rest, nullptr, 16)), true;
  return false;
}

void add_setting(const Setting& setting, std::string& text) {
  if (setting.kind == Setting::kUserProgram) return;
  text += setting.kind == Setting::kUser ? "user\n" : "supervisor\n";
  for (const SettingName& s : kSettingNames)
    if (setting.*s.field) text += number(s.name, setting.*s.field);
}

bool parse_number(const std::string& key, const std::string& rest, Program& program) {
  const auto value = [&] { return static_cast<uint32_t>(std::stoul(rest, nullptr, 16)); };
  TestCase& initial = program.initial;
  for (unsigned i = 0; i < 8; ++i)
    if (key == kGprNames[i]) return initial.gpr[i] = value(), true;
  if (key == "eip") return initial.eip = value(), true;
  if (key == "eflags") return initial.eflags = value(), true;
  if (key == "fcw") return initial.fx.control_word = static_cast<uint16_t>(value()), true;
  if (key == "fsw") return initial.fx.status_word = static_cast<uint16_t>(value()), true;
  if (key == "ftw") return initial.fx.abridged_tag_word = static_cast<uint8_t>(value()), true;
  if (key == "mxcsr") return initial.fx.mxcsr = value(), true;
  if (key == "undefined") return program.units[0].undefined_flags = value(), true;
  return false;
}

void parse_line(const std::string& key, const std::string& rest, Program& program) {
  if (key == "code") {
    program.units[0].bytes = parse_bytes(rest);
  } else if (parse_setting(key, rest, program.initial.setting)) {
    return;
  } else if (!parse_number(key, rest, program) && !parse_vector_register(key, rest, program.initial.fx)) {
    poke(program.initial.memory, static_cast<uint32_t>(std::stoul(key, nullptr, 16)), parse_bytes(rest));
  }
}

void begin_case(const std::string& name, std::vector<NamedCase>& cases) {
  NamedCase& added = cases.emplace_back();
  added.name = name;
  plain_state(added.program.initial);
  added.program.initial.eip = kPages[kCode0].address;
  added.program.units.resize(1);
}

void add_vector_state(const FxsaveImage& fx, const FxsaveImage& plain, std::string& text) {
  if (fx.control_word != plain.control_word) text += number("fcw", fx.control_word);
  if (fx.status_word) text += number("fsw", fx.status_word);
  if (fx.abridged_tag_word) text += number("ftw", fx.abridged_tag_word);
  if (fx.mxcsr != plain.mxcsr) text += number("mxcsr", fx.mxcsr);
  for (unsigned i = 0; i < 8; ++i) {
    if (fx.st[i] != plain.st[i]) text += "st" + std::to_string(i) + hex(std::span(fx.st[i]).first(10)) + "\n";
    if (fx.xmm[i] != plain.xmm[i]) text += "xmm" + std::to_string(i) + hex(fx.xmm[i]) + "\n";
  }
}

void add_memory(const Memory& memory, std::string& text) {
  for (unsigned page = kData0; page < kPageCount; ++page)
    for (unsigned at = 0; at < kPageBytes; at += 16) {
      const auto row = std::span(memory[page]).subspan(at, 16);
      if (std::all_of(row.begin(), row.end(), [](uint8_t byte) { return byte == 0; })) continue;
      char address[12];
      std::snprintf(address, sizeof(address), "%08x", kPages[page].address + at);
      text += address + hex(row) + "\n";
    }
}

}  // namespace

std::string to_text(const Program& program, const std::string& name) {
  auto built = std::make_unique<TestCase>();
  program.build(*built);
  auto plain = std::make_unique<TestCase>();
  plain_state(*plain);
  std::vector<uint8_t> code(program.code_bytes() - 2);
  peek(built->memory, built->eip, code);
  std::string text = "case " + name + "\ncode" + hex(code) + "\n";
  add_setting(built->setting, text);
  if (built->eip != kPages[kCode0].address) text += number("eip", built->eip);
  for (unsigned i = 0; i < 8; ++i)
    if (built->gpr[i] != plain->gpr[i]) text += number(kGprNames[i], built->gpr[i]);
  if (built->eflags) text += number("eflags", built->eflags);
  uint32_t undefined = 0;
  for (const Unit& unit : program.units) undefined |= unit.undefined_flags;
  if (undefined) text += number("undefined", undefined);
  add_vector_state(built->fx, plain->fx, text);
  add_memory(program.initial.memory, text);
  return text;
}

std::vector<NamedCase> parse_cases(std::istream& in) {
  std::vector<NamedCase> cases;
  std::string line;
  for (unsigned line_number = 1; std::getline(in, line); ++line_number) {
    std::istringstream words(line);
    std::string key, rest;
    if (!(words >> key) || key[0] == '#') continue;
    std::getline(words >> std::ws, rest);
    try {
      if (key == "case")
        begin_case(rest, cases);
      else if (cases.empty())
        throw std::invalid_argument(key);
      else
        parse_line(key, rest, cases.back().program);
    } catch (const std::logic_error&) {
      throw std::runtime_error("line " + std::to_string(line_number) + ": what is \"" + line + "\"?");
    }
  }
  return cases;
}

}  // namespace ringdown::differential
