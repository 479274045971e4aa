// Control, debug and model-specific registers, descriptor table registers, counters and ports.
#include "tests/interpreter/system_fixture.h"

namespace ringdown {
namespace {

class RegistersTest : public SystemTest {
 protected:
  void write_cr(unsigned n, uint32_t value) {
    eax() = value;
    esp() = kStackTop;
    run({0x0F, 0x22, static_cast<uint8_t>(0xC0 | n << 3)});
  }
  void write_dr(unsigned n, uint32_t value) {
    eax() = value;
    run({0x0F, 0x23, static_cast<uint8_t>(0xC0 | n << 3)});
  }
  uint32_t read_dr(unsigned n) {
    run({0x0F, 0x21, static_cast<uint8_t>(0xC0 | n << 3)});
    return eax();
  }
  void write_msr(uint32_t index, uint64_t value) {
    ecx() = index;
    eax() = static_cast<uint32_t>(value);
    edx() = static_cast<uint32_t>(value >> 32);
    esp() = kStackTop;
    run({0x0F, 0x30});
  }
  uint64_t read_msr(uint32_t index) {
    ecx() = index;
    run({0x0F, 0x32});
    expect_no_exception();
    return uint64_t{edx()} << 32 | eax();
  }
  void use_model(const char* specification) {
    std::string error;
    ASSERT_TRUE(CpuModel::parse(specification, model, error)) << error;
  }
};

// ---- CR0 ------------------------------------------------------------------------------------------------

TEST_F(RegistersTest, Cr0KeepsItsReservedBitsAndEt) {
  write_cr(0, ~(cr0::kPg | cr0::kEt));
  EXPECT_EQ(state.cr0, cr0::kPe | cr0::kMp | cr0::kEm | cr0::kTs | cr0::kEt | cr0::kNe | cr0::kWp | cr0::kAm |
                           cr0::kNw | cr0::kCd);
}

TEST_F(RegistersTest, Cr0RejectsImpossibleCombinations) {
  const uint32_t before = state.cr0;
  write_cr(0, cr0::kPg);
  expect_general_protection();
  write_cr(0, cr0::kPe | cr0::kNw);
  expect_general_protection();
  EXPECT_EQ(state.cr0, before);
}

TEST_F(RegistersTest, ChangesOfCr0FlushWhatDependsOnThem) {
  write_cr(0, state.cr0 ^ cr0::kTs);
  EXPECT_EQ(bus.flushes, 0u);
  write_cr(0, state.cr0 ^ cr0::kWp);
  EXPECT_EQ(bus.flushes, 1u);
  write_cr(0, state.cr0 ^ cr0::kPe);
  EXPECT_EQ(bus.flushes, 2u);
  EXPECT_TRUE(state.real_mode());
}

TEST_F(RegistersTest, TurningPagingOnUsesThePageTables) {
  enable_paging();
  state.cr0 &= ~cr0::kPg;
  mmu.flush();
  put<uint32_t>(kPageTable + (kData >> 12) * 4, (kData + 0x1000) | 7);
  put<uint32_t>(kData, 1);
  put<uint32_t>(kData + 0x1000, 2);
  run({0xA1, 0, 0, 2, 0});
  EXPECT_EQ(eax(), 1u);
  write_cr(0, state.cr0 | cr0::kPg);
  run({0xA1, 0, 0, 2, 0});
  EXPECT_EQ(eax(), 2u);
}

TEST_F(RegistersTest, LmswSetsButNeverClearsPe) {
  eax() = cr0::kTs | cr0::kMp;
  run({0x0F, 0x01, 0xF0});
  EXPECT_EQ(state.cr0, cr0::kPe | cr0::kEt | cr0::kNe | cr0::kTs | cr0::kMp);
  real_mode();
  eax() = 0xFFFF;
  run({0x0F, 0x01, 0xF0});
  EXPECT_EQ(state.cr0, cr0::kPe | cr0::kMp | cr0::kEm | cr0::kTs | cr0::kEt);
}

TEST_F(RegistersTest, SmswByOperandSize) {
  state.cr0 |= cr0::kWp;
  eax() = ~0u;
  run({0x0F, 0x01, 0xE0});
  EXPECT_EQ(eax(), state.cr0);
  eax() = ~0u;
  run({0x66, 0x0F, 0x01, 0xE0});
  EXPECT_EQ(eax(), 0xFFFF0000 | (state.cr0 & 0xFFFF));
  put<uint32_t>(kData, ~0u);
  run({0x0F, 0x01, 0x25, 0, 0, 2, 0});
  EXPECT_EQ(at<uint32_t>(kData), 0xFFFF0000 | (state.cr0 & 0xFFFF));
}

TEST_F(RegistersTest, CltsClearsTs) {
  state.cr0 |= cr0::kTs;
  run({0x0F, 0x06});
  EXPECT_FALSE(state.cr0 & cr0::kTs);
}

TEST_F(RegistersTest, TheModFieldOfControlAndDebugMovesIsIgnored) {
  run({0x0F, 0x20, 0x05});  // with mod 0, rm 5 would be a displacement
  EXPECT_EQ(advanced(), 3u);
  EXPECT_EQ(ebp(), state.cr0);
  run({0x0F, 0x21, 0x3C});  // and rm 4 a SIB byte
  EXPECT_EQ(advanced(), 3u);
  EXPECT_EQ(esp(), state.dr[7]);
}

// ---- CR3, CR4, PAE --------------------------------------------------------------------------------------

TEST_F(RegistersTest, Cr3FlushesOwnAndMachineTranslations) {
  enable_paging();
  put<uint32_t>(kData, 1);
  put<uint32_t>(kData + 0x1000, 2);
  run({0xA1, 0, 0, 2, 0});
  put<uint32_t>(kPageTable + (kData >> 12) * 4, (kData + 0x1000) | 7);
  write_cr(3, kPageDirectory);
  EXPECT_EQ(bus.flushes, 1u);
  run({0xA1, 0, 0, 2, 0});
  EXPECT_EQ(eax(), 2u);
}

TEST_F(RegistersTest, InvlpgFlushesOnePage) {
  enable_paging();
  put<uint32_t>(kData + 0x1000, 2);
  run({0xA1, 0, 0, 2, 0});
  put<uint32_t>(kPageTable + (kData >> 12) * 4, (kData + 0x1000) | 7);
  run({0x0F, 0x01, 0x3D, 0, 0, 2, 0});
  EXPECT_EQ(bus.flushes, 1u);
  run({0xA1, 0, 0, 2, 0});
  EXPECT_EQ(eax(), 2u);
}

TEST_F(RegistersTest, InvlpgIgnoresLimitsAndMissingPages) {
  state.segment[kDs].limit = 0;
  run({0x0F, 0x01, 0x3D, 0, 0, 2, 0});
  expect_no_exception();
}

TEST_F(RegistersTest, Cr4TakesOnlyTheBitsOfTheModel) {
  write_cr(4, model.cr4_writable());
  EXPECT_EQ(state.cr4, model.cr4_writable());
  write_cr(4, 1u << 31);
  expect_general_protection();
  use_model("486");
  state.cr4 = 0;
  write_cr(4, cr4::kPae);
  expect_general_protection();
  EXPECT_EQ(state.cr4, 0u);
}

TEST_F(RegistersTest, Cr4FlushesForPagingBitsOnly) {
  write_cr(4, cr4::kTsd);
  EXPECT_EQ(bus.flushes, 0u);
  for (uint32_t bit : {cr4::kPse, cr4::kPae, cr4::kPge}) {
    const unsigned before = bus.flushes;
    write_cr(4, state.cr4 ^ bit);
    EXPECT_EQ(bus.flushes, before + 1);
  }
}

class PaeTest : public RegistersTest {
 protected:
  static constexpr uint32_t kPdpt = 0x60020;

  void pdpt(uint64_t second) {
    put<uint64_t>(kPdpt, 0x61001);
    put<uint64_t>(kPdpt + 8, second);
    put<uint64_t>(kPdpt + 16, 0);
    put<uint64_t>(kPdpt + 24, 0x1E6);  // reserved bits of an absent entry do not matter
    put<uint64_t>(0x61000, 0x83 | 1ull << 5);
    state.cr3 = kPdpt;
    state.cr4 = cr4::kPae;
  }
};

TEST_F(PaeTest, PagingLoadsThePdptes) {
  pdpt(0x62001);
  write_cr(0, state.cr0 | cr0::kPg);
  expect_no_exception();
  EXPECT_EQ(state.pdpte, (std::array<uint64_t, 4>{0x61001, 0x62001, 0, 0x1E6}));
  put<uint64_t>(kPdpt, 0x61009);
  run({0x90});
  EXPECT_EQ(state.pdpte[0], 0x61001u);  // a copy until the next load
  write_cr(3, kPdpt | 0x1F);
  EXPECT_EQ(state.pdpte[0], 0x61009u);
}

TEST_F(PaeTest, ReservedPdpteBitsFault) {
  for (uint64_t bit : {1ull << 1, 1ull << 5, 1ull << 8, 1ull << 36, 1ull << 63}) {
    pdpt(0x62001 | bit);
    const uint32_t before = state.cr0;
    write_cr(0, state.cr0 | cr0::kPg);
    expect_general_protection();
    EXPECT_EQ(state.cr0, before);
  }
  pdpt(0x62001);
  write_cr(0, state.cr0 | cr0::kPg);
  put<uint64_t>(kPdpt + 8, 0x62003);
  const unsigned flushes = bus.flushes;
  write_cr(3, kPdpt);
  expect_general_protection();
  EXPECT_EQ(state.pdpte[1], 0x62001u);
  EXPECT_EQ(bus.flushes, flushes);
}

// ---- Debug registers ------------------------------------------------------------------------------------

TEST_F(RegistersTest, DebugRegistersFixedBits) {
  write_dr(6, 0);
  EXPECT_EQ(state.dr[6], 0xFFFF0FF0u);
  write_dr(6, ~0u);
  EXPECT_EQ(state.dr[6], 0xFFFFEFFFu);
  write_dr(7, 0);
  EXPECT_EQ(state.dr[7], 0x400u);
  write_dr(7, 0xD800);
  EXPECT_EQ(state.dr[7], 0x400u);
  write_dr(2, 0x12345678);
  EXPECT_EQ(read_dr(2), 0x12345678u);
}

TEST_F(RegistersTest, Dr4AndDr5AreAliasesUnlessCr4De) {
  write_dr(5, 0);
  EXPECT_EQ(state.dr[7], 0x400u);
  EXPECT_EQ(read_dr(4), state.dr[6]);
  state.cr4 |= cr4::kDe;
  read_dr(4);
  expect_undefined();
  read_dr(5);
  EXPECT_EQ(exception()->vector, 6u);
}

TEST_F(RegistersTest, GeneralDetectFaultsAndIsCleared) {
  state.dr[7] |= 1u << 13;
  read_dr(0);
  expect_fault(Vector::kDebug);
  EXPECT_TRUE(state.dr[6] & 1u << 13);
  EXPECT_FALSE(state.dr[7] & 1u << 13);
  EXPECT_TRUE(exception()->eflags & eflags::kRf);
}

// ---- Descriptor table registers -------------------------------------------------------------------------

TEST_F(RegistersTest, LgdtAndLidtByOperandSize) {
  put<uint16_t>(kData, 0x1234);
  put<uint32_t>(kData + 2, 0xABCDEF01);
  run({0x0F, 0x01, 0x1D, 0, 0, 2, 0});
  EXPECT_EQ(state.idtr.base, 0xABCDEF01u);
  EXPECT_EQ(state.idtr.limit, 0x1234);
  run({0x66, 0x0F, 0x01, 0x15, 0, 0, 2, 0});
  EXPECT_EQ(state.gdtr.base, 0x00CDEF01u);
}

TEST_F(RegistersTest, SgdtAndSidtStoreLimitAndBase) {
  state.gdtr = {0x12345678, 0x9ABC};
  state.idtr.limit = 0x7FF;
  run({0x0F, 0x01, 0x05, 0, 0, 2, 0});
  EXPECT_EQ(at<uint16_t>(kData), 0x9ABC);
  EXPECT_EQ(at<uint32_t>(kData + 2), 0x12345678u);
  run({0x0F, 0x01, 0x0D, 0, 0, 2, 0});
  EXPECT_EQ(at<uint16_t>(kData), 0x7FF);
  EXPECT_EQ(at<uint32_t>(kData + 2), kIdt);
}

TEST_F(RegistersTest, SgdtThatFaultsHalfWayStoresNothing) {
  enable_paging();
  set_page(kData + 0x1000, 0);
  put<uint32_t>(kData + 0xFFC, 0x55555555);
  run({0x0F, 0x01, 0x05, 0xFC, 0x0F, 2, 0});
  expect_fault(Vector::kPageFault, page_fault_error::kWrite);
  EXPECT_EQ(at<uint32_t>(kData + 0xFFC), 0x55555555u);
}

TEST_F(RegistersTest, LldtFaults) {
  const uint16_t absent = add_descriptor(descriptor(kLdtBase, 7, 0x02));
  const std::pair<uint32_t, Vector> cases[] = {{kKernelDs, Vector::kGeneralProtection},
                                               {4, Vector::kGeneralProtection},
                                               {0x7F8, Vector::kGeneralProtection},
                                               {absent, Vector::kSegmentNotPresent}};
  for (const auto& [selector, vector] : cases) {
    esp() = kStackTop;
    eax() = selector;
    run({0x0F, 0x00, 0xD0});
    expect_fault(vector, selector);
  }
  const uint16_t good = add_descriptor(descriptor(kLdtBase, 7, 0x82));
  eax() = good;
  run({0x0F, 0x00, 0xD0});
  EXPECT_EQ(state.ldtr.base, kLdtBase);
  run({0x0F, 0x00, 0xC0});
  EXPECT_EQ(eax(), good);
  eax() = 0;
  run({0x0F, 0x00, 0xD0});
  EXPECT_FALSE(state.ldtr.present());
}

TEST_F(RegistersTest, LtrMarksTheTssBusyAndRefusesABusyOne) {
  const uint16_t task = add_descriptor(descriptor(kOtherTss, 0x67, 0x89));
  eax() = task;
  run({0x0F, 0x00, 0xD8});
  EXPECT_EQ(state.tr.base, kOtherTss);
  EXPECT_EQ(access_byte(task), 0x8B);
  EXPECT_EQ(state.tr.attributes & 0xF, 0xB);
  run({0x0F, 0x00, 0xD8});
  expect_fault(Vector::kGeneralProtection, task);
  eax() = 0;
  run({0x0F, 0x00, 0xD8});
  expect_general_protection();
}

// ---- MSRs -----------------------------------------------------------------------------------------------

TEST_F(RegistersTest, PlainMsrsHoldTheirValue) {
  for (uint32_t index : {0x174u, 0x175u, 0x176u}) {
    write_msr(index, 0x1234ABCD);
    EXPECT_EQ(read_msr(index), 0x1234ABCDu);
  }
  write_msr(0x10, 0x123456789ABCDEFull);
  EXPECT_EQ(bus.tsc, 0x123456789ABCDEFull);
  EXPECT_EQ(read_msr(0x10), 0x123456789ABCDEFull);
}

TEST_F(RegistersTest, TheTimeStampCounterAndItsAdjustmentFollowEachOther) {
  bus.tsc = 1000;
  write_msr(0x10, 1500);
  EXPECT_EQ(read_msr(0x3B), 500u);
  write_msr(0x3B, 300);
  EXPECT_EQ(bus.tsc, 1300u);
  EXPECT_EQ(read_msr(0x3B), 300u);
}

TEST_F(RegistersTest, UnknownMsrsFault) {
  for (uint32_t index : {0u, 0x1FFu, 0xC0000081u, 0xFFFFFFFFu}) {
    esp() = kStackTop;
    ecx() = index;
    run({0x0F, 0x32});
    expect_general_protection();
    write_msr(index, 0);
    expect_general_protection();
  }
}

TEST_F(RegistersTest, BadMsrValuesFault) {
  use_model("n270");
  const std::pair<uint32_t, uint64_t> cases[] = {
      {0x277, 2},                   // PAT: a reserved type
      {0x277, 0x0800000000000000},  // PAT, the highest entry
      {0x2FF, 2},                   // default memory type
      {0x2FF, 1 << 9},              //
      {0x200, 0x106},               // variable base: bits 8..11
      {0x200, 3},                   //   type
      {0x200, 1ull << 36},          //   above the physical address
      {0x201, 0x400},               // variable mask: bits 0..10
      {0x250, 0x0300000000000000},  // fixed range
      {0xFE, 0},                    // capabilities: read only
      {0x17, 0},                    // platform: read only
      {0x1B, 1ull << 36},           // APIC base
      {0x1B, 1},                    //
      {0xC0000080, 1},              // EFER.SCE: no SYSCALL here
      {0xC0000080, 1ull << 8},      // EFER.LME
      {0x1D9, 1ull << 63},          // DEBUGCTL
  };
  for (const auto& [index, value] : cases) {
    SCOPED_TRACE(::testing::Message() << std::hex << index << " := " << value);
    const uint64_t before = read_msr(index);
    write_msr(index, value);
    expect_general_protection();
    EXPECT_EQ(read_msr(index), before);
  }
}

TEST_F(RegistersTest, MemoryTypeRangesHoldTheirValues) {
  use_model("n270");
  EXPECT_EQ(read_msr(0xFE) & 0xFF, 8u);
  std::vector<uint32_t> indices = {0x250, 0x258, 0x259};
  for (uint32_t i = 0x268; i < 0x270; i++) indices.push_back(i);
  for (uint32_t i = 0x200; i < 0x210; i += 2) indices.push_back(i);
  for (size_t n = 0; n < indices.size(); n++)
    write_msr(indices[n], indices[n] < 0x210 ? n << 12 | 6 : 0x0605040100000000 | n % 2);
  for (size_t n = 0; n < indices.size(); n++)
    EXPECT_EQ(read_msr(indices[n]), indices[n] < 0x210 ? n << 12 | 6 : 0x0605040100000000 | n % 2);
  write_msr(0x20F, 0xFFF000800);
  EXPECT_EQ(read_msr(0x20F), 0xFFF000800u);
  write_msr(0x2FF, 0xC06);
  EXPECT_EQ(read_msr(0x2FF), 0xC06u);
}

TEST_F(RegistersTest, EferNxeFollowsTheModelAndFlushes) {
  use_model("n270");
  write_msr(0xC0000080, efer::kNxe);
  EXPECT_EQ(state.msr.efer, efer::kNxe);
  EXPECT_EQ(bus.flushes, 1u);
  use_model("n270,-nx");
  write_msr(0xC0000080, efer::kNxe);
  expect_general_protection();
}

TEST_F(RegistersTest, CpuidLeafOneLoadsTheMicrocodeRevision) {
  write_msr(0x8B, 0);
  EXPECT_EQ(read_msr(0x8B), 0u);
  eax() = 1;
  run({0x0F, 0xA2});
  EXPECT_EQ(eax(), model.signature());
  EXPECT_NE(read_msr(0x8B) >> 32, 0u);
}

// ---- Counters and ports ---------------------------------------------------------------------------------

TEST_F(RegistersTest, RdtscAndItsPrivilege) {
  bus.tsc = 0x1122334455667788;
  run({0x0F, 0x31});
  EXPECT_EQ(eax(), 0x55667788u);
  EXPECT_EQ(edx(), 0x11223344u);
  state.cr4 |= cr4::kTsd;
  run({0x0F, 0x31});
  expect_no_exception();
  protected_mode(3);
  state.cr4 |= cr4::kTsd;
  run({0x0F, 0x31});
  expect_general_protection();
}

TEST_F(RegistersTest, HltWaitsForAnInterrupt) {
  run({0xF4});
  EXPECT_TRUE(state.halted);
  EXPECT_EQ(advanced(), 1u);
  cpu.step();
  EXPECT_EQ(advanced(), 1u);
  cpu.deliver_interrupt(0x40);
  EXPECT_FALSE(state.halted);
  EXPECT_EQ(stack_word(0), kCode + 1);
}

class PortTest : public RegistersTest {
 protected:
  static constexpr uint16_t kMapOffset = 0x68;
  // Ring 3 with IOPL 0 and a map that permits everything up to the TSS's limit.
  void permit_all_below(uint32_t ports) {
    protected_mode(3);
    state.tr.limit = kMapOffset + ports / 8;
    put<uint16_t>(kTss + 0x66, kMapOffset);
  }
  void forbid(uint16_t port) {
    const uint32_t at_byte = kTss + kMapOffset + port / 8;
    put<uint8_t>(at_byte, at<uint8_t>(at_byte) | 1 << (port & 7));
  }
  bool permitted(uint16_t port, unsigned size) {
    edx() = port;
    state.segment[kCs].selector = kUserCs;
    size == 1 ? run({0xEC}) : size == 2 ? run({0x66, 0xED}) : run({0xED});
    EXPECT_FALSE(state.shutdown);
    const bool ok = !exception();
    if (!ok) {
      expect_general_protection();
      restore_ring_3();
    }
    return ok;
  }
  void restore_ring_3() {
    const Segment tr = state.tr;
    state.cpl = 3;
    load_flat_data(kSs, kUserDs, 3);
    state.segment[kCs] = {0, 0xFFFFFFFF, kUserCs, 0xC0FB};
    state.gpr[kEsp] = kStackTop;
    state.tr = tr;
  }
};

TEST_F(PortTest, InAndOutByWidth) {
  bus.to_read = {0x12345678, 0x12345678, 0x12345678};
  eax() = 0xAAAAAAAA;
  edx() = 0xFFFF03F8;
  run({0xEC});
  EXPECT_EQ(eax(), 0xAAAAAA78u);
  run({0x66, 0xED});
  EXPECT_EQ(eax(), 0xAAAA5678u);
  run({0xED});
  EXPECT_EQ(eax(), 0x12345678u);
  run({0xE6, 0x80});
  run({0x66, 0xE7, 0x80});
  run({0xEF});
  const std::vector<FakeBus::Access> expected = {
      {false, 0x3F8, 1, 0x12345678}, {false, 0x3F8, 2, 0x12345678}, {false, 0x3F8, 4, 0x12345678},
      {true, 0x80, 1, 0x78},         {true, 0x80, 2, 0x5678},       {true, 0x3F8, 4, 0x12345678},
  };
  EXPECT_EQ(bus.accesses, expected);
}

TEST_F(PortTest, EveryByteOfAnAccessNeedsItsBit) {
  permit_all_below(256);
  forbid(0x47);
  EXPECT_TRUE(permitted(0x46, 1));
  EXPECT_FALSE(permitted(0x46, 2));
  EXPECT_FALSE(permitted(0x47, 1));
  EXPECT_TRUE(permitted(0x43, 4));
  EXPECT_FALSE(permitted(0x44, 4));
  EXPECT_TRUE(permitted(0x48, 4));
}

TEST_F(PortTest, AnAccessMayCrossAByteOfTheMap) {
  permit_all_below(256);
  forbid(0x48);
  EXPECT_FALSE(permitted(0x47, 2));
  EXPECT_TRUE(permitted(0x47, 1));
}

TEST_F(PortTest, TheMapEndsWithTheTss) {
  permit_all_below(256);  // bytes 68h .. 68h + 32: the last one only serves as the second of a pair
  EXPECT_TRUE(permitted(0xFF, 1));
  EXPECT_FALSE(permitted(0x100, 1));
  state.tr.limit--;
  EXPECT_FALSE(permitted(0xFF, 1));
}

TEST_F(PortTest, A16BitTssPermitsNothing) {
  permit_all_below(256);
  state.tr.attributes = 0x83;
  put<uint16_t>(kTss + 2, 0x7000);  // SP0, for the exception
  put<uint16_t>(kTss + 4, kKernelDs);
  EXPECT_FALSE(permitted(0x40, 1));
}

TEST_F(PortTest, Virtual8086AsksTheMapWhateverItsIopl) {
  virtual_8086(3);
  state.tr.limit = kMapOffset + 32;
  put<uint16_t>(kTss + 0x66, kMapOffset);
  edx() = 0x40;
  run({0xEC});
  expect_no_exception();
  forbid(0x40);
  run({0xEC});
  expect_general_protection();
}

TEST_F(PortTest, IoBreakpointsTrapAfterTheAccess) {
  state.cr4 |= cr4::kDe;
  state.dr[0] = 0x60;
  state.dr[7] = 0x400 | 1 | 2u << 16;
  edx() = 0x60;
  run({0xEC});
  expect_exception(Vector::kDebug);
  EXPECT_EQ(exception()->eip, kCode + 1);
  EXPECT_EQ(state.dr[6] & 0xF, 1u);
  EXPECT_EQ(bus.accesses.size(), 1u);
}

}  // namespace
}  // namespace ringdown
