// Every x87, MMX and SSE instruction form, on random state, against the host's processor in compatibility
// mode: FXRSTOR, the instruction, FXSAVE there; one interpreted instruction here.
#include <random>

#include "interpreter/host_operation.h"
#include "tests/interpreter/host_oracle.h"
#include "tests/interpreter/interpreter_fixture.h"

namespace ringdown {
namespace {

constexpr uint32_t kOperand = 1024, kAfter = 512, kDefaultMxcsr = 2048;  // within the scratch area
constexpr unsigned kOperandBytes = 64;

struct Outcome {
  FxsaveImage fx;
  std::array<uint8_t, kOperandBytes> memory;
  std::array<uint32_t, 4> gpr;  // EAX to EBX
  uint32_t flags;
};

class VectorHostTest : public InterpreterTest {
 protected:
  VectorHostTest() { state.cr4 |= cr4::kOsfxsr | cr4::kOsxmmexcpt; }

  // Numbers that matter: zeros, ones, denormals, infinities, NaNs, and anything.
  uint32_t random_word() {
    constexpr uint32_t kInteresting[] = {0,          0x80000000, 0x3F800000, 0x00000001, 0x7F800000,
                                         0x7FC00000, 0x7F800001, 0x00800000, 0x7F7FFFFF, 0x3FF00000,
                                         0x7FF00000, 0x7FF80000, 0x40490FDB, 0xFFFFFFFF, 0x43E00000};
    return random_() % 3 ? static_cast<uint32_t>(random_()) : kInteresting[random_() % 15];
  }
  template <class Bytes>
  void randomize(Bytes& bytes) {
    for (size_t at = 0; at + 4 <= bytes.size(); at += 4) {
      const uint32_t word = random_word();
      std::memcpy(bytes.data() + at, &word, 4);
    }
  }

  FxsaveImage random_image() {
    FxsaveImage fx{};
    fx.control_word = static_cast<uint16_t>(0x40 | (random_() & 0xF3F));
    fx.status_word = static_cast<uint16_t>((random_() & 0x7F40) | (random_() & fx.control_word & 0x3F));
    fx.abridged_tag_word = static_cast<uint8_t>(random_() | random_());
    fx.mxcsr = 0x1F80 | (random_() & 0xE07F);
    for (auto& st : fx.st) {
      randomize(st);
      if (random_() % 2) st[9] = (st[9] & 0x80) | 0x3F, st[7] |= 0x80;  // near one
      std::fill(st.begin() + 10, st.end(), 0);
    }
    for (unsigned n = 0; n < 8; n++) randomize(fx.xmm[n]);
    return fx;
  }

  Outcome on_host(std::span<const uint8_t> code, const Outcome& before) {
    uint8_t* scratch = host_.scratch();
    std::memcpy(scratch, &before.fx, 512);
    std::memcpy(scratch + kOperand, before.memory.data(), kOperandBytes);
    const uint32_t mxcsr = 0x1F80;
    std::memcpy(scratch + kDefaultMxcsr, &mxcsr, 4);
    std::vector<uint8_t> all = {0x0F, 0xAE, 0x0E};  // fxrstor [esi]
    all.insert(all.end(), code.begin(), code.end());
    for (uint8_t b : {0x0F, 0xAE, 0x86, 0x00, 0x02, 0, 0,   // fxsave [esi + 512]
                      0xDB, 0xE3,                           // fninit
                      0x0F, 0xAE, 0x96, 0x00, 0x08, 0, 0})  // ldmxcsr [esi + 2048]
      all.push_back(b);
    HostRegisters registers{};
    std::copy(before.gpr.begin(), before.gpr.end(), registers.gpr.begin());
    registers.gpr[kEsi] = host_.scratch_address();
    registers.gpr[kEdi] = host_.scratch_address() + kOperand;
    registers.eflags = before.flags | eflags::kFixed;
    registers = host_.run(all, registers);
    Outcome after = before;
    std::memcpy(&after.fx, scratch + kAfter, 512);
    std::memcpy(after.memory.data(), scratch + kOperand, kOperandBytes);
    std::copy_n(registers.gpr.begin(), 4, after.gpr.begin());
    after.flags = registers.eflags & eflags::kStatus;
    return after;
  }

  Outcome interpreted(std::span<const uint8_t> code, const Outcome& before) {
    protected_mode(0);
    state.cr4 |= cr4::kOsfxsr | cr4::kOsxmmexcpt;
    state.fx = before.fx;
    std::copy(before.gpr.begin(), before.gpr.end(), state.gpr.begin());
    edi() = kData;
    state.flags = before.flags;
    std::memcpy(ram.data() + kData, before.memory.data(), kOperandBytes);
    place_code(code);
    cpu.step();
    expect_no_exception();
    Outcome after = before;
    after.fx = state.fx;
    std::memcpy(after.memory.data(), ram.data() + kData, kOperandBytes);
    std::copy_n(state.gpr.begin(), 4, after.gpr.begin());
    after.flags = state.flags & eflags::kStatus;
    return after;
  }

  static void expect_same(const Outcome& a, const Outcome& b) {
    EXPECT_EQ(a.gpr, b.gpr);
    EXPECT_EQ(a.flags, b.flags);
    EXPECT_EQ(a.memory, b.memory);
    EXPECT_EQ(a.fx.control_word, b.fx.control_word);
    EXPECT_EQ(a.fx.status_word, b.fx.status_word);
    EXPECT_EQ(a.fx.abridged_tag_word, b.fx.abridged_tag_word);
    EXPECT_EQ(a.fx.mxcsr, b.fx.mxcsr);
    for (unsigned n = 0; n < 8; n++) {
      EXPECT_EQ(0, std::memcmp(a.fx.st[n].data(), b.fx.st[n].data(), 10)) << "st" << n;
      EXPECT_EQ(a.fx.xmm[n], b.fx.xmm[n]) << "xmm" << n;
    }
  }

  // Runs one form both ways if it is an instruction that the host executes for us.
  void compare(std::vector<uint8_t> code) {
    code.resize(15);
    Instruction i;
    if (decode(code, true, i) != DecodeStatus::kOk || !model.supports(i) || !operations_.find(i)) return;
    code.resize(i.length);
    Outcome before{.fx = random_image(), .memory = {}, .gpr = {}, .flags = 0};
    randomize(before.memory);
    for (auto& r : before.gpr) r = random_word();
    before.flags = static_cast<uint32_t>(random_()) & eflags::kStatus;
    expect_same(interpreted(code, before), on_host(code, before));
    compared_++;
    if (HasFailure()) FAIL() << ::testing::PrintToString(code) << " seed " << kSeed;
  }

  // All ModRM forms that differ for us: each reg with [edi] and with registers 0 to 3 (or 0 to 7).
  void compare_modrm(std::vector<uint8_t> opcode, unsigned registers) {
    for (unsigned reg = 0; reg < 8; reg++) {
      const auto form = [&](unsigned modrm) {
        std::vector<uint8_t> code = opcode;
        code.push_back(static_cast<uint8_t>(modrm | reg << 3));
        code.push_back(static_cast<uint8_t>(random_()));  // immediate, if there is one
        compare(code);
      };
      // A general register in the reg field must not be one that the two runs use differently.
      if (reg < 4 || !has_gpr_in_reg(opcode)) form(0x07);
      for (unsigned rm = 0; rm < registers; rm++)
        if (reg < 4 || !has_gpr_in_reg(opcode)) form(0xC0 | rm);
      if (HasFatalFailure()) return;
    }
  }
  // MOVMSKPS, CVT(T)SS2SI, PMOVMSKB, PEXTRW, MOVNTI.
  static bool has_gpr_in_reg(const std::vector<uint8_t>& opcode) {
    const uint8_t last = opcode.back();
    return last == 0x50 || last == 0x2C || last == 0x2D || last == 0xD7 || last == 0xC5 || last == 0xC3;
  }

  static constexpr unsigned kSeed = 20240229;
  HostOracle host_;
  HostOperations operations_;
  std::mt19937 random_{kSeed};
  unsigned compared_ = 0;
};

TEST_F(VectorHostTest, X87) {
  for (unsigned round = 0; round < 20; round++)
    for (uint8_t opcode = 0xD8; opcode <= 0xDF; opcode++) {
      compare_modrm({opcode}, 8);
      if (HasFatalFailure()) return;
    }
  EXPECT_GT(compared_, 20u * 400);
}

TEST_F(VectorHostTest, MmxAndSse) {
  const std::vector<std::vector<uint8_t>> maps = {{0x0F}, {0x0F, 0x38}, {0x0F, 0x3A}};
  const std::vector<std::vector<uint8_t>> prefixes = {{}, {0x66}, {0xF2}, {0xF3}};
  for (unsigned round = 0; round < 4; round++)
    for (const auto& map : maps)
      for (const auto& prefix : prefixes)
        for (unsigned opcode = 0; opcode < 256; opcode++) {
          if (map.size() == 1 && (opcode == 0x38 || opcode == 0x3A)) continue;  // maps of their own
          std::vector<uint8_t> code = prefix;
          code.insert(code.end(), map.begin(), map.end());
          code.push_back(static_cast<uint8_t>(opcode));
          compare_modrm(code, 4);
          if (HasFatalFailure()) return;
        }
  EXPECT_GT(compared_, 4u * 5000);
}

}  // namespace
}  // namespace ringdown
