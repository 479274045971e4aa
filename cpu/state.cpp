#include "cpu/state.h"

namespace ringdown {

void CpuState::reset(uint32_t signature) {
  using namespace segment_attribute;
  *this = CpuState{};
  gpr[kEdx] = signature;
  eip = 0xFFF0;
  cr0 = cr0::kCd | cr0::kNw | cr0::kEt;
  constexpr uint16_t data = kPresent | kCodeOrData | kWritableOrReadable | kAccessed;
  segment.fill({.base = 0, .limit = 0xFFFF, .selector = 0, .attributes = data});
  segment[kCs] = {.base = 0xFFFF0000, .limit = 0xFFFF, .selector = 0xF000, .attributes = data | kCode};
  ldtr = {.base = 0, .limit = 0xFFFF, .selector = 0, .attributes = kPresent | 2};
  tr = {.base = 0, .limit = 0xFFFF, .selector = 0, .attributes = kPresent | 11};
  gdtr = idtr = {.base = 0, .limit = 0xFFFF};
  dr[6] = 0xFFFF0FF0;
  dr[7] = 0x400;
  msr.pat = 0x0007040600070406;
  msr.misc_enable = 1;         // fast string operations
  msr.apic_base = 0xFEE00100;  // enabled where there is a local APIC (Vcpu::reset())
  fx.control_word = 0x37F;
  fx.mxcsr = 0x1F80;
}

void CpuState::init(uint32_t signature) {
  const CpuState before = *this;
  reset(signature);
  constexpr uint32_t caches = cr0::kCd | cr0::kNw;
  cr0 = (cr0 & ~caches) | (before.cr0 & caches);
  fx = before.fx;
  msr = before.msr;
  msr.efer = 0;
}

}  // namespace ringdown
