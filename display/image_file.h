#pragma once
#include <optional>
#include <string>

#include "display/picture.h"

namespace ringdown {

// Writes the picture to a file: PNG, or PPM if its name ends in ".ppm". Returns what is wrong, if anything.
std::optional<std::string> write_image(const Picture& picture, const std::string& path);

}  // namespace ringdown
