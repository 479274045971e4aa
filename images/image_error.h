#pragma once
#include <string>

namespace ringdown {

// Why an image cannot be started. `message` is one line for the user, without a newline, and starts with
// the name of the file (or the option) at fault.
struct ImageError {
  std::string message;
};

// "<name>: <formatted text>". `name` is whatever the user wrote, the rest follows printf.
[[gnu::format(printf, 2, 3)]] ImageError image_error(const std::string& name, const char* format, ...);

}  // namespace ringdown
