#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "images/expected.h"

namespace ringdown {

// Reads a whole regular file. Errors, one line each, all with the name as given: missing, unreadable, a
// directory, not a regular file, empty, larger than `limit` (the machine's RAM), read error.
Expected<std::vector<std::byte>> read_image_file(const std::string& name, uint64_t limit);

}  // namespace ringdown
