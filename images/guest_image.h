#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ringdown {

// A file's content and the name that error lines give it. The bytes are borrowed.
struct BootFile {
  std::string name;
  std::span<const std::byte> bytes;
};

// A range of guest-physical addresses that a loader filled, for the log: "kernel", "initrd", a module's
// name, "boot_params", ... Ranges do not overlap, except that segments of one ELF file may, as it says.
struct LoadedRange {
  std::string what;
  uint32_t base;
  uint64_t size;
};

enum class BootProtocol { kLinux32, kMultiboot1 };

// What the boot protocol demands of the processor at the kernel's first instruction. Both protocols agree
// on this: protected mode, paging off, interrupts off, A20 enabled, CPL 0, and flat 32-bit segments.
struct BootState {
  BootProtocol protocol = BootProtocol::kLinux32;

  uint32_t eip = 0;
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
  uint32_t esi = 0;
  uint32_t edi = 0;
  uint32_t ebp = 0;
  uint32_t esp = 0;           // a small stack in RAM that overlaps nothing; no protocol demands one
  uint32_t eflags = 0x2;      // IF, DF and VM clear; bit 1 always reads 1
  uint32_t cr0 = 0x00000011;  // PE and ET

  // Base 0, limit 4 GiB, 32-bit, DPL 0: CS execute/read, the others read/write, as the table at gdt_base
  // says too. ES, FS and GS equal DS. A loader of the state need not read the table.
  bool flat_segments = true;
  uint16_t cs = 0;
  uint16_t ds = 0;
  uint16_t ss = 0;
  uint32_t gdt_base = 0;
  uint16_t gdt_limit = 0;  // bytes - 1, as in GDTR
  uint16_t idt_limit = 0;  // no IDT: any interrupt before the kernel loads its own is a triple fault
  uint32_t idt_base = 0;

  std::vector<LoadedRange> loaded;
  std::vector<std::string> warnings;  // one line each, for the user: what was asked for and not given
};

}  // namespace ringdown
