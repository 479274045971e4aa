#include "monitor/video_storage.h"

#include <algorithm>
#include <vector>

namespace ringdown {

void VideoStorage::set_apertures(std::span<const Aperture> apertures) {
  std::vector<DeviceAperture> frames;
  for (const Aperture& a : apertures)
    frames.push_back(
        {.frame = a.first >> kPageShift, .pages = a.bytes >> kPageShift, .page = a.offset >> kPageShift});
  memory_.set_apertures(frames);
  vcpu_.apertures_changed();
}

void VideoStorage::take_written(uint32_t first_page, std::span<uint8_t> written) {
  bool any = false;
  for (uint32_t n = 0; n < written.size(); n++)
    any |= (written[n] = memory_.take_device_page_written(first_page + n));
  if (!any) return;
  const uint64_t end = first_page + written.size();
  for (const DeviceAperture& a : memory_.apertures()) {
    const uint64_t from = std::max<uint64_t>(first_page, a.page), to = std::min(end, a.page + a.pages);
    if (from < to) vcpu_.protect_watched(a.frame + (from - a.page), to - from);
  }
}

}  // namespace ringdown
