#include "host-driver/window.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <new>

#include "host-driver/counters.h"
#include "host-driver/host_error.h"

namespace ringdown {
namespace {

constexpr int kReserved = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
constexpr uint64_t kReservation = 3 * Window::kSize;  // an aligned window and its guards fit anywhere in it

int host_protection(Protection protection) {
  switch (protection) {
    case Protection::kNone:
      return PROT_NONE;
    case Protection::kRead:
      return PROT_READ;
    case Protection::kReadWrite:
      return PROT_READ | PROT_WRITE;
  }
  return PROT_NONE;
}

void* at(uint64_t address) { return reinterpret_cast<void*>(address); }

// Some mappings, held to be given back. A process that has all the mappings which the host allows cannot
// allocate memory, and may not even replace mappings by fewer ones: then these make room. (Taking the old
// ones away first would leave a hole in the window for a moment, where another thread's allocation could come
// to lie.)
class SpareMappings {
 public:
  SpareMappings() {
    take();
    std::set_new_handler(release_for_new);
  }

  void take() {
    if (area_ != MAP_FAILED) return;
    const auto page = static_cast<size_t>(getpagesize());
    void* area = mmap(nullptr, kCount * page, PROT_NONE, kReserved, -1, 0);
    if (area == MAP_FAILED) return;
    // Neighbours of different protection are mappings of their own.
    for (size_t n = 0; n < kCount; n += 2) mprotect(static_cast<char*>(area) + n * page, page, PROT_READ);
    area_ = area;
  }
  // False: they were given back before.
  bool release() {
    void* area = area_.exchange(MAP_FAILED);
    if (area == MAP_FAILED) return false;
    munmap(area, kCount * static_cast<size_t>(getpagesize()));
    return true;
  }

 private:
  static constexpr size_t kCount = 64;
  static void release_for_new();

  std::atomic<void*> area_ = MAP_FAILED;
};

// One for the process, which has one limit. Taken by the vCPU thread, given back by any.
SpareMappings& spare_mappings() {
  static SpareMappings spare;
  return spare;
}

void SpareMappings::release_for_new() {
  if (!spare_mappings().release()) throw std::bad_alloc();
}

}  // namespace

Window::Window(int ram_file)
    : ram_file_(ram_file),
      reservation_(kReservation, "address space for a shadow space (ulimit -v?)"),
      base_(reservation_.first_multiple(kSize, kGuard)) {
  spare_mappings();
}

bool Window::map(uint32_t linear, uint64_t ram_offset, uint64_t length, Protection protection,
                 bool /*executable*/) {
  counters().host_syscalls_mmap++;
  void* result = mmap(at(base_ + linear), length, host_protection(protection),
                      MAP_SHARED | MAP_FIXED | MAP_NORESERVE, ram_file_, static_cast<off_t>(ram_offset));
  if (result != MAP_FAILED) return true;
  if (errno != ENOMEM) host_refuses("mmap of guest memory into a shadow space");
  return false;
}

bool Window::protect(uint32_t linear, uint64_t length, Protection protection) {
  counters().host_syscalls_mprotect++;
  if (mprotect(at(base_ + linear), length, host_protection(protection)) == 0) return true;
  if (errno != ENOMEM) host_refuses("mprotect in a shadow space");
  return false;
}

bool Window::unmap(uint32_t linear, uint64_t length) {
  counters().host_syscalls_munmap++;
  if (mmap(at(base_ + linear), length, PROT_NONE, kReserved | MAP_FIXED, -1, 0) != MAP_FAILED) return true;
  if (errno != ENOMEM) host_refuses("unmapping in a shadow space");
  return false;
}

void Window::unmap_all() {
  if (!unmap(0, kSize)) {
    spare_mappings().release();
    if (!unmap(0, kSize)) host_refuses("unmapping a shadow space (vm.max_map_count?)");
  }
  spare_mappings().take();
}

}  // namespace ringdown
