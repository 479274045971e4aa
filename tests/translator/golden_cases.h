#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace ringdown {

// Guest instructions whose host code is kept as text in golden/<name>.txt.
struct GoldenFile {
  const char* name;
  std::vector<std::vector<uint8_t>> instructions;
};

std::span<const GoldenFile> golden_files();

}  // namespace ringdown
