#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "images/guest_image.h"

namespace ringdown::test {

constexpr uint64_t kMiB = 1 << 20;

using Bytes = std::vector<std::byte>;

// Writes a little-endian T into an image; the image grows to hold it.
template <class T>
void put(Bytes& image, size_t offset, T value) {
  if (image.size() < offset + sizeof value) image.resize(offset + sizeof value);
  std::memcpy(image.data() + offset, &value, sizeof value);
}

template <class T>
T get(std::span<const std::byte> image, uint64_t offset) {
  T value{};
  EXPECT_LE(offset + sizeof value, image.size());
  if (offset + sizeof value <= image.size()) std::memcpy(&value, image.data() + offset, sizeof value);
  return value;
}

inline std::string get_string(std::span<const std::byte> image, uint64_t offset) {
  return reinterpret_cast<const char*>(image.data() + offset);
}

// RAM full of rubbish, so that a loader that forgets to zero something is seen.
inline Bytes make_ram(uint64_t size = 32 * kMiB) { return Bytes(size, std::byte{0xA5}); }

inline Bytes pattern(size_t size, unsigned seed) {
  Bytes bytes(size);
  for (size_t index = 0; index < size; ++index) bytes[index] = static_cast<std::byte>(index * 7 + seed);
  return bytes;
}

inline bool holds(std::span<const std::byte> ram, uint64_t base, std::span<const std::byte> bytes) {
  return base + bytes.size() <= ram.size() && std::memcmp(ram.data() + base, bytes.data(), bytes.size()) == 0;
}

// Offsets in a bzImage, by the boot protocol's documentation: deliberately not the loader's own constants.
namespace bz {
constexpr size_t kSetupSects = 0x1F1, kSyssize = 0x1F4, kJumpOffset = 0x201, kMagic = 0x202, kVersion = 0x206,
                 kTypeOfLoader = 0x210, kLoadflags = 0x211, kCode32Start = 0x214, kRamdiskImage = 0x218,
                 kRamdiskSize = 0x21C, kCmdLinePtr = 0x228, kInitrdAddrMax = 0x22C, kRelocatable = 0x234,
                 kXloadflags = 0x236, kCmdlineSize = 0x238, kPrefAddress = 0x258, kInitSize = 0x260;
}

constexpr size_t kSetupBytes = 3 * 512;  // boot sector and two setup sectors
constexpr size_t kCodeBytes = 0x3000;

// A relocatable bzImage of protocol 2.15 that wants to run at 2 MiB and needs 1 MiB there.
inline Bytes make_bzimage() {
  Bytes image(kSetupBytes, std::byte{0xEE});
  std::memset(image.data() + 0x1F1, 0, 0x26C - 0x1F1);
  put<uint8_t>(image, bz::kSetupSects, 2);
  put<uint32_t>(image, bz::kSyssize, kCodeBytes / 16);
  put<uint16_t>(image, 0x1FE, 0xAA55);
  put<uint8_t>(image, bz::kJumpOffset, 0x6A);
  put<uint32_t>(image, bz::kMagic, 0x53726448);
  put<uint16_t>(image, bz::kVersion, 0x020F);
  put<uint8_t>(image, bz::kLoadflags, 0x01);
  put<uint32_t>(image, bz::kCode32Start, 0x100000);
  put<uint32_t>(image, bz::kInitrdAddrMax, 0x7FFFFFFF);
  put<uint8_t>(image, bz::kRelocatable, 1);
  put<uint32_t>(image, bz::kCmdlineSize, 64);
  put<uint64_t>(image, bz::kPrefAddress, 0x200000);
  put<uint32_t>(image, bz::kInitSize, 0x100000);
  const Bytes code = pattern(kCodeBytes, 1);
  image.insert(image.end(), code.begin(), code.end());
  return image;
}

inline void put_multiboot_header(Bytes& image, size_t offset, uint32_t flags) {
  put<uint32_t>(image, offset, 0x1BADB002);
  put<uint32_t>(image, offset + 4, flags);
  put<uint32_t>(image, offset + 8, 0u - 0x1BADB002 - flags);
}

// Offsets in the ELF file below: its first and second program header, and their fields.
namespace elf {
constexpr size_t kMachine = 18, kEntry = 24, kPhoff = 28, kShoff = 32, kPhnum = 44, kShentsize = 46,
                 kShnum = 48, kShstrndx = 50;
constexpr size_t kFirst = 52, kSecond = 84;
constexpr size_t kType = 0, kOffset = 4, kVaddr = 8, kPaddr = 12, kFilesz = 16, kMemsz = 20, kFlags = 24;
}  // namespace elf

constexpr size_t kElfTextOffset = 0x100;
constexpr size_t kElfTextBytes = 0x400;
constexpr size_t kElfDataBytes = 0x80;

inline void put_program_header(Bytes& image, size_t at, uint32_t offset, uint32_t vaddr, uint32_t paddr,
                               uint32_t filesz, uint32_t memsz, uint32_t flags) {
  const uint32_t fields[] = {1, offset, vaddr, paddr, filesz, memsz, flags, 0x1000};
  for (size_t index = 0; index < 8; ++index) put(image, at + 4 * index, fields[index]);
}

// An ELF32 multiboot kernel: text at 1 MiB (linked to 3 GiB + 1 MiB), data and BSS at 0x102000.
inline Bytes make_multiboot_elf(uint32_t flags = 0x3) {
  Bytes image = pattern(kElfTextOffset, 3);
  std::memset(image.data(), 0, elf::kSecond + 32);
  const uint8_t ident[] = {0x7F, 'E', 'L', 'F', 1, 1, 1};
  std::memcpy(image.data(), ident, sizeof ident);
  put<uint16_t>(image, 16, 2);  // ET_EXEC
  put<uint16_t>(image, elf::kMachine, 3);
  put<uint32_t>(image, 20, 1);
  put<uint32_t>(image, elf::kEntry, 0xC0100020);
  put<uint32_t>(image, elf::kPhoff, 52);
  put<uint16_t>(image, 40, 52);
  put<uint16_t>(image, 42, 32);
  put<uint16_t>(image, elf::kPhnum, 2);
  put<uint16_t>(image, elf::kShentsize, 40);
  put_program_header(image, elf::kFirst, kElfTextOffset, 0xC0100000, 0x100000, kElfTextBytes, kElfTextBytes,
                     5);
  put_program_header(image, elf::kSecond, kElfTextOffset + kElfTextBytes, 0xC0102000, 0x102000, kElfDataBytes,
                     0x1800, 6);
  const Bytes rest = pattern(kElfTextBytes + kElfDataBytes, 5);
  image.insert(image.end(), rest.begin(), rest.end());
  put_multiboot_header(image, kElfTextOffset, flags);
  return image;
}

constexpr size_t kAoutHeader = 0x40;  // file offset; loading starts at file offset 0x20
constexpr size_t kAoutBytes = 0x800;

// A flat multiboot image with the addresses in its header.
inline Bytes make_multiboot_aout() {
  Bytes image = pattern(kAoutBytes, 9);
  put_multiboot_header(image, kAoutHeader, 0x10003);
  put<uint32_t>(image, kAoutHeader + 12, 0x200020);  // header_addr
  put<uint32_t>(image, kAoutHeader + 16, 0x200000);  // load_addr
  put<uint32_t>(image, kAoutHeader + 20, 0x200700);  // load_end_addr
  put<uint32_t>(image, kAoutHeader + 24, 0x201000);  // bss_end_addr
  put<uint32_t>(image, kAoutHeader + 28, 0x200100);  // entry_addr
  return image;
}

}  // namespace ringdown::test
