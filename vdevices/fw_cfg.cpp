#include "vdevices/fw_cfg.h"

#include <cstdlib>

namespace ringdown {
namespace {

constexpr uint32_t kTraditionalInterface = 1;

void append_big_endian(FwCfg::Bytes& bytes, uint64_t value, unsigned size) {
  for (unsigned i = size; i-- > 0;) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

}  // namespace

void append_little_endian(FwCfg::Bytes& bytes, uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; i++) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

FwCfg::FwCfg() {
  items_[kSignature] = {'Q', 'E', 'M', 'U'};
  add(kId, kTraditionalInterface, 4);
  items_[kFileDirectory] = directory();
}

void FwCfg::add(uint16_t key, uint64_t value, unsigned size) {
  Bytes bytes;
  append_little_endian(bytes, value, size);
  items_[key] = std::move(bytes);
}

void FwCfg::add_file(std::string_view name, Bytes content) {
  if (name.size() > kLongestName) std::abort();
  files_.push_back({std::string(name), static_cast<uint32_t>(content.size())});
  items_[static_cast<uint16_t>(kFirstFile + files_.size() - 1)] = std::move(content);
  items_[kFileDirectory] = directory();
}

// Numbers of the directory, unlike others, are big-endian.
FwCfg::Bytes FwCfg::directory() const {
  Bytes bytes;
  append_big_endian(bytes, files_.size(), 4);
  for (size_t n = 0; n < files_.size(); n++) {
    append_big_endian(bytes, files_[n].size, 4);
    append_big_endian(bytes, kFirstFile + n, 2);
    append_big_endian(bytes, 0, 2);
    std::string name = files_[n].name;
    name.resize(kLongestName + 1);
    bytes.insert(bytes.end(), name.begin(), name.end());
  }
  return bytes;
}

uint32_t FwCfg::read_port(uint16_t offset, unsigned) {
  const bool more = offset == 1 && selected_ && position_ < selected_->size();
  return more ? (*selected_)[position_++] : 0;
}

void FwCfg::write_port(uint16_t offset, unsigned size, uint32_t value) {
  if (offset != 0 || size != 2) return;
  const auto item = items_.find(static_cast<uint16_t>(value));
  selected_ = item == items_.end() ? nullptr : &item->second;
  position_ = 0;
}

}  // namespace ringdown
