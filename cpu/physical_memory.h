#pragma once
#include <cstdint>
#include <cstring>
#include <span>
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

// Guest-physical address space: RAM from 0 to ram_size(), with the hole of the legacy video memory, which
// reads all ones and swallows writes, as does everything above RAM. RAM is the caller's.
class PhysicalMemory {
 public:
  explicit PhysicalMemory(std::span<uint8_t> ram) : ram_(ram), holds_code_(ram.size() >> kPageShift) {}

  uint64_t ram_size() const { return ram_.size(); }
  uint8_t* ram() { return ram_.data(); }
  const uint8_t* ram() const { return ram_.data(); }

  // Does this whole page read and write as RAM?
  bool is_ram_page(uint64_t frame) const {
    return frame < holds_code_.size() && !(frame >= kVideoFirstFrame && frame < kVideoEndFrame);
  }

  template <class T>
  T read(uint64_t physical) const {
    T value;
    if (within_ram(physical, sizeof(T)))
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
    if (within_ram(physical, length))
      std::memcpy(to, ram_.data() + physical, length);
    else
      read_slowly(physical, to, length);
  }
  void write_bytes(uint64_t physical, const void* from, unsigned length) {
    if (!within_ram(physical, length)) return write_slowly(physical, from, length);
    if (holds_code(physical) || holds_code(physical + length - 1)) observer_->on_code_write(physical, length);
    std::memcpy(ram_.data() + physical, from, length);
  }

  bool holds_code(uint64_t physical) const { return holds_code_[physical >> kPageShift]; }
  void set_holds_code(uint64_t frame, bool holds) {
    holds_code_[frame] = holds;
    code_changes_++;
  }
  // How often that has been called.
  uint64_t code_changes() const { return code_changes_; }
  void set_observer(CodeWriteObserver* observer) { observer_ = observer; }

 private:
  static constexpr uint64_t kVideoFirstFrame = 0xA0000 >> kPageShift, kVideoEndFrame = 0xC0000 >> kPageShift;

  bool within_ram(uint64_t physical, unsigned length) const {
    return physical + length <= ram_.size() && physical + length >= physical &&
           (physical + length <= kVideoFirstFrame << kPageShift || physical >= kVideoEndFrame << kPageShift);
  }
  void read_slowly(uint64_t physical, void* to, unsigned length) const;
  void write_slowly(uint64_t physical, const void* from, unsigned length);

  std::span<uint8_t> ram_;
  std::vector<uint8_t> holds_code_;  // by frame
  uint64_t code_changes_ = 0;
  CodeWriteObserver* observer_ = nullptr;
};

}  // namespace ringdown
