#include "monitor/boot_state.h"

namespace ringdown {
namespace {

void set_flat_segments(CpuState& state, const BootState& boot) {
  using namespace segment_attribute;
  constexpr uint16_t common = kPresent | kCodeOrData | kWritableOrReadable | kAccessed | kBig | kGranular;
  state.segment.fill({.base = 0, .limit = 0xFFFFFFFF, .selector = boot.ds, .attributes = common});
  state.segment[kCs] = {.base = 0, .limit = 0xFFFFFFFF, .selector = boot.cs, .attributes = common | kCode};
  state.segment[kSs].selector = boot.ss;
}

}  // namespace

void set_boot_state(CpuState& state, const BootState& boot) {
  state.gpr = {boot.eax, boot.ecx, boot.edx, boot.ebx, boot.esp, boot.ebp, boot.esi, boot.edi};
  state.eip = boot.eip;
  state.set_eflags_image(boot.eflags);
  state.cr0 = boot.cr0;
  state.gdtr = {.base = boot.gdt_base, .limit = boot.gdt_limit};
  state.idtr = {.base = boot.idt_base, .limit = boot.idt_limit};
  set_flat_segments(state, boot);
}

}  // namespace ringdown
