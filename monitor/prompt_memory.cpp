#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

#include "cpu/paging.h"
#include "host-driver/log.h"
#include "monitor/option_values.h"
#include "monitor/prompt.h"
#include "monitor/text.h"
#include "translator/block_log.h"

namespace ringdown {
namespace {

constexpr unsigned kMostUnits = 4096, kLongestInstruction = 15, kBytesOfLine = 16;

struct Format {
  unsigned count = 1;
  char kind = 'x';
  unsigned size = 4;
};

// "/4xw"; nothing if it is not that.
std::optional<Format> parse_format(std::string_view text) {
  Format format;
  text.remove_prefix(1);
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits != 0) {
    const auto count = parse_number(text.substr(0, digits));
    if (!count || *count == 0 || *count > kMostUnits) return std::nullopt;
    format.count = static_cast<unsigned>(*count);
  }
  for (const char c : text.substr(digits)) {
    constexpr std::string_view kSizes = "bh w";
    if (std::string_view("xduoci").find(c) != std::string_view::npos)
      format.kind = c;
    else if (const auto at = kSizes.find(c); at != std::string_view::npos && c != ' ')
      format.size = static_cast<unsigned>(at + 1);
    else
      return std::nullopt;
  }
  if (format.kind == 'c') format.size = 1;
  return format;
}

// A number, or a register behind '$'.
std::optional<uint32_t> parse_address(const CpuState& state, std::string_view text) {
  if (text.starts_with('$')) {
    constexpr std::array<std::string_view, 8> kNames{"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    const auto name = text.substr(1);
    if (name == "eip" || name == "pc") return state.segment[kCs].base + state.eip;
    const auto found = std::ranges::find(kNames, name);
    if (found == kNames.end()) return std::nullopt;
    return state.gpr[static_cast<size_t>(found - kNames.begin())];
  }
  const auto number = parse_number(text);
  if (!number || *number > 0xFFFFFFFF) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

// Where reading changes nothing: devices are left alone.
bool is_memory(const PhysicalMemory& memory, uint64_t physical) {
  return memory.storage_page(physical >> kPageShift) != PhysicalMemory::kNoStorage ||
         memory.is_rom(physical, 1) ||
         (physical >= PhysicalMemory::kUpperStart && physical < PhysicalMemory::kUpperEnd);
}

class Reader {
 public:
  Reader(PromptHost& host, bool physical)
      : memory_(host.memory()), paging_(PagingRegisters::of(host.state())), physical_(physical) {}

  std::optional<uint8_t> byte(uint32_t address) const {
    uint64_t physical = address;
    if (!physical_) {
      const auto translation = peek(paging_, memory_, address);
      if (!translation) return std::nullopt;
      physical = translation->physical;
    }
    if (!is_memory(memory_, physical)) return std::nullopt;
    uint8_t value;
    memory_.read_bytes(physical, &value, 1);
    return value;
  }

 private:
  const PhysicalMemory& memory_;
  const PagingRegisters paging_;
  const bool physical_;
};

std::string disassemble(const Reader& reader, uint32_t address, unsigned count) {
  std::vector<uint8_t> code;
  for (uint32_t at = address; code.size() < size_t{count} * kLongestInstruction; at++) {
    const auto byte = reader.byte(at);
    if (!byte) break;
    code.push_back(*byte);
  }
  const std::string lines = disassemble_guest(code, address);
  size_t end = 0;
  for (unsigned i = 0; i < count && end < lines.size(); i++) {
    const auto next = lines.find('\n', end);
    end = next == std::string::npos ? lines.size() : next + 1;
  }
  return lines.substr(0, end);
}

void append_value(std::string& text, const Format& format, uint32_t value) {
  const int bits = static_cast<int>(8 * format.size);
  const auto signed_value = static_cast<int32_t>(value << (32 - bits)) >> (32 - bits);
  switch (format.kind) {
    case 'd':
      return append_printf(text, " %d", signed_value);
    case 'u':
      return append_printf(text, " %u", value);
    case 'o':
      return append_printf(text, " 0%o", value);
    case 'c':
      return append_printf(text, std::isprint(static_cast<int>(value)) ? " '%c'" : " '\\x%02x'", value);
    default:
      return append_printf(text, " 0x%0*x", static_cast<int>(2 * format.size), value);
  }
}

std::string dump(const Reader& reader, uint32_t address, const Format& format) {
  std::string text;
  for (unsigned i = 0; i < format.count; i++) {
    const uint32_t at = address + i * format.size;
    if (i * format.size % kBytesOfLine == 0) append_printf(text, i == 0 ? "%08x:" : "\n%08x:", at);
    uint32_t value = 0;
    for (unsigned byte = 0; byte < format.size; byte++) {
      const auto read = reader.byte(at + byte);
      if (!read) {
        append_printf(text, "%sno memory at %08x\n", i == 0 ? " " : "\n", at + byte);
        return text;
      }
      value |= uint32_t{*read} << (8 * byte);
    }
    append_value(text, format, value);
  }
  return text + "\n";
}

std::string examine(PromptHost& host, PromptWords words, const char* name, bool physical) {
  Format format;
  if (!words.empty() && words[0].starts_with('/')) {
    const auto parsed = parse_format(words[0]);
    if (!parsed) return concat(name, ": not a format: '", words[0], "'\n");
    format = *parsed;
    words = words.subspan(1);
  }
  if (words.size() != 1) return concat(name, ": needs an address\n");
  const auto address = parse_address(host.state(), words[0]);
  if (!address) return concat(name, ": not an address: '", words[0], "'\n");
  const Reader reader(host, physical);
  if (format.kind != 'i') return dump(reader, *address, format);
  const auto lines = disassemble(reader, *address, format.count);
  return lines.empty() ? concat(name, ": no memory there\n") : lines;
}

// What the page tables say of a range, as one that has other rights next to it does not belong to it.
struct Range {
  uint32_t start;
  bool user, writable;
};

}  // namespace

std::string prompt_examine(PromptHost& host, PromptWords words) { return examine(host, words, "x", false); }
std::string prompt_examine_physical(PromptHost& host, PromptWords words) {
  return examine(host, words, "xp", true);
}

std::string prompt_page_ranges(PromptHost& host) {
  if (!host.state().paging()) return "paging is off\n";
  const PagingRegisters paging = PagingRegisters::of(host.state());
  std::string text;
  std::optional<Range> range;
  const auto end_range = [&](uint64_t end) {
    if (!range) return;
    append_printf(text, "%08x-%09llx %08llx %cr%c\n", range->start, static_cast<unsigned long long>(end),
                  static_cast<unsigned long long>(end - range->start), range->user ? 'u' : '-',
                  range->writable ? 'w' : '-');
    range.reset();
  };
  for (uint64_t at = 0; at <= 0xFFFFFFFF;) {
    const auto page = peek(paging, host.memory(), static_cast<uint32_t>(at));
    if (range && (!page || page->user != range->user || page->writable != range->writable)) end_range(at);
    if (page && !range) range = Range{static_cast<uint32_t>(at), page->user, page->writable};
    at += page ? page->page_size : kPageSize;
  }
  end_range(uint64_t{1} << 32);
  return text;
}

}  // namespace ringdown
