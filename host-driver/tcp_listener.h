#pragma once
#include <cstdint>
#include <string>
#include <variant>

#include "host-driver/file_descriptor.h"

namespace ringdown {

// A socket that listens at an address of this host, without blocking. `host` is a name or a numerical address
// of either kind; empty: the loopback interface only. The second alternative is one line for the user.
std::variant<FileDescriptor, std::string> listen_on_tcp(const std::string& host, uint16_t port);

}  // namespace ringdown
