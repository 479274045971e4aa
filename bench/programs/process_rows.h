// The rows of process.c: what each does once.
#pragma once
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kAreaPages = 256, kPage = 4096, kAreaBytes = kAreaPages * kPage };

static void fail(const char* what) {
  fprintf(stderr, "process: ");
  perror(what);
  exit(1);
}

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void* map_area(size_t bytes, int sharing) {
  void* area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) fail("mmap");
  return area;
}

static void touch(char* area) {
  for (int i = 0; i < kAreaPages; ++i) *(volatile char*)(area + i * kPage) = 1;
}

// The part of a row's time that is not its own, written by whichever process knows it.
static uint64_t* shared_untimed(void) {
  static uint64_t* untimed;
  if (untimed == NULL) untimed = map_area(sizeof *untimed, MAP_SHARED);
  return untimed;
}

static pid_t forked(void) {
  const pid_t child = fork();
  if (child < 0) fail("fork");
  return child;
}

static void wait_for(pid_t child) {
  int status;
  if (waitpid(child, &status, 0) != child) fail("waitpid");
  if (status == 0) return;
  fprintf(stderr, "process: a child failed\n");
  exit(1);
}

// getppid: the system call and nothing else.
static void getppid_once(void) { syscall(SYS_getppid); }

// getppid_int80: the same by INT 80h, and not by what the kernel prefers; as a C library does it, in a page
// of its own like the vDSO's.
__asm__(
    ".pushsection .text.system_call, \"ax\"\n"
    ".balign 4096\n"
    "system_call: int $0x80\n"
    "ret\n"
    ".balign 4096\n"
    ".popsection");
static void getppid_int80_once(void) {
  int result = SYS_getppid;
  __asm__ volatile("call system_call" : "+a"(result) : : "memory");
}

static int opened(const char* path) {
  const int file = open(path, O_RDONLY);
  if (file < 0) fail(path);
  return file;
}

// read: one byte of /dev/zero.
static void read_once(void) {
  static int zero = -1;
  char byte;
  if (zero < 0) zero = opened("/dev/zero");
  if (read(zero, &byte, 1) != 1) fail("read");
}

// stat: of /dev/zero, a path of two names.
static void stat_once(void) {
  struct stat info;
  if (stat("/dev/zero", &info) != 0) fail("stat");
}

// open_close: /dev/zero is opened and closed.
static void open_close_once(void) { close(opened("/dev/zero")); }

static int to_child[2], to_parent[2];

static void echo_bytes(void) {
  char byte;
  close(to_child[1]);
  while (read(to_child[0], &byte, 1) == 1)
    if (write(to_parent[1], &byte, 1) != 1) _exit(1);
  _exit(0);
}

// pipe: a byte to another process and back.
static void pipe_once(void) {
  char byte = 1;
  if (to_child[1] == 0) {
    if (pipe(to_child) != 0 || pipe(to_parent) != 0) fail("pipe");
    if (forked() == 0) echo_bytes();
  }
  if (write(to_child[1], &byte, 1) != 1 || read(to_parent[0], &byte, 1) != 1) fail("pipe");
}

static volatile sig_atomic_t signals;

static void count_signal(int number) { signals += number == SIGUSR1; }

// signal: a handler is installed, and runs for a signal that the process sends itself.
static void signal_once(void) {
  const sig_atomic_t before = signals;
  const struct sigaction action = {.sa_handler = count_signal};
  if (sigaction(SIGUSR1, &action, NULL) != 0 || kill(getpid(), SIGUSR1) != 0) fail("signal");
  if (signals == before) fail("no signal came");
}

// mmap_touch, for each of the area's pages: it is mapped, written to for the first time, and unmapped.
static void mmap_touch_once(void) {
  char* area = map_area(kAreaBytes, MAP_PRIVATE);
  touch(area);
  munmap(area, kAreaBytes);
}

// write_fault, for each of the area's pages: after a fork the child is the first to write to it, and so gets
// a copy. Only the child's writes count; the parent waits meanwhile.
static void write_fault_once(void) {
  static char* area;
  if (area == NULL) touch(area = map_area(kAreaBytes, MAP_PRIVATE));
  const uint64_t start = nanoseconds();
  const pid_t child = forked();
  if (child == 0) {
    const uint64_t first = nanoseconds();
    touch(area);
    *shared_untimed() -= nanoseconds() - first;
    _exit(0);
  }
  wait_for(child);
  *shared_untimed() += nanoseconds() - start;
}

// fork: a child is made, ends at once, and is waited for.
static void fork_once(void) {
  const pid_t child = forked();
  if (child == 0) _exit(0);
  wait_for(child);
}

// exec: the same, but the child runs a program first: this one, static, which ends at once.
static void exec_once(void) {
  const pid_t child = forked();
  if (child == 0) {
    execl("/proc/self/exe", "process", "nothing", (char*)NULL);
    _exit(1);
  }
  wait_for(child);
}

// sh: the same with /bin/sh -c true. It is another program in each place: busybox, static and of 32 bits, in
// the guest; the host's own natively, on Debian dash with its shared library. Only guests are to be compared
// with each other.
static void sh_once(void) {
  const pid_t child = forked();
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", "true", (char*)NULL);
    _exit(1);
  }
  wait_for(child);
}

static uint32_t computed(void) {
  uint32_t x = 1;
  for (uint32_t i = 0; i < 12000000; ++i) x = x * 1664525 + 1013904223 + (x >> 16);
  return x;
}

// hundred: so many processes compute at once, some 20 ms each, and are waited for. To make and to end them is
// measured by fork; with 5 ms each, the former length of this row, it was most of what differed.
static void hundred_once(void) {
  enum { kProcesses = 100 };
  pid_t children[kProcesses];
  const uint32_t expected = computed();
  for (int i = 0; i < kProcesses; ++i) {
    children[i] = forked();
    if (children[i] == 0) _exit(computed() != expected);
  }
  for (int i = 0; i < kProcesses; ++i) wait_for(children[i]);
}

// fork_10, fork_100, fork_1000: fork among so many other processes, which sleep.
static pid_t* start_sleepers(uint32_t count) {
  if (count == 0) return NULL;
  pid_t* sleepers = map_area(count * sizeof *sleepers, MAP_PRIVATE);
  for (uint32_t i = 0; i < count; ++i) {
    sleepers[i] = forked();
    if (sleepers[i] != 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
  }
  return sleepers;
}

static void end_sleepers(pid_t* sleepers, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) kill(sleepers[i], SIGKILL);
  for (uint32_t i = 0; i < count; ++i) waitpid(sleepers[i], NULL, 0);
  if (count != 0) munmap(sleepers, count * sizeof *sleepers);
}
