#include "vdevices/mc146818.h"

#include <algorithm>

#include "vdevices/civil_date.h"

namespace ringdown {
namespace {

enum Register : uint8_t {
  kSeconds = 0x00,
  kSecondsAlarm = 0x01,
  kMinutes = 0x02,
  kMinutesAlarm = 0x03,
  kHours = 0x04,
  kHoursAlarm = 0x05,
  kDayOfWeek = 0x06,
  kDayOfMonth = 0x07,
  kMonth = 0x08,
  kYear = 0x09,
  kA = 0x0A,
  kB = 0x0B,
  kC = 0x0C,
  kD = 0x0D,
  kEquipment = 0x14,
  kBaseMemory = 0x15,
  kExtendedMemory = 0x17,
  kSum = 0x2E,
  kExtendedMemoryFound = 0x30,
  kCentury = 0x32,
  kMemoryAbove16M = 0x34,
  kMemoryAbove4G = 0x5B,
};

enum RegisterA : uint8_t { kUip = 0x80, kDividerReset = 0x60, kRate = 0x0F };
enum RegisterB : uint8_t { kSet = 0x80, kUie = 0x10, kBinary = 0x04, k24Hours = 0x02 };
// The same bits enable in register B and flag in register C.
enum Interrupt : uint8_t { kIrqf = 0x80, kPeriodic = 0x40, kAlarm = 0x20, kUpdateEnded = 0x10 };
constexpr uint8_t kSources = kPeriodic | kAlarm | kUpdateEnded;
constexpr uint8_t kValidRamAndTime = 0x80;
constexpr uint8_t kPm = 0x80;

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kUipTime = 244'000;
constexpr uint64_t kCyclesPerSecond = 32768;
constexpr unsigned kSecondsPerDay = 86400;

// 10^9 / 32768 = 1953125 / 64, so the conversions are exact.
uint64_t cycles_in(uint64_t ns) { return ns / kSecond * kCyclesPerSecond + ns % kSecond * 64 / 1953125; }

}  // namespace

Mc146818::Mc146818(const Clock& clock, Line& irq, int64_t utc_seconds) : clock_(clock), irq_(irq) {
  registers_[kA] = 0x26;
  registers_[kB] = k24Hours;
  registers_[kD] = kValidRamAndTime;
  int64_t days = utc_seconds / kSecondsPerDay;
  int64_t rest = utc_seconds % int64_t{kSecondsPerDay};
  if (rest < 0) {
    rest += kSecondsPerDay;
    --days;
  }
  registers_[kDayOfWeek] = static_cast<uint8_t>(1 + ((days + 4) % 7 + 7) % 7);  // 1 is Sunday
  set_time({days, static_cast<unsigned>(rest)});
}

bool Mc146818::divider_reset() const { return (registers_[kA] & kDividerReset) == kDividerReset; }
bool Mc146818::updates_inhibited() const { return divider_reset() || (registers_[kB] & kSet) != 0; }

// The periodic interrupt's period is 2^shift cycles. 64: there is none.
unsigned Mc146818::periodic_shift() const {
  const unsigned rate = registers_[kA] & kRate;
  if (rate == 0) return 64;
  return rate <= 2 ? rate + 6 : rate - 1;  // rates 1 and 2 repeat 8 and 9
}

uint64_t Mc146818::divider_nanoseconds() const {
  return static_cast<uint64_t>(static_cast<int64_t>(clock_.now()) - divider_origin_);
}

Nanoseconds Mc146818::time_of_cycle(uint64_t cycle) const {
  const uint64_t rest = cycle % kCyclesPerSecond;
  const uint64_t since = cycle / kCyclesPerSecond * kSecond + (rest * 1953125 + 63) / 64;
  return static_cast<Nanoseconds>(divider_origin_ + static_cast<int64_t>(since));
}

bool Mc146818::update_in_progress() const {
  return !updates_inhibited() && divider_nanoseconds() % kSecond >= kSecond - kUipTime;
}

// Brings the registers and flags to now.
void Mc146818::sync() {
  if (divider_reset()) return;
  const uint64_t cycles = cycles_in(divider_nanoseconds());
  const unsigned shift = periodic_shift();
  if (shift < 64 && cycles >> shift != cycles_seen_ >> shift) registers_[kC] |= kPeriodic;
  const uint64_t seconds = cycles / kCyclesPerSecond - cycles_seen_ / kCyclesPerSecond;
  cycles_seen_ = cycles;
  if (seconds != 0 && !updates_inhibited()) update_time(seconds);
  update_irq();
}

void Mc146818::update_time(uint64_t seconds) {
  Time t = time();
  registers_[kC] |= kUpdateEnded;
  if ((registers_[kC] & kAlarm) == 0 && alarm_within(t.second_of_day, seconds)) registers_[kC] |= kAlarm;
  const uint64_t total = t.second_of_day + seconds;
  const uint64_t new_days = total / kSecondsPerDay;
  // The day of the week counts by itself: the chip does not know which date is a Monday.
  const unsigned weekday = decode(registers_[kDayOfWeek]) + 6;
  registers_[kDayOfWeek] = static_cast<uint8_t>(1 + (weekday + new_days) % 7);
  set_time({t.days + static_cast<int64_t>(new_days), static_cast<unsigned>(total % kSecondsPerDay)});
}

void Mc146818::update_irq() {
  const bool request = (registers_[kB] & registers_[kC] & kSources) != 0;
  registers_[kC] = (registers_[kC] & kSources) | (request ? kIrqf : 0);
  set_next_event(next_interrupt());
  irq_.set(request);
}

void Mc146818::advance() { sync(); }

// Of those that are enabled and not yet requested.
Nanoseconds Mc146818::next_interrupt() const {
  if (divider_reset()) return kNever;
  const uint8_t awaited = registers_[kB] & ~registers_[kC];
  Nanoseconds next = kNever;
  if (const unsigned shift = periodic_shift(); (awaited & kPeriodic) != 0 && shift < 64) {
    next = time_of_cycle(((cycles_seen_ >> shift) + 1) << shift);
  }
  if ((awaited & (kAlarm | kUpdateEnded)) != 0 && !updates_inhibited()) {
    next = std::min(next, time_of_cycle((cycles_seen_ / kCyclesPerSecond + 1) * kCyclesPerSecond));
  }
  return next;
}

uint32_t Mc146818::read_port(uint16_t offset, unsigned) {
  if (offset == 0) return 0xFF;  // the index cannot be read back
  sync();
  return read_register(index_);
}

void Mc146818::write_port(uint16_t offset, unsigned, uint32_t value) {
  if (offset == 0) {
    index_ = value & 0x7F;
    nmi_masked_ = (value & 0x80) != 0;
    return;
  }
  sync();
  write_register(index_, static_cast<uint8_t>(value));
  update_irq();
}

uint8_t Mc146818::read_register(uint8_t index) {
  const uint8_t value = registers_[index];
  if (index == kA) return update_in_progress() ? value | kUip : value;
  if (index == kC) {
    registers_[kC] = 0;
    update_irq();
  }
  return value;
}

void Mc146818::write_register(uint8_t index, uint8_t value) {
  switch (index) {
    case kA:
      write_register_a(value);
      return;
    case kB:
      registers_[kB] = (value & kSet) != 0 ? value & ~kUie : value;
      return;
    case kC:
    case kD:
      return;
    default:
      registers_[index] = value;
      return;
  }
}

void Mc146818::write_register_a(uint8_t value) {
  const bool was_reset = divider_reset();
  registers_[kA] = value & ~kUip;
  if (!was_reset || divider_reset()) return;
  // The first update comes half a second after the divider is let go.
  divider_origin_ = static_cast<int64_t>(clock_.now()) - static_cast<int64_t>(kSecond / 2);
  cycles_seen_ = kCyclesPerSecond / 2;
}

uint8_t Mc146818::encode(unsigned value) const {
  if ((registers_[kB] & kBinary) != 0) return static_cast<uint8_t>(value);
  return static_cast<uint8_t>(value / 10 % 10 << 4 | value % 10);
}

unsigned Mc146818::decode(uint8_t value) const {
  return (registers_[kB] & kBinary) != 0 ? value : (value >> 4) * 10 + (value & 15);
}

uint8_t Mc146818::encode_hours(unsigned hours) const {
  if ((registers_[kB] & k24Hours) != 0) return encode(hours);
  const unsigned twelve = hours % 12 == 0 ? 12 : hours % 12;
  return encode(twelve) | (hours >= 12 ? kPm : 0);
}

unsigned Mc146818::decode_hours(uint8_t value) const {
  if ((registers_[kB] & k24Hours) != 0) return decode(value);
  return decode(value & ~kPm) % 12 + ((value & kPm) != 0 ? 12 : 0);
}

// What the registers say. A guest may have written nonsense: any value gives some time.
Mc146818::Time Mc146818::time() const {
  const unsigned year = decode(registers_[kCentury]) * 100 + decode(registers_[kYear]);
  const unsigned month = std::clamp(decode(registers_[kMonth]), 1u, 12u);
  const unsigned seconds = decode_hours(registers_[kHours]) * 3600 + decode(registers_[kMinutes]) * 60 +
                           decode(registers_[kSeconds]);
  return {days_from_civil({year, month, decode(registers_[kDayOfMonth])}), seconds};
}

void Mc146818::set_time(const Time& time) {
  const CivilDate date = civil_from_days(time.days);
  registers_[kSeconds] = encode(time.second_of_day % 60);
  registers_[kMinutes] = encode(time.second_of_day / 60 % 60);
  registers_[kHours] = encode_hours(time.second_of_day / 3600);
  registers_[kDayOfMonth] = encode(date.day);
  registers_[kMonth] = encode(date.month);
  registers_[kYear] = encode(static_cast<unsigned>(date.year % 100));
  registers_[kCentury] = encode(static_cast<unsigned>(date.year / 100));
}

// True if one of the updates to the `seconds` seconds after `second_of_day` matches the alarm registers.
bool Mc146818::alarm_within(unsigned second_of_day, uint64_t seconds) const {
  const auto matches = [](uint8_t alarm, unsigned decoded, unsigned value) {
    return (alarm & 0xC0) == 0xC0 || decoded == value;  // 11xxxxxx: any
  };
  const uint8_t second = registers_[kSecondsAlarm];
  const uint8_t minute = registers_[kMinutesAlarm];
  const uint8_t hour = registers_[kHoursAlarm];
  const auto last = static_cast<unsigned>(std::min<uint64_t>(seconds, kSecondsPerDay));
  for (unsigned i = 1; i <= last; ++i) {
    const unsigned t = (second_of_day + i) % kSecondsPerDay;
    if (matches(second, decode(second), t % 60) && matches(minute, decode(minute), t / 60 % 60) &&
        matches(hour, decode_hours(hour), t / 3600)) {
      return true;
    }
  }
  return false;
}

void Mc146818::set_word(uint8_t index, uint64_t value) {
  const uint64_t word = std::min<uint64_t>(value, 0xFFFF);
  registers_[index] = static_cast<uint8_t>(word);
  registers_[index + 1] = static_cast<uint8_t>(word >> 8);
}

void Mc146818::set_memory_size(uint64_t below_4g, uint64_t above_4g) {
  constexpr uint64_t kKiB = 1024, kMiB = 1024 * kKiB;
  const uint64_t extended = below_4g > kMiB ? below_4g - kMiB : 0;
  const uint64_t above_16m = below_4g > 16 * kMiB ? below_4g - 16 * kMiB : 0;
  set_word(kBaseMemory, std::min<uint64_t>(below_4g / kKiB, 640));
  set_word(kExtendedMemory, extended / kKiB);
  set_word(kExtendedMemoryFound, extended / kKiB);
  set_word(kMemoryAbove16M, above_16m / (64 * kKiB));
  const uint64_t blocks = std::min<uint64_t>(above_4g / (64 * kKiB), 0xFFFFFF);
  set_word(kMemoryAbove4G, blocks & 0xFFFF);
  registers_[kMemoryAbove4G + 2] = static_cast<uint8_t>(blocks >> 16);
  set_sum();
}

void Mc146818::set_cmos(uint8_t index, uint8_t value) {
  registers_[index & 0x7F] = value;
  set_sum();
}

void Mc146818::set_equipment(uint8_t value) { set_cmos(kEquipment, value); }

// The AT's firmware keeps the sum of bytes 10h to 2Dh in 2Eh (high) and 2Fh (low).
void Mc146818::set_sum() {
  unsigned sum = 0;
  for (unsigned i = 0x10; i < kSum; ++i) sum += registers_[i];
  registers_[kSum] = static_cast<uint8_t>(sum >> 8);
  registers_[kSum + 1] = static_cast<uint8_t>(sum);
}

}  // namespace ringdown
