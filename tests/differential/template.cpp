#include "tests/differential/template.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace ringdown::differential {
namespace {

void parse_modrm(std::string_view token, Template& t) {
  t.rm = Template::Rm::kAny;
  if (token.ends_with(":m")) t.rm = Template::Rm::kMemory;
  if (token.ends_with(":r")) t.rm = Template::Rm::kRegister;
  if (token[1] != 'r') t.extension = static_cast<int8_t>(token[1] - '0');
}

void parse_token(std::string_view token, Template& t) {
  if (token[0] == '/') return parse_modrm(token, t);
  if (token == "+r")
    t.register_in_opcode = true;
  else if (token == "ib")
    t.immediate_bytes += 1;
  else if (token == "iw")
    t.immediate_bytes += 2;
  else if (token == "id")
    t.immediate_bytes += 4;
  else if (token == "iz")
    t.immediate_sized = true;
  else if (token == "size")
    t.sized = true;
  else if (token == "lock")
    t.lockable = true;
  else {
    uint8_t byte = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), byte, 16);
    if (error != std::errc() || end != token.data() + token.size()) {
      std::fprintf(stderr, "template: what is \"%.*s\"?\n", static_cast<int>(token.size()), token.data());
      std::abort();
    }
    t.add_byte(byte);
  }
}

}  // namespace

Template::Template(std::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find(' ');
    const std::string_view token = text.substr(0, end);
    if (!token.empty()) parse_token(token, *this);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
}

}  // namespace ringdown::differential
