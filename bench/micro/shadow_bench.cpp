// What the shadow MMU does for one page: an item is a page.
#include "bench/micro/cycles.h"
#include "host-driver/guest_ram.h"
#include "shadowmmu/shadow_mmu.h"

namespace ringdown {
namespace {

constexpr uint32_t kDirectory = 0x1000, kTable = 0x2000, kPages = 1024, kFirstFrame = 1024, kPageBytes = 4096;

// A guest whose first 4 MiB of linear memory are 1,024 pages of 4 KiB, on neighbouring frames or not.
class ShadowedGuest {
 public:
  explicit ShadowedGuest(uint32_t frame_stride) {
    memory_.write<uint32_t>(kDirectory, kTable | kEntryFlags);
    for (uint32_t page = 0; page < kPages; ++page) {
      const uint32_t frame = kFirstFrame + page * frame_stride % kPages;
      memory_.write<uint32_t>(kTable + page * 4, frame * kPageBytes | kEntryFlags);
    }
    state_.cr0 = cr0::kPe | cr0::kPg | cr0::kWp;
    state_.cr3 = kDirectory;
    shadow_.clear();
    shadow_.flush(TlbFlush::kAll);
  }

  void clear() {
    shadow_.clear();
    shadow_.flush(TlbFlush::kAll);
  }

  bool fill(uint32_t page) {
    WalkFailure failure;
    uint32_t linear;
    return shadow_.resolve(shadow_.supervisor().base() + page * kPageBytes, true, false, failure, linear) ==
           Miss::kMapped;
  }

  size_t mapped_pages() { return shadow_.supervisor().pages().mapped_pages(); }

 private:
  static constexpr uint32_t kEntryFlags = pte::kPresent | pte::kWritable | pte::kAccessed | pte::kDirty;
  GuestRam ram_{16 << 20};
  PhysicalMemory memory_{ram_.bytes()};
  CpuState state_{};
  ShadowMmu shadow_{ram_.file(), memory_, state_};
};

// With neighbouring frames a fill maps several pages; `step` of them lie between two fills.
void fill_pages(benchmark::State& state, uint32_t frame_stride, uint32_t step) {
  ShadowedGuest guest(frame_stride);
  Cycles cycles;
  uint64_t fills = 0;
  for (auto _ : state) {
    cycles.start();
    for (uint32_t page = 0; page < kPages; page += step, ++fills)
      if (!guest.fill(page)) state.SkipWithError("a page was not mapped");
    cycles.stop();
    state.counters["pages_per_fill"] = static_cast<double>(guest.mapped_pages()) * step / kPages;
    state.PauseTiming();
    guest.clear();
    state.ResumeTiming();
  }
  cycles.report(state, fills);
}

void fill_scattered_pages(benchmark::State& state) { fill_pages(state, 5, 1); }
BENCHMARK(fill_scattered_pages);
void fill_neighbouring_pages(benchmark::State& state) { fill_pages(state, 1, 64); }
BENCHMARK(fill_neighbouring_pages);

}  // namespace
}  // namespace ringdown
