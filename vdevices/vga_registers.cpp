#include "vdevices/vga_registers.h"

#include <algorithm>

#include "vdevices/ticks.h"

namespace ringdown {
namespace {

constexpr uint16_t kMonoPlace = 0x00, kColorPlace = 0x20;  // where the CRTC's ports begin
constexpr uint16_t kCrtcIndex = 4, kCrtcData = 5, kStatus1 = 0xA;
constexpr uint16_t kAttribute = 0x10, kAttributeData = 0x11, kMiscOutput = 0x12, kSequencerIndex = 0x14,
                   kSequencerData = 0x15, kDac = 0x16, kFeatureControl = 0x1A, kMiscOutputRead = 0x1C,
                   kGraphicsIndex = 0x1E, kGraphicsData = 0x1F;

constexpr uint8_t kSwitchSense = 0x10;       // input status 0: a colour monitor is there
constexpr uint8_t k28MegahertzClock = 0x04;  // miscellaneous output
constexpr uint8_t kDisplayDisabled = 0x01, kVerticalRetrace = 0x08;
constexpr uint8_t kPaletteOn = 0x20, kAttributeIndex = 0x3F;

constexpr Nanoseconds kDefaultFrame = kNanosecondsPerSecond / 60;

}  // namespace

constinit const std::array<uint8_t, 5> VgaRegisters::kSequencerBits{0x03, 0x3D, 0x0F, 0x3F, 0x0E};
constinit const std::array<uint8_t, 25> VgaRegisters::kCrtcBits{
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0x3F, 0x7F, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xEF, 0xFF};
constinit const std::array<uint8_t, 9> VgaRegisters::kGraphicsBits{0x0F, 0x0F, 0x0F, 0x1F, 0x03,
                                                                   0x7B, 0x0F, 0x0F, 0xFF};
constinit const std::array<uint8_t, 21> VgaRegisters::kAttributeBits{
    0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F,
    0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0xEF, 0xFF, 0x3F, 0x0F, 0x0F};

bool VgaRegisters::palette_is_on() const { return attribute_index_ & kPaletteOn; }

bool VgaRegisters::is_crtc_place(uint16_t port) const {
  const uint16_t place = misc_ & kColorAddresses ? kColorPlace : kMonoPlace;
  return port >= place && port < place + 0x10;
}

uint8_t VgaRegisters::read(uint16_t port) {
  switch (port) {
    case kAttribute:
      return attribute_index_;
    case kAttributeData:
      return attribute_[attribute_index_ & ~kPaletteOn];
    case kMiscOutput:
      return kSwitchSense;
    case kSequencerIndex:
      return sequencer_index_;
    case kSequencerData:
      return sequencer_[sequencer_index_];
    case kDac:
    case kDac + 1:
    case kDac + 2:
    case kDac + 3:
      return dac_.read(port - kDac);
    case kFeatureControl:
      return feature_;
    case kMiscOutputRead:
      return misc_;
    case kGraphicsIndex:
      return graphics_index_;
    case kGraphicsData:
      return graphics_[graphics_index_];
    default:
      return is_crtc_place(port) ? read_crtc_place(port & 0xF) : 0xFF;
  }
}

void VgaRegisters::write(uint16_t port, uint8_t value) {
  switch (port) {
    case kAttribute:
      return write_attribute(value);
    case kMiscOutput:
      revision_ += misc_ != value;
      misc_ = value;
      return;
    case kSequencerIndex:
      sequencer_index_ = value;
      return;
    case kSequencerData:
      revision_ += sequencer_.set(sequencer_index_, value);
      return;
    case kDac:
    case kDac + 1:
    case kDac + 2:
    case kDac + 3:
      return dac_.write(port - kDac, value);
    case kGraphicsIndex:
      graphics_index_ = value;
      return;
    case kGraphicsData:
      revision_ += graphics_.set(graphics_index_, value);
      return;
    default:
      if (is_crtc_place(port)) write_crtc_place(port & 0xF, value);
  }
}

uint8_t VgaRegisters::read_crtc_place(uint16_t port) {
  if (port == kCrtcIndex) return crtc_index_;
  if (port == kCrtcData) return crtc_[crtc_index_];
  return port == kStatus1 ? input_status_1() : 0xFF;
}

void VgaRegisters::write_crtc_place(uint16_t port, uint8_t value) {
  if (port == kCrtcIndex) crtc_index_ = value;
  if (port == kCrtcData) write_crtc(value);
  if (port == kStatus1) feature_ = value & 0x0B;
}

void VgaRegisters::write_crtc(uint8_t value) {
  using namespace vga::crtc;
  if (crtc_index_ <= kLastProtected && crtc_[kRetraceEnd] & kProtect) {
    if (crtc_index_ != kOverflow) return;
    value = (crtc_[kOverflow] & ~kOverflowLineCompare) | (value & kOverflowLineCompare);
  }
  const bool cursor = crtc_index_ == kCursorStart || crtc_index_ == kCursorEnd ||
                      crtc_index_ == kCursorHigh || crtc_index_ == kCursorLow;
  const bool changed = crtc_.set(crtc_index_, value);
  revision_ += changed && !cursor;
}

void VgaRegisters::write_attribute(uint8_t value) {
  if (attribute_data_next_) {
    revision_ += attribute_.set(attribute_index_ & ~kPaletteOn, value);
  } else {
    revision_ += ((attribute_index_ ^ value) & kPaletteOn) != 0;
    attribute_index_ = value & kAttributeIndex;
  }
  attribute_data_next_ = !attribute_data_next_;
}

// A CRTC that nobody has programmed has a picture of 480 lines of 525, 60 times a second, as DISPI's modes.
VgaRegisters::Raster VgaRegisters::raster() const {
  using namespace vga::crtc;
  if (crtc_[kHorizontalTotal] == 0)
    return {.frame = kDefaultFrame,
            .lines = 525,
            .shown_lines = 480,
            .characters = 100,
            .shown_characters = 80,
            .retrace = 490,
            .retrace_lines = 2};
  const uint8_t overflow = crtc_[kOverflow], clocking = sequencer_[vga::sequencer::kClockingMode];
  const unsigned retrace = crtc_[kRetraceStart] | (overflow & 0x04) << 6 | (overflow & 0x80) << 2;
  Raster raster{.frame = 0,
                .lines = (crtc_[kVerticalTotal] | (overflow & 0x01u) << 8 | (overflow & 0x20u) << 4) + 2,
                .shown_lines = shown_lines(),
                .characters = crtc_[kHorizontalTotal] + 5u,
                .shown_characters = crtc_[kHorizontalDisplayEnd] + 1u,
                .retrace = retrace,
                .retrace_lines = ((crtc_[kRetraceEnd] - retrace - 1) & 0xF) + 1};
  const unsigned dots = (clocking & vga::sequencer::kEightDots ? 8u : 9u)
                        << (clocking & vga::sequencer::kHalfDotClock ? 1 : 0);
  const uint64_t hertz = misc_ & k28MegahertzClock ? 28'322'000 : 25'175'000;
  // DISPI's modes leave the retrace where it was: a guest that waits for it must not wait forever.
  raster.retrace = std::min(raster.retrace, raster.lines - 1);
  raster.frame = uint64_t{raster.lines} * raster.characters * dots * kNanosecondsPerSecond / hertz;
  return raster;
}

unsigned VgaRegisters::shown_lines() const {
  const uint8_t overflow = crtc_[vga::crtc::kOverflow];
  return (crtc_[vga::crtc::kVerticalDisplayEnd] | (overflow & 0x02u) << 7 | (overflow & 0x40u) << 3) + 1;
}

uint8_t VgaRegisters::input_status_1() {
  attribute_data_next_ = false;
  const Raster r = raster();
  const uint64_t position = clock_.now() % r.frame * (r.lines * r.characters) / r.frame;
  const uint64_t line = position / r.characters;
  const bool hidden = line >= r.shown_lines || position % r.characters >= r.shown_characters;
  const bool retracing = line >= r.retrace && line < r.retrace + r.retrace_lines;
  return static_cast<uint8_t>((hidden ? kDisplayDisabled : 0) | (retracing ? kVerticalRetrace : 0));
}

}  // namespace ringdown
