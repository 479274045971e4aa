#pragma once
#include <cstdint>
#include <optional>

namespace ringdown {

// A number that the host's kernel shows in a file of its own, /proc/sys/vm/max_map_count for example. Empty:
// it does not.
std::optional<uint64_t> host_setting(const char* path);

}  // namespace ringdown
