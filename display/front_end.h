#pragma once
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "display/display.h"

namespace ringdown {

// Something that shows a Display and types for it, in a thread of its own, for as long as it lives.
class FrontEnd {
 public:
  virtual ~FrontEnd() = default;
};

// The second alternative is one line for the user.
using OpenedFrontEnd = std::variant<std::unique_ptr<FrontEnd>, std::string>;

}  // namespace ringdown
