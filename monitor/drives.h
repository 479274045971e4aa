#pragma once
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "host-driver/block_queue.h"
#include "monitor/board.h"
#include "monitor/image_medium.h"
#include "monitor/options.h"

namespace ringdown {

// The machine's drives, and the images in them, each with its queue and I/O thread. Of the vCPU thread.
//
// Drives have QEMU's names: ide0-hd0 for the primary master, ide1-cd0 if it is a CD-ROM drive and secondary,
// floppy0 and floppy1.
class Drives {
 public:
  // Options are not owned. `request_attention` is called by any thread: deliver() is due.
  Drives(const Options& options, std::function<void()> request_attention)
      : options_(options), request_attention_(std::move(request_attention)) {}

  // The exit status if something is wrong.
  std::optional<int> open();
  // The drives, with what is in them now.
  void describe_to(BoardConfiguration& configuration);
  // What has ended.
  void deliver();
  // All that is under way, which uses buffers of the board's drives and is to reach the images: before they
  // go.
  void drain();

  // What the user does at the drives of a board that was built of describe_to(). The answer is why it cannot
  // be, or nothing. A drive that the guest has locked gives its disc away only if that is forced.
  std::string eject(Board& board, std::string_view name, bool force);
  std::string change(Board& board, std::string_view name, std::string_view file);
  // The drives that there are, a line each.
  std::string describe(Board& board) const;

 private:
  struct Disk {
    BlockQueue queue;
    ImageMedium medium{queue};
    Disk(std::unique_ptr<BlockImage> image, const std::function<void()>& on_ended, Aio aio)
        : queue(std::move(image), on_ended, aio) {}
  };
  struct Drive {
    std::string name;
    DriveOptions options;  // `file` is what is in it now
    bool floppy = false;
    uint8_t floppy_type = 0;          // FloppyFormat's; 0: whatever takes its first diskette
    std::unique_ptr<Disk> disk = {};  // none: it is empty
  };
  using OpenedDisk = std::variant<std::unique_ptr<Disk>, std::string>;

  std::optional<int> open(std::optional<Drive>& place, Drive drive);
  OpenedDisk open_disk(const Drive& drive, const std::string& file) const;
  // Where the drive of that name is, or why nobody can change what is in it now.
  std::variant<size_t, std::string> find_to_change(Board& board, std::string_view name, bool force);
  void put(Board& board, size_t place, std::unique_ptr<Disk> disk, std::string_view file);

  const Options& options_;
  const std::function<void()> request_attention_;
  std::array<std::optional<Drive>, kDrives + kFloppies> drives_;  // on IDE channels, and A and B
};

}  // namespace ringdown
