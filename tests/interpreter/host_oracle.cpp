#include "tests/interpreter/host_oracle.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace ringdown {
namespace {

constexpr uint16_t kUser32Cs = 0x23, kUser64Cs = 0x33, kUserDs = 0x2B;  // Linux's

// The area: code, then what it works on. Everything is below 2 GiB, so that absolute addresses work in both
// modes.
constexpr uint32_t kCodeSize = 4096, kScratch = 4096, kBlock = kScratch + HostOracle::kScratchSize,
                   kAreaSize = kBlock + 4096;
constexpr uint32_t kBefore = kBlock, kStackBefore = kBlock + 0x40, kAfterEnd = kBlock + 0x100,
                   kStackAfter = kBlock + 0x140, kFarPointer = kBlock + 0x180, kHostStack = kBlock + 0x1C0;

struct Assembler {
  uint8_t* at;
  void bytes(std::initializer_list<uint8_t> list) {
    for (uint8_t b : list) *at++ = b;
  }
  void bytes(std::span<const uint8_t> list) {
    for (uint8_t b : list) *at++ = b;
  }
  void dword(uint32_t value) {
    std::memcpy(at, &value, 4);
    at += 4;
  }
  void absolute(std::initializer_list<uint8_t> opcode, uint32_t address) {
    bytes(opcode);
    dword(address);
  }
};

void emit_enter_compatibility_mode(Assembler& a, uint32_t area) {
  a.bytes({0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57});  // push rbx, rbp, r12..r15
  a.absolute({0x48, 0x89, 0x24, 0x25}, area + kHostStack);                // mov [], rsp
  a.bytes({0xB8, kUserDs, 0, 0, 0, 0x8E, 0xD8, 0x8E, 0xC0});              // mov ds, es
  a.absolute({0xFF, 0x2C, 0x25}, area + kFarPointer);                     // jmp far []
}

void emit_instruction(Assembler& a, uint32_t area, std::span<const uint8_t> instruction) {
  a.absolute({0xBC}, area + kBefore);             // mov esp
  a.bytes({0x9D, 0x61});                          // popfd; popad
  a.absolute({0x8B, 0x25}, area + kStackBefore);  // mov esp, []
  a.bytes(instruction);
  a.absolute({0x89, 0x25}, area + kStackAfter);  // mov [], esp
  a.absolute({0xBC}, area + kAfterEnd);          // mov esp
  a.bytes({0x60, 0x9C});                         // pushad; pushfd
}

void emit_leave_compatibility_mode(Assembler& a, uint32_t area) {
  a.bytes({0xEA});  // jmp far
  a.dword(static_cast<uint32_t>(reinterpret_cast<uintptr_t>(a.at)) + 6);
  a.bytes({kUser64Cs, 0});
  a.bytes({0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xC0, 0xFC});      // ds = es = 0; cld
  a.absolute({0x48, 0x8B, 0x24, 0x25}, area + kHostStack);  // mov rsp, []
  a.bytes({0x41, 0x5F, 0x41, 0x5E, 0x41, 0x5D, 0x41, 0x5C, 0x5D, 0x5B, 0xC3});
}

// The order of POPAD and PUSHAD, from the lowest address.
uint32_t* dwords(uint8_t* p) { return reinterpret_cast<uint32_t*>(p); }

}  // namespace

HostOracle::HostOracle() {
  void* area = mmap(nullptr, kAreaSize, PROT_READ | PROT_WRITE | PROT_EXEC,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (area == MAP_FAILED) std::abort();
  area_ = static_cast<uint8_t*>(area);
}

HostOracle::~HostOracle() { munmap(area_, kAreaSize); }

uint8_t* HostOracle::scratch() const { return area_ + kScratch; }
uint32_t HostOracle::scratch_address() const {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(scratch()));
}

HostRegisters HostOracle::run(std::span<const uint8_t> instruction, const HostRegisters& before) {
  const uint32_t area = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(area_));
  Assembler a{area_};
  emit_enter_compatibility_mode(a, area);
  const uint32_t entry32 = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(a.at));
  emit_instruction(a, area, instruction);
  emit_leave_compatibility_mode(a, area);

  dwords(area_ + kFarPointer)[0] = entry32;
  dwords(area_ + kFarPointer)[1] = kUser32Cs;
  dwords(area_ + kBefore)[0] = before.eflags | 0x202;
  for (unsigned n = 0; n < 8; n++) dwords(area_ + kBefore)[8 - n] = before.gpr[n];
  dwords(area_ + kStackBefore)[0] = before.gpr[4];
  reinterpret_cast<void (*)()>(area_)();

  HostRegisters after;
  const uint32_t* saved = dwords(area_ + kAfterEnd - 9 * 4);
  after.eflags = saved[0];
  for (unsigned n = 0; n < 8; n++) after.gpr[n] = saved[8 - n];
  after.gpr[4] = dwords(area_ + kStackAfter)[0];
  return after;
}

}  // namespace ringdown
