#include "images/multiboot.h"

#include <gtest/gtest.h>

#include "tests/images/multiboot_fixture.h"

namespace ringdown {
namespace {

using namespace test;

class Multiboot : public MultibootFixture {};

TEST_F(Multiboot, StartsTheProcessorAsTheSpecificationDemands) {
  const auto state = load();
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->protocol, BootProtocol::kMultiboot1);
  EXPECT_EQ(state->eax, 0x2BADB002u);
  EXPECT_EQ(state->ebx, 0x9000u);
  EXPECT_EQ(state->eflags, 2u);
  EXPECT_EQ(state->cr0, 0x11u);
  EXPECT_TRUE(state->flat_segments);
  EXPECT_EQ(state->cs, 0x08);
  EXPECT_EQ(state->ds, 0x10);
  EXPECT_EQ(state->ss, 0x10);
  EXPECT_EQ(state->gdt_limit, 23);
  EXPECT_EQ(get<uint64_t>(ram, state->gdt_base + 0x08), 0x00CF9B000000FFFFu);
  EXPECT_EQ(get<uint64_t>(ram, state->gdt_base + 0x10), 0x00CF93000000FFFFu);
  EXPECT_EQ(state->esp, 0xA000u);
  EXPECT_TRUE(state->warnings.empty());
}

TEST_F(Multiboot, LoadsElfSegmentsByPhysicalAddress) {
  const auto state = load();
  ASSERT_TRUE(state);
  EXPECT_TRUE(holds(ram, 0x100000, std::span(image).subspan(kElfTextOffset, kElfTextBytes)));
  EXPECT_TRUE(holds(ram, 0x102000, std::span(image).subspan(kElfTextOffset + kElfTextBytes, kElfDataBytes)));
  EXPECT_TRUE(holds(ram, 0x102000 + kElfDataBytes, Bytes(0x1800 - kElfDataBytes))) << "BSS is zero";
  EXPECT_EQ(state->loaded[0].base, 0x100000u);
  EXPECT_EQ(state->loaded[1].size, 0x1800u);
}

TEST_F(Multiboot, TranslatesAVirtualEntryPoint) { EXPECT_EQ(load()->eip, 0x100020u); }

TEST_F(Multiboot, KeepsAPhysicalEntryPoint) {
  put<uint32_t>(image, elf::kEntry, 0x100030);
  EXPECT_EQ(load()->eip, 0x100030u);
}

TEST_F(Multiboot, SkipsHeadersThatLoadNothing) {
  put<uint32_t>(image, elf::kSecond + elf::kType, 0x6474E551);  // PT_GNU_STACK
  put<uint32_t>(image, elf::kSecond + elf::kPaddr, 0xFFFFFFFF);
  EXPECT_TRUE(load());
}

TEST_F(Multiboot, DescribesMemory) {
  ASSERT_TRUE(load());
  EXPECT_EQ(info(0), 1u | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
  EXPECT_EQ(info(4), 639u);
  EXPECT_EQ(info(8), 31u * 1024);
  ASSERT_EQ(info(44), 4u * 24);
  const uint64_t expected[4][3] = {
      {0, 0x9FC00, 1}, {0x9FC00, 0x400, 2}, {0xF0000, 0x10000, 2}, {0x100000, 31 * kMiB, 1}};
  for (size_t index = 0; index < 4; ++index) {
    const uint64_t entry = info(48) + index * 24;
    EXPECT_EQ(get<uint32_t>(ram, entry), 20u);
    EXPECT_EQ(get<uint64_t>(ram, entry + 4), expected[index][0]);
    EXPECT_EQ(get<uint64_t>(ram, entry + 12), expected[index][1]);
    EXPECT_EQ(get<uint32_t>(ram, entry + 20), expected[index][2]);
  }
}

TEST_F(Multiboot, LeavesWhatIsAbsentZero) {
  ASSERT_TRUE(load());
  for (const size_t offset : {12, 28, 32, 36, 40, 52, 56, 60, 68, 72, 76, 80, 84, 88, 92, 96, 112, 116}) {
    EXPECT_EQ(info(offset), 0u) << offset;
  }
}

TEST_F(Multiboot, GivesCommandLineAndName) {
  ASSERT_TRUE(load());
  EXPECT_EQ(get_string(ram, info(16)), "kernel root=hd0");
  EXPECT_EQ(get_string(ram, info(64)), "ringdown");
}

TEST_F(Multiboot, GivesModulesPageAlignedBehindTheKernel) {
  const Bytes first = pattern(5000, 1), second = pattern(4096, 2);
  modules = {{{"a", first}, "a x=1"}, {{"b", second}, "b"}};
  ASSERT_TRUE(load());
  ASSERT_EQ(info(20), 2u);
  const uint32_t list = info(24);
  uint64_t previous_end = 0x103800;
  for (size_t index = 0; index < 2; ++index) {
    const auto start = get<uint32_t>(ram, list + 16 * index);
    const auto end = get<uint32_t>(ram, list + 16 * index + 4);
    EXPECT_EQ(start % 4096, 0u);
    EXPECT_GE(start, previous_end);
    EXPECT_EQ(end - start, modules[index].file.bytes.size());
    EXPECT_TRUE(holds(ram, start, modules[index].file.bytes));
    EXPECT_EQ(get_string(ram, get<uint32_t>(ram, list + 16 * index + 8)), modules[index].command_line);
    EXPECT_EQ(get<uint32_t>(ram, list + 16 * index + 12), 0u);
    previous_end = end;
  }
  EXPECT_GE(list, 0x103800u) << "the list must not lie in the kernel";
}

TEST_F(Multiboot, RangesDoNotOverlap) {
  const Bytes content = pattern(70000, 1);
  modules = {{{"a", content}, "a"}, {{"b", content}, "b"}};
  const auto state = load();
  ASSERT_TRUE(state);
  for (const LoadedRange& one : state->loaded) {
    for (const LoadedRange& other : state->loaded) {
      if (&one != &other) {
        EXPECT_TRUE(one.base + one.size <= other.base || other.base + other.size <= one.base)
            << one.what << " and " << other.what;
      }
    }
  }
}

TEST_F(Multiboot, FillsAllRoomWithAModuleButNoMore) {
  Bytes content(32 * kMiB - 0x105000);  // the kernel ends in page 0x103, one page of strings follows
  modules = {{{"big", content}, "big"}};
  EXPECT_EQ(error(), "loaded");
  content.push_back({});
  modules = {{{"big", content}, "big"}};
  EXPECT_EQ(error(), "big: the module of 32485377 bytes does not fit: 32485376 bytes of RAM are left");
}

TEST_F(Multiboot, LeavesRoomForTheCommandLine) {
  put<uint32_t>(image, elf::kSecond + elf::kPaddr, 32 * kMiB - 0x1800);
  EXPECT_EQ(error(), "kernel: leaves no RAM for its command line");
}

TEST_F(Multiboot, MovesItsInformationOutOfTheKernelsWay) {
  put<uint32_t>(image, elf::kSecond + elf::kPaddr, 0x9800);
  const auto state = load();
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->ebx, 0x101000u);
  EXPECT_EQ(get<uint32_t>(ram, state->ebx) & 1, 1u);
  EXPECT_TRUE(holds(ram, 0x9800, std::span(image).subspan(kElfTextOffset + kElfTextBytes, kElfDataBytes)));
}

TEST_F(Multiboot, RefusesWhenItsInformationHasNoPlace) {
  put<uint32_t>(image, elf::kSecond + elf::kPaddr, 0x9800);
  put<uint32_t>(image, elf::kFirst + elf::kMemsz, 31 * kMiB);
  EXPECT_EQ(error(), "kernel: leaves no RAM for the multiboot information");
}

TEST_F(Multiboot, WarnsOfAVideoModeThatIsNotSet) {
  image = make_multiboot_elf(0x7);
  const auto state = load();
  ASSERT_TRUE(state);
  ASSERT_EQ(state->warnings.size(), 1u);
  EXPECT_EQ(state->warnings[0], "kernel: asks for a video mode, which is not set: it starts without one");
}

TEST_F(Multiboot, RefusesUnknownMandatoryFeatures) {
  image = make_multiboot_elf(0x8009);
  EXPECT_EQ(error(), "kernel: its multiboot header demands unknown features (flags 0x8008)");
  image = make_multiboot_elf(0xFFFE0000);
  EXPECT_EQ(error(), "loaded") << "bits 17 to 31 are optional";
}

TEST_F(Multiboot, FindsTheHeaderInTheFirst8192Bytes) {
  Bytes file(8192 - 12);
  put_multiboot_header(file, 8192 - 12, 0);
  EXPECT_TRUE(is_multiboot_image(file));
  file.insert(file.begin(), 4, std::byte{});
  EXPECT_FALSE(is_multiboot_image(file)) << "ends beyond 8192";
  file.erase(file.begin(), file.begin() + 6);
  EXPECT_FALSE(is_multiboot_image(file)) << "not 4-byte aligned";
}

TEST_F(Multiboot, FindsTheHeaderWithTheRightChecksum) {
  Bytes file(64);
  put<uint32_t>(file, 0, 0x1BADB002);  // a decoy, as a boot loader's own code contains
  EXPECT_FALSE(is_multiboot_image(file));
  put_multiboot_header(file, 16, 3);
  EXPECT_TRUE(is_multiboot_image(file));
  EXPECT_FALSE(is_multiboot_image({}));
}

TEST_F(Multiboot, RefusesWhatIsNotMultiboot) {
  put<uint32_t>(image, kElfTextOffset, 0);
  EXPECT_EQ(error(), "kernel: not a multiboot image");
}

TEST_F(Multiboot, RefusesAMachineWithoutRam) {
  ram.resize(1 * kMiB);
  EXPECT_EQ(error(), "RAM: 1048576 bytes: a machine has 2 MiB to 3 GiB");
}

}  // namespace
}  // namespace ringdown
