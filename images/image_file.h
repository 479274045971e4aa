#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "images/expected.h"

namespace ringdown {

// How large a file may be, and what the error says of that: "more than <owner> (<limit> MiB)".
struct FileLimit {
  uint64_t bytes;
  const char* owner = "the machine's RAM";
};

// Reads a whole regular file. Errors, one line each, all with the name as given: missing, unreadable, a
// directory, not a regular file, empty, larger than the limit, read error.
Expected<std::vector<std::byte>> read_image_file(const std::string& name, FileLimit limit);

}  // namespace ringdown
