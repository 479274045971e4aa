// Virtual interrupts and redirected software interrupts: CR4.VME in virtual-8086 mode, CR4.PVI in ring 3 (SDM
// vol. 3, 20.3 and 20.4).
#include "virtual_8086.h"

enum { kRedirected = 0x32, kDirected = 0x31, kStackTop = 0x1000 };
// Each ends by a HLT, which is #GP. The handler of INT 32h keeps the flags that it finds in BX.
__asm__(
    ".pushsection .rodata\n.code16\n.globl v86_code, v86_code_end\nv86_code:\n"
    ".globl v86_handler\nv86_handler: pushfw\n popw %bx\n iretw\n"
    ".globl v86_flags\nv86_flags: sti\n pushfw\n cli\n pushfw\n pushw $0x3247\n popfw\n pushfw\n"
    ".globl v86_flags_end\nv86_flags_end: hlt\n"
    ".globl v86_int\nv86_int: int $0x32\n"
    ".globl v86_int_end\nv86_int_end: hlt\n"
    ".globl v86_nested\nv86_nested: int $0x32\n hlt\n"
    ".globl v86_other\nv86_other: int $0x31\n hlt\n"
    ".globl v86_sti\nv86_sti: sti\n hlt\n"
    ".globl v86_cli\nv86_cli: cli\n hlt\n"
    ".globl v86_popf\nv86_popf: popfw\n hlt\n"
    ".globl v86_iret\nv86_iret: iretw\n hlt\n"
    ".globl v86_pushfd\nv86_pushfd: pushfl\n hlt\n"
    ".globl v86_popfd\nv86_popfd: popfl\n hlt\n"
    ".globl v86_iretd\nv86_iretd: iretl\n hlt\n"
    ".globl v86_often\nv86_often: movw $1000, %cx\n1: sti\n int $0x32\n addw %bx, %dx\n cli\n loop 1b\n"
    ".globl v86_often_end\nv86_often_end: hlt\n"
    "v86_code_end:\n.code32\n.popsection");
extern char v86_handler[], v86_flags[], v86_flags_end[], v86_int[], v86_int_end[], v86_nested[], v86_other[],
    v86_sti[], v86_cli[], v86_popf[], v86_iret[], v86_pushfd[], v86_popfd[], v86_iretd[], v86_often[],
    v86_often_end[];

static int enter(uint32_t ip, uint32_t flags) { return enter_virtual_8086(ip, flags, kStackTop - 8); }

// What lies there at the start is at kStackTop - 8.
static uint16_t stack(uint32_t sp) { return (uint16_t)peek(kStackSegment * 16 + sp); }
static void set_stack(uint32_t low, uint32_t high) {
  poke(kStackSegment * 16 + kStackTop - 8, low);
  poke(kStackSegment * 16 + kStackTop - 4, high);
}

static void flags(void) {
  CHECK_FAULT(enter(OFFSET(v86_flags), 0), kProtection, OFFSET(v86_flags_end), 0);
  CHECK_EQ(stack(kStackTop - 10), kFixedFlag | kIopl3 | kFlagIf);  // IF is VIF's image, IOPL is said to be 3
  CHECK_EQ(stack(kStackTop - 12), kFixedFlag | kIopl3);
  CHECK_EQ(stack(kStackTop - 14), 0x3247);
  CHECK_EQ(trap.eflags & (kFlagVif | kFlagVip | kFlagIf | kIopl3 | kFlagVm), kFlagVif | kFlagVm);
  CHECK_FAULT(enter(OFFSET(v86_cli), kFlagVif), kProtection, OFFSET(v86_cli) + 1, 0);
  CHECK_EQ(trap.eflags & (kFlagVif | kFlagIf), 0);
  CHECK_FAULT(enter(OFFSET(v86_flags), kIopl3), kProtection, OFFSET(v86_flags_end), 0);
  CHECK_EQ(trap.eflags & (kFlagVif | kFlagIf), kFlagIf);  // with IOPL 3 it is IF itself
}

// Table 20-2, by method.
static void software_interrupts(void) {
  CHECK_FAULT(enter(OFFSET(v86_other), 0), kProtection, OFFSET(v86_other), 0);                 // 3
  CHECK_TRAP(enter(OFFSET(v86_other), kIopl3), kDirected, OFFSET(v86_other) + 2);              // 4
  CHECK_FAULT(enter(OFFSET(v86_int), kIopl3 | kFlagIf), kProtection, OFFSET(v86_int_end), 0);  // 5
  CHECK_EQ(trap.ebx & 0xFFFF, kFixedFlag | kIopl3);
  CHECK_EQ(trap.eflags & (kFlagVif | kFlagIf), kFlagIf);
  CHECK_EQ(stack(kStackTop - 10), kFixedFlag | kIopl3 | kFlagIf);
  CHECK_EQ(stack(kStackTop - 12), kSegment);
  CHECK_EQ(stack(kStackTop - 14), OFFSET(v86_int_end));
  CHECK_FAULT(enter(OFFSET(v86_int), kFlagVif), kProtection, OFFSET(v86_int_end), 0);  // 6
  CHECK_EQ(trap.ebx & 0xFFFF, kFixedFlag | kIopl3);
  CHECK_EQ(trap.eflags & (kFlagVif | kFlagIf), kFlagVif);
  CHECK_EQ(stack(kStackTop - 10), kFixedFlag | kIopl3 | kFlagIf);
  CHECK_EQ(trap.esp & 0xFFFF, kStackTop - 8);
  CHECK_FAULT(enter(OFFSET(v86_nested), kFlagNt), kProtection, OFFSET(v86_nested) + 2, 0);
  CHECK_EQ(trap.ebx & 0xFFFF, kFixedFlag | kIopl3 | kFlagNt);
  CHECK_EQ(trap.eflags & kFlagNt, kFlagNt);
  write_cr4(read_cr4() & ~(uint32_t)kCr4Vme);
  CHECK_TRAP(enter(OFFSET(v86_nested), kIopl3), kRedirected, OFFSET(v86_nested) + 2);  // 1
  CHECK_FAULT(enter(OFFSET(v86_nested), 0), kProtection, OFFSET(v86_nested), 0);       // 2
  write_cr4(read_cr4() | kCr4Vme);
}

// What would enable virtual interrupts while one waits is for the monitor, and so is TF.
static void pending(void) {
  const uint32_t returns_to = OFFSET(v86_cli) | (uint32_t)kSegment << 16;
  CHECK_FAULT(enter(OFFSET(v86_sti), kFlagVip), kProtection, OFFSET(v86_sti), 0);
  set_stack(kFlagIf, 0);
  CHECK_FAULT(enter(OFFSET(v86_popf), kFlagVip), kProtection, OFFSET(v86_popf), 0);
  CHECK_FAULT(enter(OFFSET(v86_popf), 0), kProtection, OFFSET(v86_popf) + 1, 0);
  set_stack(kFlagTf, 0);
  CHECK_FAULT(enter(OFFSET(v86_popf), 0), kProtection, OFFSET(v86_popf), 0);
  set_stack(returns_to, kFlagIf);
  CHECK_FAULT(enter(OFFSET(v86_iret), kFlagVip), kProtection, OFFSET(v86_iret), 0);
  CHECK_EQ(trap.esp & 0xFFFF, kStackTop - 8);
  CHECK_FAULT(enter(OFFSET(v86_iret), 0), kProtection, OFFSET(v86_cli) + 1, 0);
  set_stack(returns_to, kFlagTf);
  CHECK_FAULT(enter(OFFSET(v86_iret), 0), kProtection, OFFSET(v86_iret), 0);
  CHECK_FAULT(enter(OFFSET(v86_cli), kFlagVif | kFlagVip), kProtection, OFFSET(v86_cli), 0);
  CHECK_EQ(trap.eflags & (kFlagVif | kFlagVip), kFlagVif | kFlagVip);
  CHECK_FAULT(enter(OFFSET(v86_cli), kFlagVif | kFlagVip | kIopl3), kProtection, OFFSET(v86_cli) + 1, 0);
}

// Only what has 16-bit operands has virtual interrupts.
static void wide(void) {
  CHECK_FAULT(enter(OFFSET(v86_pushfd), 0), kProtection, OFFSET(v86_pushfd), 0);
  CHECK_FAULT(enter(OFFSET(v86_popfd), 0), kProtection, OFFSET(v86_popfd), 0);
  CHECK_FAULT(enter(OFFSET(v86_iretd), 0), kProtection, OFFSET(v86_iretd), 0);
}

static void often(void) {
  CHECK_FAULT(enter(OFFSET(v86_often), 0), kProtection, OFFSET(v86_often_end), 0);
  CHECK_EQ(trap.eflags & (kFlagVif | kFlagIf), 0);
}

USER_CODE(user_sti, " sti\n pushfl\n popl %eax");
USER_CODE(user_cli, " cli\n pushfl\n popl %eax");
USER_CODE(user_nop, " nop");
USER_CODE(user_often,
          " movl $1000, %ecx\n xorl %eax, %eax\n1: sti\n pushfl\n popl %edx\n andl $0x80000, %edx\n"
          " addl %edx, %eax\n cli\n pushfl\n popl %edx\n andl $0x80000, %edx\n addl %edx, %eax\n loop 1b");
USER_CODE(user_popf, " pushl $0x80246\n popfl\n pushfl\n popl %eax");  // does not reach VIF

static int user(void* code, uint32_t flags) {
  return run_user(code, (uint32_t)user_stack_top, kFixedFlag | kFlagIf | flags, 0);
}

static void protected_mode(void) {
  CHECK_FAULT(user(user_sti, 0), kProtection, user_sti, 0);
  CHECK_FAULT(user(user_cli, 0), kProtection, user_cli, 0);
  write_cr4(read_cr4() | kCr4Pvi);
  CHECK_EQ(user(user_sti, 0), kUserExit);
  CHECK_EQ(trap.eax & (kFlagVif | kFlagIf), kFlagVif | kFlagIf);
  CHECK_EQ(trap.eflags & (kFlagVif | kFlagIf), kFlagVif | kFlagIf);
  CHECK_EQ(user(user_cli, kFlagVif), kUserExit);
  CHECK_EQ(trap.eax & (kFlagVif | kFlagIf), kFlagIf);
  CHECK_EQ(user(user_nop, kFlagVif), kUserExit);
  CHECK_EQ(trap.eflags & kFlagVif, kFlagVif);
  CHECK_EQ(user(user_popf, 0), kUserExit);
  CHECK_EQ(trap.eax & (kFlagVif | kFlagIf), kFlagIf);
  CHECK_FAULT(user(user_sti, kFlagVip), kProtection, user_sti, 0);
  CHECK_EQ(user(user_nop, kFlagVip), kUserExit);
  CHECK_FAULT(user(user_nop, kFlagVif | kFlagVip), kProtection, user_nop, 0);
  CHECK_EQ(user(user_nop, kFlagVif | kFlagVip | kIopl3), kUserExit);
  CHECK_EQ(user(user_often, 0), kUserExit);
  CHECK_EQ(trap.eax, 1000 * kFlagVif);
  write_cr4(read_cr4() & ~(uint32_t)kCr4Pvi);
  CHECK_EQ(user(user_nop, kFlagVif | kFlagVip), kUserExit);  // nobody asks
}

void guest_main(void) {
  begin_virtual_8086();
  big_tss.redirection[kDirected / 8] |= (uint8_t)(1 << kDirected % 8);
  for (uint32_t vector = kDirected; vector <= kRedirected; vector++) idt[vector] |= (uint64_t)kDpl3 << 40;
  uint32_t vectors = 0;
  __asm__("" : "+r"(vectors));  // which the compiler would take for no address
  poke(vectors + kRedirected * 4, OFFSET(v86_handler) | (uint32_t)kSegment << 16);
  write_cr4(read_cr4() | kCr4Vme);
  for (int round = 0; round < 3; round++) {
    flags();
    software_interrupts();
    pending();
    wide();
    often();
    protected_mode();
  }
}
