#include "translator/sensitive.h"

#include "host-driver/log.h"

namespace ringdown {
namespace {

// Copying a sensitive instruction, or leaving it out, is what the table exists to prevent.
constexpr bool only_special_treatments() {
  for (const SensitiveRow& row : kSensitiveTable) {
    for (const Treatment t : {row.ring0, row.ring3})
      if (t == Treatment::kCopy || t == Treatment::kNothing) return false;
  }
  return true;
}
static_assert(only_special_treatments(), "a sensitive instruction would be copied to the host");

// Each encoding belongs to one row at most, or the treatment would depend on the order of the lines.
constexpr bool rows_are_disjoint(OpcodeMap map, unsigned opcode) {
  std::array<bool, kSensitiveCount> concerned{};
  for (size_t n = 0; n < kSensitiveCount; n++)
    for (const OpcodePattern& p : kSensitiveTable[n].patterns)
      concerned[n] |= p.map() == map && p.opcode() == opcode;
  for (unsigned modrm = 0; modrm < 256; modrm++) {
    unsigned matches = 0;
    for (size_t n = 0; n < kSensitiveCount; n++)
      matches += concerned[n] &&
                 kSensitiveTable[n].matches(map, static_cast<uint8_t>(opcode), static_cast<uint8_t>(modrm));
    if (matches > 1) return false;
  }
  return true;
}

// The rows that an opcode has, so that all others cost one look.
class RowsByOpcode {
 public:
  constexpr RowsByOpcode() {
    for (const SensitiveRow& row : kSensitiveTable) {
      for (const OpcodePattern& p : row.patterns) {
        if (p.map() == OpcodeMap::kOneByte || p.map() == OpcodeMap::k0F) add(at(p.map(), p.opcode()), row.id);
      }
    }
  }
  constexpr std::span<const Sensitive> of(OpcodeMap map, uint8_t opcode) const {
    if (map != OpcodeMap::kOneByte && map != OpcodeMap::k0F) return {};
    const List& list = lists_[at(map, opcode)];
    return {list.rows.data(), list.count};
  }

 private:
  struct List {
    std::array<Sensitive, 16> rows{};
    uint8_t count = 0;
  };
  static constexpr size_t at(OpcodeMap map, uint8_t opcode) {
    return opcode + (map == OpcodeMap::k0F ? 256 : 0);
  }
  constexpr void add(size_t index, Sensitive row) {
    List& list = lists_[index];
    if (list.count > 0 && list.rows[list.count - 1] == row) return;  // it has several patterns
    list.rows[list.count++] = row;
  }

  std::array<List, 512> lists_{};
};
constexpr RowsByOpcode kRowsByOpcode;

// The opcodes that several rows share.
static_assert(rows_are_disjoint(OpcodeMap::k0F, 0x00) && rows_are_disjoint(OpcodeMap::k0F, 0x01) &&
              rows_are_disjoint(OpcodeMap::k0F, 0x20) && rows_are_disjoint(OpcodeMap::k0F, 0x22) &&
              rows_are_disjoint(OpcodeMap::kOneByte, 0xFF));

}  // namespace

const SensitiveRow* find_sensitive(const Instruction& i) {
  const auto modrm = static_cast<uint8_t>(i.mod << 6 | i.reg << 3 | i.rm);
  for (const Sensitive id : kRowsByOpcode.of(i.map, i.opcode))
    if (row_of(id).matches(i.map, i.opcode, modrm)) return &row_of(id);
  return nullptr;
}

void note_sensitive(Sensitive id, uint32_t eip, unsigned ring) {
  sensitive_counts()[static_cast<size_t>(id)]++;
  if (log_enabled(LogClass::kSensitive))
    log_printf(LogClass::kSensitive, "sensitive %s at %08x ring %u\n", row_of(id).name.data(), eip, ring);
}

void note_if_sensitive(const Instruction& i, uint32_t eip, unsigned ring) {
  if (const SensitiveRow* row = find_sensitive(i)) note_sensitive(row->id, eip, ring);
}

}  // namespace ringdown
