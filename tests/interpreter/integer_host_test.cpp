#include <random>
#include <string>

#include "tests/interpreter/host_oracle.h"
#include "tests/interpreter/interpreter_fixture.h"

// Every integer instruction that ring 3 may execute, with random operands, against the host's processor.
namespace ringdown {
namespace {

using namespace eflags;

enum Shape : unsigned {
  kPlain = 0,
  kModRm = 1,
  kMemoryOnly = 2,
  kRegisterOnly = 4,
  kImmediate8 = 8,
  kImmediateWord = 16,  // of the operand's size
  kBitIndex = 64,       // a register is an index of bits into memory
  kNeverWord = 128,     // no 66 prefix
  kRepeatable = 256,
};

struct Form {
  const char* name;
  std::vector<uint8_t> opcode;
  unsigned shape;
  int reg;             // ModRM.reg if the opcode is a group, else -1
  uint32_t undefined;  // flags that the manuals leave undefined
};

constexpr uint32_t kAllButZf = kStatus & ~kZf;
constexpr uint32_t kAllButCf = kStatus & ~kCf;
constexpr uint32_t kMultiply = kStatus & ~(kCf | kOf);

class Forms {
 public:
  std::vector<Form> all;

  Forms() {
    binary();
    groups();
    shifts();
    bits();
    moves();
    stack();
    strings();
    others();
  }

 private:
  void add(const char* name, std::vector<uint8_t> opcode, unsigned shape, uint32_t undefined = 0,
           int reg = -1) {
    all.push_back({name, std::move(opcode), shape, reg, undefined});
  }
  void add_group(const char* name, uint8_t opcode, unsigned shape, std::initializer_list<int> regs,
                 uint32_t undefined) {
    for (int reg : regs) add(name, {opcode}, kModRm | shape, undefined, reg);
  }
  void binary() {
    for (uint8_t op = 0; op < 8; op++) {
      const uint32_t undefined = op == 1 || op == 4 || op == 6 ? kAf : 0;
      for (uint8_t form = 0; form < 4; form++)
        add("binary", {static_cast<uint8_t>(op << 3 | form)}, kModRm, undefined);
      add("binary al", {static_cast<uint8_t>(op << 3 | 4)}, kImmediate8, undefined);
      add("binary eax", {static_cast<uint8_t>(op << 3 | 5)}, kImmediateWord, undefined);
      add("binary imm", {0x80}, kModRm | kImmediate8, undefined, op);
      add("binary imm", {0x81}, kModRm | kImmediateWord, undefined, op);
      add("binary imm", {0x82}, kModRm | kImmediate8, undefined, op);
      add("binary imm", {0x83}, kModRm | kImmediate8, undefined, op);
    }
    for (uint8_t n = 0x40; n <= 0x4F; n++) add("inc/dec", {n}, kPlain);
  }
  void groups() {
    for (uint8_t w : {0, 1}) {
      const uint8_t f6 = 0xF6 | w, fe = 0xFE | w;
      add_group("test imm", f6, w ? kImmediateWord : kImmediate8, {0, 1}, kAf);
      add_group("not neg", f6, 0, {2, 3}, 0);
      add_group("mul imul", f6, 0, {4, 5}, kMultiply);
      add_group("div idiv", f6, 0, {6, 7}, kStatus);
      add_group("inc dec", fe, 0, {0, 1}, 0);
      add("test", {static_cast<uint8_t>(0x84 | w)}, kModRm, kAf);
      add("xchg", {static_cast<uint8_t>(0x86 | w)}, kModRm);
      add("cmpxchg", {0x0F, static_cast<uint8_t>(0xB0 | w)}, kModRm);
      add("xadd", {0x0F, static_cast<uint8_t>(0xC0 | w)}, kModRm);
    }
    add("test al", {0xA8}, kImmediate8, kAf);
    add("test eax", {0xA9}, kImmediateWord, kAf);
    add("imul", {0x0F, 0xAF}, kModRm, kMultiply);
    add("imul", {0x69}, kModRm | kImmediateWord, kMultiply);
    add("imul", {0x6B}, kModRm | kImmediate8, kMultiply);
    add("cmpxchg8b", {0x0F, 0xC7}, kModRm | kMemoryOnly, 0, 1);
  }
  void shifts() {
    // OF is defined for a count of one, CF for a count below the width, AF never.
    for (int reg = 0; reg < 8; reg++) {
      const uint32_t one = reg < 4 ? 0 : kAf, many = one | kOf;
      for (uint8_t w : {0, 1}) {
        add("shift 1", {static_cast<uint8_t>(0xD0 | w)}, kModRm, one, reg);
        add("shift cl", {static_cast<uint8_t>(0xD2 | w)}, kModRm, many, reg);
        add("shift imm", {static_cast<uint8_t>(0xC0 | w)}, kModRm | kImmediate8, many, reg);
      }
    }
    for (uint8_t op : {0xA4, 0xAC}) {
      add("shld shrd imm", {0x0F, op}, kModRm | kImmediate8 | kNeverWord, kAf | kOf);
      add("shld shrd cl", {0x0F, static_cast<uint8_t>(op + 1)}, kModRm | kNeverWord, kAf | kOf);
    }
  }
  void bits() {
    for (uint8_t op : {0xA3, 0xAB, 0xB3, 0xBB}) {
      add("bt r", {0x0F, op}, kModRm | kRegisterOnly, kAllButCf & ~kZf);
      add("bt m", {0x0F, op}, kModRm | kMemoryOnly | kBitIndex, kAllButCf & ~kZf);
    }
    for (int reg = 4; reg < 8; reg++)
      add("bt imm", {0x0F, 0xBA}, kModRm | kImmediate8, kAllButCf & ~kZf, reg);
    add("bsf", {0x0F, 0xBC}, kModRm, kAllButZf);
    add("bsr", {0x0F, 0xBD}, kModRm, kAllButZf);
    add("popcnt", {0xF3, 0x0F, 0xB8}, kModRm);
    add("crc32", {0xF2, 0x0F, 0x38, 0xF0}, kModRm);
    add("crc32", {0xF2, 0x0F, 0x38, 0xF1}, kModRm);
    add("movbe", {0x0F, 0x38, 0xF0}, kModRm | kMemoryOnly);
    add("movbe", {0x0F, 0x38, 0xF1}, kModRm | kMemoryOnly);
    add("adcx", {0x66, 0x0F, 0x38, 0xF6}, kModRm | kNeverWord);
    add("adox", {0xF3, 0x0F, 0x38, 0xF6}, kModRm | kNeverWord);
  }
  void moves() {
    for (uint8_t op : {0x88, 0x89, 0x8A, 0x8B}) add("mov", {op}, kModRm);
    add("mov imm", {0xC6}, kModRm | kImmediate8, 0, 0);
    add("mov imm", {0xC7}, kModRm | kImmediateWord, 0, 0);
    add("lea", {0x8D}, kModRm | kMemoryOnly);
    for (uint8_t op = 0x90; op <= 0x97; op++) add("xchg eax", {op}, kPlain);
    for (uint8_t op : {0xB6, 0xB7, 0xBE, 0xBF}) add("movzx movsx", {0x0F, op}, kModRm);
    for (uint8_t op = 0; op < 16; op++) {
      add("cmov", {0x0F, static_cast<uint8_t>(0x40 | op)}, kModRm);
      add("setcc", {0x0F, static_cast<uint8_t>(0x90 | op)}, kModRm);
    }
    for (uint8_t op = 0; op < 8; op++) {
      add("mov r8", {static_cast<uint8_t>(0xB0 | op)}, kImmediate8);
      add("mov r32", {static_cast<uint8_t>(0xB8 | op)}, kImmediateWord);
      add("bswap", {0x0F, static_cast<uint8_t>(0xC8 | op)}, kPlain);
    }
    add("movnti", {0x0F, 0xC3}, kModRm | kMemoryOnly | kNeverWord);
    add("xlat", {0xD7}, kPlain);
  }
  void stack() {
    for (uint8_t op = 0x50; op <= 0x5F; op++) add("push pop", {op}, kPlain);
    add("pusha", {0x60}, kPlain);
    add("popa", {0x61}, kPlain);
    add("push imm", {0x6A}, kImmediate8);
    add("push imm", {0x68}, kImmediateWord);
    add("push rm", {0xFF}, kModRm, 0, 6);
    add("pop rm", {0x8F}, kModRm, 0, 0);
    for (uint8_t level : {0, 1, 2, 5, 31, 33}) add("enter", {0xC8, 0x30, 0x00, level}, kPlain);
    add("leave", {0xC9}, kPlain);
  }
  void strings() {
    for (uint8_t op : {0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF})
      add("string", {op}, kRepeatable);
  }
  void others() {
    add("daa das", {0x27}, kPlain, kOf);
    add("daa das", {0x2F}, kPlain, kOf);
    add("aaa", {0x37}, kPlain, kOf | kSf | kZf | kPf);
    add("aas", {0x3F}, kPlain, kOf | kSf | kZf | kPf);
    for (uint8_t base : {1, 7, 10, 16, 255}) {
      add("aam", {0xD4, base}, kPlain, kOf | kAf | kCf);
      add("aad", {0xD5, base}, kPlain, kOf | kAf | kCf);
    }
    for (uint8_t op : {0x98, 0x99, 0x9E, 0x9F, 0xD6, 0xF5, 0xF8, 0xF9, 0xFC, 0xFD})
      add("accumulator, flags", {op}, kPlain);
  }
};

class HostComparison : public InterpreterTest {
 protected:
  static constexpr uint32_t kCompared = kStatus | kDf;

  HostComparison() : random_(kSeed) {
    protected_mode(3);
    // Offsets then mean the same bytes in the guest as addresses do on the host.
    for (SegmentIndex n : {kDs, kEs, kSs, kFs, kGs}) state.segment[n].base = kData - oracle.scratch_address();
  }

  uint32_t any() { return static_cast<uint32_t>(random_()); }
  bool chance(unsigned one_in) { return any() % one_in == 0; }
  uint32_t operand() {
    constexpr uint32_t corners[] = {0,      1,      2,      0x7F,       0x80,       0xFF,
                                    0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
    if (chance(3)) return corners[any() % std::size(corners)];
    return chance(3) ? any() >> any() % 32 : any();
  }
  uint32_t middle_of_scratch() {
    return oracle.scratch_address() + HostOracle::kScratchSize / 2 + any() % 64;
  }

  std::vector<uint8_t> encode(const Form& form) {
    std::vector<uint8_t> code;
    word_ = !(form.shape & kNeverWord) && chance(3);
    if (word_) code.push_back(0x66);
    if (form.shape & kRepeatable && chance(2)) code.push_back(chance(2) ? 0xF2 : 0xF3);
    code.insert(code.end(), form.opcode.begin(), form.opcode.end());
    if (form.shape & kModRm) append_modrm(form, code);
    if (form.shape & kImmediate8) code.push_back(static_cast<uint8_t>(operand()));
    if (form.shape & kImmediateWord) append(code, operand(), word_ ? 2 : 4);
    return code;
  }
  static void append(std::vector<uint8_t>& code, uint32_t value, unsigned size) {
    for (unsigned n = 0; n < size; n++) code.push_back(static_cast<uint8_t>(value >> 8 * n));
  }
  void append_modrm(const Form& form, std::vector<uint8_t>& code) {
    const unsigned reg = form.reg >= 0 ? form.reg : any() % 8;
    const bool memory = form.shape & kMemoryOnly || (!(form.shape & kRegisterOnly) && chance(2));
    if (!memory) return code.push_back(static_cast<uint8_t>(0xC0 | reg << 3 | any() % 8));
    if (chance(2)) return append(code, (reg << 3 | 0x43) | (any() & 0x3F) << 8, 2);  // [ebx + disp8]
    append(code, reg << 3 | 0x05, 1);                                                // [disp32]
    append(code, middle_of_scratch(), 4);
  }

  void prepare(const Form& form, HostRegisters& before) {
    for (auto& r : before.gpr) r = operand();
    before.eflags = any() & kCompared;
    before.gpr[kEbx] = before.gpr[kEsi] = middle_of_scratch();
    before.gpr[kEdi] = middle_of_scratch();
    before.gpr[kEsp] = middle_of_scratch();
    if (form.opcode[0] == 0xC8 || form.opcode[0] == 0xC9) before.gpr[kEbp] = middle_of_scratch();
    if (form.shape & kRepeatable) before.gpr[kEcx] %= 100;
    if (form.shape & kBitIndex)
      for (Gpr n : {kEax, kEcx, kEdx, kEbp})
        before.gpr[n] = static_cast<uint32_t>(static_cast<int32_t>(any()) >> 20);
    for (unsigned n = 0; n < HostOracle::kScratchSize; n += 4)
      put<uint32_t>(kData + n, chance(4) ? 0x01010101 : operand());
    if (chance(2)) {  // so that CMPXCHG and CMPXCHG8B find what they compare with
      const uint32_t at = kData + before.gpr[kEbx] - oracle.scratch_address();
      put<uint32_t>(at, before.gpr[kEax]);
      put<uint32_t>(at + 4, before.gpr[kEdx]);
    }
  }

  // Registers that a bit string's index may come from are small; ESP, EBX, ESI and EDI are addresses.
  static bool index_register_is_wild(const Form& form, const std::vector<uint8_t>& code) {
    if (!(form.shape & kBitIndex)) return false;
    const unsigned modrm_at = form.opcode.size() + (code[0] == 0x66);
    const unsigned reg = code[modrm_at] >> 3 & 7;
    return reg == kEbx || reg == kEsp || reg == kEsi || reg == kEdi;
  }

  void compare(const Form& form, unsigned round) {
    HostRegisters before;
    prepare(form, before);
    const std::vector<uint8_t> code = encode(form);
    if (index_register_is_wild(form, code)) return;
    protect_state(before, code);
    std::memcpy(oracle.scratch(), ram.data() + kData, HostOracle::kScratchSize);
    cpu.step();
    if (exception() && exception()->vector == 0) return skip_divide_error();
    ASSERT_FALSE(exception()) << describe(form, code, before, round) << " exception " << exception()->vector;
    const HostRegisters host = oracle.run(code, before);
    check(form, code, before, host, round);
  }

  void protect_state(const HostRegisters& before, const std::vector<uint8_t>& code) {
    place_code(std::span<const uint8_t>(code));
    state.gpr = before.gpr;
    state.set_eflags_image(before.eflags | kFixed);
  }
  void skip_divide_error() {
    const Segment data = state.segment[kDs];
    protected_mode(3);
    for (SegmentIndex n : {kDs, kEs, kSs, kFs, kGs}) state.segment[n] = data;
  }

  void check(const Form& form, const std::vector<uint8_t>& code, const HostRegisters& before,
             const HostRegisters& host, unsigned round) {
    const uint32_t compared = kCompared & ~form.undefined;
    EXPECT_EQ(state.gpr, host.gpr) << describe(form, code, before, round);
    EXPECT_EQ(state.flags & compared, host.eflags & compared) << describe(form, code, before, round);
    EXPECT_EQ(advanced(), code.size()) << describe(form, code, before, round);
    EXPECT_EQ(std::memcmp(oracle.scratch(), ram.data() + kData, HostOracle::kScratchSize), 0)
        << describe(form, code, before, round);
  }

  std::string describe(const Form& form, const std::vector<uint8_t>& code, const HostRegisters& before,
                       unsigned round) {
    std::string text =
        std::string(form.name) + ", seed " + std::to_string(kSeed) + ", round " + std::to_string(round) + ":";
    char part[32];
    for (uint8_t b : code) text += (std::snprintf(part, sizeof(part), " %02X", b), part);
    text += "; eax ecx edx ebx esp ebp esi edi eflags before:";
    for (uint32_t r : before.gpr) text += (std::snprintf(part, sizeof(part), " %X", r), part);
    return text += (std::snprintf(part, sizeof(part), " %X", before.eflags), part);
  }

  static constexpr unsigned kSeed = 20240607;
  HostOracle oracle;
  std::mt19937 random_;
  bool word_ = false;
};

TEST_F(HostComparison, IntegerInstructions) {
  const Forms forms;
  for (unsigned round = 0; round < 100 && !HasFailure(); round++)
    for (const Form& form : forms.all) compare(form, round);
}

}  // namespace
}  // namespace ringdown
