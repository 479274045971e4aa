// What the two kinds of multiboot kernel, ELF and flat, may get wrong, and ELF symbols.
#include <gtest/gtest.h>

#include "tests/images/multiboot_fixture.h"

namespace ringdown {
namespace {

using namespace test;

class MultibootElf : public MultibootFixture {};

TEST_F(MultibootElf, RefusesA64BitFile) {
  put<uint8_t>(image, 4, 2);
  EXPECT_EQ(error(), "kernel: a 64-bit ELF file: multiboot starts 32-bit ones only");
}

TEST_F(MultibootElf, RefusesAnotherProcessor) {
  put<uint16_t>(image, elf::kMachine, 40);
  EXPECT_EQ(error(), "kernel: an ELF file for another processor (machine 40), not for the 80386");
}

TEST_F(MultibootElf, RefusesBigEndian) {
  put<uint8_t>(image, 5, 2);
  put<uint16_t>(image, elf::kMachine, 0x0300);
  EXPECT_EQ(error(), "kernel: an ELF file for another processor (machine 3), not for the 80386");
}

TEST_F(MultibootElf, RefusesAnUnreadableHeader) {
  put<uint8_t>(image, 4, 9);
  EXPECT_EQ(error(), "kernel: truncated or malformed: its ELF header is unreadable");
}

TEST_F(MultibootElf, RefusesAFileThatIsNone) {
  put<uint8_t>(image, 1, 'X');
  EXPECT_EQ(error(), "kernel: has a multiboot header, but is no ELF file and gives no load addresses");
}

TEST_F(MultibootElf, RefusesNothingToLoad) {
  put<uint16_t>(image, elf::kPhnum, 0);
  EXPECT_EQ(error(), "kernel: an ELF file with nothing to load");
}

TEST_F(MultibootElf, RefusesProgramHeadersOutsideOfTheFile) {
  const std::string cut_off = "kernel: truncated: its ELF program headers are cut off";
  put<uint32_t>(image, elf::kPhoff, 0xFFFFFFF0);
  EXPECT_EQ(error(), cut_off);
  put<uint32_t>(image, elf::kPhoff, static_cast<uint32_t>(image.size()) - 63);
  EXPECT_EQ(error(), cut_off);
  put<uint32_t>(image, elf::kPhoff, 52);
  put<uint16_t>(image, elf::kPhnum, 0xFFFF);
  EXPECT_EQ(error(), cut_off);
}

TEST_F(MultibootElf, RefusesProgramHeadersOfAnotherSize) {
  put<uint16_t>(image, 42, 56);
  EXPECT_EQ(error(), "kernel: malformed: its ELF program headers have 56 bytes each");
}

TEST_F(MultibootElf, RefusesASegmentOutsideOfTheFile) {
  put<uint32_t>(image, elf::kSecond + elf::kFilesz, kElfDataBytes + 1);
  EXPECT_EQ(error(), "kernel: truncated: ELF program header 1 announces 1409 bytes, the file has 1408");
  put<uint32_t>(image, elf::kSecond + elf::kOffset, 0xFFFFFFFF);
  put<uint32_t>(image, elf::kSecond + elf::kFilesz, 0xFFFFFFFF);
  EXPECT_EQ(error(), "kernel: truncated: ELF program header 1 announces 8589934590 bytes, the file has 1408");
}

TEST_F(MultibootElf, RefusesMoreBytesThanMemory) {
  put<uint32_t>(image, elf::kSecond + elf::kMemsz, kElfDataBytes - 1);
  EXPECT_EQ(error(), "kernel: ELF program header 1 has more bytes in the file than in memory");
}

TEST_F(MultibootElf, RefusesASegmentOutsideOfRam) {
  put<uint32_t>(image, elf::kSecond + elf::kPaddr, 0xFFFFF000);
  EXPECT_EQ(error(),
            "kernel: needs memory at 0xfffff000 to 0x100000800, which is not RAM (the machine has 32 MiB)");
  put<uint32_t>(image, elf::kSecond + elf::kPaddr, 32 * kMiB - 0x17FF);
  EXPECT_EQ(error(),
            "kernel: needs memory at 0x1ffe801 to 0x2000001, which is not RAM (the machine has 32 MiB)");
}

TEST_F(MultibootElf, RefusesASegmentInVideoMemory) {
  put<uint32_t>(image, elf::kSecond + elf::kPaddr, 0xA0000);
  EXPECT_EQ(error(), "kernel: needs memory at 0xa0000 to 0xa1800, which is not RAM (the machine has 32 MiB)");
}

TEST_F(MultibootElf, RefusesMoreThanAllOfRam) {
  for (const size_t header : {elf::kFirst, elf::kSecond}) {
    put<uint32_t>(image, header + elf::kPaddr, 0x100000);
    put<uint32_t>(image, header + elf::kMemsz, 30 * kMiB);
  }
  EXPECT_EQ(error(), "kernel: what it loads overlaps itself");
}

TEST_F(MultibootElf, RefusesAnEntryPointOutsideOfTheSegments) {
  put<uint32_t>(image, elf::kEntry, 0xC0200000);
  EXPECT_EQ(error(), "kernel: its entry point 0xc0200000 lies outside of what it loads");
}

TEST_F(MultibootElf, RefusesEveryTruncation) {
  const Bytes whole = image;
  ram = make_ram(2 * kMiB);
  for (size_t size = 0; size < whole.size(); ++size) {
    image = Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    const std::string expected =
        size < kElfTextOffset + 12 ? "kernel: not a multiboot image" : "kernel: truncated: ";
    ASSERT_EQ(error().substr(0, expected.size()), expected) << size;
  }
}

// Appends a section header table: null, a symbol table and a string table that no segment holds.
void add_sections(Bytes& image) {
  const size_t symbols = image.size();
  const Bytes content = pattern(0x60, 8);
  image.insert(image.end(), content.begin(), content.end());
  const size_t table = image.size();
  const uint32_t sections[3][10] = {{},
                                    {1, 2, 0, 0, static_cast<uint32_t>(symbols), 0x40, 2, 0, 4, 16},
                                    {2, 3, 0, 0, static_cast<uint32_t>(symbols) + 0x40, 0x20, 0, 0, 1, 0}};
  put(image, table + sizeof sections - 4, uint32_t{0});
  std::memcpy(image.data() + table, sections, sizeof sections);
  put<uint32_t>(image, elf::kShoff, static_cast<uint32_t>(table));
  put<uint16_t>(image, elf::kShnum, 3);
  put<uint16_t>(image, elf::kShstrndx, 2);
}

class MultibootSymbols : public MultibootFixture {
 protected:
  MultibootSymbols() { add_sections(image); }
};

TEST_F(MultibootSymbols, GivesTheKernelItsSymbols) {
  ASSERT_EQ(error(), "loaded");
  EXPECT_TRUE(info(0) & 1 << 5);
  EXPECT_EQ(info(28), 3u);
  EXPECT_EQ(info(32), 40u);
  EXPECT_EQ(info(40), 2u);
  const uint32_t table = info(36);
  const Bytes content = pattern(0x60, 8);
  EXPECT_TRUE(holds(ram, get<uint32_t>(ram, table + 40 + 12), std::span(content).first(0x40)));
  EXPECT_TRUE(holds(ram, get<uint32_t>(ram, table + 80 + 12), std::span(content).subspan(0x40)));
  EXPECT_EQ(get<uint32_t>(ram, table + 12), 0u);
}

TEST_F(MultibootSymbols, StartsWithoutMalformedOnes) {
  const uint32_t table = static_cast<uint32_t>(image.size() - 120);
  const Bytes good = image;
  put<uint32_t>(image, table + 40 + 20, 0xFFFFFFFF);  // sh_size
  EXPECT_EQ(error(), "loaded");
  EXPECT_FALSE(info(0) & 1 << 5);
  image = good;
  put<uint16_t>(image, elf::kShentsize, 64);
  EXPECT_EQ(error(), "loaded");
  EXPECT_FALSE(info(0) & 1 << 5);
  image = good;
  put<uint32_t>(image, elf::kShoff, table + 1);
  EXPECT_EQ(error(), "loaded");
  EXPECT_FALSE(info(0) & 1 << 5);
}

TEST_F(MultibootSymbols, StartsWithoutThemWhereRamIsShort) {
  const Bytes content(32 * kMiB - 0x105000);
  modules = {{{"big", content}, "big"}};
  EXPECT_EQ(error(), "loaded");
  EXPECT_FALSE(info(0) & 1 << 5);
}

class MultibootAout : public MultibootFixture {
 protected:
  MultibootAout() { image = make_multiboot_aout(); }
  void set(size_t field, uint32_t value) { put(image, kAoutHeader + field, value); }
};
constexpr size_t kHeaderAddr = 12, kLoadAddr = 16, kLoadEnd = 20, kBssEnd = 24, kEntryAddr = 28;

TEST_F(MultibootAout, LoadsByTheHeadersAddresses) {
  const auto state = load();
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->eip, 0x200100u);
  EXPECT_TRUE(holds(ram, 0x200000, std::span(image).subspan(0x20, 0x700)));
  EXPECT_TRUE(holds(ram, 0x200700, Bytes(0x900))) << "BSS is zero";
  EXPECT_EQ(state->loaded[0].base, 0x200000u);
  EXPECT_EQ(state->loaded[0].size, 0x1000u);
}

TEST_F(MultibootAout, LoadsAllTheFileWithoutLoadEnd) {
  set(kLoadEnd, 0);
  set(kBssEnd, 0);
  const auto state = load();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->loaded[0].size, kAoutBytes - 0x20);
  EXPECT_TRUE(holds(ram, 0x200000, std::span(image).subspan(0x20)));
}

TEST_F(MultibootAout, DoesNotCareForTheFilesFormat) {
  const uint8_t elf64[] = {0x7F, 'E', 'L', 'F', 2, 1, 1};
  std::memcpy(image.data(), elf64, sizeof elf64);
  EXPECT_EQ(error(), "loaded");
}

TEST_F(MultibootAout, RefusesAddressesThatContradictEachOther) {
  const std::string load_addr =
      "kernel: its multiboot header has a load_addr that does not match its header_addr";
  set(kHeaderAddr, 0x1FFFFF);
  EXPECT_EQ(error(), load_addr);
  set(kHeaderAddr, 0x200041);  // would start before the file does
  EXPECT_EQ(error(), load_addr);
  set(kHeaderAddr, 0x200020);
  set(kLoadEnd, 0x1FFFFF);
  EXPECT_EQ(error(), "kernel: its multiboot header has a load_end_addr below load_addr");
  set(kLoadEnd, 0x200700);
  set(kBssEnd, 0x2006FF);
  EXPECT_EQ(error(), "kernel: its multiboot header has a bss_end_addr below the end of what it loads");
}

TEST_F(MultibootAout, RefusesTruncation) {
  const Bytes whole = image;
  image.resize(0x71F);
  EXPECT_EQ(error(), "kernel: truncated: its multiboot header announces 1824 bytes, the file has 1823");
  for (size_t size = kAoutHeader + 12; size < kAoutHeader + 32; ++size) {
    image = Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_EQ(error(), "kernel: truncated: its multiboot header is cut off");
  }
  image = Bytes(whole.begin(), whole.begin() + 0x720);
  EXPECT_EQ(error(), "loaded");
}

TEST_F(MultibootAout, RefusesMemoryThatIsNotRam) {
  set(kBssEnd, 0xFFFFFFFF);
  EXPECT_EQ(error(),
            "kernel: needs memory at 0x200000 to 0xffffffff, which is not RAM (the machine has 32 MiB)");
}

TEST_F(MultibootAout, RefusesAnEntryPointOutside) {
  set(kEntryAddr, 0x201000);
  EXPECT_EQ(error(), "kernel: its entry point 0x201000 lies outside of what it loads");
}

}  // namespace
}  // namespace ringdown
