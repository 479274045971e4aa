#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace ringdown {

enum class BlockError : uint8_t {
  kNone,
  kUnreadable,  // or unwritable: whatever the host has against it
  kReadOnly,
};

// How a request ended: `sectors` were done before the error.
struct BlockResult {
  BlockError error = BlockError::kNone;
  size_t sectors = 0;
};
using BlockDone = std::function<void(BlockResult)>;

// What a drive keeps its data on: 512-byte sectors. Requests end by their callback, in the thread that runs
// the vCPU and the devices: within the call, or later, at a moment that the machine chooses. Until then the
// span belongs to the medium. A drive has one request under way at a time and cannot withdraw it: whoever
// destroys a drive, or changes its medium, lets it end first.
class BlockMedium {
 public:
  static constexpr size_t kSectorBytes = 512;

  virtual ~BlockMedium() = default;
  virtual uint64_t sectors() const = 0;
  virtual bool read_only() const = 0;

  // The range lies inside of the medium, and the spans are whole sectors.
  virtual void read(uint64_t sector, std::span<uint8_t> to, BlockDone done) = 0;
  virtual void write(uint64_t sector, std::span<const uint8_t> from, BlockDone done) = 0;
  // Ends when all that was written is kept whatever happens to the process or the host.
  virtual void flush(BlockDone done) = 0;
};

}  // namespace ringdown
