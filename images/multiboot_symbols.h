#pragma once
#include <cstddef>
#include <span>

#include "images/guest_ram.h"
#include "images/multiboot_format.h"
#include "images/ram_allocator.h"

namespace ringdown {

// Gives a kernel its own symbols: copies the ELF32 section header table and, since no segment holds them,
// the symbol and string tables behind what is loaded; each section's sh_addr says where. Fills the elf_*
// fields of `info` and sets kInfoElfSections. Symbols are a comfort: where the table is missing or
// malformed, or does not fit, `info` stays as it was.
void load_elf_symbols(std::span<const std::byte> file, RamAllocator& allocator, GuestRam& ram,
                      MultibootInfo& info);

}  // namespace ringdown
