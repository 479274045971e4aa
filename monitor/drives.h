#pragma once
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "host-driver/block_queue.h"
#include "monitor/board.h"
#include "monitor/image_medium.h"
#include "monitor/options.h"

namespace ringdown {

// The images in the machine's drives, each with its queue and I/O thread. Of the vCPU thread.
class Drives {
 public:
  // Options are not owned. `request_attention` is called by any thread: deliver() is due.
  Drives(const Options& options, std::function<void()> request_attention)
      : options_(options), request_attention_(std::move(request_attention)) {}

  // The exit status if something is wrong.
  std::optional<int> open();
  // Drives and diskettes, of what was opened.
  void describe_to(BoardConfiguration& configuration);
  // What has ended.
  void deliver();
  // All that is under way, which uses buffers of the board's drives and is to reach the images: before they
  // go.
  void drain();
  // The drives that there are, a line each.
  std::string describe() const;

 private:
  struct Disk {
    BlockQueue queue;
    ImageMedium medium{queue};
    Disk(std::unique_ptr<BlockImage> image, const std::function<void()>& on_ended)
        : queue(std::move(image), on_ended) {}
  };
  using OptionalDrive = std::optional<DriveOptions>;
  std::optional<int> open_images(std::span<const OptionalDrive> drives,
                                 std::span<std::unique_ptr<Disk>> disks);
  std::optional<int> check_diskettes() const;

  const Options& options_;
  const std::function<void()> request_attention_;
  std::array<std::unique_ptr<Disk>, kDrives + kFloppies> images_;
  const std::span<std::unique_ptr<Disk>> disks_ = std::span(images_).first(kDrives);
  const std::span<std::unique_ptr<Disk>> diskettes_ = std::span(images_).last(kFloppies);
};

}  // namespace ringdown
