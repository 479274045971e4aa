#include "vdevices/debug_exit.h"

namespace ringdown {

void DebugExit::write_port(uint16_t offset, unsigned, uint32_t value) {
  if (offset == 0 && on_exit_) on_exit_(value << 1 | 1);
}

}  // namespace ringdown
