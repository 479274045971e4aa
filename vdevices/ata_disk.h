#pragma once
#include <cstdint>
#include <optional>

#include "vdevices/ata_drive.h"
#include "vdevices/ata_identify.h"
#include "vdevices/block_medium.h"

namespace ringdown {

// An ATA hard disk (ATA/ATAPI-6, T13/1410D; what that retired but old systems use, as in ATA-3): the general,
// 48-bit address and power management feature sets.
//
// Its write cache is the medium's: a write is kept once a FLUSH CACHE has ended, or as it ends when SET
// FEATURES has turned the cache off. Nothing takes time but the medium.
class AtaDisk : public AtaDrive {
 public:
  // What CHS addresses mean: 16383 cylinders at most, as of a disk that has more than they reach.
  struct Geometry {
    uint16_t cylinders;
    uint8_t heads;    // 1 to 16
    uint8_t sectors;  // 1 to 63, counted from 1
  };

  // Of a disk of so many sectors: 16 heads of 63 sectors.
  static Geometry default_geometry(uint64_t sectors);

  // `medium`, of one sector or more, is not owned. Without a geometry it has the default one.
  AtaDisk(BlockMedium& medium, AtaIdentity identity, std::optional<Geometry> geometry = std::nullopt);

 private:
  enum class Addressing : uint8_t { kChs, kLba28, kLba48 };
  enum class Way : uint8_t { kPio, kDma, kVerify };
  // A command that reads or writes sectors, and what of it is left.
  struct Transfer {
    bool write = false;
    Way way = Way::kPio;
    Addressing addressing = Addressing::kLba28;
    size_t block = 0;  // sectors between interrupts
    uint64_t sector = 0;
    uint32_t left = 0;
    bool failed = false;  // behind what the buffer holds
  };

  struct TransferCommand;
  static const TransferCommand kTransferCommands[];

  void execute(uint8_t command) override;
  void data_moved(size_t bytes) override;
  void forget_command() override { transfer_ = {}; }

  // Commands, by their names in the standard.
  bool execute_transfer(uint8_t command);
  bool execute_power(uint8_t command);
  void identify_device();
  void initialize_device_parameters();
  void read_native_max_address(Addressing addressing);
  void seek();
  void set_features();
  void set_multiple_mode();

  void start(Transfer transfer);
  void read_chunk();
  void chunk_read(BlockResult result);
  void offer_chunk(size_t sectors);
  void take_chunk(FirstInterrupt first);
  void chunk_written(BlockResult result);
  void advance(size_t sectors);
  void next_read_chunk();
  void finish_write();
  void flushed(BlockResult result);
  void fail(uint8_t error);

  Addressing addressing28() const;
  uint64_t addressable(Addressing addressing) const;
  std::optional<uint64_t> addressed_sector(Addressing addressing);
  std::optional<uint64_t> chs_sector();
  uint32_t sector_count(Addressing addressing);
  void post_address(Addressing addressing, uint64_t sector);
  void post_chs(uint64_t sector);
  uint16_t current_cylinders() const;

  BlockMedium& medium_;
  const AtaIdentity identity_;
  const Geometry geometry_;
  Geometry current_;  // as INITIALIZE DEVICE PARAMETERS wants it; its cylinders are not used
  AtaTransferMode transfer_mode_;
  uint8_t multiple_ = 0;  // sectors of a block of READ MULTIPLE; 0: not allowed
  bool write_cache_ = true;
  bool look_ahead_ = true;
  bool standby_ = false;
  Transfer transfer_;
};

}  // namespace ringdown
