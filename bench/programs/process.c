// What the kernel does for a program, in nanoseconds for each: process [TEST [COUNT]] prints a line "TEST -
// NS".
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char* self;

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static void getppid_once(void) { syscall(SYS_getppid); }

static void wait_for(pid_t child) {
  int status;
  if (child < 0) fail("fork");
  if (waitpid(child, &status, 0) != child || status != 0) fail("child");
}

static void fork_once(void) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  wait_for(child);
}

static void exec_once(void) {
  const pid_t child = fork();
  if (child == 0) {
    execl(self, self, "nothing", (char*)NULL);
    _exit(1);
  }
  wait_for(child);
}

static void mmap_touch_once(void) {
  enum { kPages = 256, kPage = 4096 };
  char* area = mmap(NULL, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) fail("mmap");
  for (int i = 0; i < kPages; ++i) area[i * kPage] = 1;
  munmap(area, kPages * kPage);
}

static int to_child[2], to_parent[2];

static void echo_bytes(void) {
  char byte;
  close(to_child[1]);
  while (read(to_child[0], &byte, 1) == 1)
    if (write(to_parent[1], &byte, 1) != 1) _exit(1);
  _exit(0);
}

static void pipe_once(void) {
  char byte = 1;
  if (to_child[1] == 0) {
    if (pipe(to_child) != 0 || pipe(to_parent) != 0) fail("pipe");
    const pid_t child = fork();
    if (child == 0) echo_bytes();
    if (child < 0) fail("fork");
  }
  if (write(to_child[1], &byte, 1) != 1 || read(to_parent[0], &byte, 1) != 1) fail("pipe");
}

static const struct Test {
  const char* name;
  void (*once)(void);
  uint32_t count;
} tests[] = {
    {"getppid", getppid_once, 200000},   {"fork", fork_once, 400},   {"exec", exec_once, 200},
    {"mmap_touch", mmap_touch_once, 40}, {"pipe", pipe_once, 10000},
};

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void measure(const struct Test* test, uint32_t count) {
  test->once();
  const uint64_t start = nanoseconds();
  for (uint32_t i = 0; i < count; ++i) test->once();
  printf("%s - %" PRIu64 "\n", test->name, (nanoseconds() - start) / count);
  fflush(stdout);
}

int main(int argc, char** argv) {
  self = argv[0][0] == '/' ? argv[0] : "/proc/self/exe";
  if (argc > 1 && strcmp(argv[1], "nothing") == 0) return 0;
  for (size_t i = 0; i < sizeof tests / sizeof *tests; ++i) {
    if (argc > 1 && strcmp(argv[1], tests[i].name) != 0) continue;
    measure(&tests[i], argc > 2 ? strtoul(argv[2], NULL, 0) : tests[i].count);
  }
  return 0;
}
