#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "display/front_end.h"

namespace ringdown {

// Where -vnc listens.
struct VncTarget {
  std::string host = {};  // empty: the loopback interface only
  uint16_t port = 0;
  std::optional<uint16_t> websocket_port = {};  // another one, for browsers
  bool operator==(const VncTarget&) const = default;
};

// Shows the display to VNC clients (RFB 3.8, RFC 6143, by libvncserver) and types for them. Clients share
// what they see; keys that one holds are released when it goes. Whoever can connect is let in. `name` is what
// clients call the window.
OpenedFrontEnd open_vnc_server(Display& display, const VncTarget& target, const std::string& name);

}  // namespace ringdown
