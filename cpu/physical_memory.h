#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace ringdown {

constexpr uint32_t kPageSize = 4096;
constexpr uint32_t kPageShift = 12;
constexpr uint32_t kPageMask = kPageSize - 1;

// Told of every write by the monitor (interpreter, DMA) to a page that holds translated code.
// Writes by translated code are caught by the host's page protection instead.
class CodeWriteObserver {
 public:
  virtual ~CodeWriteObserver() = default;
  virtual void on_code_write(uint64_t physical, unsigned length) = 0;
};

// What answers at physical addresses below 4 GiB where there is neither RAM nor ROM.
class DeviceMemoryBus {
 public:
  virtual ~DeviceMemoryBus() = default;
  // `size` is 1, 2 or 4, and `physical` a multiple of it.
  virtual uint32_t read_device(uint32_t physical, unsigned size) = 0;
  virtual void write_device(uint32_t physical, unsigned size, uint32_t value) = 0;
};

// Physical addresses that are storage of a device's, such as a frame buffer: `pages` pages from frame `frame`
// on are those of that storage from `page` on.
struct DeviceAperture {
  uint64_t frame, pages, page;
};

// Where accesses to a segment of upper memory, C0000h-FFFFFh, go (82441FX data sheet: PAM0 to PAM6).
struct UpperMemoryAccess {
  bool reads_ram, writes_ram;
  bool operator==(const UpperMemoryAccess&) const = default;
};

// Guest-physical address space: RAM from 0 to ram_size(), with the hole of the legacy video memory; and ROM,
// which ends at 4 GiB. The last 128 KiB of ROM are seen in upper memory, too, wherever reads of that do not
// go to RAM (all do at first). What is neither may be storage of a device's, which lies behind RAM in the
// file that backs both, or the device bus's. What is nothing at all reads all ones and swallows writes. All
// of it is the caller's.
class PhysicalMemory {
 public:
  static constexpr uint64_t kUpperStart = 0xC0000, kUpperEnd = 0x100000;
  static constexpr unsigned kUpperSegmentShift = 14;
  static constexpr unsigned kUpperSegments = (kUpperEnd - kUpperStart) >> kUpperSegmentShift;

  static constexpr uint64_t kNoStorage = ~uint64_t{0};

  // `device_bytes` of devices' storage follow `ram`.
  explicit PhysicalMemory(std::span<uint8_t> ram, uint64_t device_bytes = 0)
      : ram_(ram), holds_code_(ram.size() >> kPageShift), device_page_watched_(device_bytes >> kPageShift) {}

  uint64_t ram_size() const { return ram_.size(); }
  uint8_t* ram() { return ram_.data(); }
  const uint8_t* ram() const { return ram_.data(); }

  void set_rom(std::span<const uint8_t> rom) { rom_ = rom; }
  // As where no chipset has PAM, and firmware finds itself in RAM. All of upper memory is, and nothing is
  // mapped or translated yet.
  void copy_rom_to_upper_memory();
  // From now on. Pages that are mapped somewhere by what is_ram_page() said, and what was translated from
  // them, are the caller's to forget. False: it is so already.
  bool set_upper_memory(unsigned segment, UpperMemoryAccess access);

  // The A20 gate: while it is closed bit 20 of the processor's addresses is 0. The same holds as for
  // set_upper_memory().
  bool set_a20(bool open);

  // Does this whole page read and write as RAM?
  bool is_ram_page(uint64_t frame) const { return is_ram_of_bus(frame) && !is_masked(frame << kPageShift); }
  // The same for a bus master, which is not behind the A20 gate.
  bool is_ram_of_bus(uint64_t frame) const {
    return frame < holds_code_.size() && (frame >= kUpperEnd >> kPageShift || is_low_ram_page(frame));
  }

  void set_device_bus(DeviceMemoryBus* bus) { devices_ = bus; }
  // Instead of those before. Pages that are mapped somewhere by what storage_page() said are the caller's to
  // forget. RAM and ROM go first where they overlap. All pages count as written.
  void set_apertures(std::span<const DeviceAperture> apertures);
  // The page that this frame reads and writes as memory does, counted from the start of RAM; kNoStorage if
  // there is none.
  uint64_t storage_page(uint64_t frame) const { return is_ram_page(frame) ? frame : device_page(frame); }

  // In ROM, not looking at whether upper memory goes there.
  bool is_rom(uint64_t physical, unsigned length) const;

  // The guest is about to write to a page that has storage, itself. True: code was translated from it, and
  // the observer must be told first.
  bool announce_write(uint64_t frame);
  // To be mapped read-only, so that writes are announced: holds code, or is a device's and watched.
  bool is_watched(uint64_t frame) const;
  // Has this page of devices' storage been written since it was asked the last time? It is watched from now
  // on: mappings of its frames are the caller's to protect.
  bool take_device_page_written(uint64_t page) {
    watch_changes_++;
    return !std::exchange(device_page_watched_[page], true);
  }
  std::span<const DeviceAperture> apertures() const { return apertures_; }

  template <class T>
  T read(uint64_t physical) const {
    T value;
    if (within_ram(physical, sizeof(T), upper_reads_))
      std::memcpy(&value, ram_.data() + physical, sizeof(T));
    else
      read_slowly(physical, &value, sizeof(T));
    return value;
  }
  template <class T>
  void write(uint64_t physical, T value) {
    write_bytes(physical, &value, sizeof(T));
  }
  void read_bytes(uint64_t physical, void* to, unsigned length) const {
    if (within_ram(physical, length, upper_reads_))
      std::memcpy(to, ram_.data() + physical, length);
    else
      read_slowly(physical, to, length);
  }
  void write_bytes(uint64_t physical, const void* from, unsigned length) {
    if (!within_ram(physical, length, upper_writes_)) return write_slowly(physical, from, length);
    write_ram(physical, from, length);
  }
  // To RAM, as a bus master; in two pages at most.
  void write_ram(uint64_t physical, const void* from, unsigned length) {
    if (holds_code(physical) || holds_code(physical + length - 1)) observer_->on_code_write(physical, length);
    std::memcpy(ram_.data() + physical, from, length);
  }

  bool holds_code(uint64_t physical) const { return holds_code_[physical >> kPageShift]; }
  void set_holds_code(uint64_t frame, bool holds) {
    holds_code_[frame] = holds;
    watch_changes_++;
  }
  // How often there may have come to be pages that are watched.
  uint64_t watch_changes() const { return watch_changes_; }
  void set_observer(CodeWriteObserver* observer) { observer_ = observer; }

 private:
  static constexpr uint64_t kVideoStart = 0xA0000;
  static constexpr uint32_t kAllUpper = (1u << kUpperSegments) - 1;

  // `upper`: the segments of upper memory that are RAM, a bit each.
  bool within_ram(uint64_t physical, unsigned length, uint32_t upper) const {
    const uint64_t end = physical + length;
    if (end > ram_.size() || end < physical || is_masked(physical | (end - 1))) return false;
    return physical >= kUpperEnd || end <= kVideoStart ||
           (physical >= kUpperStart && within_upper_ram(physical, end, upper));
  }
  static bool within_upper_ram(uint64_t physical, uint64_t end, uint32_t upper) {
    const uint64_t first = (physical - kUpperStart) >> kUpperSegmentShift;
    const uint64_t last = (std::min(end, kUpperEnd) - 1 - kUpperStart) >> kUpperSegmentShift;
    const uint32_t touched = (2u << last) - (1u << first);
    return (upper & touched) == touched;
  }
  bool is_low_ram_page(uint64_t frame) const {
    const uint64_t physical = frame << kPageShift;
    return physical < kVideoStart ||
           (physical >= kUpperStart &&
            within_upper_ram(physical, physical + kPageSize, upper_reads_ & upper_writes_));
  }
  bool is_masked(uint64_t physical) const { return (physical & masked_) != 0; }
  uint64_t device_page(uint64_t frame) const;
  void read_piece(uint64_t physical, void* to, unsigned size) const;
  void write_piece(uint64_t physical, const void* from, unsigned size);
  void read_slowly(uint64_t physical, void* to, unsigned length) const;
  void write_slowly(uint64_t physical, const void* from, unsigned length);

  std::span<uint8_t> ram_;
  std::span<const uint8_t> rom_;
  uint32_t upper_reads_ = kAllUpper, upper_writes_ = kAllUpper;  // bit n: segment n is RAM
  uint64_t masked_ = 0;              // address bits that read as 0: A20 while its gate is closed
  std::vector<uint8_t> holds_code_;  // by frame
  uint64_t watch_changes_ = 0;
  CodeWriteObserver* observer_ = nullptr;
  DeviceMemoryBus* devices_ = nullptr;
  std::vector<DeviceAperture> apertures_;
  std::vector<uint8_t> device_page_watched_;
};

}  // namespace ringdown
