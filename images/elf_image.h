#pragma once
#include <gelf.h>

#include <cstddef>
#include <memory>
#include <span>

namespace ringdown {

struct ElfEnd {
  void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, ElfEnd>;

// A libelf view of a file in memory, or null if libelf cannot make one. Borrows the bytes, which libelf
// reads only: nothing here asks it to change the image.
ElfHandle open_elf(std::span<const std::byte> file);

bool has_elf_magic(std::span<const std::byte> file);

}  // namespace ringdown
