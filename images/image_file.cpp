#include "images/image_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ringdown {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (number_ >= 0) close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

Expected<Done> check_status(const std::string& name, const struct stat& status, FileLimit limit) {
  if (S_ISDIR(status.st_mode)) return image_error(name, "is a directory");
  if (!S_ISREG(status.st_mode)) return image_error(name, "not a regular file");
  if (status.st_size == 0) return image_error(name, "the file is empty");
  if (static_cast<uint64_t>(status.st_size) > limit.bytes) {
    return image_error(name, "the file has %lld bytes, more than %s (%llu MiB)",
                       static_cast<long long>(status.st_size), limit.owner,
                       static_cast<unsigned long long>(limit.bytes >> 20));
  }
  return Done{};
}

}  // namespace

Expected<std::vector<std::byte>> read_image_file(const std::string& name, FileLimit limit) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer before it can be refused.
  const FileDescriptor file(open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status;
  if (file.number() < 0 || fstat(file.number(), &status) != 0) {
    return image_error(name, "cannot be opened: %s", std::strerror(errno));
  }
  if (auto checked = check_status(name, status, limit); !checked) return checked.error();

  std::vector<std::byte> bytes(static_cast<size_t>(status.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = read(file.number(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return image_error(name, "cannot be read: %s", std::strerror(errno));
    if (got == 0) return image_error(name, "became shorter while it was read");
    done += static_cast<size_t>(got);
  }
  return bytes;
}

}  // namespace ringdown
