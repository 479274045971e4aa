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

// The bytes, or a negative errno. `flags` are RWF_*.
int64_t transfer(const HostTransfer& wanted, int flags) {
  const iovec vector{.iov_base = wanted.data, .iov_len = wanted.bytes};
  const auto offset = static_cast<off_t>(wanted.offset);
  ssize_t result = 0;
  switch (wanted.kind) {
    case BlockRequest::Kind::kRead:
      result = ::preadv2(wanted.file, &vector, 1, offset, flags);
      break;
    case BlockRequest::Kind::kWrite:
      result = ::pwritev2(wanted.file, &vector, 1, offset, flags);
      break;
    case BlockRequest::Kind::kFlush:
      result = ::fdatasync(wanted.file);
      break;
  }
  return result < 0 ? -errno : result;
}

const char* verb_of(const BlockRequest& request, bool snapshot) {
  switch (request.kind) {
    case BlockRequest::Kind::kRead:
      return "read";
    case BlockRequest::Kind::kWrite:
      return snapshot ? "write the snapshot of" : "write";
    case BlockRequest::Kind::kFlush:
      return "flush";
  }
  return "";
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

// ---- Step by step.

BlockRequest BlockImage::checked(BlockRequest request) const {
  if (request.kind == BlockRequest::Kind::kWrite && read_only())
    request.error = EROFS;
  else if (!contains(request.sector, request.bytes))
    request.error = EINVAL;
  request.refused = request.error != 0;
  request.ended = request.refused || request.bytes == 0;
  return request;
}

BlockRequest BlockImage::begin_read(uint64_t sector, std::span<uint8_t> to) const {
  return checked(
      {.kind = BlockRequest::Kind::kRead, .sector = sector, .data = to.data(), .bytes = to.size()});
}

BlockRequest BlockImage::begin_write(uint64_t sector, std::span<const uint8_t> from) const {
  return checked({.kind = BlockRequest::Kind::kWrite,
                  .sector = sector,
                  .data = const_cast<uint8_t*>(from.data()),
                  .bytes = from.size()});
}

BlockRequest BlockImage::begin_flush() const {
  return {.kind = BlockRequest::Kind::kFlush, .ended = read_only() || files_.overlay};
}

std::optional<HostTransfer> BlockImage::next(const BlockRequest& request) const {
  if (request.ended) return std::nullopt;
  const size_t left = request.bytes - request.done, into_sector = request.done % kSector;
  HostTransfer wanted{.kind = request.kind,
                      .file = files_.overlay ? files_.overlay.get() : files_.base.get(),
                      .data = request.data + request.done,
                      .bytes = left,
                      .offset = request.sector * kSector + request.done};
  if (request.kind == BlockRequest::Kind::kRead) {
    const uint64_t first = request.sector + request.done / kSector;
    wanted.file = file_of(first);
    wanted.bytes = run_length(first, (left + into_sector) / kSector) * kSector - into_sector;
  }
  return wanted;
}

// The end of the file is EIO: the image has a hole where the guest has a disk.
void BlockImage::note(BlockRequest& request, int64_t result) {
  if (result == -EINTR) return;
  if (request.kind == BlockRequest::Kind::kFlush || result <= 0) {
    const bool at_end = request.kind != BlockRequest::Kind::kFlush && result == 0;
    request.error = at_end ? EIO : static_cast<int>(-result);
    request.ended = true;
    return;
  }
  if (request.kind == BlockRequest::Kind::kWrite) note_written(request, static_cast<size_t>(result));
  request.done += static_cast<size_t>(result);
  request.ended = request.done == request.bytes;
}

// So many more bytes of it: sectors that are whole by now are the overlay's.
void BlockImage::note_written(const BlockRequest& request, size_t bytes) {
  if (!files_.overlay) return;
  for (size_t i = request.done / kSector; i < (request.done + bytes) / kSector; ++i)
    overlaid_.insert(request.sector + i);
}

BlockOutcome BlockImage::end(const BlockRequest& request) {
  if (request.error != 0 && !request.refused && !std::exchange(failed_, true) && on_failure_) {
    on_failure_(refused(verb_of(request, static_cast<bool>(files_.overlay)), files_.path,
                        std::strerror(request.error)));
  }
  return {.error = request.error, .sectors = request.done / kSector};
}

// ---- At once.

void BlockImage::transfer_all(BlockRequest& request, int flags) {
  while (const auto wanted = next(request)) note(request, transfer(*wanted, flags));
}

BlockOutcome BlockImage::perform(BlockRequest request) {
  transfer_all(request, 0);
  return end(request);
}

BlockOutcome BlockImage::read(uint64_t sector, std::span<uint8_t> to) {
  return perform(begin_read(sector, to));
}

// Whatever is not a success is for read() to find out again.
std::optional<BlockOutcome> BlockImage::read_cached(uint64_t sector, std::span<uint8_t> to) {
  BlockRequest request = begin_read(sector, to);
  transfer_all(request, RWF_NOWAIT);
  if (request.error != 0 && !request.refused) return std::nullopt;
  return end(request);
}

BlockOutcome BlockImage::write(uint64_t sector, std::span<const uint8_t> from) {
  return perform(begin_write(sector, from));
}

BlockOutcome BlockImage::flush() { return perform(begin_flush()); }

// ---- Opening.

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
  ::fcntl(files.base.get(), F_SETFL, 0);  // io_uring would not wait for the disk either
  if (access == ImageAccess::kSnapshot) {
    files.overlay = open_overlay();
    if (!files.overlay) {
      return "cannot create the snapshot's temporary file: " + std::string(std::strerror(errno));
    }
  }
  return std::make_unique<BlockImage>(std::move(files));
}

}  // namespace ringdown
