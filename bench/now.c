// now: the monotonic clock in nanoseconds. busybox's date knows seconds only.
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

int main(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  printf("%" PRIu64 "\n", (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
  return 0;
}
