#include "host-driver/host_setting.h"

#include <fstream>

namespace ringdown {

std::optional<uint64_t> host_setting(const char* path) {
  std::ifstream file(path);
  uint64_t number;
  if (file >> number) return number;
  return std::nullopt;
}

}  // namespace ringdown
