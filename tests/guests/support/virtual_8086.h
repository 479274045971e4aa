#pragma once
// What the guests have in common that have code in virtual-8086 mode: `v86_code`, which runs at kBase.
#include "paging.h"

enum { kSegment = 0x2000, kBase = kSegment * 16, kStackSegment = kSegment + 0x500, kFixedFlag = 2 };
extern char v86_code[], v86_code_end[];
#define OFFSET(label) ((uint32_t)((label)-v86_code))

// With an I/O permission bitmap, and below it the map of redirected interrupts, of which CR4.VME makes use.
static struct {
  struct Tss tss;
  uint8_t redirection[32];
  uint8_t bitmap[8192 + 1];
} big_tss;

// No port is allowed, and each interrupt redirected.
static inline void load_big_tss(void) {
  fill(big_tss.bitmap, 0xFF, sizeof big_tss.bitmap);
  big_tss.tss.esp0 = (uint32_t)trap_stack_top;
  big_tss.tss.ss0 = kKernelDs;
  big_tss.tss.trap_and_io_base = (sizeof(struct Tss) + sizeof big_tss.redirection) << 16;
  gdt[kSpare >> 3] = descriptor((uint32_t)&big_tss, sizeof big_tss - 1, 0x89, 0);
  __asm__ volatile("ltr %w0" ::"r"(kSpare));
}

// Paging, with the first MiB for the user, who has the code there.
static inline Entry* begin_virtual_8086(void) {
  Entry* directory = new_identity_directory();
  for (uint32_t a = 0; a < 0x100000; a += 4096) *page_entry(directory, a) |= kU;
  enable_paging(directory);
  load_big_tss();
  copy((void*)kBase, v86_code, (uint32_t)(v86_code_end - v86_code));
  return directory;
}

static inline int enter_virtual_8086(uint32_t ip, uint32_t flags, uint32_t sp) {
  const uint32_t frame[] = {ip,     kSegment, kFixedFlag | kFlagVm | flags, sp, kStackSegment, 0x2200, 0x2100,
                            0x2300, 0x2400};
  return enter_frame(frame, 9);
}
