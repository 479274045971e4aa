#pragma once
#include <stdint.h>

// A loop is a function of a number of iterations and a pointer. Each iteration executes `body` UNROLL times,
// with the pointer in EBX at first; EBP counts. EDI is 0 at first, and ESI, EAX, ECX and EDX are free.
// `after` leaves the result in EAX; carry is then what the last body left.
#define UNROLL "16"
enum { kUnroll = 16 };
typedef uint32_t Loop(uint32_t iterations, void* pointer);

#define LOOP(section, name, before, body, after)                                                 \
  __asm__(".pushsection " section "\n .balign 64\n .globl " #name "\n" #name                     \
          ":\n"                                                                                  \
          "pushl %ebp\n pushl %ebx\n pushl %esi\n pushl %edi\n"                                  \
          "movl 20(%esp), %ebp\n movl 24(%esp), %ebx\n xorl %edi, %edi\n" before                 \
          "\n .balign 16\n 1:\n .rept " UNROLL "\n" body "\n .endr\n decl %ebp\n jnz 1b\n" after \
          "\n popl %edi\n popl %esi\n popl %ebx\n popl %ebp\n ret\n .popsection");               \
  Loop name
#define KERNEL_LOOP(name, before, body, after) LOOP(".text", name, before, body, after)
#define USER_LOOP(name, before, body, after) LOOP(".user,\"awx\",@progbits", name, before, body, after)

#define RETURN_EDI "movl %edi, %eax"
#define CALLEE "jmp 2f\n .balign 16\n 3: incl %edi\n ret\n 2:"

// What every ring may execute: DEFINE is one of the two above, the names begin with `prefix`.
#define UNPRIVILEGED_LOOPS(DEFINE, prefix)                                                                   \
  DEFINE(prefix##empty_loop, "", "", RETURN_EDI);                                                            \
  DEFINE(prefix##call_ret_loop, CALLEE, "call 3b", RETURN_EDI);                                              \
  DEFINE(prefix##indirect_call_loop, CALLEE "movl $3b, %esi", "call *%esi", RETURN_EDI);                     \
  DEFINE(prefix##pushf_popf_loop, "stc", "pushfl\n popfl", "sbbl %eax, %eax");                               \
  DEFINE(prefix##rdtsc_loop, "", "rdtsc", "");                                                               \
  DEFINE(prefix##cpuid_loop, "", "xorl %eax, %eax\n cpuid", "movl %ebx, %eax");                              \
  DEFINE(prefix##rep_movs_loop, "cld",                                                                       \
         "leal 4096(%ebx), %esi\n leal 8192(%ebx), %edi\n movl $1024, %ecx\n rep movsl", "xorl %eax, %eax"); \
  DEFINE(prefix##lock_xadd_loop, "", "movl $1, %eax\n lock xaddl %eax, (%ebx)", "incl %eax")
