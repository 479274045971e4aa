#include "tests/differential/initial_state.h"

#include <vector>

namespace ringdown::differential {
namespace {

constexpr uint16_t kX87Masks = 0x3F, kX87Default = 0x37F;
constexpr uint32_t kMxcsrMasks = 0x1F80, kMxcsrRounding = 0xE040;  // rounding, FTZ, DAZ
constexpr uint32_t kMiddleOfStack = 0x7FFFF000;
constexpr uint8_t kHlt = 0xF4;  // raises #GP, so that a jump beside the code ends at once

uint32_t random_gpr(Random& random) {
  const unsigned roll = random.below(100);
  if (roll < 45) return kPages[kData0].address + random.below(2 * kPageBytes - 64) / 4 * 4;
  if (roll < 65) return random.below(256);
  if (roll < 80)
    return random.pick<uint32_t>({0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x8000, 0x7FFF, 0xFF, 0x80});
  return random.word();
}

// One element of vector data: an integer, or a float or double of any class.
uint64_t random_quadword(Random& random) {
  constexpr uint64_t kNumbers[] = {0,
                                   0x3F8000003F800000,  // 1.0f, 1.0f
                                   0x3FF0000000000000,  // 1.0
                                   0x8000000000000000,  // -0.0
                                   0x7FF0000000000000,  // infinity
                                   0x7FF8000000000000,  // quiet NaN
                                   0x7FF0000000000001,  // signalling NaN
                                   0x0000000000000001,  // denormal
                                   0x7F80000000000001,  // float infinity and denormal
                                   0x7FC000007FA00000,  // float quiet and signalling NaN
                                   0x43E0000000000000,  // 2^63
                                   0x4F000000CF000000,  // 2^31f, -2^31f
                                   0x7FEFFFFFFFFFFFFF,
                                   0x4008000040400000,
                                   0xC024000041200000};
  if (random.percent(40)) return random.next();
  if (random.percent(20)) return random.below(1000);
  return random.pick(std::span<const uint64_t>(kNumbers));
}

void randomise_st(Random& random, std::array<uint8_t, 16>& st) {
  constexpr uint16_t kExponents[] = {0x0000, 0x0001, 0x3FFF, 0x4000, 0x3FFE, 0x401E,
                                     0x403E, 0x7FFE, 0x7FFF, 0xBFFF, 0xFFFF, 0x8000};
  uint64_t significand =
      random.percent(50) ? random.next() : random.pick<uint64_t>({0, 1ull << 63, 3ull << 62, ~0ull, 1});
  if (random.percent(80)) significand |= 1ull << 63;  // not an unnormal
  const uint16_t exponent = random.percent(60) ? static_cast<uint16_t>(0x3FF0 + random.below(32))
                                               : random.pick(std::span<const uint16_t>(kExponents));
  std::memcpy(st.data(), &significand, 8);
  std::memcpy(st.data() + 8, &exponent, 2);
}

void randomise_fx(Random& random, FxsaveImage& fx) {
  fx.control_word = kX87Default;
  if (random.percent(30))
    fx.control_word = static_cast<uint16_t>((random.word() & 0x0F00) | 0x40 | kX87Masks);
  if (random.percent(8)) fx.control_word &= static_cast<uint16_t>(~(random.word() & kX87Masks));
  fx.status_word = static_cast<uint16_t>(random.word() & 0x7F00);
  // Pending exceptions are left alone by FXRSTOR only where they are masked.
  if (random.percent(20))
    fx.status_word |= static_cast<uint16_t>(random.word() & fx.control_word & kX87Masks);
  fx.abridged_tag_word = random.percent(30)   ? 0
                         : random.percent(50) ? random.byte()
                                              : static_cast<uint8_t>(random.byte() & random.byte());
  fx.mxcsr = kMxcsrMasks;
  if (random.percent(25)) fx.mxcsr |= random.word() & (kMxcsrRounding | 0x3F);
  if (random.percent(8)) fx.mxcsr &= ~(random.word() & kMxcsrMasks);
  for (auto& st : fx.st) randomise_st(random, st);
  for (unsigned i = 0; i < 8; ++i)
    for (unsigned half = 0; half < 16; half += 8) {
      const uint64_t value = random_quadword(random);
      std::memcpy(fx.xmm[i].data() + half, &value, 8);
    }
}

// Filling pages anew for each case would take longer than running it: cases draw from these.
const std::vector<Page>& page_pool() {
  static const std::vector<Page> pool = [] {
    Random random(1);
    std::vector<Page> pages(64);
    for (Page& page : pages)
      for (unsigned i = 0; i < kPageBytes; i += 8) {
        const uint64_t value = random.percent(15) ? uint64_t{random_gpr(random)} << 32 | random_gpr(random)
                                                  : random_quadword(random);
        std::memcpy(page.data() + i, &value, 8);
      }
    return pages;
  }();
  return pool;
}

}  // namespace

void plain_state(TestCase& out) {
  std::memset(static_cast<void*>(&out), 0, sizeof(out));
  for (unsigned page = kCode0; page <= kCode1; ++page) out.memory[page].fill(kHlt);
  out.gpr[kEsp] = kMiddleOfStack;
  out.fx.control_word = kX87Default;
  out.fx.mxcsr = kMxcsrMasks;
}

void randomise_state(Random& random, TestCase& out) {
  plain_state(out);
  for (uint32_t& gpr : out.gpr) gpr = random_gpr(random);
  if (random.percent(97)) out.gpr[kEsp] = kMiddleOfStack - 2048 + random.below(4096) / 4 * 4;
  out.eflags = random.word() & eflags::kStatus;
  if (random.percent(10)) out.eflags |= eflags::kDf;
  randomise_fx(random, out.fx);
  const auto& pool = page_pool();
  for (unsigned page = kData0; page < kPageCount; ++page)
    out.memory[page] = random.pick(std::span<const Page>(pool));
}

}  // namespace ringdown::differential
