// Virtual-8086 mode (SDM vol. 3, chapter 20): a task in the first MiB; IOPL-sensitive instructions, software
// interrupts, the I/O permission bitmap, page faults, and frames with all segments.
#include "virtual_8086.h"

__asm__(
    ".pushsection .rodata\n.code16\n.globl v86_code, v86_code_end\nv86_code:\n"
    " movw $0x2100, %ax\n movw %ax, %ds\n movw $0x2200, %bx\n movw %bx, %es\n movw $0x2300, %cx\n movw %cx, "
    "%fs\n"
    " movw $0x2400, %dx\n movw %dx, %gs\n movw $0x1234, %ds:0x10\n movw $0x5678, %es:0x10\n pushw $0x4321\n"
    ".globl v86_trap\nv86_trap: hlt\n"
    ".globl v86_int\nv86_int: int $0x31\n hlt\n"
    ".globl v86_cli\nv86_cli: cli\n hlt\n"
    ".globl v86_pushf\nv86_pushf: pushfw\n hlt\n"
    ".globl v86_in\nv86_in: inb $0x61, %al\n hlt\n"
    ".globl v86_out\nv86_out: outb %al, $0x70\n hlt\n"
    ".globl v86_far\nv86_far: ljmp $0x2000, $(1f - v86_code)\n1: movw %cs, %ax\n call 2f\n int3\n2: ret\n"
    ".globl v86_touch\nv86_touch: movw $0x3000, %ax\n movw %ax, %ds\n"
    ".globl v86_touch_at\nv86_touch_at: movb $1, 0x123\n hlt\n"
    ".globl v86_invalid\nv86_invalid: sldt %ax\n hlt\n"
    "v86_code_end:\n.code32\n.popsection");
extern char v86_trap[], v86_int[], v86_cli[], v86_pushf[], v86_in[], v86_out[], v86_far[], v86_touch[],
    v86_touch_at[], v86_invalid[];

static int enter(uint32_t ip, uint32_t iopl) { return enter_virtual_8086(ip, iopl << 12, 0x1000); }

static void segments(void) {
  CHECK_FAULT(enter(0, 0), kProtection, OFFSET(v86_trap), 0);
  CHECK_EQ(trap.cs & 0xFFFF, kSegment);
  CHECK_EQ(trap.eflags & kFlagVm, kFlagVm);
  CHECK_EQ(trap.esp & 0xFFFF, 0x0FFE);
  CHECK_EQ(trap.ss & 0xFFFF, kSegment + 0x500);
  CHECK_EQ(trap.v86_ds & 0xFFFF, 0x2100);
  CHECK_EQ(trap.v86_es & 0xFFFF, 0x2200);
  CHECK_EQ(trap.v86_fs & 0xFFFF, 0x2300);
  CHECK_EQ(trap.v86_gs & 0xFFFF, 0x2400);
  CHECK_EQ(trap.ds, 0);  // cleared on the way in
  CHECK_EQ(peek(0x21010) & 0xFFFF, 0x1234);
  CHECK_EQ(peek(0x22010) & 0xFFFF, 0x5678);
  CHECK_EQ(peek(kBase + 0x5000 + 0x0FFE) & 0xFFFF, 0x4321);
}

static void privileged(void) {
  CHECK_FAULT(enter(OFFSET(v86_int), 0), kProtection, OFFSET(v86_int), 0);
  CHECK_TRAP(enter(OFFSET(v86_int), 3), 0x31, OFFSET(v86_int) + 2);
  CHECK_EQ(trap.eflags & kFlagVm, kFlagVm);
  CHECK_FAULT(enter(OFFSET(v86_cli), 0), kProtection, OFFSET(v86_cli), 0);
  CHECK_FAULT(enter(OFFSET(v86_cli), 3), kProtection, OFFSET(v86_cli) + 1, 0);  // the HLT behind it
  CHECK_FAULT(enter(OFFSET(v86_pushf), 2), kProtection, OFFSET(v86_pushf), 0);
  CHECK_FAULT(enter(OFFSET(v86_pushf), 3), kProtection, OFFSET(v86_pushf) + 1, 0);
  CHECK_TRAP(enter(OFFSET(v86_invalid), 3), kInvalidOpcode, OFFSET(v86_invalid));
}

// The bitmap counts whatever IOPL is.
static void ports(void) {
  for (uint32_t iopl = 0; iopl < 4; iopl += 3) {
    CHECK_FAULT(enter(OFFSET(v86_in), iopl), kProtection, OFFSET(v86_in) + 2, 0);
    CHECK_FAULT(enter(OFFSET(v86_out), iopl), kProtection, OFFSET(v86_out), 0);
  }
}

static void far_jump(void) {
  CHECK_TRAP(enter(OFFSET(v86_far), 0), kBreakpoint, OFFSET(v86_far) + 11);
  CHECK_EQ(trap.eax & 0xFFFF, kSegment);
}

static void page_faults(Entry* directory) {
  const Entry good = *page_entry(directory, 0x30000);
  *page_entry(directory, 0x30000) = good & ~(Entry)kU;
  invlpg((void*)0x30000);
  CHECK_PAGE_FAULT(enter(OFFSET(v86_touch), 0), OFFSET(v86_touch_at), kUser | kWrite | kPresent, 0x30123);
  *page_entry(directory, 0x30000) = 0;
  invlpg((void*)0x30000);
  CHECK_PAGE_FAULT(enter(OFFSET(v86_touch), 0), OFFSET(v86_touch_at), kUser | kWrite, 0x30123);
  *page_entry(directory, 0x30000) = good;
  CHECK_FAULT(enter(OFFSET(v86_touch), 0), kProtection, OFFSET(v86_touch_at) + 5, 0);
  CHECK_EQ(*(volatile uint8_t*)0x30123, 1);
}

void guest_main(void) {
  Entry* directory = begin_virtual_8086();
  big_tss.bitmap[0x61 / 8] &= (uint8_t) ~(1 << 0x61 % 8);
  idt[0x31] |= (uint64_t)kDpl3 << 40;
  idt[kBreakpoint] |= (uint64_t)kDpl3 << 40;
  for (int round = 0; round < 3; round++) {
    segments();
    privileged();
    ports();
    far_jump();
    page_faults(directory);
  }
}
