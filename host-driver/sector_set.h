#pragma once
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace ringdown {

// Which sectors of a disk, by number. Takes 4 KiB for each 16 MiB of disk in which there is one.
class SectorSet {
 public:
  explicit SectorSet(uint64_t sectors) : pages_(sectors / kPage + 1) {}

  // `sector` is below the number that the constructor got.
  bool contains(uint64_t sector) const {
    const Page* page = pages_[sector / kPage].get();
    return page != nullptr && page->test(sector % kPage);
  }
  void insert(uint64_t sector) {
    std::unique_ptr<Page>& page = pages_[sector / kPage];
    if (!page) page = std::make_unique<Page>();
    page->set(sector % kPage);
  }

 private:
  static constexpr size_t kPage = 32768;
  using Page = std::bitset<kPage>;
  std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace ringdown
