#include "monitor/drives.h"

#include <variant>

#include "monitor/exit_codes.h"
#include "monitor/text.h"
#include "vdevices/i82077aa.h"

namespace ringdown {
namespace {

ImageAccess access_to(const DriveOptions& drive) {
  if (drive.read_only) return ImageAccess::kReadOnly;
  return drive.snapshot ? ImageAccess::kSnapshot : ImageAccess::kReadWrite;
}

}  // namespace

std::optional<int> Drives::open() {
  if (const auto status = open_images(options_.drives, disks_)) return status;
  if (const auto status = open_images(options_.floppies, diskettes_)) return status;
  return check_diskettes();
}

std::optional<int> Drives::check_diskettes() const {
  for (unsigned i = 0; i < kFloppies; i++) {
    if (diskettes_[i] && !FloppyFormat::of(diskettes_[i]->medium.sectors()))
      return refuse(
          ExitCode::kBadImage,
          concat(options_.floppies[i]->file,
                 ": no diskette has that size; they have 160, 180, 320, 360, 720, 1200, 1440 or 2880 KiB"));
  }
  return std::nullopt;
}

std::optional<int> Drives::open_images(std::span<const OptionalDrive> drives,
                                       std::span<std::unique_ptr<Disk>> disks) {
  for (unsigned i = 0; i < drives.size(); i++) {
    const auto& drive = drives[i];
    if (!drive || drive->file.empty()) continue;
    auto opened = open_block_image(drive->file, access_to(*drive));
    if (const auto* line = std::get_if<std::string>(&opened)) return refuse(ExitCode::kBadImage, *line);
    auto& image = std::get<std::unique_ptr<BlockImage>>(opened);
    image->on_failure([](const std::string& line) { print_error_line(line); });
    disks[i] = std::make_unique<Disk>(std::move(image), request_attention_);
  }
  return std::nullopt;
}

void Drives::describe_to(BoardConfiguration& configuration) {
  for (unsigned i = 0; i < kDrives; i++) {
    if (!options_.drives[i]) continue;
    configuration.drives[i] = {.cdrom = options_.drives[i]->cdrom,
                               .medium = disks_[i] ? &disks_[i]->medium : nullptr};
  }
  for (unsigned i = 0; i < kFloppies; i++) {
    if (diskettes_[i]) configuration.floppies[i] = &diskettes_[i]->medium;
  }
}

void Drives::deliver() {
  for (const auto& disk : images_) {
    if (disk && disk->queue.ended()) disk->queue.deliver();
  }
}

void Drives::drain() {
  for (const auto& disk : images_) {
    if (disk) disk->queue.drain();
  }
}

std::string Drives::describe() const {
  std::string text;
  for (unsigned i = 0; i < kDrives; i++) {
    const auto& drive = options_.drives[i];
    if (!drive) continue;
    text += concat("ide", std::to_string(i / 2), drive->cdrom ? "-cd" : "-hd", std::to_string(i % 2), ": ",
                   drive->file.empty() ? "no disc" : concat(drive->file, " (raw)"),
                   drive->read_only ? ", read-only" : "", drive->snapshot ? ", snapshot" : "", "\n");
  }
  return text;
}

}  // namespace ringdown
