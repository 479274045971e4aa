#include "host-driver/code_memory.h"

#include <linux/mman.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "host-driver/host_error.h"
#include "host-driver/huge_page.h"

namespace ringdown {
namespace {

uint8_t* map_view(const Reservation& place, int file, size_t bytes, int protection) {
  void* view = mmap(reinterpret_cast<void*>(place.first_multiple(kHugePage)), bytes, protection,
                    MAP_SHARED | MAP_FIXED | MAP_NORESERVE, file, 0);
  if (view == MAP_FAILED) host_refuses("memory for translated code");
  return static_cast<uint8_t*>(view);
}

constexpr char kPurpose[] = "address space for translated code (ulimit -v?)";

}  // namespace

CodeMemory::CodeMemory(size_t bytes)
    : size_(bytes),
      used_pages_((bytes + kHugePage - 1) / kHugePage),
      for_writing_(bytes + kHugePage, kPurpose),
      for_execution_(bytes + kHugePage, kPurpose) {
  const int file = memfd_create("ringdown-code", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, static_cast<off_t>(bytes)) < 0) host_refuses("memory for translated code");
  writable_ = map_view(for_writing_, file, bytes, PROT_READ | PROT_WRITE);
  executable_ = map_view(for_execution_, file, bytes, PROT_READ | PROT_EXEC);
  close(file);
}

uint8_t* CodeMemory::prepare(size_t offset, size_t bytes) {
  for (size_t page = offset / kHugePage; page * kHugePage < offset + bytes; page++) {
    if (used_pages_[page]) continue;
    used_pages_[page] = true;
    uint8_t* start = writable_ + page * kHugePage;
    // What is not there at all cannot be collapsed. Only a wish: code runs as well from small pages.
    *start = 0;
    madvise(start, std::min(kHugePage, size_ - page * kHugePage), MADV_COLLAPSE);
  }
  return writable_ + offset;
}

}  // namespace ringdown
