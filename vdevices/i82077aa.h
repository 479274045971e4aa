#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>

#include "vdevices/block_medium.h"
#include "vdevices/fixed_queue.h"
#include "vdevices/isa_dma.h"
#include "vdevices/line.h"
#include "vdevices/port_device.h"

namespace ringdown {

// How a diskette is divided, known by its size.
struct FloppyFormat {
  uint8_t cylinders;
  uint8_t heads;
  uint8_t sectors;     // of a track, 512 bytes each
  uint8_t data_rate;   // as in CCR: 0 500, 1 300, 2 250, 3 1000 kbit/s; where 2 is right so is 1
  uint8_t drive_type;  // that takes it, as in the AT's CMOS RAM: 1 360 KB, 2 1.2 MB, 3 720 KB, 4 1.44 MB,
                       // 5 2.88 MB

  // The format with that many sectors on the whole diskette: 160 KB to 2.88 MB.
  static std::optional<FloppyFormat> of(uint64_t sectors);
  // Whether a drive of that type takes it: drives read what earlier ones of their width wrote.
  bool fits(uint8_t type) const;
};

// An 82077AA floppy disk controller in PC/AT mode with two drives (Intel 82077AA data sheet). Ports: +2 DOR,
// +3 TDR, +4 MSR (r) DSR (w), +5 FIFO; and, apart because a disk controller's port lies between, +7 DIR (r)
// CCR (w).
//
// Nothing takes time but the medium: a seek has ended when its command has been written, and the disk turns
// so that the sector that is sought comes next. Of what the FIFO's threshold changes nothing is to be seen.
class I82077aa : public IsaDmaDevice {
 public:
  // `irq` and `dma` are not owned.
  I82077aa(Line& irq, IsaDmaChannel& dma);
  I82077aa(const I82077aa&) = delete;
  I82077aa& operator=(const I82077aa&) = delete;

  static constexpr uint16_t kRegisterPorts = 6;

  PortDevice& registers() { return registers_; }            // kRegisterPorts ports, PC: 3F0h
  PortDevice& input_register() { return input_register_; }  // 1 port, PC: 3F7h

  // There is an empty drive 0 or 1, of that type (FloppyFormat::drive_type).
  void connect(unsigned drive, uint8_t type);
  // What a person does at such a drive: a diskette (not owned, in use until the next call) instead of that
  // before, or none. No request of the medium may be under way. insert(): false, and nothing changes, if the
  // drive does not take what has that size.
  bool insert(unsigned drive, BlockMedium& medium);
  void remove(unsigned drive);

  DmaRequest dma_request() const override;
  std::span<uint8_t> dma_data() override;
  void dma_moved(size_t bytes, bool terminal_count) override;

 private:
  static constexpr size_t kSector = BlockMedium::kSectorBytes;
  static constexpr size_t kTrackMax = 36 * kSector;
  enum class Phase : uint8_t { kCommand, kExecution, kResult };
  enum class Action : uint8_t { kRead, kWrite, kVerify, kFormat };
  enum class Moving : uint8_t { kNothing, kToHost, kFromHost };
  struct Drive {
    uint8_t type = 0;  // 0: there is no drive
    BlockMedium* medium = nullptr;
    FloppyFormat format{};
    uint8_t cylinder = 0;  // where the heads are
    bool changed = true;   // DSKCHG
  };
  struct Command;
  static const Command kCommands[];
  // What a command that reads or writes sectors looks for: an ID on the disk.
  struct SectorId {
    uint8_t cylinder = 0;
    uint8_t head = 0;
    uint8_t sector = 0;
    uint8_t size = 0;
  };
  template <uint8_t (I82077aa::*kRead)(uint16_t), void (I82077aa::*kWrite)(uint16_t, uint8_t)>
  class Ports : public PortDevice {
   public:
    explicit Ports(I82077aa& controller) : controller_(controller) {}
    uint32_t read_port(uint16_t offset, unsigned) override { return (controller_.*kRead)(offset); }
    void write_port(uint16_t offset, unsigned, uint32_t value) override {
      (controller_.*kWrite)(offset, static_cast<uint8_t>(value));
    }

   private:
    I82077aa& controller_;
  };

  uint8_t read_register(uint16_t offset);
  void write_register(uint16_t offset, uint8_t value);
  uint8_t read_dir(uint16_t);
  void write_ccr(uint16_t, uint8_t value);
  uint8_t read_msr() const;
  void write_dor(uint8_t value);
  void write_dsr(uint8_t value);
  uint8_t read_fifo();
  void write_fifo(uint8_t value);

  bool in_reset() const;
  bool deaf() const { return in_reset() || reset_meanwhile_; }
  bool non_dma() const;
  void enter_reset();
  void leave_reset();
  void raise_interrupt();
  void lower_interrupt();
  void update_irq();

  // ---- Commands: i82077aa_commands.cpp.
  const Command* command() const;
  void run_command();
  void specify();
  void sense_drive_status();
  void recalibrate();
  void sense_interrupt_status();
  void seek();
  void relative_seek();
  void version();
  void dumpreg();
  void configure();
  void perpendicular_mode();
  void lock();
  void read_id();
  void read_data();
  void read_track();
  void verify();
  void write_data();
  void format_track();

  void move_heads(Drive& drive, int cylinder);
  void end_seek(uint8_t st0);
  void begin(Action action);
  void begin_sectors(Action action, SectorId first);
  SectorId addressed() const;
  void next_sector();
  void sector_read(BlockResult result);
  void sector_written(BlockResult result);
  void write_track();
  void track_formatted(BlockResult result);
  void sector_done();
  bool advance_id();
  void begin_moving(Moving moving, size_t bytes);
  void moved(size_t bytes, bool terminal_count);
  void all_moved();
  void finish(uint8_t st0, uint8_t st1, uint8_t st2);
  void respond(std::initializer_list<uint8_t> bytes);
  void end_command();

  template <void (I82077aa::*kDone)(BlockResult)>
  BlockDone await();
  Drive& selected() { return drives_[command_bytes_[1] & 3]; }
  bool readable();
  bool sector_exists();
  bool may_write();
  uint64_t sector_number();

  Line& irq_;
  IsaDmaChannel& dma_;
  Ports<&I82077aa::read_register, &I82077aa::write_register> registers_{*this};
  Ports<&I82077aa::read_dir, &I82077aa::write_ccr> input_register_{*this};

  std::array<Drive, 4> drives_{};  // of which 2 and 3 are never present
  uint8_t dor_ = 0;
  uint8_t tdr_ = 0;
  uint8_t data_rate_ = 2;
  bool interrupt_ = false;

  Phase phase_ = Phase::kCommand;
  std::array<uint8_t, 9> command_bytes_{};
  size_t command_size_ = 0;  // bytes written so far
  FixedQueue<uint8_t, 16> result_;
  FixedQueue<uint8_t, 4> seek_status_;  // ST0 of what ended and SENSE INTERRUPT STATUS has not told

  // Of the command that is carried out.
  SectorId id_;
  Action action_ = Action::kRead;
  uint8_t head_ = 0;
  bool terminal_count_ = false;
  Moving moving_ = Moving::kNothing;
  size_t position_ = 0;
  size_t size_ = 0;
  std::array<uint8_t, kTrackMax> buffer_{};
  bool request_under_way_ = false;
  bool reset_meanwhile_ = false;  // and lasts until that ends, because the buffer is the medium's

  // SPECIFY, CONFIGURE, PERPENDICULAR MODE, LOCK.
  std::array<uint8_t, 2> specified_{};
  std::array<uint8_t, 2> configured_{};
  uint8_t perpendicular_ = 0;
  uint8_t last_eot_ = 0;
  bool locked_ = false;
};

}  // namespace ringdown
