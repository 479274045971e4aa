#include "vdevices/vga_screen.h"

#include <algorithm>

namespace ringdown {
namespace {

using namespace vga;

constexpr Screen::Size kUnprogrammedSize{720, 400};

}  // namespace

VgaScreen::VgaScreen(const VgaRegisters& registers, const VgaDispi& dispi, VgaMemory& memory,
                     VideoMemory& storage)
    : registers_(registers),
      dispi_(dispi),
      memory_(memory),
      storage_(storage),
      written_(VgaMemory::kStorageBytes / VgaMemory::kPageBytes) {}

bool VgaScreen::is_programmed() const { return registers_.crtc(crtc::kHorizontalTotal) != 0; }

bool VgaScreen::is_blank() const {
  if (!registers_.palette_is_on()) return true;
  if (dispi_.mode()) return false;
  return !is_programmed() || registers_.sequencer(sequencer::kReset) != sequencer::kRunning ||
         registers_.sequencer(sequencer::kClockingMode) & sequencer::kScreenOff;
}

Screen::Size VgaScreen::size() const {
  if (const auto mode = dispi_.mode()) return {mode->width, mode->height};
  if (!is_programmed()) return kUnprogrammedSize;
  const VgaScan scan(registers_);
  return {scan.width(), scan.lines};
}

void VgaScreen::Canvas::add(uint32_t first, uint32_t end) {
  drawn = drawn.first == drawn.end ? Rows{first, end}
                                   : Rows{std::min(drawn.first, first), std::max(drawn.end, end)};
}

Screen::Rows VgaScreen::draw(std::span<uint32_t> pixels, bool all) {
  const Size size = this->size();
  if (pixels.size() < size_t{size.width} * size.height) return {0, 0};
  all |= size != drawn_size_ || revision() != drawn_revision_;
  drawn_size_ = size;
  drawn_revision_ = revision();
  Canvas canvas{pixels, size.width, size.height, all};
  if (is_blank()) {
    if (!all) return {0, 0};
    std::ranges::fill(pixels, 0);
    return {0, size.height};
  }
  take_colors();
  if (const auto mode = dispi_.mode())
    draw_dispi(canvas, *mode);
  else
    draw_vga(canvas);
  return canvas.drawn;
}

// Adds to written_ which pages of [first, first + bytes) were written.
void VgaScreen::collect_written(uint32_t first, uint32_t bytes) {
  const uint32_t page = first / VgaMemory::kPageBytes;
  const uint32_t end = (first + bytes - 1) / VgaMemory::kPageBytes + 1;
  const auto pages = std::span(written_).subspan(page, end - page);
  const auto own = memory_.written().subspan(page, end - page);
  storage_.take_written(page, pages);
  for (size_t n = 0; n < pages.size(); n++) pages[n] |= own[n];
  std::ranges::fill(own, 0);
}

bool VgaScreen::is_written(uint32_t first, uint32_t bytes) const {
  const auto page = written_.begin() + first / VgaMemory::kPageBytes;
  const auto end = written_.begin() + (first + bytes - 1) / VgaMemory::kPageBytes + 1;
  return std::any_of(page, end, [](uint8_t written) { return written != 0; });
}

uint32_t VgaScreen::color_of_16(uint8_t index) const {
  const uint8_t enabled = index & registers_.attribute(attribute::kPlaneEnable);
  const uint8_t select = registers_.attribute(attribute::kColorSelect);
  uint8_t pixel = registers_.attribute(enabled);
  if (registers_.attribute(attribute::kModeControl) & attribute::kColorSelect54)
    pixel = static_cast<uint8_t>((pixel & 0x0F) | (select & 3) << 4);
  return registers_.dac().color(static_cast<uint8_t>(pixel | (select & 0x0C) << 4));
}

void VgaScreen::take_colors() {
  for (unsigned n = 0; n < 256; n++) colors_[n] = registers_.dac().color(static_cast<uint8_t>(n));
  for (unsigned n = 0; n < 16; n++) colors_of_16_[n] = color_of_16(static_cast<uint8_t>(n));
}

void VgaScreen::draw_vga(Canvas& canvas) {
  const VgaScan scan(registers_);
  dots_.resize((scan.columns + 2) * scan.dots_per_column());
  collect_written(0, VgaScan::kBytes);
  collect_written(VgaMemory::kBytes, VgaMemory::kTextBytes);
  if (scan.text)
    draw_text(canvas, scan);
  else
    draw_planes(canvas, scan);
}

}  // namespace ringdown
