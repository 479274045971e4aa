#include "interpreter/host_code_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace ringdown {
namespace {

[[noreturn]] void fail() {
  throw std::system_error(errno, std::generic_category(), "cannot map memory for generated code");
}

uint8_t* map(int file, size_t size, int protection) {
  void* address = mmap(nullptr, size, protection, MAP_SHARED, file, 0);
  return address == MAP_FAILED ? nullptr : static_cast<uint8_t*>(address);
}

}  // namespace

HostCodeBuffer::HostCodeBuffer(size_t size) : size_(size) {
  const int file = memfd_create("ringdown-host-execution", MFD_CLOEXEC);
  if (file < 0) fail();
  if (ftruncate(file, static_cast<off_t>(size)) == 0) {
    writable_ = map(file, size, PROT_READ | PROT_WRITE);
    executable_ = map(file, size, PROT_READ | PROT_EXEC);
  }
  const int error = errno;
  close(file);
  if (writable_ && executable_) return;
  if (writable_) munmap(writable_, size);
  if (executable_) munmap(executable_, size);
  errno = error;
  fail();
}

HostCodeBuffer::~HostCodeBuffer() {
  munmap(writable_, size_);
  munmap(executable_, size_);
}

const void* HostCodeBuffer::append(std::span<const uint8_t> code) {
  if (code.size() > size_ - used_) return nullptr;
  std::memcpy(writable_ + used_, code.data(), code.size());
  const void* entry = executable_ + used_;
  used_ += code.size();
  return entry;
}

}  // namespace ringdown
