#pragma once
#include <string>
#include <string_view>

namespace ringdown {

// The parts, one behind the other.
template <typename... Parts>
std::string concat(const Parts&... parts) {
  std::string text;
  (text.append(std::string_view(parts)), ...);
  return text;
}

}  // namespace ringdown
