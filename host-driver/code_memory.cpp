#include "host-driver/code_memory.h"

#include <linux/mman.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "host-driver/host_error.h"

namespace ringdown {
namespace {

constexpr size_t kHugePage = 2 << 20;

// A view of the file that begins where a huge page may.
struct View {
  void* reservation;
  uint8_t* start;
};

View map_view(int file, size_t bytes, int protection) {
  void* reservation =
      mmap(nullptr, bytes + kHugePage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reservation == MAP_FAILED) host_refuses("address space for translated code (ulimit -v?)");
  const auto start = (reinterpret_cast<uint64_t>(reservation) + kHugePage - 1) & ~(kHugePage - 1);
  void* view = mmap(reinterpret_cast<void*>(start), bytes, protection, MAP_SHARED | MAP_FIXED | MAP_NORESERVE,
                    file, 0);
  if (view == MAP_FAILED) host_refuses("memory for translated code");
  return {reservation, static_cast<uint8_t*>(view)};
}

}  // namespace

CodeMemory::CodeMemory(size_t bytes) : size_(bytes), used_pages_((bytes + kHugePage - 1) / kHugePage) {
  const int file = memfd_create("ringdown-code", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, static_cast<off_t>(bytes)) < 0) host_refuses("memory for translated code");
  const View writable = map_view(file, bytes, PROT_READ | PROT_WRITE);
  const View executable = map_view(file, bytes, PROT_READ | PROT_EXEC);
  close(file);
  reservations_[0] = writable.reservation;
  reservations_[1] = executable.reservation;
  writable_ = writable.start;
  executable_ = executable.start;
}

CodeMemory::~CodeMemory() {
  for (void* reservation : reservations_) munmap(reservation, size_ + kHugePage);
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
