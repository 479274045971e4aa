#include "host-driver/code_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include "host-driver/host_error.h"

namespace ringdown {

CodeMemory::CodeMemory(size_t bytes) : size_(bytes) {
  const int file = memfd_create("ringdown-code", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, static_cast<off_t>(bytes)) < 0) host_refuses("memory for translated code");
  void* writable = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
  void* executable = mmap(nullptr, bytes, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_NORESERVE, file, 0);
  if (writable == MAP_FAILED || executable == MAP_FAILED) host_refuses("memory for translated code");
  close(file);
  writable_ = static_cast<uint8_t*>(writable);
  executable_ = static_cast<const uint8_t*>(executable);
}

CodeMemory::~CodeMemory() {
  munmap(writable_, size_);
  munmap(const_cast<uint8_t*>(executable_), size_);
}

}  // namespace ringdown
