#include <type_traits>

#include "interpreter/alu.h"
#include "interpreter/dispatch.h"

namespace ringdown {
namespace {

// EIP already points behind the instruction.
uint32_t relative_target(const Interpreter& cpu, const Instruction& i) {
  const Instruction::Immediate& relative = i.immediate[0];
  uint32_t distance = relative.value;
  if (relative.size == 1) distance = static_cast<uint32_t>(static_cast<int8_t>(distance));
  return cpu.state.eip + distance;
}

void jump_relative(Interpreter& cpu, const Instruction& i) {
  cpu.jump_near(relative_target(cpu, i), i.operand_size);
}

// 70..7F, 0F 80..8F
void jump_if(Interpreter& cpu, const Instruction& i) {
  if (condition(cpu.state, i.opcode)) jump_relative(cpu, i);
}

// The target is checked before the return address is pushed.
template <class T>
void call(Interpreter& cpu, uint32_t target) {
  const uint32_t return_address = cpu.state.eip;
  cpu.jump_near(target, sizeof(T));
  cpu.push<T>(static_cast<T>(return_address));
}

void call_relative(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) { call<decltype(zero)>(cpu, relative_target(cpu, i)); });
}

void call_indirect(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    call<T>(cpu, cpu.read_rm<T>(i));
  });
}

void jump_indirect(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) { cpu.jump_near(cpu.read_rm<decltype(zero)>(i), i.operand_size); });
}

// C3; C2 also releases the caller's arguments.
void ret(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) { cpu.jump_near(cpu.pop<decltype(zero)>(), i.operand_size); });
  if (i.opcode == 0xC2) cpu.set_stack_pointer(cpu.stack_pointer() + (i.immediate[0].value & 0xFFFF));
}

// ---- Counted loops: the address size tells CX from ECX --------------------------------------------------

uint32_t loop_count(const Interpreter& cpu, const Instruction& i) {
  return i.address_size == 2 ? cpu.reg<uint16_t>(kEcx) : cpu.reg<uint32_t>(kEcx);
}

// E0 LOOPNE, E1 LOOPE, E2 LOOP
void loop(Interpreter& cpu, const Instruction& i) {
  if (i.address_size == 2)
    cpu.set_reg<uint16_t>(kEcx, cpu.reg<uint16_t>(kEcx) - 1);
  else
    cpu.state.gpr[kEcx]--;
  const bool zero_flag = cpu.state.flags & eflags::kZf;
  const bool flag_agrees = i.opcode == 0xE2 || zero_flag == (i.opcode == 0xE1);
  if (loop_count(cpu, i) != 0 && flag_agrees) jump_relative(cpu, i);
}

// E3: JCXZ, JECXZ
void jump_if_count_zero(Interpreter& cpu, const Instruction& i) {
  if (loop_count(cpu, i) == 0) jump_relative(cpu, i);
}

// ---- ENTER, LEAVE, BOUND --------------------------------------------------------------------------------

// The display: the frame pointers of the enclosing levels, copied from the caller's frame.
template <class T>
void push_display(Interpreter& cpu, unsigned level, T frame) {
  const uint32_t mask = cpu.state.stack_mask();
  uint32_t from = cpu.state.gpr[kEbp] & mask;
  for (unsigned n = 1; n < level; n++) {
    from = (from - sizeof(T)) & mask;
    cpu.push<T>(cpu.read<T>(kSs, from));
  }
  cpu.push<T>(frame);
}

// The last access checks that the stack can be written where it will then point to.
void enter(Interpreter& cpu, const Instruction& i) {
  const uint32_t size = i.immediate[0].value & 0xFFFF;
  const unsigned level = i.immediate[1].value & 31;
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    cpu.push<T>(cpu.reg<T>(kEbp));
    const T frame = cpu.reg<T>(kEsp);
    if (level > 0) push_display<T>(cpu, level, frame);
    cpu.set_stack_pointer(cpu.stack_pointer() - size);
    cpu.mmu.check_write(cpu.linear(kSs, cpu.stack_pointer(), 1, AccessKind::kWrite), 1, cpu.user());
    cpu.set_reg<T>(kEbp, frame);
  });
}

void leave(Interpreter& cpu, const Instruction& i) {
  cpu.set_stack_pointer(cpu.state.gpr[kEbp]);
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    cpu.set_reg<T>(kEbp, cpu.pop<T>());
  });
}

void bound(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    using Signed = std::make_signed_t<T>;
    const uint32_t mask = i.address_size == 2 ? 0xFFFF : 0xFFFFFFFF;
    const uint32_t offset = operand_offset(i, cpu.state.gpr);
    const auto lower = static_cast<Signed>(cpu.read<T>(operand_segment(i), offset));
    const auto upper = static_cast<Signed>(cpu.read<T>(operand_segment(i), (offset + sizeof(T)) & mask));
    const auto index = static_cast<Signed>(cpu.reg<T>(i.reg));
    if (index < lower || index > upper) raise(Vector::kBoundRange);
  });
}

}  // namespace

void add_branch(DispatchTable& table) {
  for (unsigned n = 0x70; n <= 0x7F; n++) table.one_byte[n] = jump_if;
  for (unsigned n = 0x80; n <= 0x8F; n++) table.two_byte[n] = jump_if;
  table.one_byte[0xE9] = table.one_byte[0xEB] = jump_relative;
  table.one_byte[0xE8] = call_relative;
  table.one_byte[0xC2] = table.one_byte[0xC3] = ret;
  for (int opcode : {0xE0, 0xE1, 0xE2}) table.one_byte[opcode] = loop;
  table.one_byte[0xE3] = jump_if_count_zero;
  table.one_byte[0xC8] = enter;
  table.one_byte[0xC9] = leave;
  table.one_byte[0x62] = bound;
  table.group_ff[2] = call_indirect;
  table.group_ff[4] = jump_indirect;
}

}  // namespace ringdown
