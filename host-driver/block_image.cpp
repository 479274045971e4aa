#include "host-driver/block_image.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace ringdown {
namespace {

using Opened = std::variant<std::unique_ptr<BlockImage>, std::string>;
using Files = BlockImage::Files;

constexpr size_t kSector = BlockImage::kSectorBytes;

// preadv2 and pwritev2 until `bytes` is done. The end of the file is EIO: the image has a hole where the
// guest has a disk. `flags` are RWF_*.
template <auto kTransfer, class Byte>
BlockOutcome transfer(int file, uint64_t sector, std::span<Byte> bytes, int flags) {
  size_t done = 0;
  while (done < bytes.size()) {
    const iovec vector{.iov_base = const_cast<uint8_t*>(bytes.data() + done), .iov_len = bytes.size() - done};
    const ssize_t count = kTransfer(file, &vector, 1, static_cast<off_t>(sector * kSector + done), flags);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return {.error = count == 0 ? EIO : errno, .sectors = done / kSector};
    done += static_cast<size_t>(count);
  }
  return {.sectors = done / kSector};
}

std::string refused(const std::string& what, const std::string& path, const std::string& why) {
  return "cannot " + what + " the image '" + path + "': " + why;
}

// The size in bytes, or why the file is no disk.
std::variant<uint64_t, std::string> size_of(int file) {
  struct stat status;
  if (::fstat(file, &status) != 0) return std::string(std::strerror(errno));
  uint64_t bytes = static_cast<uint64_t>(status.st_size);
  if (S_ISBLK(status.st_mode)) {
    if (::ioctl(file, BLKGETSIZE64, &bytes) != 0) return std::string(std::strerror(errno));
  } else if (!S_ISREG(status.st_mode)) {
    return "it is neither a file nor a block device";
  }
  if (bytes < kSector) return "it is shorter than a sector of 512 bytes";
  if (bytes % kSector != 0) return "its size of " + std::to_string(bytes) + " bytes is no multiple of 512";
  return bytes;
}

// Of the open file, so that a fork does not share it and another descriptor of ours does not drop it.
bool lock(int file, bool exclusive) {
  struct flock range {};
  range.l_type = exclusive ? F_WRLCK : F_RDLCK;
  range.l_whence = SEEK_SET;
  return ::fcntl(file, F_OFD_SETLK, &range) == 0;
}

std::string lock_refusal(const std::string& path) {
  const bool in_use = errno == EAGAIN || errno == EACCES;
  return refused("lock", path, in_use ? "it is in use" : std::strerror(errno));
}

FileDescriptor open_overlay() {
  const char* wished = ::getenv("TMPDIR");
  const std::string folder = wished != nullptr && *wished != '\0' ? wished : "/var/tmp";
  FileDescriptor file(::open(folder.c_str(), O_RDWR | O_TMPFILE | O_EXCL | O_CLOEXEC, 0600));
  if (file || (errno != EOPNOTSUPP && errno != EISDIR)) return file;
  std::string path = folder + "/ringdown-snapshot-XXXXXX";
  file = FileDescriptor(::mkostemp(path.data(), O_CLOEXEC));
  if (file) ::unlink(path.c_str());
  return file;
}

}  // namespace

BlockImage::BlockImage(Files files)
    : files_(std::move(files)), overlaid_(files_.overlay ? files_.sectors : 0) {}

bool BlockImage::contains(uint64_t sector, size_t bytes) const {
  return bytes % kSector == 0 && sector <= files_.sectors && bytes / kSector <= files_.sectors - sector;
}

int BlockImage::file_of(uint64_t sector) const {
  return files_.overlay && overlaid_.contains(sector) ? files_.overlay.get() : files_.base.get();
}

// How many of `sectors` lie in the same file as the first.
size_t BlockImage::run_length(uint64_t sector, size_t sectors) const {
  if (!files_.overlay) return sectors;
  const int file = file_of(sector);
  size_t length = 1;
  while (length < sectors && file_of(sector + length) == file) ++length;
  return length;
}

BlockOutcome BlockImage::read_with(uint64_t sector, std::span<uint8_t> to, int flags) {
  const size_t sectors = to.size() / kSector;
  size_t done = 0;
  while (done < sectors) {
    const size_t run = run_length(sector + done, sectors - done);
    const BlockOutcome outcome = transfer<::preadv2>(file_of(sector + done), sector + done,
                                                     to.subspan(done * kSector, run * kSector), flags);
    done += outcome.sectors;
    if (outcome.error != 0) return {.error = outcome.error, .sectors = done};
  }
  return {.sectors = done};
}

BlockOutcome BlockImage::read(uint64_t sector, std::span<uint8_t> to) {
  if (!contains(sector, to.size())) return {.error = EINVAL};
  return report(read_with(sector, to, 0), "read");
}

// Whatever is not a success is for read() to find out again.
std::optional<BlockOutcome> BlockImage::read_cached(uint64_t sector, std::span<uint8_t> to) {
  if (!contains(sector, to.size())) return BlockOutcome{.error = EINVAL};
  const BlockOutcome outcome = read_with(sector, to, RWF_NOWAIT);
  if (outcome.error != 0) return std::nullopt;
  return outcome;
}

BlockOutcome BlockImage::write(uint64_t sector, std::span<const uint8_t> from) {
  if (read_only()) return {.error = EROFS};
  if (!contains(sector, from.size())) return {.error = EINVAL};
  const int file = files_.overlay ? files_.overlay.get() : files_.base.get();
  const BlockOutcome outcome = transfer<::pwritev2>(file, sector, from, 0);
  for (size_t i = 0; files_.overlay && i < outcome.sectors; ++i) overlaid_.insert(sector + i);
  return report(outcome, files_.overlay ? "write the snapshot of" : "write");
}

BlockOutcome BlockImage::flush() {
  if (read_only() || files_.overlay) return {};
  return report({.error = ::fdatasync(files_.base.get()) == 0 ? 0 : errno}, "flush");
}

BlockOutcome BlockImage::report(BlockOutcome outcome, const char* what) {
  if (outcome.error != 0 && !std::exchange(failed_, true) && on_failure_) {
    on_failure_(refused(what, files_.path, std::strerror(outcome.error)));
  }
  return outcome;
}

Opened open_block_image(const std::string& path, ImageAccess access) {
  ::signal(SIGXFSZ, SIG_IGN);
  const bool writable = access == ImageAccess::kReadWrite;
  // O_NONBLOCK: a FIFO is refused below, not waited for.
  Files files{.base = FileDescriptor(
                  ::open(path.c_str(), (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)),
              .read_only = access == ImageAccess::kReadOnly,
              .path = path};
  if (!files.base) return refused("open", path, std::strerror(errno));
  const auto size = size_of(files.base.get());
  if (const auto* why = std::get_if<std::string>(&size)) return refused("use", path, *why);
  files.sectors = std::get<uint64_t>(size) / kSector;
  if (!lock(files.base.get(), writable)) return lock_refusal(path);
  if (access == ImageAccess::kSnapshot) {
    files.overlay = open_overlay();
    if (!files.overlay) {
      return "cannot create the snapshot's temporary file: " + std::string(std::strerror(errno));
    }
  }
  return std::make_unique<BlockImage>(std::move(files));
}

}  // namespace ringdown
