#pragma once
#include <cstdint>

namespace ringdown {

// Segment descriptors for base 0, limit 4 GiB, 32-bit, DPL 0, present, already accessed (so that no
// processor needs to write the table). Intel SDM volume 3, "Segment Descriptors".
constexpr uint64_t kFlatCode32 = 0x00CF9B000000FFFF;  // execute/read
constexpr uint64_t kFlatData32 = 0x00CF93000000FFFF;  // read/write

}  // namespace ringdown
