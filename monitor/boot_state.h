#pragma once
#include "cpu/state.h"
#include "images/guest_image.h"

namespace ringdown {

// The processor as the boot protocol of a kernel that is started directly wants it.
void set_boot_state(CpuState& state, const BootState& boot);

}  // namespace ringdown
