// libFuzzer target: any bytes as a bzImage, with and without an initrd. The first byte chooses.
#include <cstdint>
#include <vector>

#include "images/linux_boot.h"
#include "tests/fuzz/image_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringdown;
  static std::vector<std::byte> ram(8 << 20);
  static const std::vector<std::byte> initrd(5000);
  if (size == 0) return 0;
  // A copy of the exact size, so that a read beyond it is seen.
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  const std::vector<std::byte> image(bytes + 1, bytes + size);
  LinuxRequest request{{"vmlinuz", image}, std::nullopt, "console=ttyS0", (data[0] & 2) != 0};
  if (data[0] & 1) request.initrd = BootFile{"initrd", initrd};
  fuzz::check_loaded(load_linux(request, ram), ram.size());
  return 0;
}
