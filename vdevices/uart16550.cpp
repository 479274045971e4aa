#include "vdevices/uart16550.h"

namespace ringdown {
namespace {

enum Offset : uint16_t { kData, kIer, kIirFcr, kLcr, kMcr, kLsr, kMsr, kScr };

enum Ier : uint8_t { kErbfi = 0x01, kEtbei = 0x02, kElsi = 0x04, kEdssi = 0x08, kIerWritable = 0x0F };
enum InterruptId : uint8_t {
  kModemStatus = 0x00,
  kNoInterrupt = 0x01,
  kThrEmpty = 0x02,
  kDataAvailable = 0x04,
  kLineStatus = 0x06,
  kTimeout = 0x0C,
  kFifosEnabled = 0xC0,
};
enum Fcr : uint8_t { kFifoEnable = 0x01, kReceiverReset = 0x02, kFcrKept = 0xC9 };
enum Lcr : uint8_t { kWordLength = 0x03, kTwoStopBits = 0x04, kParityEnable = 0x08, kDlab = 0x80 };
enum Mcr : uint8_t {
  kDtr = 0x01,
  kRts = 0x02,
  kOut1 = 0x04,
  kOut2 = 0x08,
  kLoop = 0x10,
  kMcrWritable = 0x1F
};
enum Lsr : uint8_t { kDataReady = 0x01, kThre = 0x20, kTemt = 0x40, kErrorInFifo = 0x80 };
enum MsrDelta : uint8_t { kDeltaCts = 0x01, kDeltaDsr = 0x02, kRingTrailingEdge = 0x04, kDeltaDcd = 0x08 };

constexpr uint8_t kCharacterErrors =
    Uart16550::kParityError | Uart16550::kFramingError | Uart16550::kBreakInterrupt;
constexpr uint64_t kInputClock = 1843200;  // Hz: 16 of it are a bit at divisor 1

}  // namespace

Uart16550::Uart16550(const Clock& clock, Line& irq, Transmit transmit)
    : clock_(clock), irq_(irq), transmit_(std::move(transmit)) {}

bool Uart16550::dlab() const { return (lcr_ & kDlab) != 0; }
bool Uart16550::loopback() const { return (mcr_ & kLoop) != 0; }
bool Uart16550::fifo_enabled() const { return (fcr_ & kFifoEnable) != 0; }

size_t Uart16550::trigger_level() const {
  static constexpr size_t kLevels[4] = {1, 4, 8, 14};
  return fifo_enabled() ? kLevels[fcr_ >> 6] : 1;
}

// The FIFO's time-out: four character times without a character coming or being read.
Nanoseconds Uart16550::next_timeout() const {
  const bool waiting = fifo_enabled() && (ier_ & kErbfi) != 0 && !timeout_pending_ && !receiver_.empty() &&
                       receiver_.size() < trigger_level();
  if (!waiting) return kNever;
  const unsigned bits = 1 + 5 + (lcr_ & kWordLength) + ((lcr_ & kParityEnable) != 0 ? 1 : 0) +
                        ((lcr_ & kTwoStopBits) != 0 ? 2 : 1);
  const uint64_t divisor = divisor_ == 0 ? 65536 : divisor_;
  return last_activity_ + 4 * bits * divisor * 16 * 1'000'000'000 / kInputClock;
}

void Uart16550::advance() {
  if (next_event() > clock_.now()) return;
  timeout_pending_ = true;
  update_irq();
}

uint8_t Uart16550::interrupt_id() const {
  if ((ier_ & kElsi) != 0 && lsr_errors_ != 0) return kLineStatus;
  if ((ier_ & kErbfi) != 0 && receiver_.size() >= trigger_level()) return kDataAvailable;
  if ((ier_ & kErbfi) != 0 && timeout_pending_) return kTimeout;
  if ((ier_ & kEtbei) != 0 && thre_pending_) return kThrEmpty;
  if ((ier_ & kEdssi) != 0 && msr_delta_ != 0) return kModemStatus;
  return kNoInterrupt;
}

void Uart16550::update_irq() {
  set_next_event(next_timeout());
  irq_.set(interrupt_id() != kNoInterrupt);
}

uint32_t Uart16550::read_port(uint16_t offset, unsigned) {
  switch (offset) {
    case kData:
      return dlab() ? divisor_ & 0xFF : read_rbr();
    case kIer:
      return dlab() ? divisor_ >> 8 : ier_;
    case kIirFcr:
      return read_iir();
    case kLcr:
      return lcr_;
    case kMcr:
      return mcr_;
    case kLsr:
      return read_lsr();
    case kMsr:
      return read_msr();
    case kScr:
      return scr_;
    default:
      return 0xFF;
  }
}

void Uart16550::write_port(uint16_t offset, unsigned, uint32_t value) {
  const auto byte = static_cast<uint8_t>(value);
  switch (offset) {
    case kData:
      if (!dlab()) return write_thr(byte);
      divisor_ = static_cast<uint16_t>((divisor_ & 0xFF00) | byte);
      return update_irq();
    case kIer:
      if (!dlab()) return write_ier(byte);
      divisor_ = static_cast<uint16_t>((divisor_ & 0xFF) | byte << 8);
      return update_irq();
    case kIirFcr:
      return write_fcr(byte);
    case kLcr:
      lcr_ = byte;
      return update_irq();
    case kMcr:
      return write_mcr(byte);
    case kScr:
      scr_ = byte;
      return;
    default:
      return;  // LSR and MSR are read only
  }
}

size_t Uart16550::receive_room() const { return loopback() ? 0 : capacity() - receiver_.size(); }

void Uart16550::receive(std::span<const uint8_t> bytes) {
  if (loopback()) return;
  for (const uint8_t byte : bytes) push({byte, 0});
}

void Uart16550::receive_error(uint8_t byte, uint8_t errors) {
  if (!loopback()) push({byte, static_cast<uint8_t>(errors & kCharacterErrors)});
}

void Uart16550::push(Character character) {
  if (receiver_.size() == capacity()) {
    lsr_errors_ |= kOverrunError;
    // A full FIFO loses the new character; without FIFOs it takes the place of the unread one.
    if (!fifo_enabled()) receiver_[0] = character;
  } else {
    receiver_.push(character);
  }
  last_activity_ = clock_.now();
  reveal_errors();
  update_irq();
}

// LSR shows the errors of the character that is read next.
void Uart16550::reveal_errors() {
  if (receiver_.empty()) return;
  lsr_errors_ |= receiver_[0].errors;
  receiver_[0].errors = 0;
}

void Uart16550::clear_receiver() {
  receiver_.clear();
  timeout_pending_ = false;
}

uint8_t Uart16550::read_rbr() {
  if (receiver_.empty()) return 0;
  const uint8_t byte = receiver_.pop().byte;
  timeout_pending_ = false;
  last_activity_ = clock_.now();
  reveal_errors();
  update_irq();
  if (on_receive_room_) on_receive_room_();
  return byte;
}

uint8_t Uart16550::read_iir() {
  advance();
  const uint8_t id = interrupt_id();
  if (id == kThrEmpty) {
    thre_pending_ = false;
    update_irq();
  }
  return fifo_enabled() ? id | kFifosEnabled : id;
}

uint8_t Uart16550::read_lsr() {
  uint8_t value = lsr_errors_ | kThre | kTemt;
  if (!receiver_.empty()) value |= kDataReady;
  if (fifo_enabled()) {
    uint8_t errors = lsr_errors_ & kCharacterErrors;
    for (size_t i = 0; i < receiver_.size(); ++i) errors |= receiver_[i].errors;
    if (errors != 0) value |= kErrorInFifo;
  }
  lsr_errors_ = 0;
  update_irq();
  return value;
}

uint8_t Uart16550::read_msr() {
  const uint8_t value = modem_seen_ | msr_delta_;
  msr_delta_ = 0;
  update_irq();
  return value;
}

void Uart16550::write_thr(uint8_t value) {
  // The write ends one THRE interrupt, the emptied register starts the next: two edges of the line.
  thre_pending_ = false;
  update_irq();
  if (loopback()) {
    push({value, 0});
  } else if (transmit_) {
    transmit_(value);
  }
  thre_pending_ = true;
  update_irq();
}

void Uart16550::write_ier(uint8_t value) {
  const uint8_t enabled = value & kIerWritable & ~ier_;
  ier_ = value & kIerWritable;
  // Drivers start sending by enabling the interrupt while the transmitter is empty, which it always is.
  if ((enabled & kEtbei) != 0) thre_pending_ = true;
  update_irq();
}

void Uart16550::write_fcr(uint8_t value) {
  const bool toggled = ((value ^ fcr_) & kFifoEnable) != 0;
  // With bit 0 clear, no other bit is programmed.
  fcr_ = (value & kFifoEnable) != 0 ? value & kFcrKept : 0;
  const bool cleared = toggled || (fifo_enabled() && (value & kReceiverReset) != 0);
  if (cleared) clear_receiver();
  update_irq();
  if (cleared && on_receive_room_) on_receive_room_();
}

void Uart16550::write_mcr(uint8_t value) {
  const bool was_loopback = loopback();
  mcr_ = value & kMcrWritable;
  update_modem();
  if (was_loopback && !loopback() && on_receive_room_) on_receive_room_();
}

void Uart16550::set_modem_inputs(uint8_t inputs) {
  modem_inputs_ = inputs & (kCts | kDsr | kRi | kDcd);
  update_modem();
}

// In loopback mode the four modem inputs are the four modem control outputs.
void Uart16550::update_modem() {
  uint8_t inputs = modem_inputs_;
  if (loopback()) {
    inputs = static_cast<uint8_t>(((mcr_ & kRts) != 0 ? kCts : 0) | ((mcr_ & kDtr) != 0 ? kDsr : 0) |
                                  ((mcr_ & kOut1) != 0 ? kRi : 0) | ((mcr_ & kOut2) != 0 ? kDcd : 0));
  }
  const uint8_t changed = inputs ^ modem_seen_;
  if ((changed & kCts) != 0) msr_delta_ |= kDeltaCts;
  if ((changed & kDsr) != 0) msr_delta_ |= kDeltaDsr;
  if ((changed & ~inputs & kRi) != 0) msr_delta_ |= kRingTrailingEdge;
  if ((changed & kDcd) != 0) msr_delta_ |= kDeltaDcd;
  modem_seen_ = inputs;
  update_irq();
}

void Uart16550::reset() {
  ier_ = fcr_ = lcr_ = mcr_ = scr_ = msr_delta_ = lsr_errors_ = 0;
  divisor_ = 12;
  thre_pending_ = false;
  modem_seen_ = modem_inputs_;
  clear_receiver();
  update_irq();
}

}  // namespace ringdown
