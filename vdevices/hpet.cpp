#include "vdevices/hpet.h"

#include <algorithm>

namespace ringdown {
namespace {

// Register offsets (IA-PC HPET Specification 1.0a, 2.3.2).
constexpr uint32_t kCapabilities = 0x000, kConfiguration = 0x010, kStatus = 0x020, kCounter = 0x0F0,
                   kFirstTimer = 0x100, kTimerBytes = 0x20;
constexpr uint32_t kTimerConfiguration = 0x00, kTimerComparator = 0x08;

constexpr uint32_t kCapabilitiesLow = 0x80860000 /* vendor */ | 1 << 15 /* legacy replacement */ |
                                      1 << 13 /* 64 bits */ | (Hpet::kTimers - 1) << 8 | 1 /* revision */;
constexpr uint32_t kFemtosecondsPerNanosecond = 1'000'000;

// Timer configuration and capabilities.
constexpr uint32_t kLevelTriggered = 1 << 1, kInterruptEnable = 1 << 2, kPeriodic = 1 << 3,
                   kPeriodicCapable = 1 << 4, k64BitCapable = 1 << 5, kValueSet = 1 << 6, k32Bit = 1 << 8,
                   kRouteShift = 9, kRoute = 0x1F << kRouteShift;
constexpr uint32_t kTimerWritable = kLevelTriggered | kInterruptEnable | kPeriodic | k32Bit | kRoute;

uint32_t half_of(uint64_t value, unsigned half) { return static_cast<uint32_t>(value >> 32 * half); }

uint64_t with_half(uint64_t value, unsigned half, uint32_t part) {
  const uint64_t other = value & (half ? 0xFFFFFFFF : ~uint64_t{0xFFFFFFFF});
  return other | uint64_t{part} << 32 * half;
}

// `base` and so many periods of the counter; kNever if that is beyond all times.
Nanoseconds after(Nanoseconds base, uint64_t periods) {
  return periods >= (kNever - base) / Hpet::kPeriod ? kNever : base + periods * Hpet::kPeriod;
}

}  // namespace

Hpet::Hpet(const Clock& clock, Outputs outputs) : clock_(clock), outputs_(std::move(outputs)) {
  Line* const lines[] = {&outputs_.irq0, &outputs_.irq8};
  for (unsigned n = 0; n < inputs_.size(); n++) {
    inputs_[n] = Line([this, line = lines[n]](bool level) {
      if (!legacy_replacement()) line->set(level);
    });
  }
}

uint64_t Hpet::Timer::mask() const { return has(k32Bit) ? 0xFFFFFFFF : ~uint64_t{0}; }

uint64_t Hpet::counter() const {
  return counts() ? counter_ + (clock_.now() - started_) / kPeriod : counter_;
}

// ---- Registers --------------------------------------------------------------------------------------------

uint32_t Hpet::read_memory(uint32_t offset, unsigned size) {
  settle();
  return read_register(offset & ~3u) >> 8 * (offset & 3) & (~0u >> (32 - 8 * size));
}

void Hpet::write_memory(uint32_t offset, unsigned size, uint32_t value) {
  if (size != 4) return;
  settle();
  write_register(offset, value);
  arm();
}

uint32_t Hpet::read_register(uint32_t offset) const {
  switch (offset) {
    case kCapabilities:
      return kCapabilitiesLow;
    case kCapabilities + 4:
      return kPeriod * kFemtosecondsPerNanosecond;
    case kConfiguration:
      return configuration_;
    case kStatus:
      return status_;
    case kCounter:
    case kCounter + 4:
      return half_of(counter(), offset / 4 & 1);
  }
  const unsigned n = (offset - kFirstTimer) / kTimerBytes;
  return offset >= kFirstTimer && n < kTimers ? read_timer(timers_[n], offset % kTimerBytes) : 0;
}

uint32_t Hpet::read_timer(const Timer& timer, uint32_t offset) const {
  switch (offset) {
    case kTimerConfiguration:
      return timer.configuration | kPeriodicCapable | k64BitCapable;
    case kTimerConfiguration + 4:
      return kRoutes;
    case kTimerComparator:
    case kTimerComparator + 4:
      return half_of(timer.comparator, offset / 4 & 1);
  }
  return 0;
}

void Hpet::write_register(uint32_t offset, uint32_t value) {
  switch (offset) {
    case kConfiguration:
      return write_configuration(value);
    case kStatus:
      return write_status(value);
    case kCounter:
    case kCounter + 4:
      return write_counter(offset / 4 & 1, value);
  }
  const unsigned n = (offset - kFirstTimer) / kTimerBytes;
  if (offset >= kFirstTimer && n < kTimers) write_timer(n, offset % kTimerBytes, value);
}

void Hpet::write_configuration(uint32_t value) {
  counter_ = counter();
  started_ = clock_.now();
  for (unsigned n = 0; n < inputs_.size(); n++) {
    if (timers_[n].has(kLevelTriggered)) drive(n, false);
  }
  configuration_ = value & (kEnable | kLegacyReplacement);
  if (!legacy_replacement()) {
    outputs_.irq0.set(inputs_[0].level());
    outputs_.irq8.set(inputs_[1].level());
  }
  for (unsigned n = 0; n < inputs_.size(); n++) drive_level(n);
  for (Timer& timer : timers_) schedule(timer);
}

void Hpet::write_status(uint32_t value) {
  status_ &= ~value;
  for (unsigned n = 0; n < kTimers; n++) {
    if (value >> n & 1) drive_level(n);
  }
}

void Hpet::write_counter(unsigned half, uint32_t value) {
  counter_ = with_half(counter(), half, value);
  started_ = clock_.now();
  for (Timer& timer : timers_) schedule(timer);
}

void Hpet::write_timer(unsigned n, uint32_t offset, uint32_t value) {
  switch (offset) {
    case kTimerConfiguration:
      return write_timer_configuration(n, value);
    case kTimerComparator:
    case kTimerComparator + 4:
      return write_comparator(timers_[n], offset / 4 & 1, value);
  }
}

void Hpet::write_timer_configuration(unsigned n, uint32_t value) {
  Timer& timer = timers_[n];
  if (timer.has(kLevelTriggered)) drive(n, false);
  timer.configuration = value & kTimerWritable;
  timer.sets_value = value & kValueSet;
  timer.comparator &= timer.mask();
  timer.period &= timer.mask();
  if (!timer.has(kLevelTriggered)) status_ &= ~(1u << n);
  drive_level(n);
  schedule(timer);
}

// Of a periodic timer it is the period that is written, and with VAL_SET the comparator, too (2.3.9.2.2).
void Hpet::write_comparator(Timer& timer, unsigned half, uint32_t value) {
  if (!timer.has(kPeriodic) || timer.sets_value)
    timer.comparator = with_half(timer.comparator, half, value) & timer.mask();
  if (timer.has(kPeriodic)) timer.period = with_half(timer.period, half, value) & timer.mask();
  timer.sets_value = false;
  schedule(timer);
}

// ---- Matches ----------------------------------------------------------------------------------------------

void Hpet::schedule(Timer& timer) {
  timer.due = kNever;
  if (!counts()) return;
  const uint64_t now = counter();
  const uint64_t distance = (timer.comparator - now) & timer.mask();
  timer.due = after(started_ + (now - counter_) * kPeriod, distance);
}

void Hpet::settle() {
  const Nanoseconds now = clock_.now();
  bool matched = false;
  for (unsigned n = 0; n < kTimers; n++) {
    if (now < timers_[n].due) continue;
    matched = true;
    go_on(timers_[n], now);
    match(n);
  }
  if (matched) arm();
}

// To the next match behind `now`. A timer of 32 bits that is not periodic has one whenever the counter has
// gone round.
void Hpet::go_on(Timer& timer, Nanoseconds now) {
  constexpr uint64_t kLongest = ~uint64_t{0} / kPeriod / 2;
  const bool once = !timer.has(kPeriodic) && !timer.has(k32Bit);
  const uint64_t period = timer.has(kPeriodic) ? timer.period : uint64_t{1} << 32;
  if (once || period == 0 || period > kLongest) {
    timer.due = kNever;
    return;
  }
  const uint64_t periods = (now - timer.due) / (period * kPeriod) + 1;
  if (timer.has(kPeriodic)) timer.comparator = (timer.comparator + periods * period) & timer.mask();
  timer.due += periods * period * kPeriod;
}

void Hpet::match(unsigned n) {
  if (timers_[n].has(kLevelTriggered)) {
    status_ |= 1u << n;
    return drive_level(n);
  }
  if (!timers_[n].has(kInterruptEnable)) return;
  drive(n, false);
  drive(n, true);  // stays there: the 8259A would take back the request of a line that falls
}

// A timer whose interrupt is disabled needs nobody to wake up for it.
void Hpet::arm() {
  Nanoseconds next = kNever;
  for (const Timer& timer : timers_) {
    if (timer.has(kInterruptEnable)) next = std::min(next, timer.due);
  }
  set_next_event(next);
}

void Hpet::advance() { settle(); }

// ---- Lines ------------------------------------------------------------------------------------------------

void Hpet::drive(unsigned n, bool level) {
  if (takes_legacy_line(n)) return (n == 0 ? outputs_.irq0 : outputs_.irq8).set(level);
  const unsigned pin = (timers_[n].configuration & kRoute) >> kRouteShift;
  if (kRoutes >> pin & 1) outputs_.io_apic(pin, level);
}

void Hpet::drive_level(unsigned n) {
  const Timer& timer = timers_[n];
  if (timer.has(kLevelTriggered)) drive(n, timer.has(kInterruptEnable) && (status_ >> n & 1));
}

}  // namespace ringdown
