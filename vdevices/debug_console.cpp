#include "vdevices/debug_console.h"

namespace ringdown {

void DebugConsole::write_port(uint16_t, unsigned, uint32_t value) {
  if (sink_) sink_(static_cast<uint8_t>(value));
}

}  // namespace ringdown
