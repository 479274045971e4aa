// scatter N: touches every second one of 2 N pages, so that no two are neighbours, and looks at them three
// times. It does so by PUSH, which always goes by the host's MMU.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { kPageInts = 1024 };

static void store(unsigned* to, unsigned value) {
  __asm__ volatile("leal 4(%0), %0\n xchgl %%esp, %0\n pushl %1\n movl %0, %%esp"
                   : "+r"(to)
                   : "r"(value)
                   : "memory");
}

int main(int count, char** arguments) {
  const unsigned pages = count > 1 ? (unsigned)strtoul(arguments[1], NULL, 10) : 0;
  const size_t size = pages * 2 * kPageInts * sizeof(unsigned);
  unsigned* area =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (area == MAP_FAILED) return 2;
  madvise(area, size, MADV_NOHUGEPAGE);
  for (unsigned n = 0; n < pages; n++) store(area + n * 2 * kPageInts, n);
  unsigned bad = 0;
  for (unsigned round = 0; round < 3; round++) {
    for (unsigned n = 0; n < pages; n++) {
      bad += area[n * 2 * kPageInts] != n + round;
      store(area + n * 2 * kPageInts, n + round + 1);
    }
  }
  printf("%u bad\n", bad);
  return bad != 0;
}
