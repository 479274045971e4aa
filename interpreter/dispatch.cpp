#include "interpreter/dispatch.h"

#include <cstdio>
#include <cstdlib>

namespace ringdown {
namespace {

using Chapter = void (*)(DispatchTable&);
constexpr Chapter kChapters[] = {add_data_transfer, add_arithmetic, add_logic,   add_string,
                                 add_branch,        add_flags,      add_segment, add_interrupt,
                                 add_system,        add_port_io,    add_fpu,     add_vector};

template <size_t N>
void merge(std::array<Handler, N>& all, const std::array<Handler, N>& chapter, const char* map) {
  for (size_t n = 0; n < N; n++) {
    if (!chapter[n]) continue;
    if (all[n]) {
      std::fprintf(stderr, "two chapters of the interpreter claim %s %02zX\n", map, n);
      std::abort();
    }
    all[n] = chapter[n];
  }
}

DispatchTable build() {
  DispatchTable all;
  for (const Chapter add : kChapters) {
    DispatchTable chapter;
    add(chapter);
    merge(all.one_byte, chapter.one_byte, "opcode");
    merge(all.two_byte, chapter.two_byte, "opcode 0F");
    merge(all.three_byte_38, chapter.three_byte_38, "opcode 0F 38");
    merge(all.three_byte_3a, chapter.three_byte_3a, "opcode 0F 3A");
    merge(all.group_ff, chapter.group_ff, "opcode FF, reg");
  }
  return all;
}

}  // namespace

const DispatchTable& dispatch_table() {
  static const DispatchTable table = build();
  return table;
}

Handler find_handler(const Instruction& i) {
  const DispatchTable& table = dispatch_table();
  switch (i.map) {
    case OpcodeMap::kOneByte:
      return i.opcode == 0xFF ? table.group_ff[i.reg] : table.one_byte[i.opcode];
    case OpcodeMap::k0F:
      return table.two_byte[i.opcode];
    case OpcodeMap::k0F38:
      return table.three_byte_38[i.opcode];
    case OpcodeMap::k0F3A:
      return table.three_byte_3a[i.opcode];
    case OpcodeMap::k3dNow:
    case OpcodeMap::kVector:
      return nullptr;
  }
  return nullptr;
}

}  // namespace ringdown
