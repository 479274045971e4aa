#pragma once
#include <string>

namespace ringdown::sensitive {

// docs/sensitive-instructions.md, as translator/sensitive.inc says.
std::string sensitive_page();

}  // namespace ringdown::sensitive
