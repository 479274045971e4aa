#include "monitor/drives.h"

#include <algorithm>
#include <utility>

#include "monitor/exit_codes.h"
#include "monitor/text.h"

namespace ringdown {
namespace {

constexpr uint8_t kTypeOfEmptyDrive = 5;  // FloppyFormat's, of 2.88 MB, as QEMU's

ImageAccess access_to(const DriveOptions& drive) {
  if (drive.read_only) return ImageAccess::kReadOnly;
  return drive.snapshot ? ImageAccess::kSnapshot : ImageAccess::kReadWrite;
}

std::string ide_name(unsigned place, bool cdrom) {
  return concat("ide", std::to_string(place / 2), cdrom ? "-cd" : "-hd", std::to_string(place % 2));
}

// Why a floppy drive takes no diskette of so many sectors, if it does not. A drive without a type takes all.
std::optional<std::string> floppy_refusal(uint64_t sectors, uint8_t drive_type) {
  const auto format = FloppyFormat::of(sectors);
  if (!format) return "no diskette has that size; they have 160, 180, 320, 360, 720, 1200, 1440 or 2880 KiB";
  if (drive_type != 0 && !format->fits(drive_type)) return "the drive takes no diskette of that size";
  return std::nullopt;
}

}  // namespace

// ---- The images.

std::optional<int> Drives::open() {
  for (unsigned i = 0; i < kDrives; i++) {
    const auto& drive = options_.drives[i];
    if (!drive) continue;
    const auto status = open(drives_[i], {.name = ide_name(i, drive->cdrom), .options = *drive});
    if (status) return status;
  }
  for (unsigned i = 0; i < kFloppies; i++) {
    const auto& drive = options_.floppies[i];
    if (!drive) continue;
    auto& place = drives_[kDrives + i];
    const auto status =
        open(place, {.name = concat("floppy", std::to_string(i)), .options = *drive, .floppy = true});
    if (status) return status;
    place->floppy_type =
        place->disk ? FloppyFormat::of(place->disk->medium.sectors())->drive_type : kTypeOfEmptyDrive;
  }
  return std::nullopt;
}

std::optional<int> Drives::open(std::optional<Drive>& place, Drive drive) {
  place = std::move(drive);
  if (place->options.aio == Aio::kIoUring) {
    if (const std::string why = why_no_io_uring(); !why.empty())
      return refuse(ExitCode::kHostLacksFeature,
                    concat("-drive aio=io_uring: this host's kernel refuses it: ", why));
  }
  if (place->options.file.empty()) return std::nullopt;
  auto opened = open_disk(*place, place->options.file);
  if (const auto* line = std::get_if<std::string>(&opened)) return refuse(ExitCode::kBadImage, *line);
  place->disk = std::move(std::get<std::unique_ptr<Disk>>(opened));
  return std::nullopt;
}

Drives::OpenedDisk Drives::open_disk(const Drive& drive, const std::string& file) const {
  auto opened = open_block_image(file, access_to(drive.options));
  if (auto* line = std::get_if<std::string>(&opened)) return std::move(*line);
  auto& image = std::get<std::unique_ptr<BlockImage>>(opened);
  const auto why = drive.floppy ? floppy_refusal(image->sectors(), drive.floppy_type) : std::nullopt;
  if (why) return concat(file, ": ", *why);
  image->on_failure([](const std::string& line) { print_error_line(line); });
  return std::make_unique<Disk>(std::move(image), request_attention_, drive.options.aio);
}

void Drives::describe_to(BoardConfiguration& configuration) {
  for (size_t i = 0; i < drives_.size(); i++) {
    const auto& drive = drives_[i];
    if (!drive) continue;
    BlockMedium* const medium = drive->disk ? &drive->disk->medium : nullptr;
    if (drive->floppy)
      configuration.floppies[i - kDrives] = {.type = drive->floppy_type, .medium = medium};
    else
      configuration.drives[i] = {.cdrom = drive->options.cdrom, .medium = medium};
  }
}

void Drives::deliver() {
  for (const auto& drive : drives_) {
    if (drive && drive->disk && drive->disk->queue.ended()) drive->disk->queue.deliver();
  }
}

void Drives::drain() {
  for (const auto& drive : drives_) {
    if (drive && drive->disk) drive->disk->queue.drain();
  }
}

// ---- What the user does.

std::variant<size_t, std::string> Drives::find_to_change(Board& board, std::string_view name, bool force) {
  const auto found =
      std::ranges::find_if(drives_, [&](const auto& drive) { return drive && drive->name == name; });
  if (found == drives_.end()) return concat("no such drive: '", name, "'; info block lists them");
  const auto place = static_cast<size_t>(found - drives_.begin());
  if ((*found)->floppy) return place;
  AtapiCdrom* const cdrom = board.cdrom(place);
  if (!cdrom) return concat(name, " is a hard disk, which stays where it is");
  const bool keeps = (*found)->disk && cdrom->locked() && !cdrom->tray_open();
  if (!keeps || force) return place;
  cdrom->request_eject();
  return concat(name, " is locked by the guest, which has been asked to give the disc up; eject -f takes it");
}

// Requests of the medium before have ended.
void Drives::put(Board& board, size_t place, std::unique_ptr<Disk> disk, std::string_view file) {
  Drive& drive = *drives_[place];
  if (drive.disk) drive.disk->queue.drain();
  if (drive.floppy && disk)
    board.floppies()->insert(static_cast<unsigned>(place - kDrives), disk->medium);
  else if (drive.floppy)
    board.floppies()->remove(static_cast<unsigned>(place - kDrives));
  else if (disk)
    board.cdrom(place)->insert(disk->medium);
  else
    board.cdrom(place)->remove();
  drive.disk = std::move(disk);
  drive.options.file = file;
}

std::string Drives::eject(Board& board, std::string_view name, bool force) {
  const auto found = find_to_change(board, name, force);
  if (const auto* line = std::get_if<std::string>(&found)) return *line;
  put(board, std::get<size_t>(found), nullptr, {});
  return {};
}

std::string Drives::change(Board& board, std::string_view name, std::string_view file) {
  const auto found = find_to_change(board, name, false);
  if (const auto* line = std::get_if<std::string>(&found)) return *line;
  const size_t place = std::get<size_t>(found);
  auto opened = open_disk(*drives_[place], std::string(file));
  if (auto* line = std::get_if<std::string>(&opened)) return std::move(*line);
  put(board, place, std::move(std::get<std::unique_ptr<Disk>>(opened)), file);
  return {};
}

std::string Drives::describe(Board& board) const {
  std::string text;
  for (size_t i = 0; i < drives_.size(); i++) {
    const auto& drive = drives_[i];
    if (!drive) continue;
    const AtapiCdrom* const cdrom = board.cdrom(i);
    text += concat(drive->name, ": ", drive->disk ? concat(drive->options.file, " (raw)") : "[not inserted]",
                   drive->options.read_only ? ", read-only" : "", drive->options.snapshot ? ", snapshot" : "",
                   cdrom && cdrom->locked() ? ", locked" : "",
                   cdrom && cdrom->tray_open() ? ", tray open" : "", "\n");
  }
  return text;
}

}  // namespace ringdown
