#pragma once
#include "tests/sensitive/case.h"

// Interrupts, returns, fast system calls, far pointers; the interrupt flag and ports.
namespace ringdown::sensitive {

using enum Sensitive;

constexpr uint16_t kExitPort = 0x501, kEmptyPort = 0x1E0;  // isa-debug-exit; no device: reads all ones

inline void fast_system_call(World& w) {
  w.s.msr.sysenter_cs = kKernelCs;
  w.s.msr.sysenter_eip = kTarget;
  w.s.msr.sysenter_esp = kNewStackTop;
  w.reg(kEdx) = kTarget;
  w.reg(kEcx) = kNewStackTop;
}
inline void enter_kernel(World& w) {
  w.jump(kTarget, kKernelCs);
  w.s.segment[kSs].selector = kKernelDs;
  w.reg(kEsp) = kNewStackTop;
  w.s.interrupt_flag = 0;
}

inline void push_user_frame(World& w) {
  for (const uint32_t value : {uint32_t{kUserDs}, kNewStackTop, eflags::kCf, uint32_t{kUserCs}, kTarget})
    w.push(value);
}

inline constexpr Case kEventCases[] = {
    {.id = kInt3, .name = "INT3", .code = {0xCC}, .ring0 = trap(3), .ring3 = trap(3)},
    {.id = kInto,
     .name = "INTO_taken",
     .code = {0xCE},
     .prepare = [](World& w) { w.flags(eflags::kOf, true); },
     .ring0 = trap(4),
     .ring3 = trap(4)},
    {.id = kInto,
     .name = "INTO_not_taken",
     .code = {0xCE},
     .prepare = [](World& w) { w.flags(eflags::kOf, false); },
     .ring0 = done(),
     .ring3 = done()},
    {.id = kInt1, .name = "INT1", .code = {0xF1}, .ring0 = trap(1), .ring3 = trap(1)},
    {.id = kIret,
     .name = "IRET",
     .code = {0xCF},
     .code16 = {0x66, 0xCF},
     .prepare =
         [](World& w) {
           w.push(eflags::kZf | eflags::kIopl);
           w.push(w.own_cs());
           w.push(kTarget);
         },
     .ring0 = done([](World& w) {
       w.reg(kEsp) += 12;
       w.s.set_eflags_image(eflags::kZf | eflags::kIopl);
       w.jump(kTarget, kKernelCs);
     }),
     .ring3 = done([](World& w) {
       w.reg(kEsp) += 12;
       w.s.flags = eflags::kZf;
       w.jump(kTarget, kUserCs);
     })},
    {.id = kIret,
     .name = "IRET_to_ring_3_with_segments_of_ring_0",
     .code = {0xCF},
     .code16 = {0x66, 0xCF},
     .prepare = push_user_frame,
     .ring0 = done([](World& w) {
       w.s.set_eflags_image(eflags::kCf);
       w.jump(kTarget, kUserCs);
       w.s.segment[kSs].selector = kUserDs;
       w.reg(kEsp) = kNewStackTop;
       // Data segments of the kernel's are no use to ring 3.
       for (const SegmentIndex n : {kDs, kEs, kFs, kGs}) w.s.segment[n] = Segment{};
     }),
     .ring3 = done([](World& w) {
       w.reg(kEsp) += 12;
       w.s.flags = eflags::kCf;
       w.jump(kTarget, kUserCs);
     }),
     .unusual_form = true},
    {.id = kIret,
     .name = "IRET_to_ring_3",
     .code = {0xCF},
     .code16 = {0x66, 0xCF},
     .prepare =
         [](World& w) {
           push_user_frame(w);
           for (const SegmentIndex n : {kDs, kEs, kFs, kGs})
             w.s.segment[n] = {0, 0xFFFFFFFF, kUserDs, 0xC0F3};
         },
     .ring0 = done([](World& w) {
       w.s.set_eflags_image(eflags::kCf);
       w.jump(kTarget, kUserCs);
       w.s.segment[kSs].selector = kUserDs;
       w.reg(kEsp) = kNewStackTop;
     }),
     .ring3 = done([](World& w) {
       w.reg(kEsp) += 12;
       w.s.flags = eflags::kCf;
       w.jump(kTarget, kUserCs);
     })},
    {.id = kLoadFarPointer,
     .name = "LES_of_kernel_data",
     .code = {0xC4, 0x07},
     .prepare =
         [](World& w) {
           w.put(kData, 0x12345678, w.width);
           w.put(kData + w.width, kKernelDs, 2);
         },
     .ring0 = done([](World& w) {
       w.load(kEax, 0x12345678);
       w.s.segment[kEs] = {0, 0xFFFFFFFF, kKernelDs, 0xC093};
     }),
     .ring3 = fault(Vector::kGeneralProtection, kKernelDs)},
    {.id = kSysenter,
     .name = "SYSENTER",
     .code = {0x0F, 0x34},
     .prepare = fast_system_call,
     .ring0 = done(enter_kernel),
     .ring3 = done(enter_kernel)},
    {.id = kSysenter, .name = "SYSENTER_not_set_up", .code = {0x0F, 0x34}, .ring0 = kGp0, .ring3 = kGp0},
    {.id = kSysexit,
     .name = "SYSEXIT",
     .code = {0x0F, 0x35},
     .prepare = fast_system_call,
     .ring0 = done([](World& w) {
       w.jump(kTarget, kUserCs);
       w.s.segment[kSs].selector = kUserDs;
       w.reg(kEsp) = kNewStackTop;
     }),
     .ring3 = kGp0},

    {.id = kCli,
     .name = "CLI",
     .code = {0xFA},
     .ring0 = done([](World& w) { w.s.interrupt_flag = 0; }),
     .ring3 = kGp0},
    {.id = kCli,
     .name = "CLI_with_IOPL_3",
     .code = {0xFA},
     .prepare = [](World& w) { w.s.system_flags = eflags::kIopl; },
     .ring0 = done([](World& w) { w.s.interrupt_flag = 0; }),
     .ring3 = done([](World& w) { w.s.interrupt_flag = 0; })},
    {.id = kSti,
     .name = "STI",
     .code = {0xFB},
     .prepare = [](World& w) { w.s.interrupt_flag = 0; },
     .ring0 = done([](World& w) { w.s.interrupt_flag = eflags::kIf; }),
     .ring3 = kGp0},
    {.id = kIn,
     .name = "IN",
     .code = {0xED},
     .prepare = [](World& w) { w.reg(kEdx) = kEmptyPort; },
     .ring0 = done([](World& w) { w.load(kEax, 0xFFFFFFFF); }),
     .ring3 = kGp0},
    {.id = kOut,
     .name = "OUT",
     .code = {0xEF},
     .prepare =
         [](World& w) {
           w.reg(kEdx) = kExitPort;
           w.reg(kEax) = 0x2A;
         },
     .ring0 = done([](World& w) { w.port_write = 0x2A; }),
     .ring3 = kGp0},
    {.id = kIns,
     .name = "INS",
     .code = {0x6D},
     .prepare = [](World& w) { w.reg(kEdx) = kEmptyPort; },
     .ring0 = done([](World& w) {
       w.put(kData, 0xFFFFFFFF, w.width);
       w.reg(kEdi) += w.width;
     }),
     .ring3 = kGp0},
    {.id = kOuts,
     .name = "OUTS",
     .code = {0x6F},
     .prepare =
         [](World& w) {
           w.reg(kEdx) = kExitPort;
           w.reg(kEsi) = w.reg(kEdi);
           w.put(kData, 0x2A, 4);
         },
     .ring0 = done([](World& w) {
       w.port_write = 0x2A;
       w.reg(kEsi) += w.width;
     }),
     .ring3 = kGp0},
};

}  // namespace ringdown::sensitive
