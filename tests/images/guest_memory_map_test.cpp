#include "images/guest_memory_map.h"

#include <gtest/gtest.h>

namespace ringdown {
namespace {

TEST(GuestMemoryMap, IsThatOfAPc) {
  const std::vector<E820Entry> expected = {{0, 0x9FC00, E820Type::kUsable},
                                           {0x9FC00, 0x400, E820Type::kReserved},
                                           {0xF0000, 0x10000, E820Type::kReserved},
                                           {0x100000, 0x700000, E820Type::kUsable}};
  EXPECT_EQ(pc_memory_map(8 << 20), expected);
}

TEST(GuestMemoryMap, KeepsAPartialPageToItself) {
  EXPECT_EQ(pc_memory_map((8 << 20) + 4095).back().size, 0x700000u);
  EXPECT_EQ(pc_memory_map((8 << 20) + 4096).back().size, 0x701000u);
}

TEST(GuestMemoryMap, DescribesThreeGibibytes) {
  EXPECT_EQ(pc_memory_map(kMaxRamBytes).back().size, 0xBFF00000u);
}

TEST(GuestMemoryMap, KnowsWhatIsRam) {
  const uint64_t ram = 8 << 20;
  EXPECT_TRUE(is_usable_ram(ram, 0, 0x9FC00));
  EXPECT_FALSE(is_usable_ram(ram, 0, 0x9FC01));
  EXPECT_FALSE(is_usable_ram(ram, 0xA0000, 1));
  EXPECT_FALSE(is_usable_ram(ram, 0xFFFFF, 2));
  EXPECT_TRUE(is_usable_ram(ram, 0x100000, 0x700000));
  EXPECT_FALSE(is_usable_ram(ram, 0x100000, 0x700001));
  EXPECT_FALSE(is_usable_ram(ram, 0x800000, 1));
  EXPECT_FALSE(is_usable_ram(ram, 0x7FF000, ~0ull));
  EXPECT_FALSE(is_usable_ram(ram, ~0ull, 2));
}

TEST(GuestMemoryMap, CountsExtendedMemory) { EXPECT_EQ(extended_memory_kib(8 << 20), 7u * 1024); }

TEST(GuestMemoryMap, RefusesOtherSizes) {
  EXPECT_TRUE(check_ram_size(2 << 20));
  EXPECT_TRUE(check_ram_size(3ull << 30));
  EXPECT_EQ(check_ram_size((2 << 20) - 1).error().message,
            "RAM: 2097151 bytes: a machine has 2 MiB to 3 GiB");
  EXPECT_FALSE(check_ram_size((3ull << 30) + 1));
}

}  // namespace
}  // namespace ringdown
