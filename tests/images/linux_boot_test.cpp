#include "images/linux_boot.h"

#include <gtest/gtest.h>

#include "tests/images/image_builder.h"

namespace ringdown {
namespace {

using namespace test;

class LinuxBoot : public ::testing::Test {
 protected:
  Expected<BootState> load() {
    LinuxRequest request{{"vmlinuz", image}, std::nullopt, command_line, cpu_has_long_mode};
    if (!initrd.empty()) request.initrd = BootFile{"initrd.gz", initrd};
    return load_linux(request, ram);
  }

  std::string error() {
    const Bytes before = ram;
    const auto state = load();
    EXPECT_EQ(ram, before) << "an error must leave RAM alone";
    return state ? "loaded" : state.error().message;
  }

  template <class T>
  T param(size_t offset) {
    return get<T>(ram, kBootParamsBase + offset);
  }

  Bytes image = make_bzimage();
  Bytes initrd;
  std::string command_line = "console=ttyS0";
  bool cpu_has_long_mode = false;
  Bytes ram = make_ram();
};

TEST_F(LinuxBoot, StartsTheProcessorAsTheProtocolDemands) {
  const auto state = load();
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->protocol, BootProtocol::kLinux32);
  EXPECT_EQ(state->eip, 0x200000u);
  EXPECT_EQ(state->esi, kBootParamsBase);
  EXPECT_EQ(state->ebx | state->edi | state->ebp, 0u);
  EXPECT_EQ(state->eflags, 2u);
  EXPECT_EQ(state->cr0, 0x11u);
  EXPECT_TRUE(state->flat_segments);
  EXPECT_EQ(state->cs, 0x10);
  EXPECT_EQ(state->ds, 0x18);
  EXPECT_EQ(state->ss, 0x18);
  EXPECT_EQ(state->gdt_limit, 31);
  EXPECT_EQ(get<uint64_t>(ram, state->gdt_base + 0x10), 0x00CF9B000000FFFFu);
  EXPECT_EQ(get<uint64_t>(ram, state->gdt_base + 0x18), 0x00CF93000000FFFFu);
  EXPECT_LE(state->esp, 0x9FC00u);
}

TEST_F(LinuxBoot, LoadsTheProtectedModeCode) {
  ASSERT_TRUE(load());
  EXPECT_TRUE(holds(ram, 0x200000, pattern(kCodeBytes, 1)));
  EXPECT_EQ(ram[0x200000 + kCodeBytes], std::byte{0xA5});
}

TEST_F(LinuxBoot, LeavesASignatureBehindTheCodeOut) {
  image.resize(image.size() + 100, std::byte{0x77});
  ASSERT_TRUE(load());
  EXPECT_EQ(ram[0x200000 + kCodeBytes], std::byte{0xA5});
}

TEST_F(LinuxBoot, FillsBootParams) {
  put<uint16_t>(image, 0x1FA, 0xFFFF);  // vid_mode, a field that only passes through
  put<uint8_t>(image, bz::kLoadflags, 0x41);
  ASSERT_TRUE(load());
  EXPECT_EQ(param<uint16_t>(0x1FA), 0xFFFF);
  EXPECT_EQ(param<uint32_t>(bz::kMagic), 0x53726448u);
  EXPECT_EQ(param<uint8_t>(bz::kTypeOfLoader), 0xFF);
  EXPECT_EQ(param<uint8_t>(bz::kLoadflags), 0x01) << "KEEP_SEGMENTS is for the loader to set";
  EXPECT_EQ(param<uint32_t>(bz::kCode32Start), 0x200000u);
  EXPECT_EQ(param<uint32_t>(bz::kCmdLinePtr), kLinuxCommandLineBase);
  EXPECT_EQ(get_string(ram, kLinuxCommandLineBase), "console=ttyS0");
  EXPECT_EQ(param<uint32_t>(bz::kRamdiskImage), 0u);
  EXPECT_EQ(param<uint32_t>(bz::kRamdiskSize), 0u);
  EXPECT_EQ(param<uint32_t>(bz::kInitSize), 0x100000u);
  EXPECT_EQ(param<uint32_t>(0x1E0), 31u * 1024) << "alt_mem_k";
  EXPECT_EQ(param<uint16_t>(0x002), 31u * 1024) << "ext_mem_k";
}

TEST_F(LinuxBoot, ZeroesTheRestOfBootParams) {
  ASSERT_TRUE(load());
  for (size_t offset = 0; offset < 0x1E0; ++offset) {
    if (offset != 2 && offset != 3) {
      ASSERT_EQ(param<uint8_t>(offset), 0) << offset;
    }
  }
  for (size_t offset = 0x26C; offset < 0x2D0; ++offset) ASSERT_EQ(param<uint8_t>(offset), 0) << offset;
  for (size_t offset = 0x2D0 + 4 * 20; offset < 4096; ++offset)
    ASSERT_EQ(param<uint8_t>(offset), 0) << offset;
}

TEST_F(LinuxBoot, CopiesAHeaderLongerThanItKnows) {
  put<uint8_t>(image, bz::kJumpOffset, 0xFF);  // would end at 0x301, beyond what boot_params has room for
  ASSERT_TRUE(load());
  EXPECT_EQ(param<uint8_t>(0x28F), 0xEE);
  EXPECT_EQ(param<uint8_t>(0x290), 0);
}

TEST_F(LinuxBoot, AnswersInAHeaderThatClaimsToBeShort) {
  put<uint8_t>(image, bz::kJumpOffset, 0);
  ASSERT_TRUE(load());
  EXPECT_EQ(param<uint32_t>(bz::kCmdLinePtr), kLinuxCommandLineBase);
  EXPECT_EQ(param<uint32_t>(bz::kInitSize), 0u);
}

TEST_F(LinuxBoot, GivesTheMemoryMap) {
  ASSERT_TRUE(load());
  ASSERT_EQ(param<uint8_t>(0x1E8), 4);
  const uint64_t expected[4][3] = {
      {0, 0x9FC00, 1}, {0x9FC00, 0x400, 2}, {0xF0000, 0x10000, 2}, {0x100000, 31 * kMiB, 1}};
  for (size_t index = 0; index < 4; ++index) {
    EXPECT_EQ(param<uint64_t>(0x2D0 + index * 20), expected[index][0]);
    EXPECT_EQ(param<uint64_t>(0x2D0 + index * 20 + 8), expected[index][1]);
    EXPECT_EQ(param<uint32_t>(0x2D0 + index * 20 + 16), expected[index][2]);
  }
}

TEST_F(LinuxBoot, CapsExtMemK) {
  ram = make_ram(128 * kMiB);
  ASSERT_TRUE(load());
  EXPECT_EQ(param<uint16_t>(0x002), 63u * 1024);
  EXPECT_EQ(param<uint32_t>(0x1E0), 127u * 1024);
}

TEST_F(LinuxBoot, LoadsAKernelThatIsNotRelocatableAtOneMebibyte) {
  put<uint8_t>(image, bz::kRelocatable, 0);
  const auto state = load();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->eip, 0x100000u);
  EXPECT_TRUE(holds(ram, 0x100000, pattern(kCodeBytes, 1)));
}

TEST_F(LinuxBoot, KeepsTheEntryPointsOffset) {
  put<uint32_t>(image, bz::kCode32Start, 0x100200);
  EXPECT_EQ(load()->eip, 0x200200u);
}

TEST_F(LinuxBoot, LoadsProtocol202) {
  put<uint16_t>(image, bz::kVersion, 0x0202);
  put<uint32_t>(image, bz::kSyssize, 0xFFFF0000);  // only 16 bits are defined, and those are unreliable
  const auto state = load();
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->eip, 0x100000u) << "what lies at pref_address is no such field yet";
  EXPECT_TRUE(holds(ram, 0x100000, pattern(kCodeBytes, 1)));
}

TEST_F(LinuxBoot, ToleratesUnpaddedCodeOfOldBuildTools) {
  put<uint16_t>(image, bz::kVersion, 0x0207);
  image.resize(image.size() - 15);
  EXPECT_TRUE(load());
  image.resize(image.size() - 1);
  EXPECT_EQ(error(), "vmlinuz: truncated: its header announces 13824 bytes, the file has 13808");
}

TEST_F(LinuxBoot, ReadsZeroSetupSectorsAsFour) {
  put<uint8_t>(image, bz::kSetupSects, 0);
  put<uint32_t>(image, bz::kSyssize, (kCodeBytes - 1024) / 16);
  ASSERT_TRUE(load());
  EXPECT_TRUE(holds(ram, 0x200000, std::span(image).subspan(5 * 512)));
}

TEST_F(LinuxBoot, PutsTheInitrdAsHighAsRamAllows) {
  initrd = pattern(5000, 4);
  const auto state = load();
  ASSERT_TRUE(state);
  EXPECT_EQ(param<uint32_t>(bz::kRamdiskImage), 32 * kMiB - 0x2000);
  EXPECT_EQ(param<uint32_t>(bz::kRamdiskSize), 5000u);
  EXPECT_TRUE(holds(ram, 32 * kMiB - 0x2000, initrd));
  EXPECT_EQ(state->loaded.back().what, "initrd");
  EXPECT_EQ(state->loaded.back().base, 32 * kMiB - 0x2000);
  EXPECT_EQ(state->loaded.back().size, 5000u);
}

TEST_F(LinuxBoot, PutsTheInitrdAsHighAsTheKernelAllows) {
  put<uint32_t>(image, bz::kInitrdAddrMax, 0xFFFFFF);
  initrd = pattern(4096, 4);
  ASSERT_TRUE(load());
  EXPECT_EQ(param<uint32_t>(bz::kRamdiskImage), 0xFFF000u);
}

TEST_F(LinuxBoot, FillsAllRoomWithAnInitrdButNoMore) {
  initrd = pattern(29 * kMiB, 4);  // the kernel needs 2 to 3 MiB
  EXPECT_TRUE(load());
  initrd.push_back({});
  EXPECT_EQ(error(),
            "initrd.gz: the initrd of 30408705 bytes does not fit: the kernel leaves it 30408704 bytes");
}

TEST_F(LinuxBoot, RefusesAnInitrdThatTheKernelAllowsNoRoomFor) {
  put<uint32_t>(image, bz::kInitrdAddrMax, 0x1000);
  initrd = pattern(10, 4);
  EXPECT_EQ(error(), "initrd.gz: the initrd of 10 bytes does not fit: the kernel leaves it 0 bytes");
}

TEST_F(LinuxBoot, TakesACommandLineUpToTheKernelsLimit) {
  command_line = std::string(64, 'x');
  EXPECT_TRUE(load());
  EXPECT_EQ(get_string(ram, kLinuxCommandLineBase), command_line);
  command_line += 'x';
  EXPECT_EQ(error(), "vmlinuz: the command line has 65 bytes, this kernel takes at most 64");
}

TEST_F(LinuxBoot, TakesACommandLineUpToItsOwnLimit) {
  put<uint32_t>(image, bz::kCmdlineSize, 0xFFFFFFFF);
  command_line = std::string(0x7FFF, 'x');
  EXPECT_TRUE(load());
  command_line += 'x';
  EXPECT_EQ(error(), "vmlinuz: the command line has 32768 bytes, this kernel takes at most 32767");
}

TEST_F(LinuxBoot, LimitsTheCommandLineOfOldKernels) {
  put<uint16_t>(image, bz::kVersion, 0x0205);
  command_line = std::string(256, 'x');
  EXPECT_EQ(error(), "vmlinuz: the command line has 256 bytes, this kernel takes at most 255");
}

TEST_F(LinuxBoot, RefusesWhatIsNotLinux) {
  put<uint32_t>(image, bz::kMagic, 0);
  EXPECT_EQ(error(), "vmlinuz: not a Linux bzImage");
}

TEST_F(LinuxBoot, RefusesAnOldProtocol) {
  put<uint16_t>(image, bz::kVersion, 0x0201);
  EXPECT_EQ(error(), "vmlinuz: Linux boot protocol 2.01 is too old, 2.02 is the oldest supported");
}

TEST_F(LinuxBoot, RefusesAZImage) {
  put<uint8_t>(image, bz::kLoadflags, 0);
  EXPECT_EQ(error(), "vmlinuz: a Linux zImage, which loads below 1 MiB: only a bzImage can be started");
}

TEST_F(LinuxBoot, RefusesA64BitKernelOnA32BitProcessor) {
  put<uint16_t>(image, bz::kXloadflags, 1);
  EXPECT_EQ(error(), "vmlinuz: a 64-bit Linux kernel, but the machine has a 32-bit processor");
  cpu_has_long_mode = true;
  EXPECT_TRUE(load());
}

TEST_F(LinuxBoot, RefusesAnEmptyKernel) {
  put<uint32_t>(image, bz::kSyssize, 0);
  EXPECT_EQ(error(), "vmlinuz: its header announces an empty kernel");
}

TEST_F(LinuxBoot, RefusesAnEntryPointOutsideOfTheCode) {
  put<uint32_t>(image, bz::kCode32Start, 0x100000 + kCodeBytes);
  EXPECT_EQ(error(), "vmlinuz: its entry point 0x103000 lies outside of its code");
  put<uint32_t>(image, bz::kCode32Start, 0xFFFFF);
  EXPECT_EQ(error(), "vmlinuz: its entry point 0xfffff lies outside of its code");
}

TEST_F(LinuxBoot, RefusesImpossiblePlaces) {
  put<uint64_t>(image, bz::kPrefAddress, 0xFF000);
  EXPECT_EQ(error(), "vmlinuz: its header asks to run below 1 MiB");
  put<uint64_t>(image, bz::kPrefAddress, ~0ull);
  EXPECT_EQ(error(), "vmlinuz: its header asks to run above 3 GiB");
}

TEST_F(LinuxBoot, RefusesToStartInTooLittleRam) {
  put<uint32_t>(image, bz::kInitSize, 6 * kMiB);
  ram = make_ram(8 * kMiB);
  EXPECT_TRUE(load());
  put<uint32_t>(image, bz::kInitSize, 6 * kMiB + 1);
  EXPECT_EQ(error(), "vmlinuz: needs 9 MiB of RAM to start, the machine has 8 MiB");
  put<uint32_t>(image, bz::kInitSize, 0xFFFFFFFF);
  EXPECT_EQ(error(), "vmlinuz: needs 4098 MiB of RAM to start, the machine has 8 MiB");
}

TEST_F(LinuxBoot, CountsTheCodeWhereInitSizeIsTooSmall) {
  put<uint32_t>(image, bz::kInitSize, 0);
  put<uint64_t>(image, bz::kPrefAddress, 32 * kMiB - kCodeBytes + 1);
  EXPECT_EQ(error(), "vmlinuz: needs 33 MiB of RAM to start, the machine has 32 MiB");
}

TEST_F(LinuxBoot, RefusesAMachineWithoutRam) {
  ram.clear();
  EXPECT_EQ(error(), "RAM: 0 bytes: a machine has 2 MiB to 3 GiB");
}

std::string truncation_error(size_t size) {
  if (size < 0x206) return "vmlinuz: not a Linux bzImage";
  if (size < 1024) return "vmlinuz: truncated: its setup header is cut off";
  return "vmlinuz: truncated: its header announces 13824 bytes, the file has " + std::to_string(size);
}

TEST_F(LinuxBoot, RefusesEveryTruncation) {
  const Bytes whole = image;
  ram = make_ram(4 * kMiB);
  for (size_t size = 0; size < whole.size(); size += size < 0x410 ? 1 : 509) {
    // A copy of the exact size, so that AddressSanitizer sees a read beyond it.
    image = Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    const auto state = load();
    ASSERT_FALSE(state) << size;
    EXPECT_EQ(state.error().message, truncation_error(size));
  }
  image = Bytes(whole.begin(), whole.end() - 1);
  EXPECT_EQ(error(), "vmlinuz: truncated: its header announces 13824 bytes, the file has 13823");
}

}  // namespace
}  // namespace ringdown
