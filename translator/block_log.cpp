#include "translator/block_log.h"

#include <Zydis/Zydis.h>

#include "host-driver/log.h"

namespace ringdown {
namespace {

constexpr unsigned kBytesColumn = 36;

std::string hex(std::span<const uint8_t> bytes) {
  std::string text;
  for (const uint8_t byte : bytes) append_printf(text, "%02x ", byte);
  return text;
}

// One instruction's line; returns its length. What is none is shown as a byte.
size_t append_instruction(std::string& text, ZydisMachineMode mode, std::span<const uint8_t> code,
                          uint64_t address) {
  ZydisDisassembledInstruction i;
  const bool good = ZYAN_SUCCESS(ZydisDisassembleIntel(mode, address, code.data(), code.size(), &i));
  const size_t length = good ? i.info.length : 1;
  append_printf(text, "%0*llx  %-*s%s\n", mode == ZYDIS_MACHINE_MODE_LONG_64 ? 12 : 8,
                static_cast<unsigned long long>(address), kBytesColumn, hex(code.first(length)).c_str(),
                good ? i.text : "(bad)");
  return length;
}

std::string disassemble(ZydisMachineMode mode, std::span<const uint8_t> code, uint64_t address) {
  std::string text;
  for (size_t at = 0; at < code.size();) at += append_instruction(text, mode, code.subspan(at), address + at);
  return text;
}

void append_title(std::string& text, const char* what, const Block& block) {
  const BlockKey& key = block.key;
  append_printf(text, "%s %08x physical %llx ring %u mode %04x\n", what, key.eip,
                static_cast<unsigned long long>(key.physical), key.mode.user() ? 3u : 0u,
                unsigned{key.mode.bits});
}

}  // namespace

std::string disassemble_guest(std::span<const uint8_t> code, uint32_t address) {
  return disassemble(ZYDIS_MACHINE_MODE_LEGACY_32, code, address);
}

std::string disassemble_host(std::span<const uint8_t> code, uint64_t address) {
  return disassemble(ZYDIS_MACHINE_MODE_LONG_64, code, address);
}

std::string format_guest_code(const Block& block, std::span<const uint8_t> guest) {
  std::string text;
  append_title(text, "in", block);
  return text + disassemble_guest(guest.first(block.guest_bytes), block.key.eip) + "\n";
}

std::string format_host_code(const Block& block, std::span<const uint8_t> guest,
                             std::span<const uint8_t> host) {
  std::string text;
  append_title(text, "out", block);
  const auto address = reinterpret_cast<uint64_t>(block.code);
  const size_t entry_bytes = block.starts.front().host_offset;
  if (entry_bytes) text += "-- entry\n" + disassemble_host(host.first(entry_bytes), address);
  for (size_t n = 0; n < block.starts.size(); n++) {
    const InstructionStart& start = block.starts[n];
    const size_t end = n + 1 < block.starts.size() ? block.starts[n + 1].host_offset : host.size();
    text += "-- ";
    append_instruction(text, ZYDIS_MACHINE_MODE_LEGACY_32, guest.subspan(start.guest_offset),
                       block.key.eip + start.guest_offset);
    text += disassemble_host(host.subspan(start.host_offset, end - start.host_offset),
                             address + start.host_offset);
  }
  return text + "\n";
}

void log_translation(const Block& block, std::span<const uint8_t> guest, std::span<const uint8_t> host) {
  if (log_enabled(LogClass::kInAsm)) log_write(LogClass::kInAsm, format_guest_code(block, guest));
  if (log_enabled(LogClass::kOutAsm)) log_write(LogClass::kOutAsm, format_host_code(block, guest, host));
}

void log_execution(uint32_t eip, unsigned ring, const uint8_t* code) {
  if (log_enabled(LogClass::kExec))
    log_printf(LogClass::kExec, "exec %08x ring %u host %p\n", eip, ring, static_cast<const void*>(code));
}

}  // namespace ringdown
