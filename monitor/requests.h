#pragma once
#include <functional>

namespace ringdown {

// What other threads ask of the machine. Each may be called by any thread, at any time.
struct Requests {
  std::function<void()> attention;  // there is something that the vCPU thread is to look after soon
  std::function<void()> quit;       // the user wants the machine to end
};

}  // namespace ringdown
