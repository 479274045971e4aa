#pragma once
#include "monitor/options.h"

namespace ringdown {

// Builds the machine that `options` describes, runs its guest to the end and returns the process's exit
// status (monitor/exit_codes.h). What goes wrong has been told to the user in one line by then.
int run_machine(const Options& options);

}  // namespace ringdown
