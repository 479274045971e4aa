#include "vdevices/local_apic.h"

#include <algorithm>
#include <bit>

namespace ringdown {
namespace {

using namespace apic_field;

// Register offsets (SDM vol. 3, table 10-1), in units of 16 bytes.
enum Register : unsigned {
  kId = 0x02,
  kVersion = 0x03,
  kTaskPriority = 0x08,
  kArbitrationPriority = 0x09,
  kProcessorPriority = 0x0A,
  kEndOfInterrupt = 0x0B,
  kLogicalDestination = 0x0D,
  kDestinationFormat = 0x0E,
  kSpuriousVector = 0x0F,
  kInService = 0x10,    // 8 of them
  kTriggerMode = 0x18,  // 8
  kRequests = 0x20,     // 8
  kErrorStatus = 0x28,
  kCommandLow = 0x30,
  kCommandHigh = 0x31,
  kFirstLvt = 0x32,
  kLastLvt = 0x37,
  kInitialCount = 0x38,
  kCurrentCount = 0x39,
  kDivide = 0x3E,
};

constexpr uint32_t kVersionValue = 0x14 | 5 << 16 /* last entry of the local vector table */;
constexpr uint32_t kSoftwareEnable = 1 << 8, kSpuriousWritable = 0x3FF;
constexpr uint32_t kPeriodic = 1 << 17;
constexpr uint32_t kIdBits = 0xFF000000;
constexpr unsigned kIdShift = 24;

constexpr uint32_t kPinWritable = kVector | kDelivery | kPolarity | kLevel | kMasked;
constexpr uint32_t kLvtWritable[] = {kVector | kMasked | kPeriodic,
                                     kVector | kDelivery | kMasked,
                                     kVector | kDelivery | kMasked,
                                     kPinWritable,
                                     kPinWritable,
                                     kVector | kMasked};

// Interrupt command register.
constexpr uint32_t kCommandWritable = 0x000CCFFF;
enum Shorthand : unsigned { kNoShorthand, kSelf, kAllIncludingSelf, kAllExcludingSelf };

// Error status register.
constexpr uint32_t kSendIllegalVector = 1 << 5, kReceivedIllegalVector = 1 << 6, kIllegalRegister = 1 << 7;
constexpr uint8_t kFirstLegalVector = 16;

constexpr uint8_t priority_class(int vector) { return static_cast<uint8_t>(vector & 0xF0); }

}  // namespace

int LocalApic::VectorSet::highest() const {
  for (int n = 7; n >= 0; n--) {
    if (words_[n] != 0) return n * 32 + 31 - std::countl_zero(words_[n]);
  }
  return -1;
}

LocalApic::LocalApic(const Clock& clock, Nanoseconds timer_period, Outputs outputs)
    : clock_(clock), timer_period_(timer_period), outputs_(std::move(outputs)), intr_(outputs_.intr) {
  power_on();
}

// LINT0 passes the 8259A's interrupts on, although a disabled APIC would mask it: what knows nothing of APICs
// finds a PC without one. (SDM vol. 3, 10.4.7.1, has it masked; QEMU does as is done here.)
void LocalApic::power_on() {
  id_ = task_priority_ = logical_id_ = 0;
  destination_format_ = ~0u;
  spurious_ = 0xFF;
  in_service_ = trigger_mode_ = requests_ = {};
  errors_ = new_errors_ = command_low_ = command_high_ = 0;
  lvt_.fill(kMasked);
  lvt_[kLint0] = static_cast<uint32_t>(ApicDelivery::kExternal) << 8;
  external_message_ = false;
  initial_count_ = divide_ = 0;
  divider_ = 2;
  expiry_ = kNever;
  arm_timer();
}

void LocalApic::set_enabled(bool enabled) {
  if (enabled == enabled_) return;
  enabled_ = enabled;
  power_on();
  update();
}

bool LocalApic::software_enabled() const { return spurious_ & kSoftwareEnable; }

// ---- Registers --------------------------------------------------------------------------------------------

uint32_t LocalApic::read_memory(uint32_t offset, unsigned size) {
  settle_timer();
  const uint32_t value = offset % 16 < 4 ? read_register(offset / 16) : 0;
  return value >> 8 * (offset % 4) & (~0u >> (32 - 8 * size));
}

void LocalApic::write_memory(uint32_t offset, unsigned size, uint32_t value) {
  if (size != 4 || offset % 16 != 0) return;
  settle_timer();
  write_register(offset / 16, value);
  update();
}

uint32_t LocalApic::read_register(unsigned index) {
  if (index >= kInService && index < kTriggerMode) return in_service_.word(index - kInService);
  if (index >= kTriggerMode && index < kRequests) return trigger_mode_.word(index - kTriggerMode);
  if (index >= kRequests && index < kErrorStatus) return requests_.word(index - kRequests);
  if (index >= kFirstLvt && index <= kLastLvt) return lvt_[index - kFirstLvt];
  switch (index) {
    case kId:
      return id_;
    case kVersion:
      return kVersionValue;
    case kTaskPriority:
      return task_priority_;
    case kArbitrationPriority:
      return arbitration_priority();
    case kProcessorPriority:
      return processor_priority();
    case kLogicalDestination:
      return logical_id_;
    case kDestinationFormat:
      return destination_format_;
    case kSpuriousVector:
      return spurious_;
    case kErrorStatus:
      return errors_;
    case kCommandLow:
      return command_low_;
    case kCommandHigh:
      return command_high_;
    case kInitialCount:
      return initial_count_;
    case kCurrentCount:
      return timer_count();
    case kDivide:
      return divide_;
    case kEndOfInterrupt:
      return 0;
  }
  note_error(kIllegalRegister);
  update();
  return 0;
}

void LocalApic::write_register(unsigned index, uint32_t value) {
  if (index >= kFirstLvt && index <= kLastLvt) return write_lvt(static_cast<Lvt>(index - kFirstLvt), value);
  switch (index) {
    case kId:
      id_ = value & kIdBits;
      return;
    case kTaskPriority:
      task_priority_ = value & 0xFF;
      return;
    case kEndOfInterrupt:
      return end_of_interrupt();
    case kLogicalDestination:
      logical_id_ = value & kIdBits;
      return;
    case kDestinationFormat:
      destination_format_ = value | 0x0FFFFFFF;
      return;
    case kSpuriousVector:
      return write_spurious(value);
    case kErrorStatus:
      errors_ = new_errors_;
      new_errors_ = 0;
      return;
    case kCommandLow:
      return write_command(value);
    case kCommandHigh:
      command_high_ = value & kIdBits;
      return;
    case kInitialCount:
      return start_timer(value);
    case kDivide:
      return write_divide(value);
    case kVersion:
    case kArbitrationPriority:
    case kProcessorPriority:
    case kCurrentCount:
      return;
  }
  const bool read_only = index >= kInService && index < kErrorStatus;
  if (!read_only) note_error(kIllegalRegister);
}

// Disabling it masks the local vector table (SDM vol. 3, 10.4.7.2).
void LocalApic::write_spurious(uint32_t value) {
  spurious_ = value & kSpuriousWritable;
  if (software_enabled()) return;
  for (uint32_t& entry : lvt_) entry |= kMasked;
  arm_timer();
}

void LocalApic::write_lvt(Lvt entry, uint32_t value) {
  const uint32_t remote_irr = lvt_[entry] & kRemoteIrr;
  lvt_[entry] = value & kLvtWritable[entry];
  if (lvt_[entry] & kLevel) lvt_[entry] |= remote_irr;
  if (!software_enabled()) lvt_[entry] |= kMasked;
  if (entry == kTimer) arm_timer();
  if (entry == kLint0 || entry == kLint1) drive_lint(entry);
}

void LocalApic::write_command(uint32_t value) {
  command_low_ = value & kCommandWritable;
  ApicMessage message{.destination = static_cast<uint8_t>(command_high_ >> kIdShift),
                      .logical = (value & kLogical) != 0,
                      .delivery = delivery(value),
                      .level = false,
                      .vector = vector(value)};
  if (message.delivery == ApicDelivery::kFixed && message.vector < kFirstLegalVector)
    return note_error(kSendIllegalVector);
  const unsigned shorthand = value >> 18 & 3;
  if (shorthand == kAllExcludingSelf) return;
  if (shorthand != kNoShorthand) {
    message.logical = false;
    message.destination = 0xFF;
  }
  deliver(message);
}

// Accumulated until the next write to ESR, which shows it.
void LocalApic::note_error(uint32_t bit) {
  const bool news = !(new_errors_ & bit);
  new_errors_ |= bit;
  // An illegal vector in the error's own entry must not raise it for ever.
  if (news) fire(kError);
}

// ---- Messages ---------------------------------------------------------------------------------------------

// SDM vol. 3, 10.6.2.
bool LocalApic::is_destination(const ApicMessage& message) const {
  constexpr uint8_t kAll = 0xFF;
  const uint8_t wanted = message.destination;
  if (wanted == kAll) return true;
  if (!message.logical) return wanted == id_ >> kIdShift;
  const auto own = static_cast<uint8_t>(logical_id_ >> kIdShift);
  const bool flat = destination_format_ >> 28 == 0xF;
  if (flat) return wanted & own;
  const bool in_cluster = wanted >> 4 == 0xF || wanted >> 4 == own >> 4;
  return in_cluster && (wanted & own & 0xF);
}

bool LocalApic::deliver(const ApicMessage& message) {
  if (!enabled_ || !is_destination(message)) return false;
  switch (message.delivery) {
    case ApicDelivery::kFixed:
    case ApicDelivery::kLowestPriority: {
      const bool accepted = accept(message.vector, message.level);
      update();
      return accepted;
    }
    case ApicDelivery::kNmi:
      outputs_.nmi();
      return true;
    case ApicDelivery::kExternal:
      external_message_ = true;
      update();
      return true;
    case ApicDelivery::kSmi:
    case ApicDelivery::kInit:
    case ApicDelivery::kStartUp:
      return true;
  }
  return false;  // reserved encodings
}

bool LocalApic::accept(uint8_t vector, bool level) {
  if (!software_enabled()) return false;
  if (vector < kFirstLegalVector) {
    note_error(kReceivedIllegalVector);
    return false;
  }
  requests_.set(vector);
  trigger_mode_.set(vector, level);
  return true;
}

// An event of a local source that is not masked.
void LocalApic::fire(Lvt entry) {
  const uint32_t lvt = lvt_[entry];
  if (lvt & kMasked) return;
  const bool has_mode = kLvtWritable[entry] & kDelivery;
  switch (has_mode ? delivery(lvt) : ApicDelivery::kFixed) {
    case ApicDelivery::kFixed:
      accept(vector(lvt), false);
      return;
    case ApicDelivery::kNmi:
      outputs_.nmi();
      return;
    case ApicDelivery::kExternal:  // by the level of its pin
    case ApicDelivery::kLowestPriority:
    case ApicDelivery::kSmi:
    case ApicDelivery::kInit:
    case ApicDelivery::kStartUp:
      return;
  }
}

// ---- The pins ---------------------------------------------------------------------------------------------

void LocalApic::set_lint(unsigned pin, bool level) {
  if (lint_[pin] == level) return;
  lint_[pin] = level;
  const Lvt entry = pin == 0 ? kLint0 : kLint1;
  if (!enabled_) {
    if (pin == 1 && level) outputs_.nmi();
  } else if (lvt_[entry] & kLevel) {
    drive_lint(entry);
  } else if (level) {
    fire(entry);
  }
  update();
}

// A level-triggered pin that is high interrupts once, and again after its EOI.
void LocalApic::drive_lint(Lvt entry) {
  uint32_t& lvt = lvt_[entry];
  const bool fixed = delivery(lvt) == ApicDelivery::kFixed;
  if (!lint_[entry - kLint0] || !fixed || (lvt & (kMasked | kRemoteIrr)) || !(lvt & kLevel)) return;
  if (accept(vector(lvt), true)) lvt |= kRemoteIrr;
}

bool LocalApic::passes_external() const {
  if (!enabled_) return lint_[0];
  if (external_message_) return true;
  const auto passes = [this](Lvt entry) {
    return lint_[entry - kLint0] && !(lvt_[entry] & kMasked) &&
           delivery(lvt_[entry]) == ApicDelivery::kExternal;
  };
  return passes(kLint0) || passes(kLint1);
}

// ---- Priorities (SDM vol. 3, 10.8.3) ----------------------------------------------------------------------

uint8_t LocalApic::processor_priority() const {
  const int serviced = in_service_.highest();
  const auto task = static_cast<uint8_t>(task_priority_);
  if (serviced < 0 || priority_class(task) >= priority_class(serviced)) return task;
  return priority_class(serviced);
}

// What it would arbitrate with for a message of lowest priority.
uint8_t LocalApic::arbitration_priority() const {
  const uint8_t requested = priority_class(std::max(requests_.highest(), 0));
  const uint8_t serviced = priority_class(std::max(in_service_.highest(), 0));
  const auto task = static_cast<uint8_t>(task_priority_);
  if (priority_class(task) >= requested && priority_class(task) > serviced) return task;
  return std::max({priority_class(task), requested, serviced});
}

// The vector that would interrupt the processor now; -1: none.
int LocalApic::deliverable() const {
  if (!enabled_ || !software_enabled()) return -1;
  const int highest = requests_.highest();
  return highest >= 0 && priority_class(highest) > priority_class(processor_priority()) ? highest : -1;
}

void LocalApic::update() { intr_.set(passes_external() || deliverable() >= 0); }

uint8_t LocalApic::acknowledge() {
  const int found = deliverable();
  if (found >= 0) {
    const auto vector = static_cast<uint8_t>(found);
    requests_.set(vector, false);
    in_service_.set(vector);
    update();
    return vector;
  }
  if (!passes_external()) return vector(spurious_);
  external_message_ = false;
  const uint8_t external = outputs_.acknowledge_external();
  update();
  return external;
}

void LocalApic::end_of_interrupt() {
  const int found = in_service_.highest();
  if (found < 0) return;
  const auto ended = static_cast<uint8_t>(found);
  in_service_.set(ended, false);
  if (!trigger_mode_.has(ended)) return;
  for (const Lvt entry : {kLint0, kLint1}) {
    if (vector(lvt_[entry]) != ended) continue;
    lvt_[entry] &= ~kRemoteIrr;
    drive_lint(entry);
  }
  outputs_.end_of_interrupt(ended);
}

// ---- The timer (SDM vol. 3, 10.5.4) -----------------------------------------------------------------------

bool LocalApic::periodic() const { return lvt_[kTimer] & kPeriodic; }

uint32_t LocalApic::timer_count() const {
  if (expiry_ == kNever) return 0;
  const Nanoseconds left = expiry_ - std::min(clock_.now(), expiry_);
  return static_cast<uint32_t>((left + timer_step() - 1) / timer_step());
}

void LocalApic::start_timer(uint32_t count) {
  initial_count_ = count;
  expiry_ = count == 0 ? kNever : clock_.now() + count * timer_step();
  arm_timer();
}

// What has happened up to now. Of a period's ends that were missed all but one are lost, as they are in IRR.
void LocalApic::settle_timer() {
  const Nanoseconds now = clock_.now();
  if (now < expiry_) return;
  const Nanoseconds period = initial_count_ * timer_step();
  expiry_ = periodic() ? expiry_ + ((now - expiry_) / period + 1) * period : kNever;
  arm_timer();
  fire(kTimer);
  update();
}

// A timer that is masked needs nobody to wake up for it.
void LocalApic::arm_timer() { set_next_event(lvt_[kTimer] & kMasked ? kNever : expiry_); }

// The count goes on from where it is.
void LocalApic::write_divide(uint32_t value) {
  const uint32_t count = timer_count();
  divide_ = value & 0xB;
  const unsigned code = (divide_ & 3) | (divide_ >> 1 & 4);
  divider_ = code == 7 ? 1 : 2u << code;
  if (expiry_ != kNever) expiry_ = clock_.now() + count * timer_step();
  arm_timer();
}

}  // namespace ringdown
