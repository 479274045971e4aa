#pragma once
#include <gtest/gtest.h>

#include "images/multiboot.h"
#include "tests/images/image_builder.h"

namespace ringdown::test {

// Loads `image` with `modules` into `ram`.
class MultibootFixture : public ::testing::Test {
 protected:
  Expected<BootState> load() { return load_multiboot({{"kernel", image}, "kernel root=hd0", modules}, ram); }
  std::string error() {
    const auto state = load();
    return state ? "loaded" : state.error().message;
  }
  // A field of the information structure, after load().
  uint32_t info(size_t offset) { return get<uint32_t>(ram, kMultibootInfoPage + offset); }

  Bytes image = make_multiboot_elf();
  std::vector<MultibootModule> modules;
  Bytes ram = make_ram();
};

}  // namespace ringdown::test
