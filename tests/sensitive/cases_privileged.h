#pragma once
#include "tests/sensitive/case.h"

// What only ring 0 may do, what tells of the processor, and what the modelled processors do not have.
namespace ringdown::sensitive {

using enum Sensitive;

constexpr uint32_t kPlainCr0 = cr0::kPe | cr0::kEt | cr0::kNe;

inline void table_in_memory(World& w, uint32_t base, uint16_t limit) {
  w.put(kData, limit, 2);
  w.put(kData + 2, base, 4);
}
inline void time_stamp(World& w) { w.unspecified = 1u << kEax | 1u << kEdx; }
inline void identify(World& w) {
  const CpuidResult r = w.model.cpuid(w.reg(kEax), w.reg(kEcx));
  w.reg(kEax) = r.eax;
  w.reg(kEbx) = r.ebx;
  w.reg(kEcx) = r.ecx;
  w.reg(kEdx) = r.edx;
}

inline constexpr Case kPrivilegedCases[] = {
    {.id = kHlt, .name = "HLT", .code = {0xF4}, .ring0 = halts(), .ring3 = kGp0},
    {.id = kLgdt,
     .name = "LGDT",
     .code = {0x0F, 0x01, 0x17},
     .prepare = [](World& w) { table_in_memory(w, kGdt, 0x37); },
     .ring0 = done([](World& w) { w.s.gdtr.limit = 0x37; }),
     .ring3 = kGp0},
    {.id = kLidt,
     .name = "LIDT",
     .code = {0x0F, 0x01, 0x1F},
     .prepare = [](World& w) { table_in_memory(w, kIdt, 0x3FF); },
     .ring0 = done([](World& w) { w.s.idtr.limit = 0x3FF; }),
     .ring3 = kGp0},
    {.id = kLldt,
     .name = "LLDT",
     .code = {0x0F, 0x00, 0xD6},
     .prepare =
         [](World& w) {
           w.describe(kFree, 0x0000820000000007 | uint64_t{kNewTable} << 16);
           w.reg(kEsi) = kFree;
         },
     .ring0 = done([](World& w) {
       w.s.ldtr = {kNewTable, 7, kFree, 0x82};
     }),
     .ring3 = kGp0},
    {.id = kLldt,
     .name = "LLDT_of_a_data_segment",
     .code = {0x0F, 0x00, 0xD6},
     .prepare = [](World& w) { w.reg(kEsi) = kKernelDs; },
     .ring0 = fault(Vector::kGeneralProtection, kKernelDs),
     .ring3 = kGp0},
    {.id = kLtr,
     .name = "LTR",
     .code = {0x0F, 0x00, 0xDE},
     .prepare =
         [](World& w) {
           w.describe(kFree, 0x0000890000000067 | uint64_t{kNewTable} << 16);
           w.reg(kEsi) = kFree;
         },
     .ring0 = done([](World& w) {
       w.s.tr = {kNewTable, 0x67, kFree, 0x8B};
       w.put(kGdt + kFree + 5, 0x8B, 1);
     }),
     .ring3 = kGp0},
    {.id = kLtr,
     .name = "LTR_of_a_busy_task",
     .code = {0x0F, 0x00, 0xDE},
     .prepare =
         [](World& w) {
           w.put(kGdt + kTr + 5, 0x8B, 1);
           w.reg(kEsi) = kTr;
         },
     .ring0 = fault(Vector::kGeneralProtection, kTr),
     .ring3 = kGp0},
    {.id = kLmsw,
     .name = "LMSW",
     .code = {0x0F, 0x01, 0xF6},
     .prepare = [](World& w) { w.reg(kEsi) = cr0::kPe | cr0::kTs | cr0::kMp; },
     .ring0 = done([](World& w) { w.s.cr0 |= cr0::kTs | cr0::kMp; }),
     .ring3 = kGp0},
    {.id = kClts,
     .name = "CLTS",
     .code = {0x0F, 0x06},
     .prepare = [](World& w) { w.s.cr0 |= cr0::kTs; },
     .ring0 = done([](World& w) { w.s.cr0 &= ~cr0::kTs; }),
     .ring3 = kGp0},
    {.id = kClts,
     .name = "CLTS_of_what_is_clear",
     .code = {0x0F, 0x06},
     .ring0 = done(),
     .ring3 = kGp0,
     .unusual_form = true},
    {.id = kClts,
     .name = "CLTS_without_an_FPU",
     .code = {0x0F, 0x06},
     .prepare = [](World& w) { w.s.cr0 |= cr0::kTs | cr0::kEm; },
     .ring0 = done([](World& w) { w.s.cr0 &= ~cr0::kTs; }),
     .ring3 = kGp0},
    {.id = kMoveFromCr0,
     .name = "MOV_from_CR0",
     .code = {0x0F, 0x20, 0xC0},
     .ring0 = done([](World& w) { w.reg(kEax) = kPlainCr0; }),
     .ring3 = kGp0},
    {.id = kMoveFromCr2,
     .name = "MOV_from_CR2",
     .code = {0x0F, 0x20, 0xD0},
     .prepare = [](World& w) { w.s.cr2 = 0x12345678; },
     .ring0 = done([](World& w) { w.reg(kEax) = 0x12345678; }),
     .ring3 = kGp0},
    {.id = kMoveFromCr3,
     .name = "MOV_from_CR3",
     .code = {0x0F, 0x20, 0xD8},
     .prepare = [](World& w) { w.s.cr3 = 0x50018; },
     .ring0 = done([](World& w) { w.reg(kEax) = 0x50018; }),
     .ring3 = kGp0},
    {.id = kMoveFromCr4,
     .name = "MOV_from_CR4",
     .code = {0x0F, 0x20, 0xE0},
     .prepare = [](World& w) { w.s.cr4 = cr4::kPse | cr4::kPge; },
     .ring0 = done([](World& w) { w.reg(kEax) = cr4::kPse | cr4::kPge; }),
     .ring3 = kGp0},
    {.id = kMoveToCr0,
     .name = "MOV_to_CR0",
     .code = {0x0F, 0x22, 0xC0},
     .prepare = [](World& w) { w.reg(kEax) = kPlainCr0 | cr0::kTs | cr0::kWp; },
     .ring0 = done([](World& w) { w.s.cr0 = kPlainCr0 | cr0::kTs | cr0::kWp; }),
     .ring3 = kGp0,
     .unusual_form = true},
    {.id = kMoveToCr0,
     .name = "MOV_to_CR0_that_sets_TS",
     .code = {0x0F, 0x22, 0xC0},
     .prepare = [](World& w) { w.reg(kEax) = kPlainCr0 | cr0::kTs; },
     .ring0 = done([](World& w) { w.s.cr0 = kPlainCr0 | cr0::kTs; }),
     .ring3 = kGp0},
    {.id = kMoveToCr0,
     .name = "MOV_to_CR0_that_clears_TS",
     .code = {0x0F, 0x22, 0xC3},
     .prepare =
         [](World& w) {
           w.s.cr0 |= cr0::kTs;
           w.reg(kEbx) = kPlainCr0;
         },
     .ring0 = done([](World& w) { w.s.cr0 = kPlainCr0; }),
     .ring3 = kGp0},
    {.id = kMoveToCr0,
     .name = "MOV_to_CR0_of_the_same",
     .code = {0x0F, 0x22, 0xC1},
     .prepare = [](World& w) { w.reg(kEcx) = w.s.cr0; },
     .ring0 = done(),
     .ring3 = kGp0,
     .unusual_form = true},
    // ET cannot be cleared: what is written is not what is then held.
    {.id = kMoveToCr0,
     .name = "MOV_to_CR0_of_TS_and_no_ET",
     .code = {0x0F, 0x22, 0xC0},
     .prepare = [](World& w) { w.reg(kEax) = (kPlainCr0 | cr0::kTs) & ~cr0::kEt; },
     .ring0 = done([](World& w) { w.s.cr0 = kPlainCr0 | cr0::kTs; }),
     .ring3 = kGp0,
     .unusual_form = true},
    {.id = kMoveToCr0,
     .name = "MOV_to_CR0_paging_without_protection",
     .code = {0x0F, 0x22, 0xC0},
     .prepare = [](World& w) { w.reg(kEax) = cr0::kPg | cr0::kEt; },
     .ring0 = kGp0,
     .ring3 = kGp0,
     .unusual_form = true},
    {.id = kMoveToCr2,
     .name = "MOV_to_CR2",
     .code = {0x0F, 0x22, 0xD0},
     .prepare = [](World& w) { w.reg(kEax) = 0x12345678; },
     .ring0 = done([](World& w) { w.s.cr2 = 0x12345678; }),
     .ring3 = kGp0},
    {.id = kMoveToCr3,
     .name = "MOV_to_CR3",
     .code = {0x0F, 0x22, 0xD8},
     .prepare = [](World& w) { w.reg(kEax) = 0x50018; },
     .ring0 = done([](World& w) { w.s.cr3 = 0x50018; }),
     .ring3 = kGp0},
    {.id = kMoveToCr4,
     .name = "MOV_to_CR4",
     .code = {0x0F, 0x22, 0xE0},
     .prepare = [](World& w) { w.reg(kEax) = cr4::kPse | cr4::kTsd; },
     .ring0 = done([](World& w) { w.s.cr4 = cr4::kPse | cr4::kTsd; }),
     .ring3 = kGp0,
     .unusual_form = true},
    {.id = kMoveToCr4,
     .name = "MOV_to_CR4_of_the_same",
     .code = {0x0F, 0x22, 0xE1},
     .prepare =
         [](World& w) {
           w.s.cr4 = cr4::kPse;
           w.reg(kEcx) = w.s.cr4;
         },
     .ring0 = done(),
     .ring3 = kGp0},
    {.id = kMoveToCr4,
     .name = "MOV_to_CR4_reserved_bit",
     .code = {0x0F, 0x22, 0xE0},
     .prepare = [](World& w) { w.reg(kEax) = 1u << 31; },
     .ring0 = kGp0,
     .ring3 = kGp0,
     .unusual_form = true},
    {.id = kMoveFromDebug,
     .name = "MOV_from_DR7",
     .code = {0x0F, 0x21, 0xF8},
     .ring0 = done([](World& w) { w.reg(kEax) = 0x400; }),
     .ring3 = kGp0},
    {.id = kMoveToDebug,
     .name = "MOV_to_DR2",
     .code = {0x0F, 0x23, 0xD0},
     .prepare = [](World& w) { w.reg(kEax) = 0x12345678; },
     .ring0 = done([](World& w) { w.s.dr[2] = 0x12345678; }),
     .ring3 = kGp0},
    {.id = kInvlpg, .name = "INVLPG", .code = {0x0F, 0x01, 0x3F}, .ring0 = done(), .ring3 = kGp0},
    {.id = kInvd, .name = "INVD", .code = {0x0F, 0x08}, .ring0 = done(), .ring3 = kGp0},
    {.id = kWbinvd, .name = "WBINVD", .code = {0x0F, 0x09}, .ring0 = done(), .ring3 = kGp0},
    {.id = kRdmsr,
     .name = "RDMSR",
     .code = {0x0F, 0x32},
     .prepare =
         [](World& w) {
           w.s.msr.sysenter_eip = 0x12345678;
           w.reg(kEcx) = 0x176;
         },
     .ring0 = done([](World& w) {
       w.reg(kEax) = 0x12345678;
       w.reg(kEdx) = 0;
     }),
     .ring3 = kGp0},
    {.id = kRdmsr,
     .name = "RDMSR_unknown",
     .code = {0x0F, 0x32},
     .prepare = [](World& w) { w.reg(kEcx) = 0x1FF; },
     .ring0 = kGp0,
     .ring3 = kGp0},
    {.id = kWrmsr,
     .name = "WRMSR",
     .code = {0x0F, 0x30},
     .prepare =
         [](World& w) {
           w.reg(kEcx) = 0x176;
           w.reg(kEax) = 0x12345678;
           w.reg(kEdx) = 0;
         },
     .ring0 = done([](World& w) { w.s.msr.sysenter_eip = 0x12345678; }),
     .ring3 = kGp0},
    {.id = kWrmsr,
     .name = "WRMSR_unknown",
     .code = {0x0F, 0x30},
     .prepare = [](World& w) { w.reg(kEcx) = 0x1FF; },
     .ring0 = kGp0,
     .ring3 = kGp0},

    {.id = kRdtsc,
     .name = "RDTSC",
     .code = {0x0F, 0x31},
     .ring0 = done(time_stamp),
     .ring3 = done(time_stamp)},
    {.id = kRdtsc,
     .name = "RDTSC_with_TSD",
     .code = {0x0F, 0x31},
     .prepare = [](World& w) { w.s.cr4 = cr4::kTsd; },
     .ring0 = done(time_stamp),
     .ring3 = kGp0,
     .unusual_form = true},
    // There are no counters.
    {.id = kRdpmc, .name = "RDPMC", .code = {0x0F, 0x33}, .ring0 = kGp0, .ring3 = kGp0},
    // In line when it is asked the same again (CpuidTest).
    {.id = kCpuid,
     .name = "CPUID",
     .code = {0x0F, 0xA2},
     .prepare = [](World& w) { w.reg(kEax) = 0; },
     .ring0 = done(identify),
     .ring3 = done(identify),
     .unusual_form = true},

    {.id = kSyscall, .name = "SYSCALL", .code = {0x0F, 0x05}, .ring0 = kUd, .ring3 = kUd},
    {.id = kSysret, .name = "SYSRET", .code = {0x0F, 0x07}, .ring0 = kUd, .ring3 = kUd},
    {.id = kRsm, .name = "RSM", .code = {0x0F, 0xAA}, .ring0 = kUd, .ring3 = kUd},
    {.id = kVirtualMachine, .name = "VMCALL", .code = {0x0F, 0x01, 0xC1}, .ring0 = kUd, .ring3 = kUd},
    {.id = kVirtualMachine, .name = "VMLAUNCH", .code = {0x0F, 0x01, 0xC2}, .ring0 = kUd, .ring3 = kUd},
    {.id = kVirtualMachine, .name = "VMRESUME", .code = {0x0F, 0x01, 0xC3}, .ring0 = kUd, .ring3 = kUd},
    {.id = kVirtualMachine, .name = "VMXOFF", .code = {0x0F, 0x01, 0xC4}, .ring0 = kUd, .ring3 = kUd},
    {.id = kMonitor, .name = "MONITOR", .code = {0x0F, 0x01, 0xC8}, .ring0 = kUd, .ring3 = kUd},
    {.id = kMwait, .name = "MWAIT", .code = {0x0F, 0x01, 0xC9}, .ring0 = kUd, .ring3 = kUd},
    {.id = kAccessCheck, .name = "CLAC", .code = {0x0F, 0x01, 0xCA}, .ring0 = kUd, .ring3 = kUd},
    {.id = kAccessCheck, .name = "STAC", .code = {0x0F, 0x01, 0xCB}, .ring0 = kUd, .ring3 = kUd},
    {.id = kXgetbv, .name = "XGETBV", .code = {0x0F, 0x01, 0xD0}, .ring0 = kUd, .ring3 = kUd},
    {.id = kXsetbv, .name = "XSETBV", .code = {0x0F, 0x01, 0xD1}, .ring0 = kUd, .ring3 = kUd},
    {.id = kProtectionKeys, .name = "RDPKRU", .code = {0x0F, 0x01, 0xEE}, .ring0 = kUd, .ring3 = kUd},
    {.id = kProtectionKeys, .name = "WRPKRU", .code = {0x0F, 0x01, 0xEF}, .ring0 = kUd, .ring3 = kUd},
    {.id = kRdtscp, .name = "RDTSCP", .code = {0x0F, 0x01, 0xF9}, .ring0 = kUd, .ring3 = kUd},
};

}  // namespace ringdown::sensitive
