#include "images/elf_image.h"

#include <cstring>

namespace ringdown {

ElfHandle open_elf(std::span<const std::byte> file) {
  elf_version(EV_CURRENT);
  char* image = const_cast<char*>(reinterpret_cast<const char*>(file.data()));
  return ElfHandle(elf_memory(image, file.size()));
}

bool has_elf_magic(std::span<const std::byte> file) {
  return file.size() >= SELFMAG && std::memcmp(file.data(), ELFMAG, SELFMAG) == 0;
}

}  // namespace ringdown
