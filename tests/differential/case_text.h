#pragma once
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "tests/differential/program.h"

namespace ringdown::differential {

// A case as text, in the form of regressions.txt: what is not named is as plain_state() leaves it.
//   case NAME
//   code 0f af c1            the UD2 at the end is implied
//   eax 00000001             also eip, eflags, fcw, fsw, ftw, mxcsr
//   st0 0000000000000080ff3f  bytes in memory order, as are xmm0 ... xmm7
//   20000000 01 02 03        bytes of memory
//   supervisor               or user: see Setting; then also fs-base, gs-base, supervisor-pages,
//                            ignores-write-protection and interrupt-pending, each with a number
//   undefined 00000010       flags that the exception cannot be asked to show
struct NamedCase {
  std::string name;
  Program program;
};

std::string to_text(const Program& program, const std::string& name);
// Throws std::runtime_error with the line's number on a line that is none of these.
std::vector<NamedCase> parse_cases(std::istream& in);

}  // namespace ringdown::differential
