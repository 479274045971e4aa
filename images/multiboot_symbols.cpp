#include "images/multiboot_symbols.h"

#include <elf.h>

#include <vector>

namespace ringdown {
namespace {

bool is_in_file(std::span<const std::byte> file, uint64_t offset, uint64_t size) {
  return offset <= file.size() && size <= file.size() - offset;
}

// A symbol or string table that no segment loads.
bool is_unloaded_table(const Elf32_Shdr& section) {
  return (section.sh_type == SHT_SYMTAB || section.sh_type == SHT_STRTAB) && section.sh_addr == 0 &&
         section.sh_size != 0;
}

bool load_table(std::span<const std::byte> file, RamAllocator& allocator, GuestRam& ram,
                Elf32_Shdr& section) {
  if (!is_in_file(file, section.sh_offset, section.sh_size)) return false;
  const auto base = allocator.take(section.sh_size);
  if (!base) return false;
  ram.write(*base, file.subspan(section.sh_offset, section.sh_size));
  section.sh_addr = *base;
  return true;
}

std::vector<Elf32_Shdr> read_sections(std::span<const std::byte> file, const Elf32_Ehdr& header) {
  const uint64_t size = uint64_t{header.e_shnum} * sizeof(Elf32_Shdr);
  if (header.e_shentsize != sizeof(Elf32_Shdr) || !is_in_file(file, header.e_shoff, size)) return {};
  std::vector<Elf32_Shdr> sections;
  for (size_t index = 0; index < header.e_shnum; ++index) {
    sections.push_back(load_at<Elf32_Shdr>(file, header.e_shoff + index * sizeof(Elf32_Shdr)));
  }
  return sections;
}

}  // namespace

void load_elf_symbols(std::span<const std::byte> file, RamAllocator& allocator, GuestRam& ram,
                      MultibootInfo& info) {
  const auto header = load_at<Elf32_Ehdr>(file, 0);
  std::vector<Elf32_Shdr> sections = read_sections(file, header);
  if (sections.empty()) return;
  for (Elf32_Shdr& section : sections) {
    if (is_unloaded_table(section) && !load_table(file, allocator, ram, section)) return;
  }
  const auto table = std::as_bytes(std::span(sections));
  const auto base = allocator.take(table.size());
  if (!base) return;
  ram.write(*base, table);
  info.elf_num = header.e_shnum;
  info.elf_size = sizeof(Elf32_Shdr);
  info.elf_addr = *base;
  info.elf_shndx = header.e_shstrndx;
  info.flags |= kInfoElfSections;
}

}  // namespace ringdown
