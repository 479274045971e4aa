#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "host-driver/file_descriptor.h"
#include "host-driver/sector_set.h"

namespace ringdown {

enum class ImageAccess {
  kReadWrite,
  kReadOnly,
  kSnapshot,  // writes go to an unlinked temporary file in $TMPDIR or /var/tmp, and end with the image
};

// How a request ended: `error` is 0 or the host's errno, and `sectors` how many were done before it.
struct BlockOutcome {
  int error = 0;
  size_t sectors = 0;
  bool operator==(const BlockOutcome&) const = default;
};

// A request, and how far it has come. Its span belongs to whoever carries it out until it has ended.
struct BlockRequest {
  enum class Kind : uint8_t { kRead, kWrite, kFlush };
  Kind kind;
  uint64_t sector = 0;
  uint8_t* data = nullptr;  // only read from by kWrite
  size_t bytes = 0;
  size_t done = 0;  // bytes
  int error = 0;    // the host's errno
  bool refused = false, ended = false;
};

// What the host is to do next for a request.
struct HostTransfer {
  BlockRequest::Kind kind;
  int file;
  uint8_t* data;
  size_t bytes;
  uint64_t offset;  // in bytes
};

// A raw image: a file or a block device of the host, as an array of 512-byte sectors. What is in it is never
// looked at. No error of the host ends the process: each comes back with its request, and the guest's driver
// deals with it.
//
// Any thread may call, one at a time. Requests run in the calling thread and wait for the host: BlockQueue is
// what does not.
class BlockImage {
 public:
  static constexpr size_t kSectorBytes = 512;
  struct Files {
    FileDescriptor base;
    FileDescriptor overlay = {};  // of a snapshot
    uint64_t sectors = 0;
    bool read_only = false;
    std::string path;
  };

  explicit BlockImage(Files files);
  BlockImage(const BlockImage&) = delete;
  BlockImage& operator=(const BlockImage&) = delete;

  // As large as the file was when it was opened. If it shrinks later, sectors behind its end read as EIO.
  uint64_t sectors() const { return files_.sectors; }
  bool read_only() const { return files_.read_only; }

  // The spans are whole sectors. A range that is not inside of the image is EINVAL, and nothing is done.
  BlockOutcome read(uint64_t sector, std::span<uint8_t> to);
  // As read(), if the host has all of it in memory; nothing if it would have to wait for the disk.
  std::optional<BlockOutcome> read_cached(uint64_t sector, std::span<uint8_t> to);
  // EROFS if read_only(). What is written is the host's to keep only after a flush().
  BlockOutcome write(uint64_t sector, std::span<const uint8_t> from);
  // What was written is on the host's disk (fdatasync). Does nothing for a snapshot.
  BlockOutcome flush();

  // The same step by step, for who does not wait for the host: next() says what it is to do, and note() takes
  // what came of that, the bytes or a negative errno; when next() has nothing more, end() is how it ended.
  BlockRequest begin_read(uint64_t sector, std::span<uint8_t> to) const;
  BlockRequest begin_write(uint64_t sector, std::span<const uint8_t> from) const;
  BlockRequest begin_flush() const;
  std::optional<HostTransfer> next(const BlockRequest& request) const;
  void note(BlockRequest& request, int64_t result);
  BlockOutcome end(const BlockRequest& request);
  // Does all of a request, and waits.
  BlockOutcome perform(BlockRequest request);

  // Is told once, in the thread of the request, of the first error of the host: one line for the user.
  void on_failure(std::function<void(const std::string& line)> callback) {
    on_failure_ = std::move(callback);
  }

 private:
  bool contains(uint64_t sector, size_t bytes) const;
  size_t run_length(uint64_t sector, size_t sectors) const;
  int file_of(uint64_t sector) const;
  void transfer_all(BlockRequest& request, int flags);
  BlockRequest checked(BlockRequest request) const;
  void note_written(const BlockRequest& request, size_t bytes);

  Files files_;
  SectorSet overlaid_;
  std::function<void(const std::string&)> on_failure_;
  bool failed_ = false;
};

// Opens and locks the image: a writable one for this process alone (it counts as in use also while another
// reads it), the others together with further readers. The second alternative is one line for the user; it is
// what comes of a file that is shorter than a sector, whose size is no multiple of 512, that is neither a
// file nor a block device, or that is in use.
//
// Ignores SIGXFSZ in the process from now on: a file size limit is an error of the request.
std::variant<std::unique_ptr<BlockImage>, std::string> open_block_image(const std::string& path,
                                                                        ImageAccess access);

}  // namespace ringdown
