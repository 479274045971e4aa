#pragma once
#include <string>
#include <vector>

#include "tests/differential/program.h"

namespace ringdown::differential {

// Fields that differ, each as "eax 00000001 00000002" (expected, actual). Left out is what processors do
// differently and no program depends on: x87 instruction and operand pointers, the I/D bit of a page fault's
// error code (which 32-bit paging does not have), `undefined_flags`.
std::vector<std::string> differences(const Outcome& expected, const Outcome& actual,
                                     uint32_t undefined_flags);

// As differences(...).empty(), but fast.
bool agree(const Outcome& expected, const Outcome& actual, const Program& program);

// Is what differs one of the things that the manuals leave to the processor? Each is named in the source.
bool is_implementation_specific(const Outcome& a, const Outcome& b, const Program& program);

// Did the case, as the reference ran it, end in a way that says nothing about the others: a system call, or
// too long, a fault in the pages that only a machine's supervisor has, or a wild jump that ran data, which
// may hold any instruction?
bool is_inconclusive(const Outcome& reference, const Program& program);

}  // namespace ringdown::differential
