#include "images/image_error.h"

#include <cstdarg>
#include <cstdio>

namespace ringdown {

ImageError image_error(const std::string& name, const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return {name + ": " + text};
}

}  // namespace ringdown
