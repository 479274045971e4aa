#include "translator/address.h"

namespace ringdown {

Address guest_address(const Instruction& i) {
  Address a;
  a.displacement = i.displacement;
  const uint8_t base = i.has_sib ? i.base : i.rm;
  if (!(base == kEbp && i.mod == 0)) a.base = base;
  if (i.has_sib && i.index != kEsp) {
    a.index = i.index;
    a.scale = i.scale;
  }
  return a;
}

}  // namespace ringdown
