#include "measure.h"

#include "cpu.h"

enum {
  kBatchCycles = 2000000,
  kRowCycles = 60000000,
  kLeastBatches = 7,
  kMostBatches = 31,
  kQuickBatchCycles = 20000,
  kQuickBatches = 3,
  // By the count of an interpreter's instructions.
  kMarkedBatchCycles = 200000,
  kMarkedBatches = 5,
};
int quick, marks;

// Of the last timed run: its TSC at the start, and what the loop returned.
static uint32_t started, last_result;

static uint32_t timed_run(const struct Row* row, Loop* loop, uint32_t iterations) {
  mark("<");
  const uint64_t start = rdtsc();
  const uint32_t result = run_loop(row, loop, iterations);
  const uint64_t cycles = rdtsc() - start;
  mark(">");
  if (cycles >> 32) give_up(row, "a batch took too long");
  started = (uint32_t)start;
  last_result = result;
  return row->times_itself ? result : (uint32_t)cycles;
}

static uint32_t checked_run(const struct Row* row, uint32_t iterations) {
  if (row->prepare) row->prepare(row);
  const uint32_t cycles = timed_run(row, row->loop, iterations);
  if (!row->check(row, iterations * kUnroll, last_result))
    give_up(row, "what was to be measured did not happen");
  return cycles;
}

static uint32_t batch(const struct Row* row, uint32_t iterations) {
  mark("B");
  const uint32_t without = timed_run(row, row->baseline, iterations);
  const uint32_t with = checked_run(row, iterations);
  return with > without ? with - without : 0;
}

static uint32_t calibrated_iterations(const struct Row* row) {
  const uint32_t least = quick ? kQuickBatchCycles : marks ? kMarkedBatchCycles : kBatchCycles;
  uint32_t iterations = 1;
  while (checked_run(row, iterations) < least) iterations *= 2;
  return iterations;
}

static void insert_sorted(uint32_t* values, uint32_t count, uint32_t value) {
  for (; count && values[count - 1] > value; count--) values[count] = values[count - 1];
  values[count] = value;
}

static int enough(uint32_t batches, uint64_t cycles) {
  if (quick) return batches == kQuickBatches;
  if (marks) return batches == kMarkedBatches;
  return batches == kMostBatches || (batches >= kLeastBatches && cycles >= kRowCycles);
}

static void write_decimal(void write(const char*), uint32_t value) {
  char digits[11];
  char* at = digits + sizeof digits - 1;
  *at = 0;
  do *--at = (char)('0' + value % 10);
  while (value /= 10);
  write(at);
}

static void print_row(const char* name, uint32_t tenths) {
  print(name);
  print(" - ");
  write_decimal(print, tenths / 10);
  print(".");
  write_decimal(print, tenths % 10);
  print("\n");
}

// For who times by the marks: whose they were, and of how many operations each run was.
static void mark_row(const struct Row* row, uint32_t operations) {
  mark("=");
  mark(row->name);
  mark(" ");
  write_decimal(mark, operations);
  mark("\n");
}

void measure(const struct Row* row) {
  uint32_t cycles[kMostBatches], batches = 0;
  uint64_t total = 0;
  const uint32_t iterations = row->iterations ? row->iterations : calibrated_iterations(row);
  do {
    const uint32_t value = batch(row, iterations);
    insert_sorted(cycles, batches++, value);
    total += value;
  } while (!enough(batches, total));
  const uint32_t operations = iterations * kUnroll;
  if (!row->times_itself) mark_row(row, operations);
  print_row(row->name, (uint32_t)((cycles[batches / 2] * 10ull + operations / 2) / operations));
}

// ---- The rows of every ring ----
void prepare_memory(const struct Row* row) {
  struct Memory* memory = row->pointer;
  memory->counter = 0;
  for (uint32_t i = 0; i < 1024; i++) {
    memory->source[i]++;
    memory->target[i] = 0;
  }
}

int check_operations(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row;
  return result == operations;
}

int check_carry(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row, (void)operations;
  return result == 0xFFFFFFFF;
}

int check_time_stamp(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row, (void)operations;
  return result - started < (uint32_t)rdtsc() - started;
}

int check_vendor(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row, (void)operations;
  uint32_t eax = 0, ebx, ecx, edx;
  __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
  return result == ebx;
}

int check_copy(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)operations, (void)result;
  const struct Memory* memory = row->pointer;
  for (uint32_t i = 0; i < 1024; i++)
    if (!memory->source[i] || memory->target[i] != memory->source[i]) return 0;
  return 1;
}
