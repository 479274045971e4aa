#pragma once

namespace ringdown {

// Makes the kernel forget this thread's restartable sequences, which the C library has registered and nothing
// here uses: with them each signal and each end of a sleep reads and writes the thread's memory. No error:
// without them, or where the kernel has none, all is as it should be.
void give_up_restartable_sequences();

}  // namespace ringdown
