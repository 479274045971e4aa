#include "host-driver/zeroed_memory.h"

#include <sys/mman.h>

#include "host-driver/host_error.h"

namespace ringdown {

ZeroedMemory::ZeroedMemory(PageSize wished, const char* purpose) : place_(2 * kBytes, purpose) {
  if (mprotect(start(), kBytes, PROT_READ | PROT_WRITE) < 0) host_refuses(purpose);
  if (wished == PageSize::kHuge) madvise(start(), kBytes, MADV_HUGEPAGE);
}

void* ZeroedMemory::start() const { return reinterpret_cast<void*>(place_.first_multiple(kBytes)); }

}  // namespace ringdown
