// libFuzzer target: any bytes as a multiboot kernel, with up to three modules. The first byte chooses.
#include <cstdint>
#include <vector>

#include "images/multiboot.h"
#include "tests/fuzz/image_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringdown;
  static std::vector<std::byte> ram(8 << 20);
  static const std::vector<std::byte> module(5000);
  if (size == 0) return 0;
  // A copy of the exact size, so that a read beyond it is seen.
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  const std::vector<std::byte> image(bytes + 1, bytes + size);
  MultibootRequest request{{"kernel", image}, "kernel", {}};
  for (int count = data[0] & 3; count > 0; --count)
    request.modules.push_back({{"module", module}, "module x"});
  fuzz::check_loaded(load_multiboot(request, ram), ram.size());
  return 0;
}
