#include "tests/translator/golden_cases.h"

namespace ringdown {

std::span<const GoldenFile> golden_files() {
  static const GoldenFile files[] = {
      {"move",
       {
           {0x89, 0xD8},                                // mov eax, ebx
           {0x8B, 0x43, 0x04},                          // mov eax, [ebx+4]
           {0x89, 0x04, 0x24},                          // mov [esp], eax
           {0x8B, 0x84, 0x8B, 0x78, 0x56, 0x34, 0x12},  // mov eax, [ebx+ecx*4+0x12345678]
           {0x8B, 0x04, 0x8D, 0x00, 0x00, 0x00, 0xC0},  // mov eax, [ecx*4+0xC0000000]
           {0x8B, 0x05, 0x00, 0x00, 0x40, 0xC0},        // mov eax, [0xC0400000]
           {0xA1, 0x00, 0x00, 0x40, 0xC0},              // the same, short form
           {0xA2, 0x00, 0x00, 0x40, 0xC0},              // mov [0xC0400000], al
           {0x88, 0x67, 0x01},                          // mov [edi+1], ah
           {0x66, 0x89, 0x46, 0x02},                    // mov [esi+2], ax
           {0xC7, 0x45, 0xFC, 0x78, 0x56, 0x34, 0x12},  // mov dword [ebp-4], 0x12345678
           {0x64, 0xA1, 0x14, 0x00, 0x00, 0x00},        // mov eax, fs:[0x14]
           {0x65, 0x8B, 0x04, 0x8B},                    // mov eax, gs:[ebx+ecx*4]
           {0x65, 0x8A, 0x63, 0x01},                    // mov ah, gs:[ebx+1]
           {0x8D, 0x44, 0x9D, 0x08},                    // lea eax, [ebp+ebx*4+8]
           {0x67, 0x8D, 0x40, 0x08},                    // lea eax, [bx+si+8]
           {0x0F, 0xB6, 0x06},                          // movzx eax, byte [esi]
           {0x87, 0x0B},                                // xchg [ebx], ecx
           {0x87, 0x23},                                // xchg [ebx], esp
           {0x66, 0x87, 0x0B},                          // xchg [ebx], cx
           {0x86, 0x0B},                                // xchg [ebx], cl
           {0x86, 0x2B},                                // xchg [ebx], ch
           {0x87, 0xCB},                                // xchg ebx, ecx
           {0xD7},                                      // xlat
           {0x8C, 0xD8},                                // mov eax, ds
           {0x8C, 0x1B},                                // mov [ebx], ds
       }},
      {"arithmetic",
       {
           {0x01, 0xD8},              // add eax, ebx
           {0x83, 0x43, 0x04, 0x01},  // add dword [ebx+4], 1
           {0x82, 0xC0, 0x05},        // add al, 5 by an opcode that 64-bit code lacks
           {0x40},                    // inc eax
           {0x66, 0x4B},              // dec bx
           {0xF0, 0x0F, 0xB1, 0x0B},  // lock cmpxchg [ebx], ecx
           {0xF0, 0x0F, 0xC1, 0x03},  // lock xadd [ebx], eax
           {0x66, 0x0F, 0xC1, 0x03},  // xadd [ebx], ax
           {0x0F, 0xC0, 0x00},        // xadd [eax], al
           {0x0F, 0xC0, 0x20},        // xadd [eax], ah
           {0x0F, 0xC1, 0xC3},        // xadd ebx, eax
           {0x0F, 0xA3, 0x03},        // bt [ebx], eax
           {0xF0, 0x0F, 0xAB, 0x03},  // lock bts [ebx], eax
           {0xF7, 0xF1},              // div ecx
           {0xF6, 0xF4},              // div ah
           {0x66, 0xF7, 0x7B, 0x04},  // idiv word [ebx+4]
           {0x27},                    // daa
           {0x0F, 0x94, 0xC0},        // sete al
           {0xF3, 0x0F, 0xBC, 0xC3},  // rep bsf eax, ebx: not TZCNT
           {0x0F, 0x10, 0x03},        // movups xmm0, [ebx]
           {0xD9, 0x03},              // fld dword [ebx]
           {0xD9, 0x33},              // fnstenv [ebx]
       }},
      {"stack",
       {
           {0x50},                    // push eax
           {0x54},                    // push esp
           {0x6A, 0xFF},              // push -1
           {0xFF, 0x73, 0x08},        // push dword [ebx+8]
           {0xFF, 0x34, 0x24},        // push dword [esp]
           {0x58},                    // pop eax
           {0x5C},                    // pop esp
           {0x8F, 0x44, 0x24, 0x04},  // pop dword [esp+4]
           {0x60},                    // pusha
           {0x61},                    // popa
           {0xC9},                    // leave
           {0x66, 0x50},              // push ax
           {0x1E},                    // push ds
       }},
      {"branch",
       {
           {0xEB, 0x10},                                // jmp within the page
           {0xE9, 0x00, 0x10, 0x00, 0x00},              // jmp to another page
           {0x74, 0x10},                                // je
           {0x0F, 0x85, 0x00, 0x10, 0x00, 0x00},        // jne to another page
           {0xE2, 0xFE},                                // loop to itself
           {0xE3, 0x10},                                // jecxz
           {0xE8, 0x10, 0x00, 0x00, 0x00},              // call
           {0xFF, 0xD0},                                // call eax
           {0xFF, 0x14, 0x85, 0x00, 0x00, 0x00, 0xC0},  // call [eax*4+0xC0000000]
           {0xFF, 0xE1},                                // jmp ecx
           {0xC3},                                      // ret
           {0xC2, 0x08, 0x00},                          // ret 8
       }},
      {"string",
       {
           {0xA4},        // movsb
           {0xF3, 0xA5},  // rep movsd
           {0xF3, 0xAB},  // rep stosd
           {0xF2, 0xAE},  // repne scasb
           {0xAC},        // lodsb
           {0x64, 0xA5},  // movsd from fs
       }},
      {"system",
       {
           {0x9C},              // pushf
           {0x9D},              // popf
           {0xFA},              // cli
           {0xFB},              // sti
           {0x0F, 0x31},        // rdtsc
           {0x0F, 0xA2},        // cpuid
           {0x0F, 0x20, 0xD8},  // mov eax, cr3
           {0x0F, 0x22, 0xD8},  // mov cr3, eax
           {0x0F, 0x22, 0xC0},  // mov cr0, eax
           {0x0F, 0x22, 0xD3},  // mov cr2, ebx
           {0x0F, 0x06},        // clts
           {0x0F, 0x01, 0x3B},  // invlpg [ebx]
           {0x8E, 0xD8},        // mov ds, eax
           {0x1F},              // pop ds
           {0xCD, 0x80},        // int 0x80
           {0xCF},              // iret
           {0x0F, 0x34},        // sysenter
           {0x0F, 0x35},        // sysexit
           {0xEC},              // in al, dx
           {0xF4},              // hlt
           {0x0F, 0x05},        // syscall
           {0x0F, 0x0B},        // ud2
       }},
  };
  return files;
}

}  // namespace ringdown
