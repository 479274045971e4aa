#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "sandbox/system_call_filter.h"

namespace ringdown {

// What another thread interrupts the guest's code with.
int sandbox_kick_signal();

StubCallSites stub_call_sites();

// The stub as a program: a 64-bit ELF file of one segment, which ends with the calls that the stub starts
// with.
std::vector<uint8_t> stub_image();

// What the stub could not do, by the status that it ended with; for a line to the user.
std::string_view name_of_start_step(int status);

}  // namespace ringdown
