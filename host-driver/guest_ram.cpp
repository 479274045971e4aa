#include "host-driver/guest_ram.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host-driver/host_error.h"
#include "host-driver/huge_page.h"

namespace ringdown {

// A mapping can only have huge pages if it and the file are aligned alike.
GuestRam::GuestRam(uint64_t ram_bytes, uint64_t device_bytes)
    : place_(ram_bytes + device_bytes + kHugePage, "address space for the guest's memory (ulimit -v?)"),
      ram_bytes_(ram_bytes) {
  const uint64_t bytes = ram_bytes + device_bytes;
  file_ = memfd_create("ringdown-ram", MFD_CLOEXEC);
  if (file_ < 0) host_refuses("memfd_create");
  if (ftruncate(file_, static_cast<off_t>(bytes)) < 0) host_refuses("ftruncate of the guest's memory");
  void* flat = mmap(reinterpret_cast<void*>(place_.first_multiple(kHugePage)), bytes, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_FIXED | MAP_NORESERVE, file_, 0);
  if (flat == MAP_FAILED) host_refuses("mmap of the guest's memory");
  // Only a wish: where shared memory has no huge pages a first touch costs more, nothing else changes.
  madvise(flat, bytes, MADV_HUGEPAGE);
  all_ = {static_cast<uint8_t*>(flat), bytes};
}

GuestRam::~GuestRam() { close(file_); }

void GuestRam::clear() {
  if (fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(all_.size())) < 0)
    host_refuses("fallocate of the guest's memory");
}

}  // namespace ringdown
