#include "images/elf_image.h"
#include "images/multiboot_kernel.h"

namespace ringdown {
namespace {

Expected<Done> check_elf_kind(const BootFile& kernel, Elf* elf, GElf_Ehdr& header) {
  if (!has_elf_magic(kernel.bytes)) {
    return image_error(kernel.name, "has a multiboot header, but is no ELF file and gives no load addresses");
  }
  if (kernel.bytes.size() > EI_CLASS && std::to_integer<int>(kernel.bytes[EI_CLASS]) == ELFCLASS64) {
    return image_error(kernel.name, "a 64-bit ELF file: multiboot starts 32-bit ones only");
  }
  if (elf == nullptr || elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &header) == nullptr) {
    return image_error(kernel.name, "truncated or malformed: its ELF header is unreadable");
  }
  if (header.e_machine != EM_386 || header.e_ident[EI_DATA] != ELFDATA2LSB) {
    return image_error(kernel.name, "an ELF file for another processor (machine %u), not for the 80386",
                       header.e_machine);
  }
  return Done{};
}

// libelf silently leaves out program headers beyond the end of the file: say so instead.
Expected<Done> check_program_header_table(const BootFile& kernel, const GElf_Ehdr& header) {
  const uint64_t file_size = kernel.bytes.size();
  const uint64_t table_size = uint64_t{header.e_phnum} * sizeof(Elf32_Phdr);
  if (header.e_phnum != 0 && header.e_phentsize != sizeof(Elf32_Phdr)) {
    return image_error(kernel.name, "malformed: its ELF program headers have %u bytes each",
                       header.e_phentsize);
  }
  if (header.e_phoff > file_size || table_size > file_size - header.e_phoff) {
    return image_error(kernel.name, "truncated: its ELF program headers are cut off");
  }
  return Done{};
}

// A kernel linked to high virtual addresses may give its entry point as one of these, though it starts
// without paging. QEMU and GRUB translate it by the segment that it is in; so does this.
bool holds_virtual_entry(const GElf_Phdr& segment, uint64_t entry) {
  return (segment.p_flags & PF_X) && entry >= segment.p_vaddr && entry - segment.p_vaddr < segment.p_filesz;
}

Expected<Done> add_program_header(const BootFile& kernel, int index, const GElf_Phdr& segment,
                                  uint64_t ram_bytes, KernelPlan& plan) {
  const uint64_t file_size = kernel.bytes.size();
  if (segment.p_offset > file_size || segment.p_filesz > file_size - segment.p_offset) {
    return image_error(kernel.name,
                       "truncated: ELF program header %d announces %llu bytes, the file has %llu", index,
                       static_cast<unsigned long long>(segment.p_offset + segment.p_filesz),
                       static_cast<unsigned long long>(file_size));
  }
  if (segment.p_filesz > segment.p_memsz) {
    return image_error(kernel.name, "ELF program header %d has more bytes in the file than in memory", index);
  }
  const auto bytes = kernel.bytes.subspan(segment.p_offset, segment.p_filesz);
  return add_kernel_segment(kernel, {static_cast<uint32_t>(segment.p_paddr), segment.p_memsz, bytes},
                            ram_bytes, plan);
}

Expected<Done> add_program_headers(const BootFile& kernel, Elf* elf, const GElf_Ehdr& header,
                                   uint64_t ram_bytes, KernelPlan& plan) {
  const uint64_t virtual_entry = plan.entry;
  for (int index = 0; index < header.e_phnum; ++index) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf, index, &segment) == nullptr) {
      return image_error(kernel.name, "malformed: ELF program header %d is unreadable", index);
    }
    if (segment.p_type != PT_LOAD || segment.p_memsz == 0) continue;
    auto added = add_program_header(kernel, index, segment, ram_bytes, plan);
    if (!added) return added;
    if (holds_virtual_entry(segment, virtual_entry)) {
      plan.entry = static_cast<uint32_t>(virtual_entry - segment.p_vaddr + segment.p_paddr);
    }
  }
  if (plan.segments.empty()) return image_error(kernel.name, "an ELF file with nothing to load");
  return Done{};
}

}  // namespace

Expected<KernelPlan> plan_multiboot_elf(const BootFile& kernel, uint64_t ram_bytes) {
  const ElfHandle elf = open_elf(kernel.bytes);
  GElf_Ehdr header;
  if (auto checked = check_elf_kind(kernel, elf.get(), header); !checked) return checked.error();
  if (auto checked = check_program_header_table(kernel, header); !checked) return checked.error();
  KernelPlan plan{.entry = static_cast<uint32_t>(header.e_entry)};
  if (auto added = add_program_headers(kernel, elf.get(), header, ram_bytes, plan); !added)
    return added.error();
  if (auto checked = check_kernel_entry(kernel, plan); !checked) return checked.error();
  return plan;
}

}  // namespace ringdown
