// Preloaded into a program: takes away as many of the mappings that the host allows a process as the
// environment variable TAKEN_MAPPINGS says, as a low vm.max_map_count would.
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

__attribute__((constructor)) static void take_mappings(void) {
  const char* wanted = getenv("TAKEN_MAPPINGS");
  const size_t count = wanted ? strtoul(wanted, NULL, 10) : 0;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char* area = mmap(NULL, (count + 1) * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (area == MAP_FAILED) _exit(125);
  // Neighbours of different protection are mappings of their own.
  for (size_t n = 0; n < count; n += 2)
    if (mprotect(area + n * page, page, PROT_READ)) _exit(125);
}
