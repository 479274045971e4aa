// Random 16-bit and segmented code, on the interpreter and translated: real mode, virtual-8086 mode,
// protected mode with all kinds of limits and both sizes of code and stack. RINGDOWN_SEED repeats a run,
// RINGDOWN_CASES makes it longer.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "host-driver/fault_signals.h"
#include "host-driver/guest_ram.h"
#include "interpreter/interpreter.h"
#include "translator/translator.h"

namespace ringdown {
namespace {

constexpr uint32_t kRamBytes = 4 << 20, kUsedBytes = 0x120000;
constexpr unsigned kMostSteps = 3000;
constexpr uint32_t kHaltHandler = 0x600;  // every vector's, in real mode

struct Case {
  CpuState state;
  std::vector<uint8_t> code;
  uint32_t seed;  // of memory
};

// Memory that is random where small programs reach, and what a case adds to it. As code it is harmless, and
// soon over: INC, DEC, PUSH, POP, HLT.
std::vector<uint8_t> random_memory(uint32_t seed) {
  std::vector<uint8_t> memory(kUsedBytes);
  std::mt19937 random(seed);
  for (uint8_t& byte : memory) {
    const uint32_t value = random();
    byte = static_cast<uint8_t>(value % 8 == 0 ? 0xF4 : 0x40 | (value >> 8 & 0x1F));
  }
  for (unsigned vector = 0; vector < 256; vector++) {
    const uint32_t handler = kHaltHandler >> 4 << 16;
    std::memcpy(&memory[vector * 4], &handler, 4);
  }
  memory[kHaltHandler] = 0xF4;
  return memory;
}

std::vector<uint8_t> memory_of(const Case& c) {
  static const std::array kMemories = {random_memory(0), random_memory(1), random_memory(2),
                                       random_memory(3)};
  std::vector<uint8_t> memory = kMemories[c.seed];
  const uint32_t at = c.state.segment[kCs].base + c.state.eip;
  std::copy(c.code.begin(), c.code.end(), memory.begin() + at);
  return memory;
}

class Machine final : public CpuBus, public HostFaultHandler {
 public:
  explicit Machine(bool translates) : translates_(translates) {
    if (translates)
      signals_ = std::make_unique<FaultSignals>(*this, [](int, const siginfo_t&, const ucontext_t&) {});
  }

  // False: it did not end.
  bool run(const Case& c, const std::vector<uint8_t>& memory) {
    for (uint32_t page = 0; page < memory.size(); page += kPageSize) {
      if (std::memcmp(memory_.ram() + page, &memory[page], kPageSize) != 0)
        memory_.write_bytes(page, &memory[page], kPageSize);
    }
    state() = c.state;
    mmu_.flush();
    tlb_flushed(TlbFlush::kAll);
    for (unsigned n = 0; n < kMostSteps && !state().halted && !state().shutdown; n++) execute();
    return state().halted || state().shutdown;
  }
  CpuState& state() { return context_->state; }
  const uint8_t* ram() { return memory_.ram(); }
  uint64_t translated_entries() const { return entries_; }

  uint32_t read_port(uint16_t port, unsigned) override { return port * 0x01234567u; }
  void write_port(uint16_t, unsigned, uint32_t) override {}
  uint64_t time_stamp_counter() override { return 0; }
  void set_time_stamp_counter(uint64_t) override {}
  void tlb_flushed(TlbFlush kind) override {
    shadow_.flush(kind);
    translator_.tlb_flushed(kind);
  }
  void page_invalidated(uint32_t linear) override {
    shadow_.invalidate_page(linear);
    translator_.page_invalidated(linear);
  }
  bool on_fault(int signal, siginfo_t& info, ucontext_t& host) override {
    return translator_.handle_host_fault(signal, info, host);
  }
  void on_kick(ucontext_t& host) override { translator_.kick(host); }

 private:
  void execute() {
    if (!translates_ || state().interrupts_shadowed || !CodeMode::translatable(state()))
      return interpreter_.step();
    entries_++;
    try {
      switch (translator_.run()) {
        case RunEnd::kInterpret:
          return interpreter_.step();
        case RunEnd::kGuestFault:
          state().system_flags |= eflags::kRf;
          return interpreter_.deliver_exception(translator_.pending_fault());
        case RunEnd::kKicked:
        case RunEnd::kUser:
          return;
      }
    } catch (const Fault& fault) {
      state().system_flags |= eflags::kRf;
      interpreter_.deliver_exception(fault);
    }
  }

  const bool translates_;
  uint64_t entries_ = 0;
  GuestRam ram_{kRamBytes};
  PhysicalMemory memory_{ram_.bytes()};
  std::unique_ptr<TranslatorContext> context_ = std::make_unique<TranslatorContext>();
  CpuModel model_ = CpuModel::default_model();
  Mmu mmu_{state(), memory_};
  ShadowMmu shadow_{ram_.file(), memory_, state()};
  Interpreter interpreter_{state(), mmu_, *this, model_};
  Translator translator_{*context_, mmu_, shadow_, model_};
  std::unique_ptr<FaultSignals> signals_;  // of the one that translates
};

enum class Kind : uint8_t { kReal, kVirtual8086, kProtected };

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  Case next() {
    Case c{};
    c.seed = random_() % 4;
    CpuState& s = c.state;
    s.reset(0x600);
    s.fx.control_word = 0x37F;
    s.fx.mxcsr = 0x1F80;
    const auto kind = static_cast<Kind>(random_() % 3);
    s.cr0 = cr0::kEt | (kind == Kind::kReal ? 0 : cr0::kPe);
    s.idtr = {.base = 0, .limit = static_cast<uint16_t>(kind == Kind::kReal ? 0x3FF : 0)};
    s.gdtr = {.base = 0, .limit = 0};
    s.cpl = kind == Kind::kVirtual8086 ? 3 : kind == Kind::kReal || one_in(2) ? 0 : 3;
    if (kind == Kind::kVirtual8086) s.system_flags = eflags::kVm | (one_in(2) ? eflags::kIopl : 0);
    for (unsigned n = 0; n < 6; n++) s.segment[n] = segment(kind, n, s.cpl);
    for (auto& reg : s.gpr) reg = interesting();
    if (!one_in(4)) s.gpr[kEsp] = 0x8000 + random_() % 0x1000;
    s.flags = random_() & eflags::kStatus;
    s.eip = one_in(3) ? 0xFFFF - random_() % 40 : 0x100 + random_() % 0x1F00;
    if (s.eip > s.segment[kCs].limit) s.eip = s.segment[kCs].limit / 2;
    write_code(c);
    return c;
  }

 private:
  bool one_in(unsigned n) { return random_() % n == 0; }

  uint32_t interesting() {
    static constexpr uint32_t kOnes[] = {0,      1,      2,      3,      0xFF,    0x7FFF,    0x8000,
                                         0xFFFC, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0xFFFFFFFF};
    if (one_in(3)) return kOnes[random_() % std::size(kOnes)];
    return one_in(4) ? random_() : random_() & 0xFFFF;
  }

  Segment segment(Kind kind, unsigned index, unsigned cpl) {
    using namespace segment_attribute;
    const auto selector = static_cast<uint16_t>(random_() % 0xFFF);
    Segment s{.base = uint32_t{selector} << 4, .limit = 0xFFFF, .selector = selector, .attributes = 0};
    unsigned attributes = kPresent | kCodeOrData | kWritableOrReadable | kAccessed | cpl << kDplShift;
    if (kind == Kind::kProtected) {
      static constexpr uint32_t kLimits[] = {0xFFFF, 0xFFFFFFFF, 0xFFFE, 0x8FFF, 0x1FFFF};
      s.base = random_() % 0x90000;
      s.limit = kLimits[random_() % std::size(kLimits)];
      if (index == kCs) attributes |= kCode;
      if (one_in(2)) attributes |= kBig;
      if (one_in(8) && index != kCs && index != kSs) attributes &= ~kWritableOrReadable;
      if (one_in(8) && index != kCs && index != kSs) attributes = 0;
    } else if (kind == Kind::kReal && one_in(8) && index != kCs) {
      s.limit = 0xFFFFFFFF;
    }
    s.attributes = static_cast<uint16_t>(attributes);
    return s;
  }

  // What has no undefined flags, and leaves mode and tables as they are.
  static bool permitted(const Instruction& i) {
    const uint8_t op = i.opcode;
    if (i.map == OpcodeMap::k0F)
      return (op >= 0x40 && op <= 0x4F) || (op >= 0x80 && op <= 0x9F) || op == 0xA0 || op == 0xA1 ||
             op == 0xA8 || op == 0xA9 || op == 0xB0 || op == 0xB1 || op == 0xB2 ||
             (op >= 0xB4 && op <= 0xB7) || op == 0xBE || op == 0xBF || op == 0xC0 || op == 0xC1 || op >= 0xC8;
    if (i.map != OpcodeMap::kOneByte) return false;
    if (op < 0x40 && (op & 7) == 7 && op > 0x20) return false;  // BCD
    if (op == 0x69 || op == 0x6B || (op >= 0xC0 && op <= 0xC1) || (op >= 0xD0 && op <= 0xD5) || op == 0x0F)
      return false;
    if ((op >= 0x6C && op <= 0x6F) || (op >= 0xD8 && op <= 0xDF) || op == 0x9B || op == 0xF4) return false;
    if (op == 0xF6 || op == 0xF7) return i.reg < 4;
    return true;
  }

  void write_code(Case& c) {
    const bool big = c.state.segment[kCs].big();
    const unsigned count = 1 + random_() % 12;
    for (unsigned n = 0; n < count;) {
      std::array<uint8_t, 15> bytes;
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_());
      if (one_in(4)) bytes[0] = kPrefixes[random_() % std::size(kPrefixes)];
      if (one_in(4))
        bytes[bytes[0] == 0x66 || bytes[0] == 0x67] = kFavourites[random_() % std::size(kFavourites)];
      Instruction i;
      if (decode(bytes, big, i) != DecodeStatus::kOk || !permitted(i)) continue;
      c.code.insert(c.code.end(), bytes.begin(), bytes.begin() + i.length);
      n++;
    }
    c.code.push_back(0xF4);
    const uint32_t room = kUsedBytes - (c.state.segment[kCs].base + c.state.eip);
    if (c.code.size() > room) c.code.resize(room);
  }

  static constexpr uint8_t kPrefixes[] = {0x66, 0x67, 0xF3, 0xF2, 0x26, 0x2E, 0x36, 0x64, 0x65};
  static constexpr uint8_t kFavourites[] = {0xA4, 0xA5, 0xAA, 0xAB, 0xAC, 0xAE, 0xA6, 0xE2, 0xE3, 0xE8, 0xC3,
                                            0xC9, 0xC8, 0x60, 0x61, 0x9C, 0x9D, 0xCD, 0xCF, 0xCB, 0xCA, 0xEA,
                                            0x9A, 0xC4, 0xC5, 0x8E, 0x07, 0x1F, 0x17, 0x8C, 0xFF, 0xD7, 0x8A,
                                            0x88, 0x50, 0x58, 0x68, 0x8F, 0xA0, 0xA3, 0xEB, 0x74, 0xFB, 0xFA};
  std::mt19937 random_;
};

std::string hex(const std::vector<uint8_t>& bytes) {
  std::string text;
  char two[4];
  for (const uint8_t byte : bytes) {
    std::snprintf(two, sizeof two, "%02x ", byte);
    text += two;
  }
  return text;
}

std::string differences(Machine& a, Machine& b) {
  std::string text;
  char line[120];
  const auto compare = [&](const char* name, uint64_t x, uint64_t y) {
    if (x == y) return;
    std::snprintf(line, sizeof line, "  %s %llx %llx\n", name, static_cast<unsigned long long>(x),
                  static_cast<unsigned long long>(y));
    text += line;
  };
  const CpuState &s = a.state(), &t = b.state();
  static const char* const kNames[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
  static const char* const kSegments[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  for (unsigned n = 0; n < 8; n++) compare(kNames[n], s.gpr[n], t.gpr[n]);
  compare("eip", s.eip, t.eip);
  compare("eflags", s.eflags_image(), t.eflags_image());
  compare("shutdown", s.shutdown, t.shutdown);
  for (unsigned n = 0; n < 6; n++) {
    compare(kSegments[n], s.segment[n].selector, t.segment[n].selector);
    compare("  base", s.segment[n].base, t.segment[n].base);
    compare("  limit", s.segment[n].limit, t.segment[n].limit);
  }
  if (std::memcmp(a.ram(), b.ram(), kUsedBytes) != 0) {
    for (uint32_t n = 0; n < kUsedBytes && text.size() < 600; n++) {
      std::snprintf(line, sizeof line, "memory %x", n);
      compare(std::string(line).c_str(), a.ram()[n], b.ram()[n]);
    }
  }
  return text;
}

// A repetition that writes over itself goes on for as long as whoever runs it likes.
bool repeats_over_itself(const Case& c, Machine& machine) {
  const uint8_t* const code = machine.ram() + c.state.segment[kCs].base + c.state.eip;
  const bool repeats =
      std::any_of(c.code.begin(), c.code.end(), [](uint8_t b) { return b == 0xF2 || b == 0xF3; });
  return repeats && !std::equal(c.code.begin(), c.code.end(), code);
}

// A jump into the middle of an instruction may find one that leaves flags undefined.
bool leaves_flags_undefined(const Case& c, Machine& a, Machine& b) {
  constexpr uint32_t kUndefined = eflags::kOf | eflags::kAf;
  const bool shifts = std::any_of(c.code.begin(), c.code.end(), [](uint8_t byte) {
    return (byte & 0xFE) == 0xC0 || (byte & 0xF8) == 0xD0 || (byte & 0xFE) == 0xF6 || (byte & 0xFD) == 0x69 ||
           (byte & 0xE7) == 0x27 || byte == 0x0F;
  });
  return shifts && ((a.state().flags ^ b.state().flags) & kUndefined);
}

uint64_t setting(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 0) : otherwise;
}

TEST(Segmented, CodeDoesAsInterpreted) {
  const auto seed = static_cast<uint32_t>(setting("RINGDOWN_SEED", std::random_device{}()));
  const uint64_t cases = setting("RINGDOWN_CASES", 1500);
  Machine interpreted(false), translated(true);
  Generator generator(seed);
  for (uint64_t n = 0; n < cases; n++) {
    Case c = generator.next();
    std::string text;
    const auto differ = [&](const Case& now) {
      const auto memory = memory_of(now);
      if (!interpreted.run(now, memory)) return false;
      translated.run(now, memory);
      if (repeats_over_itself(now, interpreted) || leaves_flags_undefined(now, interpreted, translated))
        return false;
      text = differences(interpreted, translated);
      return !text.empty();
    };
    if (!differ(c)) continue;
    const std::string first = hex(c.code) + "\n" + text;
    // Shrunk: instructions become NOPs, one by one.
    for (size_t at = 0; at + 1 < c.code.size(); at++) {
      Case less = c;
      if (less.code[at] == 0x90) continue;
      less.code[at] = 0x90;
      if (differ(less)) c = less;
    }
    differ(c);
    const auto& s = c.state;
    ADD_FAILURE() << "seed " << seed << " case " << n << " mode " << std::hex << CodeMode::of(s).bits
                  << " eip " << s.eip << " code " << hex(c.code) << "\n at first " << first
                  << " (interpreted, translated)\n"
                  << text << " esp " << s.gpr[kEsp] << " ebp " << s.gpr[kEbp] << " esi " << s.gpr[kEsi]
                  << " edi " << s.gpr[kEdi] << " ecx " << s.gpr[kEcx] << " ebx " << s.gpr[kEbx];
    return;
  }
  EXPECT_GT(translated.translated_entries(), cases);
}

// PUSHA of a stack that wraps at 64 KiB, on a page with code: its pieces are 64 KiB apart, which is one place
// of TranslatorContext::checked_pieces.
TEST(Segmented, AStackThatWrapsIsPushedBesideCode) {
  constexpr uint16_t kSegment = 0x46;
  Case c{};
  CpuState& s = c.state;
  s.reset(0x600);
  s.cr0 = cr0::kEt;
  s.idtr = {.base = 0, .limit = 0x3FF};
  for (Segment& segment : s.segment) {
    segment.selector = kSegment;
    segment.base = kSegment << 4;
  }
  s.eip = 0x400;
  s.gpr[kEcx] = 20;
  // 1: MOV SP, 2; PUSHA; LOOP 1b; HLT
  c.code = {0xBC, 0x02, 0x00, 0x60, 0xE2, 0xFA, 0xF4};
  Machine interpreted(false), translated(true);
  const auto memory = memory_of(c);
  ASSERT_TRUE(interpreted.run(c, memory));
  ASSERT_TRUE(translated.run(c, memory));
  EXPECT_EQ(differences(interpreted, translated), "");
  EXPECT_GT(translated.translated_entries(), 0u);
}

// The monitor enters code by its place, and not by EIP: where CS's base is 0 both are the same number.
TEST(Segmented, CodeAtOneOffsetOfTwoSegmentsIsTwoPieces) {
  constexpr uint16_t kOffset = 0x700;
  Machine translated(true);
  auto memory = random_memory(0);
  const auto run = [&](uint16_t selector) {
    Case c{};
    c.state.reset(0x600);
    c.state.cr0 = cr0::kEt;
    c.state.segment[kCs].selector = selector;
    c.state.segment[kCs].base = uint32_t{selector} << 4;
    c.state.eip = kOffset;
    EXPECT_TRUE(translated.run(c, memory));
    return translated.state().gpr[kEax] & 0xFF;
  };
  for (const uint16_t selector : {0, 0x1000}) {
    const std::array<uint8_t, 3> code = {0xB0, static_cast<uint8_t>(1 + (selector >> 12)),
                                         0xF4};  // MOV AL, HLT
    std::copy(code.begin(), code.end(), memory.begin() + selector * 16 + kOffset);
  }
  EXPECT_EQ(run(0), 1u);
  EXPECT_EQ(run(0x1000), 2u);
}

}  // namespace
}  // namespace ringdown
