// What the kernel does for a program, in nanoseconds for each.
//
// process [ROW [COUNT]] prints a line "ROW - NANOSECONDS" for one row, or for all but forkwait;
// process list prints the rows' names. What a row does is said in process_rows.h.
#include <errno.h>

#include "process_rows.h"

struct Row {
  const char* name;
  void (*once)(void);
  uint32_t count;
  uint32_t units;     // in one call of once(); the figure is that of one unit, or with 0 the whole time
  uint32_t sleepers;  // other processes that live meanwhile
};

static const struct Row rows[] = {
    {"getppid", getppid_once, 2000000, 1, 0},
    {"read", read_once, 2000000, 1, 0},
    {"stat", stat_once, 100000, 1, 0},
    {"open_close", open_close_once, 100000, 1, 0},
    {"pipe", pipe_once, 10000, 1, 0},
    {"signal", signal_once, 100000, 1, 0},
    {"mmap_touch", mmap_touch_once, 200, kAreaPages, 0},
    {"write_fault", write_fault_once, 100, kAreaPages, 0},
    {"fork", fork_once, 400, 1, 0},
    {"exec", exec_once, 200, 1, 0},
    {"sh", sh_once, 200, 1, 0},
    {"fork_10", fork_once, 400, 1, 10},
    {"fork_100", fork_once, 400, 1, 100},
    {"fork_1000", fork_once, 400, 1, 1000},
    {"getppid_int80", getppid_int80_once, 100000, 1, 0},
    {"hundred", hundred_once, 1, 1, 0},
    {"forkwait", fork_once, 40000, 0, 0},  // the paper's
};
enum { kRows = sizeof rows / sizeof *rows, kAtOnce = kRows - 1 };

static uint64_t elapsed(const struct Row* row, uint32_t count) {
  *shared_untimed() = 0;
  const uint64_t start = nanoseconds();
  for (uint32_t i = 0; i < count; ++i) row->once();
  return nanoseconds() - start - *shared_untimed();
}

static void measure(const struct Row* row, uint32_t count) {
  pid_t* sleepers = start_sleepers(row->sleepers);
  row->once();
  const uint64_t total = elapsed(row, count);
  end_sleepers(sleepers, row->sleepers);
  const uint64_t units = row->units == 0 ? 1 : (uint64_t)count * row->units;
  printf("%s - %" PRIu64 "\n", row->name, total / units);
  fflush(stdout);
}

static void list(void) {
  for (int i = 0; i < kRows; ++i) puts(rows[i].name);
}

static const struct Row* row_named(const char* name) {
  for (int i = 0; i < kRows; ++i)
    if (strcmp(name, rows[i].name) == 0) return &rows[i];
  fprintf(stderr, "process: no row '%s'; 'process list' names them\n", name);
  exit(2);
}

static uint32_t count_of(const char* text) {
  char* end;
  errno = 0;
  const unsigned long count = strtoul(text, &end, 0);
  if (count != 0 && errno == 0 && *end == 0 && *text != '-') return count;
  fprintf(stderr, "process: '%s' is not a count\n", text);
  exit(2);
}

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "nothing") == 0) return 0;
  if (argc > 1 && strcmp(argv[1], "list") == 0) return list(), 0;
  if (argc > 1) {
    const struct Row* row = row_named(argv[1]);
    measure(row, argc > 2 ? count_of(argv[2]) : row->count);
    return 0;
  }
  for (int i = 0; i < kAtOnce; ++i) measure(&rows[i], rows[i].count);
  return 0;
}
