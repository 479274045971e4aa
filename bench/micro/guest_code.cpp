#include "bench/micro/guest_code.h"

#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace ringdown {
namespace {

constexpr uint32_t kPageBytes = 4096;

std::vector<uint8_t> read_all() {
  std::vector<uint8_t> bytes;
  std::istringstream paths(MICRO_GUEST_CODE);
  for (std::string path; std::getline(paths, path, ':');) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path);
    bytes.insert(bytes.end(), std::istreambuf_iterator<char>(file), {});
  }
  return bytes;
}

// As much code as a kernel has in use: copies of the same, at addresses of their own.
std::vector<uint8_t> read_repeatedly() {
  constexpr size_t kEnough = 256 << 10;
  const std::vector<uint8_t> once = read_all();
  std::vector<uint8_t> bytes;
  while (bytes.size() < kEnough) bytes.insert(bytes.end(), once.begin(), once.end());
  return bytes;
}

}  // namespace

std::span<const uint8_t> guest_code() {
  static const std::vector<uint8_t> bytes = read_repeatedly();
  return bytes;
}

CodeMode kernel_mode() {
  CpuState state{};
  state.cr0 = cr0::kPe | cr0::kPg;
  state.cr4 = cr4::kOsfxsr;
  state.segment.fill({.base = 0, .limit = 0xFFFFFFFF, .selector = 0, .attributes = 0xC093});
  return CodeMode::of(state);
}

BlockSource block_source(uint32_t offset) {
  const uint32_t eip = kCodeAddress + offset;
  const auto rest = guest_code().subspan(offset);
  const unsigned in_page = kPageBytes - eip % kPageBytes;
  return {.key = {.physical = eip, .eip = eip, .mode = kernel_mode()},
          .code = {.bytes = rest,
                   .in_first_page = std::min(in_page, static_cast<unsigned>(rest.size())),
                   .next_frame = eip / kPageBytes + 1}};
}

TranslatedCode::TranslatedCode() {
  for (uint32_t offset = 0; offset < guest_code().size();) {
    const BlockSource source = block_source(offset);
    auto block = translator_.translate(source.key, source.code, EnteredBy::kTable);
    offset += block->guest_bytes;
    blocks_.push_back(block.get());
    cache_.add(std::move(block), translator_.emitted(), translator_.emitted_stubs());
  }
}

}  // namespace ringdown
