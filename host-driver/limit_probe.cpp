#include "host-driver/limit_probe.h"

#include <sys/mman.h>

#include "host-driver/host_error.h"

namespace ringdown {
namespace {

constexpr uint64_t kReadable = uint64_t{1} << 32, kPage = 4096;
constexpr char kPurpose[] = "addresses for limit checks";

}  // namespace

// What is read is one page of zeros of the host's, wherever; only its page tables grow.
LimitProbe::LimitProbe()
    : place_(2 * kReadable + 2 * kPage, kPurpose), end_(place_.first_multiple(kPage) + kReadable) {
  if (mprotect(reinterpret_cast<void*>(end_ - kReadable), kReadable, PROT_READ) < 0) host_refuses(kPurpose);
}

}  // namespace ringdown
