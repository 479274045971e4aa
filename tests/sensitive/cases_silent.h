#pragma once
#include "tests/sensitive/case.h"

// Robin and Irvine's instructions.
namespace ringdown::sensitive {

using enum Sensitive;

inline constexpr Segment kKernelData = {0, 0xFFFFFFFF, kKernelDs, 0xC093};

inline void store_table(World& w, DescriptorTable table) {
  w.put(kData, table.limit, 2);
  w.put(kData + 2, table.base, 4);
}
// The far pointer of CALL, JMP and RET to code of the own level.
inline void target_in_memory(World& w) {
  w.put(kData, kTarget, 4);
  w.put(kData + 4, w.own_cs(), 2);
}
inline void clear_zf_in_ring0(World& w) {
  w.reg(kEsi) = kKernelDs;
  w.flags(eflags::kZf, w.ring != 0);
}
inline void select_kernel_data(World& w) { w.reg(kEsi) = kKernelDs; }

inline constexpr Case kSilentCases[] = {
    {.id = kSgdt,
     .name = "SGDT",
     .code = {0x0F, 0x01, 0x07},
     .ring0 = done([](World& w) { store_table(w, w.s.gdtr); }),
     .ring3 = done([](World& w) { store_table(w, w.s.gdtr); })},
    {.id = kSidt,
     .name = "SIDT",
     .code = {0x0F, 0x01, 0x0F},
     .ring0 = done([](World& w) { store_table(w, w.s.idtr); }),
     .ring3 = done([](World& w) { store_table(w, w.s.idtr); })},
    {.id = kSldt,
     .name = "SLDT",
     .code = {0x0F, 0x00, 0xC0},
     .prepare =
         [](World& w) {
           w.s.ldtr = {kNewTable, 7, kFree, 0x82};
         },
     .ring0 = done([](World& w) { w.load(kEax, kFree); }),
     .ring3 = done([](World& w) { w.load(kEax, kFree); })},
    {.id = kStr,
     .name = "STR",
     .code = {0x0F, 0x00, 0xC8},
     .ring0 = done([](World& w) { w.load(kEax, kTr); }),
     .ring3 = done([](World& w) { w.load(kEax, kTr); })},
    {.id = kSmsw,
     .name = "SMSW",
     .code = {0x0F, 0x01, 0xE0},
     .ring0 = done([](World& w) { w.load(kEax, w.s.cr0); }),
     .ring3 = done([](World& w) { w.load(kEax, w.s.cr0); })},
    {.id = kPushf,
     .name = "PUSHF",
     .code = {0x9C},
     .prepare = [](World& w) { w.s.system_flags = 0x1000 | eflags::kId; },
     .ring0 = done([](World& w) { w.push(w.s.eflags_image()); }),
     .ring3 = done([](World& w) { w.push(w.s.eflags_image()); })},
    {.id = kPopf,
     .name = "POPF",
     .code = {0x9D},
     .prepare = [](World& w) { w.push(eflags::kZf | eflags::kDf); },
     .ring0 = done([](World& w) {
       w.reg(kEsp) += w.width;
       w.s.flags = eflags::kZf | eflags::kDf;
       w.s.interrupt_flag = 0;
     }),
     .ring3 = done([](World& w) {
       w.reg(kEsp) += w.width;
       w.s.flags = eflags::kZf | eflags::kDf;
     })},
    {.id = kPopf,
     .name = "POPF_changes_IOPL_and_NT",
     .code = {0x9D},
     .prepare = [](World& w) { w.push(eflags::kIopl | eflags::kNt); },
     .ring0 = done([](World& w) {
       w.reg(kEsp) += w.width;
       w.s.set_eflags_image(eflags::kIopl | eflags::kNt);
     }),
     .ring3 = done([](World& w) {
       w.reg(kEsp) += w.width;
       w.s.flags = 0;
       w.s.system_flags = eflags::kNt;
     }),
     .unusual_form = true},
    {.id = kLar,
     .name = "LAR_of_kernel_data",
     .code = {0x0F, 0x02, 0xC6},
     .prepare = clear_zf_in_ring0,
     .ring0 = done([](World& w) {
       w.load(kEax, 0x00C09300);
       w.flags(eflags::kZf, true);
     }),
     .ring3 = done([](World& w) { w.flags(eflags::kZf, false); })},
    {.id = kLsl,
     .name = "LSL_of_kernel_data",
     .code = {0x0F, 0x03, 0xC6},
     .prepare = clear_zf_in_ring0,
     .ring0 = done([](World& w) {
       w.load(kEax, 0xFFFFFFFF);
       w.flags(eflags::kZf, true);
     }),
     .ring3 = done([](World& w) { w.flags(eflags::kZf, false); })},
    {.id = kVerr,
     .name = "VERR_of_kernel_data",
     .code = {0x0F, 0x00, 0xE6},
     .prepare = clear_zf_in_ring0,
     .ring0 = done([](World& w) { w.flags(eflags::kZf, true); }),
     .ring3 = done([](World& w) { w.flags(eflags::kZf, false); })},
    {.id = kVerw,
     .name = "VERW_of_kernel_data",
     .code = {0x0F, 0x00, 0xEE},
     .prepare = clear_zf_in_ring0,
     .ring0 = done([](World& w) { w.flags(eflags::kZf, true); }),
     .ring3 = done([](World& w) { w.flags(eflags::kZf, false); })},
    {.id = kPopSegment,
     .name = "POP_ES_of_kernel_data",
     .code = {0x07},
     .prepare = [](World& w) { w.push(kKernelDs); },
     .ring0 = done([](World& w) {
       w.reg(kEsp) += w.width;
       w.s.segment[kEs] = kKernelData;
     }),
     .ring3 = fault(Vector::kGeneralProtection, kKernelDs)},
    {.id = kPushSegment,
     .name = "PUSH_CS",
     .code = {0x0E},
     .ring0 = done([](World& w) { w.push(kKernelCs); }),
     .ring3 = done([](World& w) { w.push(kUserCs); })},
    {.id = kPushSegment,
     .name = "PUSH_GS",
     .code = {0x0F, 0xA8},
     .ring0 = done([](World& w) { w.push(kKernelDs); }),
     .ring3 = done([](World& w) { w.push(kUserDs); })},
    {.id = kMoveToSegment,
     .name = "MOV_ES_of_kernel_data",
     .code = {0x8E, 0xC6},
     .prepare = select_kernel_data,
     .ring0 = done([](World& w) { w.s.segment[kEs] = kKernelData; }),
     .ring3 = fault(Vector::kGeneralProtection, kKernelDs)},
    {.id = kMoveFromSegment,
     .name = "MOV_from_CS",
     .code = {0x8C, 0xC8},
     .ring0 = done([](World& w) { w.load(kEax, kKernelCs); }),
     .ring3 = done([](World& w) { w.load(kEax, kUserCs); })},
    {.id = kCallFar,
     .name = "CALL_far_indirect",
     .code = {0xFF, 0x1F},
     .code16 = {0x66, 0xFF, 0x1F},
     .prepare = target_in_memory,
     .ring0 = done([](World& w) {
       w.push(kKernelCs);
       w.push(w.s.eip);
       w.jump(kTarget, kKernelCs);
     }),
     .ring3 = done([](World& w) {
       w.push(kUserCs);
       w.push(w.s.eip);
       w.jump(kTarget, kUserCs);
     })},
    {.id = kCallFar,
     .name = "CALL_far_to_kernel_code",
     .code = {0x9A, 0x00, 0x20, 0x01, 0x00, kKernelCs, 0x00},
     .code16 = {0x66, 0x9A, 0x00, 0x20, 0x01, 0x00, kKernelCs, 0x00},
     .ring0 = done([](World& w) {
       w.push(kKernelCs);
       w.push(w.s.eip);
       w.jump(kTarget, kKernelCs);
     }),
     .ring3 = fault(Vector::kGeneralProtection, kKernelCs)},
    {.id = kJumpFar,
     .name = "JMP_far_indirect",
     .code = {0xFF, 0x2F},
     .code16 = {0x66, 0xFF, 0x2F},
     .prepare = target_in_memory,
     .ring0 = done([](World& w) { w.jump(kTarget, kKernelCs); }),
     .ring3 = done([](World& w) { w.jump(kTarget, kUserCs); })},
    {.id = kJumpFar,
     .name = "JMP_far_to_kernel_code",
     .code = {0xEA, 0x00, 0x20, 0x01, 0x00, kKernelCs, 0x00},
     .code16 = {0x66, 0xEA, 0x00, 0x20, 0x01, 0x00, kKernelCs, 0x00},
     .ring0 = done([](World& w) { w.jump(kTarget, kKernelCs); }),
     .ring3 = fault(Vector::kGeneralProtection, kKernelCs)},
    {.id = kReturnFar,
     .name = "RET_far",
     .code = {0xCB},
     .code16 = {0x66, 0xCB},
     .prepare =
         [](World& w) {
           w.push(w.own_cs());
           w.push(kTarget);
         },
     .ring0 = done([](World& w) {
       w.reg(kEsp) += 8;
       w.jump(kTarget, kKernelCs);
     }),
     .ring3 = done([](World& w) {
       w.reg(kEsp) += 8;
       w.jump(kTarget, kUserCs);
     })},
    {.id = kIntN, .name = "INT_n", .code = {0xCD, 0x42}, .ring0 = trap(0x42), .ring3 = trap(0x42)},
    {.id = kIntN,
     .name = "INT_n_by_a_gate_of_ring_0",
     .code = {0xCD, 0x43},
     .prepare = [](World& w) { w.put(kIdt + 0x43 * 8 + 5, 0x8E, 1); },
     .ring0 = trap(0x43),
     .ring3 = fault(Vector::kGeneralProtection, 0x43 * 8 + 2)},
};

}  // namespace ringdown::sensitive
