#include "tests/differential/units.h"

// What only supervisor code may do, or what would behave differently if it ran in another ring.
namespace ringdown::differential {
namespace {

using Kind = Fixup::Kind;

constexpr uint16_t kKernelCode = 0x08, kKernelData = 0x10;  // as guest_layout.h has them

constexpr const char* kSensitive[] = {
    // flags
    "9C size", "FA", "FB",
    // segment registers
    "8C size /0", "8C size /1", "8C size /2", "8C size /3", "8C size /4", "8C size /5", "8C /6", "06 size",
    "0E size", "16 size", "1E size", "0F A0 size", "0F A8 size",
    // control and debug registers
    "0F 20 /0:r", "0F 20 /1:r", "0F 20 /2:r", "0F 20 /3:r", "0F 20 /4:r", "0F 20 /5:r", "0F 21 /0:r",
    "0F 21 /4:r", "0F 21 /6:r", "0F 21 /7:r", "0F 01 size /4", "0F 06",
    // descriptor tables and what looks at them
    "0F 00 size /0", "0F 00 size /1", "0F 01 /0:m", "0F 01 /1:m", "0F 02 size /r", "0F 03 size /r",
    "0F 00 /4", "0F 00 /5",
    // caches, ports, identification
    "0F 08", "0F 09", "0F 01 /7:m", "0F A2", "E4 ib", "E5 size ib", "EC", "ED size", "E6 ib", "EF size"};

void make_sensitive(Composer& c, uint32_t) {
  static const std::vector<Template> table(std::begin(kSensitive), std::end(kSensitive));
  while (!c.from_template(c.random.pick(std::span<const Template>(table)))) {
  }
  if (c.random.percent(20)) c.bytes({0x58});  // pop eax: what was pushed, if it was
  c.forget(0xFF);
}

// PUSH imm; POPF of any flags.
void make_pop_any_flags(Composer& c, uint32_t) {
  using namespace eflags;
  uint32_t flags = c.random.word();
  if (c.random.percent(95)) flags &= ~kTf;
  if (c.random.percent(60)) flags &= kStatus | kDf | kIf;
  if (c.random.percent(20)) c.bytes({static_cast<uint8_t>(c.random.pick({0xFA, 0xFB}))});
  c.bytes({0x68});
  c.dword(flags);
  const bool narrow = c.random.percent(20);
  if (narrow) c.bytes({0x66});
  c.bytes({0x9D});
  if (narrow) c.bytes({0x66, 0x58});  // what is left of the doubleword
  if (c.random.percent(50)) c.bytes({0x9C});
  if (c.random.percent(80)) c.bytes({0xFC});
  c.forget(1 << kEax | 1 << kEsp);
}

// CLTS, or MOV EAX, CRn; XOR EAX, bits; MOV CRn, EAX.
void make_control_write(Composer& c, uint32_t) {
  struct Bits {
    uint8_t modrm;
    uint32_t mask;
  };
  if (c.random.percent(20)) return c.bytes({0x0F, 0x06});
  const Bits chosen =
      c.random.pick<Bits>({{0xC0, cr0::kTs},
                           {0xC0, cr0::kMp | cr0::kTs | cr0::kNe | cr0::kWp | cr0::kAm},
                           {0xC0, cr0::kEm},
                           {0xD8, 0},
                           {0xE0, cr4::kVme | cr4::kPvi | cr4::kTsd | cr4::kPse | cr4::kPge | cr4::kPce},
                           {0xE0, cr4::kOsfxsr | cr4::kOsxmmexcpt}});
  c.bytes({0x0F, 0x20, chosen.modrm, 0x35});
  c.dword(c.random.word() & chosen.mask);
  c.bytes({0x0F, 0x22, chosen.modrm});
  c.forget(1 << kEax);
}

// A selector of a flat segment, or none: by MOV or by PUSH and POP.
void make_segment_load(Composer& c, uint32_t) {
  const unsigned segment = c.random.pick<unsigned>({kEs, kSs, kDs, kFs, kGs});
  uint16_t selector = kKernelData;
  if (segment != kSs && c.random.percent(30))
    selector = c.random.pick<uint16_t>({kDataSelector, 0, kKernelCode});
  if (c.random.percent(50)) {
    c.bytes({0x68});
    c.dword(selector);
    if (segment >= kFs) c.bytes({0x0F});
    c.bytes({static_cast<uint8_t>((segment >= kFs ? 0x81 : 0x07) | segment << 3)});
  } else {
    c.move_immediate(kEax, selector);
    c.bytes({0x8E, static_cast<uint8_t>(0xC0 | segment << 3)});
  }
}

// To a later unit, by IRET, far RET or far JMP.
void make_far_transfer(Composer& c, uint32_t id) {
  const uint32_t target = id + 1 + c.random.below(2);
  const unsigned form = c.random.below(3);
  if (form == 0) {
    c.bytes({0xEA});
    c.fixup(Kind::kAbsolute32, target, 0);
    return c.bytes({kKernelCode, 0});
  }
  if (form == 1) {
    c.bytes({0x68});
    c.dword(c.random.word() & (eflags::kStatus | eflags::kIf | eflags::kIopl));
  }
  c.bytes({0x6A, kKernelCode, 0x68});
  c.fixup(Kind::kAbsolute32, target, 0);
  c.bytes({static_cast<uint8_t>(form == 1 ? 0xCF : 0xCB)});
}

// A copy or fill between pages that belong to different rings, as system calls make them.
void make_copy_across_rings(Composer& c, uint32_t) {
  Random& random = c.random;
  const auto place = [&] {
    const PageNumber page = random.pick({kData0, kData1, kReadOnly, kIsland, kStack0, kStack1, kTop});
    return kPages[page].address + random.below(kPageBytes);
  };
  c.move_immediate(kEsi, place());
  c.move_immediate(kEdi, place());
  c.move_immediate(kEcx, random.percent(50) ? random.below(16) : random.below(kPageBytes));
  if (random.percent(20)) c.bytes({0xFD});
  if (random.percent(85)) c.bytes({0xF3});
  c.bytes({random.pick<uint8_t>({0xA4, 0xA5, 0xAA, 0xAB, 0xA6, 0xAC, 0xAE})});
  c.bytes({0xFC});
  c.forget(1 << kEcx | 1 << kEsi | 1 << kEdi | 1 << kEax);
}

// Operands of the forms that the adaptation of user accesses knows, aimed at any page.
void make_access_across_rings(Composer& c, uint32_t) {
  Random& random = c.random;
  const PageNumber page = random.pick({kData0, kData1, kReadOnly, kIsland, kStack0, kStack1, kTop});
  const uint32_t target = kPages[page].address + random.below(kPageBytes / 16) * 16;
  const char* const forms[] = {"88 /r",           "89 size /r",      "8A /r",         "8B size /r",
                               "01 size /r lock", "C7 size /0 iz",   "C6 /0 ib",      "FF size /6:m",
                               "8F size /0:m",    "0F C7 /1:m lock", "0F AB size /r", "0F 11 /r",
                               "0F 10 /r",        "D9 /0:m",         "D9 /3:m",       "86 /r lock",
                               "84 /r",           "0F B0 /r",        "FE /0 lock",    "0F 94 /0"};
  for (unsigned i = 0; i <= random.below(3); ++i)
    c.from_template(Template(forms[random.below(std::size(forms))]), target + random.below(3) * 4);
}

constexpr WeightedUnit kKinds[] = {{make_sensitive, 100},          {make_pop_any_flags, 40},
                                   {make_control_write, 15},       {make_segment_load, 20},
                                   {make_far_transfer, 10},        {make_copy_across_rings, 60},
                                   {make_access_across_rings, 120}};

}  // namespace

std::span<const WeightedUnit> supervisor_unit_kinds() { return kKinds; }

}  // namespace ringdown::differential
