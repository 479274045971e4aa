#include "cpu/cpu_model.h"

namespace ringdown {
namespace {

using enum Feature;

constexpr FeatureSet set_of(std::initializer_list<Feature> features) {
  FeatureSet set = 0;
  for (Feature f : features) set |= bit(f);
  return set;
}

constexpr FeatureSet kPentium = set_of({kFpu, kVme, kDe, kPse, kTsc, kMsr, kCx8, kApic});
constexpr FeatureSet kPentium2 = kPentium | set_of({kPae, kSep, kMtrr, kPge, kCmov, kPat, kMmx, kFxsr});
constexpr FeatureSet kPentium3 = kPentium2 | bit(kSse);
constexpr FeatureSet kQemu32 = kPentium3 | set_of({kSse2, kSse3, kClflush, kHypervisor});
constexpr FeatureSet kN270 =
    kPentium3 | set_of({kSse2, kSse3, kSsse3, kMovbe, kClflush, kHypervisor, kNx, kInvtsc});
// No MTRR: every page of the guest is write-back memory or an emulated device. Linux then leaves PAT as RESET
// set it. No machine checks (nothing here can fail in a way that a bank would report).
// With TSC_ADJUST, Linux trusts a TSC that is invariant. Without, it compares it with the 8254's count, finds
// them apart when the host stops us between the two readings, and then lives by the 8254.
constexpr FeatureSet kRingdown =
    (kN270 & ~bit(kMtrr)) |
    set_of({kSse41, kSse42, kPopcnt, kAes, kPclmulqdq, kShaNi, kRdrand, kRdseed, kAdx, kErms, kTscAdjust});

// The default is a late one of the first Atoms (Cedarview): a P6 that executes in order. Linux lists it as
// one that cannot speculate, hence neither splits its page tables nor turns indirect branches into thunks,
// which a guest without the host's privileges would pay for and gain nothing from. Of the earlier ones (1Ch)
// the GNU C library knows that BSF and unaligned loads are slow, and has its string functions do without.
constexpr CpuIdentity kIdentities[] = {
    {.name = "ringdown",
     .brand = "Ringdown virtual processor",
     .family = 6,
     .model = 0x36,
     .stepping = 1,
     .max_basic_leaf = 7,
     .features = kRingdown,
     .trimmed_to_host = true},
    {.name = "486",
     .brand = "",
     .family = 4,
     .model = 8,
     .stepping = 0,
     .max_basic_leaf = 1,
     .features = set_of({kFpu, kVme, kPse}),
     .trimmed_to_host = false},
    {.name = "pentium",
     .brand = "",
     .family = 5,
     .model = 4,
     .stepping = 3,
     .max_basic_leaf = 1,
     .features = kPentium,
     .trimmed_to_host = false},
    {.name = "pentium2",
     .brand = "",
     .family = 6,
     .model = 5,
     .stepping = 2,
     .max_basic_leaf = 2,
     .features = kPentium2,
     .trimmed_to_host = false},
    {.name = "pentium3",
     .brand = "",
     .family = 6,
     .model = 7,
     .stepping = 3,
     .max_basic_leaf = 3,
     .features = kPentium3,
     .trimmed_to_host = false},
    {.name = "qemu32",
     .brand = "Ringdown qemu32 processor",
     .family = 6,
     .model = 6,
     .stepping = 3,
     .max_basic_leaf = 4,
     .features = kQemu32,
     .trimmed_to_host = false},
    {.name = "n270",
     .brand = "Intel(R) Atom(TM) CPU N270   @ 1.60GHz",
     .family = 6,
     .model = 0x1C,
     .stepping = 2,
     .max_basic_leaf = 5,
     .features = kN270,
     .trimmed_to_host = false},
};

}  // namespace

std::span<const CpuIdentity> cpu_identities() { return kIdentities; }

}  // namespace ringdown
