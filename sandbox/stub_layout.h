// Addresses in the sandbox's process and the layout of the page that it shares with the monitor. For the
// assembler, too, hence macros. Everything below 4 GiB is the guest's.
#pragma once

#define STUB_BASE 0x200000000    // the image: code and the script of its start; readable, executable
#define STUB_ORDERS 0x200010000  // one page, the mapper's orders; readable
#define STUB_ORDERS_BYTES 0x1000
#define STUB_SHARED 0x200100000  // one page of what is below, then the signal stack; readable, writable
#define STUB_SIGNAL_STACK 0x200101000
#define STUB_SIGNAL_STACK_BYTES 0x10000  // 16 times what AVX-512 needs; Intel's tiles need 11 KiB
#define STUB_SHARED_BYTES 0x11000

// Whose turn it is: who holds it may write everything else. The word that both sleep on (futex(2)). The
// mapper gives its turn to the guest's thread when it has made what was ordered.
#define STUB_TURN 0
#define STUB_TURN_DEAD 0  // written by the kernel, which then wakes the monitor (set_tid_address(2))
#define STUB_TURN_CHILD 1
#define STUB_TURN_MAPPER 2
#define STUB_TURN_MONITOR 3
// Who is woken there (FUTEX_WAIT_BITSET).
#define STUB_WAKES_MONITOR 1
#define STUB_WAKES_CHILD 2
// Nonzero: the other side has to wake this one. Lines of their own, since the other side spins on STUB_TURN.
#define STUB_CHILD_SLEEPS 64
#define STUB_MONITOR_SLEEPS 128

// Written by the monitor.
#define STUB_SPINS 192  // how often to look at the turn before sleeping
#define STUB_FS 196     // selectors
#define STUB_GS 198
#define STUB_FS_BASE 200
#define STUB_GS_BASE 208
#define STUB_FLAGS 216       // RFLAGS, for those bits that rt_sigreturn leaves as they are
#define STUB_TRAP_CPUID 224  // nonzero: CPUID is to trap from now on
#define STUB_SET_TSC 228     // nonzero: the mode of PR_SET_TSC (prctl(2)) from now on

// Written by the kernel, before any guest code runs: the mapper's thread, by number.
#define STUB_MAPPER 256

// Written by the stub, or by guest code that has taken it over.
#define STUB_OUT 320
#define STUB_OUT_SIGNAL 320
#define STUB_OUT_CONTEXT 328  // address of the kernel's struct ucontext
#define STUB_OUT_INFO 336     // address of siginfo_t
#define STUB_OUT_FS_BASE 344
#define STUB_OUT_GS_BASE 352
#define STUB_OUT_DS 360
#define STUB_OUT_ES 362
#define STUB_OUT_FS 364
#define STUB_OUT_GS 366

// The mapper's end of a pipe, by number.
#define STUB_REPORTS_FILE 1

// The page of orders, written by the monitor alone.
#define ORDERS_SEQUENCE 0  // changes with each; the mapper sleeps on it (futex(2))
#define ORDERS_COUNT 4
#define ORDERS_GIVES_TURN 8  // nonzero: the mapper has the turn, and gives it when it has done them
#define ORDERS_CALLS 64
#define ORDERS_CALL_BYTES 56  // number, six arguments
#define ORDERS_MOST_CALLS 64

// What the mapper says when it has done them, one byte; first when it is ready.
#define REPORT_DONE 1
#define REPORT_FAILED 2
