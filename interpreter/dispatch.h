#pragma once
#include <array>

#include "interpreter/interpreter.h"

namespace ringdown {

// A handler executes one decoded instruction. EIP already points behind it (relative branches add to it).
// Groups (80, C1, F7, 0F 01 …) are one handler that switches on i.reg.
using Handler = void (*)(Interpreter&, const Instruction&);

// Handlers by opcode map and opcode byte; nullptr: #UD. 0F38 and 0F3A hold integer instructions (MOVBE,
// CRC32) as well as vector ones; a vector chapter's handler looks at the mandatory prefix itself.
//
// Three groups belong to several chapters: FF is split by reg (branch: /2 /4, arithmetic: /0 /1, data
// transfer: /6, segment: far CALL /3 and JMP /5); 0F C7 is arithmetic's; 0F AE, fences included, is vector's.
struct DispatchTable {
  std::array<Handler, 256> one_byte{}, two_byte{}, three_byte_38{}, three_byte_3a{};
  std::array<Handler, 8> group_ff{};  // opcode FF by ModRM.reg; one_byte[0xFF] stays empty
};

// One function per chapter fills in its opcodes. Two chapters that claim one opcode are a programming error:
// dispatch_table() aborts and names it.
void add_data_transfer(DispatchTable&);  // MOV XCHG PUSH POP LEA CMOV SETcc BSWAP XLAT MOVZX PUSHA …
void add_arithmetic(DispatchTable&);     // ADD … CMP INC NEG MUL DIV, BCD, CBW CWD, CMPXCHG XADD
void add_logic(DispatchTable&);          // shifts, rotates, SHLD, bit instructions, TEST, POPCNT
void add_string(DispatchTable&);         // MOVS CMPS SCAS LODS STOS INS OUTS with REP
void add_branch(DispatchTable&);         // near JMP CALL RET Jcc LOOP JCXZ ENTER LEAVE BOUND
void add_flags(DispatchTable&);          // CLC … CLI STI PUSHF POPF LAHF SAHF
void add_segment(DispatchTable&);        // MOV/PUSH/POP sreg, LDS…, far transfers, LAR LSL VERR ARPL
void add_interrupt(DispatchTable&);      // INT n, INT3, INTO, INT1, IRET, SYSENTER, SYSEXIT
void add_system(DispatchTable&);         // CRs, DRs, MSRs, descriptor tables, INVLPG, HLT, CPUID, RDTSC …
void add_port_io(DispatchTable&);        // IN OUT
void add_fpu(DispatchTable&);            // x87: executed by the host
void add_vector(DispatchTable&);         // MMX, SSE … SSE4.2, FXSAVE: executed by the host

const DispatchTable& dispatch_table();

// The handler of an instruction, or nullptr if it has none (#UD).
Handler find_handler(const Instruction& i);

}  // namespace ringdown
