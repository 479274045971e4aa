#include "paging.h"

enum { kIdentityBytes = 8 << 20 };

KERNEL_CODE(kernel_read, "movl 4(%esp), %eax\n" LABEL(kernel_read_at) "movl (%eax), %eax");
KERNEL_CODE(kernel_write, "movl 4(%esp), %eax\n" LABEL(kernel_write_at) "movl $0x5A5A5A5A, (%eax)");
KERNEL_CODE(kernel_call, "movl 4(%esp), %eax\n call *%eax");
USER_CODE(user_read, "movl (%eax), %eax");
USER_CODE(user_write, "movl $0x3C3C3C3C, (%eax)");
USER_CODE(user_jump, "jmp *%eax");

Entry* new_directory(void) { return alloc_page(); }

Entry* page_entry(Entry* directory, uint32_t linear) {
  Entry* pde = &directory[linear >> 22];
  if (!*pde) *pde = (uint32_t)alloc_page() | kP | kW | kU;
  return (Entry*)(*pde & ~0xFFFu) + (linear >> 12 & 0x3FF);
}

static uint32_t identity_flags(uint32_t linear) {
  const int user = linear >= (uint32_t)user_begin && linear < (uint32_t)user_end;
  return kP | kW | (user ? kU : 0);
}

Entry* new_identity_directory(void) {
  Entry* directory = new_directory();
  for (uint32_t a = 0; a < kIdentityBytes; a += 4096) map(directory, a, a | identity_flags(a));
  return directory;
}

PaeEntry* new_pae_tables(void) {
  PaeEntry* pdpt = alloc_page();
  for (int i = 0; i < 4; i++) pdpt[i] = (uint32_t)alloc_page() | kP;
  for (uint32_t a = 0; a < kIdentityBytes; a += 4096) *pae_page_entry(pdpt, a) = a | identity_flags(a);
  return pdpt;
}

PaeEntry* pae_directory_entry(PaeEntry* pdpt, uint32_t linear) {
  return (PaeEntry*)(uint32_t)(pdpt[linear >> 30] & ~0xFFFull) + (linear >> 21 & 0x1FF);
}

PaeEntry* pae_page_entry(PaeEntry* pdpt, uint32_t linear) {
  PaeEntry* pde = pae_directory_entry(pdpt, linear);
  if (!*pde) *pde = (uint32_t)alloc_page() | kP | kW | kU;
  return (PaeEntry*)(uint32_t)(*pde & 0xFFFFF000) + (linear >> 12 & 0x1FF);
}

void enable_paging(const void* top) {
  write_cr3((uint32_t)top);
  write_cr0(read_cr0() | kCr0Pg | kCr0Wp);
}
