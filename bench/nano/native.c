// The rows that ring 3 may execute, on the host: nano-native [quick]. What its kernel takes part in is
// host_….
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cpu.h"
#include "measure.h"

enum { kPages = 1024, kPageBytes = 4096 };
static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct Memory memory __attribute__((aligned(4096)));

UNPRIVILEGED_LOOPS(KERNEL_LOOP, );
KERNEL_LOOP(host_int80_loop, "", "movl $64, %eax\n int $0x80", "");
KERNEL_LOOP(host_vsyscall_loop, "", "movl $64, %eax\n call *%ebx", "");
KERNEL_LOOP(host_page_fault_loop, "", "movl $1, (%ebx)\n addl $4096, %ebx", "xorl %eax, %eax");

// The cycles of 4 ms by the host's clock, for each of its operations.
static uint32_t wait_loop(uint32_t iterations, void* unused) {
  (void)unused;
  const uint64_t until = nanoseconds() + (uint64_t)iterations * kUnroll * 4000000;
  const uint64_t start = rdtsc();
  while (nanoseconds() < until) {
  }
  return (uint32_t)(rdtsc() - start);
}

void print(const char* text) {
  fputs(text, stdout);
  fflush(stdout);
}

void mark(const char* text) { (void)text; }

_Noreturn void give_up(const struct Row* row, const char* what) {
  fprintf(stderr, "nano-native: %s: %s\n", row->name, what);
  exit(1);
}

uint32_t run_loop(const struct Row* row, Loop* loop, uint32_t iterations) {
  return loop(iterations, row->pointer);
}

static void prepare_fresh_pages(const struct Row* row) {
  if (madvise(row->pointer, kPages * kPageBytes, MADV_DONTNEED) != 0)
    give_up(row, "no fresh pages from the host");
}

static int check_any(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row, (void)operations, (void)result;
  return 1;
}

static int check_getppid(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row, (void)operations;
  return result == (uint32_t)getppid();
}

static int check_zero(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row, (void)operations;
  return result == 0;
}

int main(int argc, char** argv) {
  quick = argc == 2 && strcmp(argv[1], "quick") == 0;
  if (argc > 1 && !quick) {
    fprintf(stderr, "usage: nano-native [quick]\n");
    return 2;
  }
  void* area = mmap(NULL, kPages * kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED || madvise(area, kPages * kPageBytes, MADV_NOHUGEPAGE) != 0) {
    perror("nano-native: memory");
    return 1;
  }
  void* vsyscall = (void*)getauxval(AT_SYSINFO);
  const struct Row rows[] = {
      UNPRIVILEGED_ROWS(, &memory, 0),
      {"host_4ms", wait_loop, empty_loop, &memory, .iterations = 1, .times_itself = 1, .check = check_any},
      {"host_int80", host_int80_loop, empty_loop, &memory, .check = check_getppid},
      {"host_vsyscall", host_vsyscall_loop, empty_loop, vsyscall, .check = check_getppid},
      {"host_page_fault", host_page_fault_loop, empty_loop, area, prepare_fresh_pages, kPages / kUnroll,
       .check = check_zero},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].pointer) measure(&rows[i]);
  return 0;
}
