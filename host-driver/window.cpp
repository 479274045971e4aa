#include "host-driver/window.h"

#include <sys/mman.h>

#include <cerrno>

#include "host-driver/counters.h"
#include "host-driver/host_error.h"

namespace ringdown {
namespace {

constexpr int kReserved = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
constexpr uint64_t kReservation = 3 * Window::kSize;  // an aligned window and its guards fit anywhere in it

int host_protection(Protection protection) {
  switch (protection) {
    case Protection::kNone: return PROT_NONE;
    case Protection::kRead: return PROT_READ;
    case Protection::kReadWrite: return PROT_READ | PROT_WRITE;
  }
  return PROT_NONE;
}

void* at(uint64_t address) { return reinterpret_cast<void*>(address); }

}  // namespace

Window::Window(int ram_file) : ram_file_(ram_file) {
  reservation_ = mmap(nullptr, kReservation, PROT_NONE, kReserved, -1, 0);
  if (reservation_ == MAP_FAILED) host_refuses("address space for a shadow space (ulimit -v?)");
  const uint64_t start = reinterpret_cast<uint64_t>(reservation_);
  base_ = (start + kGuard + kSize - 1) & ~(kSize - 1);
}

Window::~Window() { munmap(reservation_, kReservation); }

bool Window::map(uint32_t linear, uint64_t ram_offset, uint64_t length, Protection protection) {
  counters().host_syscalls_mmap++;
  void* result = mmap(at(base_ + linear), length, host_protection(protection), MAP_SHARED | MAP_FIXED | MAP_NORESERVE,
                      ram_file_, static_cast<off_t>(ram_offset));
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

void Window::unmap(uint32_t linear, uint64_t length) {
  counters().host_syscalls_munmap++;
  if (mmap(at(base_ + linear), length, PROT_NONE, kReserved | MAP_FIXED, -1, 0) == MAP_FAILED)
    host_refuses("unmapping in a shadow space");
}

void Window::unmap_all() { unmap(0, kSize); }

}  // namespace ringdown
