#pragma once
#include <array>
#include <cstdint>

#include "vdevices/ata_drive.h"
#include "vdevices/ata_identify.h"
#include "vdevices/atapi_reply.h"
#include "vdevices/block_medium.h"

namespace ringdown {

// An ATAPI CD-ROM drive (ATA/ATAPI-6 for the PACKET feature set; MMC-2 and SFF-8020i for the packets). A disc
// is one session of one data track. A medium larger than any CD calls itself a DVD.
//
// Every command of the guest that fails has left its reason for REQUEST SENSE, which takes it.
class AtapiCdrom : public AtaDrive {
 public:
  static constexpr size_t kBlockBytes = 2048;

  // `medium` (not owned) is the disc, null for none. Sectors behind the last whole block are not reached.
  AtapiCdrom(BlockMedium* medium, AtaIdentity identity);

  // What a person does at the drive: a disc (not owned) instead of that before, and the tray closes; none,
  // and the tray is open. No request of the medium may be under way. A command that is reading ends with an
  // error when it comes back to the disc.
  void insert(BlockMedium& medium);
  void remove();
  // The guest wants the disc kept (PREVENT ALLOW MEDIUM REMOVAL), until it is gone: remove() does not ask.
  bool locked() const { return locked_; }
  // The button of a locked drive: the guest hears of it, if it asks (GET EVENT STATUS NOTIFICATION).
  void request_eject() { media_event_ = MediaEvent::kEjectRequest; }
  // The guest opens and closes it, too (START STOP UNIT).
  bool tray_open() const { return tray_open_; }

 private:
  // Sense key, additional sense code and its qualifier.
  struct Sense {
    uint8_t key = 0;
    uint8_t code = 0;
    uint8_t qualifier = 0;
  };
  struct Packet;
  static const Packet kPackets[];
  enum class Moving : uint8_t { kPacket, kIdentity, kReply };
  enum class MediaEvent : uint8_t { kNone = 0, kEjectRequest = 1, kNew = 2, kRemoved = 3 };

  void execute(uint8_t command) override;
  void data_moved(size_t bytes) override;
  void announce_block(size_t bytes) override;
  void forget_command() override;

  // ATA commands.
  void packet();
  void identify_packet_device();
  void set_features();
  void abort_with_signature();

  // ---- Packets: atapi_packets.cpp.
  void run_packet();
  void test_unit_ready();
  void request_sense();
  void inquiry();
  void start_stop_unit();
  void prevent_allow_medium_removal();
  void read_capacity();
  void read_10();
  void read_12();
  void read_cd();
  void seek();
  void read_toc();
  void read_toc_tracks();
  void read_toc_sessions();
  void get_configuration();
  void get_event_status_notification();
  void read_disc_information();
  void mode_sense();
  void mechanism_status();
  void do_nothing();

  // ---- How packets end.
  void succeed();
  void check_condition(Sense sense);
  // As much as the packet has asked for.
  void reply(const AtapiReply& bytes, size_t allocation);
  void start_read(uint32_t block, uint32_t count);
  void read_chunk();
  void chunk_read(BlockResult result);
  void next_chunk();
  void begin_reply(size_t size);
  void end_packet(uint8_t error);

  bool ready() const { return medium_ != nullptr && !tray_open_; }
  Sense not_ready() const;
  uint32_t blocks() const {
    return ready() ? static_cast<uint32_t>(medium_->sectors() / kSectorsPerBlock) : 0;
  }
  bool is_dvd() const;
  uint16_t word(size_t at) const { return static_cast<uint16_t>(cdb_[at] << 8 | cdb_[at + 1]); }
  uint32_t dword(size_t at) const { return uint32_t{word(at)} << 16 | word(at + 2); }
  void put_address(AtapiReply& bytes, uint32_t block) const;

  static constexpr uint32_t kSectorsPerBlock = kBlockBytes / BlockMedium::kSectorBytes;

  BlockMedium* medium_;
  const AtaIdentity identity_;
  AtaTransferMode transfer_mode_;

  std::array<uint8_t, 12> cdb_{};
  Moving moving_ = Moving::kReply;  // in the data phase
  bool by_dma_ = false;
  uint16_t byte_limit_ = 0;  // of a DRQ block
  uint32_t next_block_ = 0;  // of a read
  uint32_t blocks_left_ = 0;
  bool read_failed_ = false;  // behind what the buffer holds

  Sense sense_;
  Sense unit_attention_;  // reported by the next packet that minds
  MediaEvent media_event_ = MediaEvent::kNone;
  bool tray_open_ = false;
  bool locked_ = false;
};

}  // namespace ringdown
