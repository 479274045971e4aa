#include "host-driver/host_error.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ringdown {
namespace {

void (*refusal_handler)(const std::string&) = nullptr;

}  // namespace

void set_host_refusal_handler(void (*handler)(const std::string& line)) { refusal_handler = handler; }

void host_refuses(const char* what) {
  const std::string line = std::string("the host refuses ") + what + ": " + std::strerror(errno);
  if (refusal_handler) refusal_handler(line);
  std::fprintf(stderr, "ringdown: %s\n", line.c_str());
  std::abort();
}

}  // namespace ringdown
