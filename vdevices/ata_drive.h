#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "vdevices/block_medium.h"
#include "vdevices/dma_request.h"

namespace ringdown {

// The command block's registers, as offsets. Some are one register for reading and another for writing.
enum AtaRegister : uint16_t {
  kAtaData,
  kAtaErrorFeatures,
  kAtaSectorCount,  // of a packet device: Interrupt Reason
  kAtaLbaLow,
  kAtaLbaMid,   // of a packet device: Byte Count
  kAtaLbaHigh,  // of a packet device: Byte Count
  kAtaDevice,
  kAtaStatusCommand,
};
enum AtaStatus : uint8_t { kAtaErr = 0x01, kAtaDrq = 0x08, kAtaDsc = 0x10, kAtaDrdy = 0x40, kAtaBsy = 0x80 };
enum AtaError : uint8_t { kAtaAbrt = 0x04, kAtaIdnf = 0x10, kAtaUnc = 0x40 };

// One drive on an ATA channel (ATA/ATAPI-6, T13/1410D): its registers, its reset, and the ways in which data
// passes between its buffer and the host. What the commands are is its subclasses'.
class AtaDrive {
 public:
  AtaDrive(const AtaDrive&) = delete;
  AtaDrive& operator=(const AtaDrive&) = delete;
  virtual ~AtaDrive() = default;

  // For the channel, which is told whenever interrupt() or dma_request() may have changed.
  void on_signal(std::function<void()> callback) { on_signal_ = std::move(callback); }

  // BSY or DRQ: registers and commands are not taken.
  bool busy() const { return (status_ & (kAtaBsy | kAtaDrq)) != 0; }
  uint8_t status() const { return status_; }
  // Of kAtaErrorFeatures to kAtaDevice. `previous` (HOB): what was in it before it was last written.
  uint8_t read_register(uint16_t index, bool previous) const;
  void write_register(uint16_t index, uint8_t value);
  void write_command(uint8_t command);

  // INTRQ, but for nIEN and selection.
  bool interrupt() const { return interrupt_; }
  void acknowledge_interrupt() { interrupt_ = false; }

  void set_software_reset(bool asserted);
  // EXECUTE DEVICE DIAGNOSTIC, which both drives execute.
  void diagnose();
  void raise_interrupt();

  // The Data register.
  uint16_t read_data();
  void write_data(uint16_t value);

  // DMARQ, and what can be moved now: it is the bus master that moves it and then says how much it was.
  DmaRequest dma_request() const;
  std::span<uint8_t> dma_data();
  void dma_moved(size_t bytes);

 protected:
  static constexpr size_t kBufferBytes = 128 * 1024;
  enum class Phase : uint8_t { kNone, kPioIn, kPioOut, kDmaIn, kDmaOut };
  enum class FirstInterrupt : uint8_t { kYes, kNo };
  // A register and what it held before: two writes give a 48-bit command its sixteen bits.
  struct Register {
    uint8_t now = 0;
    uint8_t previous = 0;
  };

  explicit AtaDrive(bool packet) : packet_(packet) {}

  // ---- The subclass's.
  // BSY is set, the error register is 0. Ends, at once or later, with complete(), fail() or a data phase.
  virtual void execute(uint8_t command) = 0;
  // All of a data phase's `bytes` have moved; BSY is set.
  virtual void data_moved(size_t bytes) = 0;
  // A DRQ block of that many bytes is about to be announced.
  virtual void announce_block(size_t /*bytes*/) {}
  // The subclass's part of a reset, of the hardware or by SRST.
  virtual void forget_command() = 0;

  // ---- For the subclass.
  // `size` bytes of the buffer, 1 to kBufferBytes, pass to or from the host, by PIO in DRQ blocks of `block`.
  // Each block interrupts, the first of a phase only if wished.
  void begin_data(Phase phase, size_t size, size_t block, FirstInterrupt first = FirstInterrupt::kYes);
  // Ends a command. `error` 0 is success.
  void complete(uint8_t error = 0);
  // As complete() but for the interrupt, which the last block of PIO data-in does not raise.
  void complete_silently();
  void set_error_bits(uint8_t error);
  // Posts what tells an ATA device from a packet device.
  void set_signature();

  // Requests of the medium that end in `done`, unless a reset came in between.
  using Continuation = void (AtaDrive::*)(BlockResult);
  template <class Drive>
  void read_medium(BlockMedium& medium, uint64_t sector, size_t bytes, void (Drive::*done)(BlockResult)) {
    medium.read(sector, std::span(buffer_).first(bytes), await(static_cast<Continuation>(done)));
  }
  template <class Drive>
  void write_medium(BlockMedium& medium, uint64_t sector, size_t bytes, void (Drive::*done)(BlockResult)) {
    medium.write(sector, std::span(buffer_).first(bytes), await(static_cast<Continuation>(done)));
  }
  template <class Drive>
  void flush_medium(BlockMedium& medium, void (Drive::*done)(BlockResult)) {
    medium.flush(await(static_cast<Continuation>(done)));
  }
  bool request_under_way() const { return continuation_ != nullptr; }

  uint8_t features() const { return registers_[kAtaErrorFeatures].now; }
  uint8_t device() const { return registers_[kAtaDevice].now; }
  Register& reg(AtaRegister index) { return registers_[index]; }

  std::vector<uint8_t> buffer_ = std::vector<uint8_t>(kBufferBytes);

 private:
  BlockDone await(Continuation done);
  void request_ended(BlockResult result);
  void begin_block(bool interrupt);
  void end_block();
  void stop();
  void reset();
  void signal();

  const bool packet_;
  std::function<void()> on_signal_;
  std::array<Register, 7> registers_{};  // Features at kAtaErrorFeatures
  uint8_t error_ = 0x01;                 // diagnostic passed
  uint8_t status_ = 0;
  bool interrupt_ = false;
  bool software_reset_ = false;

  Phase phase_ = Phase::kNone;
  size_t position_ = 0;
  size_t block_end_ = 0;
  size_t size_ = 0;
  size_t block_ = 0;

  Continuation continuation_ = nullptr;  // of the request under way
  bool reset_waits_ = false;             // for its end: the buffer is not ours until then
};

}  // namespace ringdown
