#pragma once
#include "loops.h"

// What the kernel and the native program have in common: the rows that any ring may execute, and how a row is
// measured.
struct Memory {
  uint32_t counter, unused[1023];
  uint32_t source[1024], target[1024];
};

struct Row {
  const char* name;
  Loop* loop;
  Loop* baseline;  // its time is subtracted
  void* pointer;
  void (*prepare)(const struct Row*);  // before each run, outside of the measured time; may be NULL
  uint32_t iterations;                 // of a run; 0: as many as make a batch
  int in_user;                         // guest only: the loop runs in ring 3
  int times_itself;                    // the result is the cycles that passed
  // Whether what was measured did happen.
  int (*check)(const struct Row*, uint32_t operations, uint32_t result);
};

// One run of a row's loop or its baseline.
uint32_t run_loop(const struct Row* row, Loop* loop, uint32_t iterations);
void print(const char* text);
// What a machine whose time-stamp counter is not the host's sends out at once, for the host to time: "B"
// before a batch,
// "<" and ">" around its two runs, the first without the operation, and behind a row "=ROW
// OPERATIONS"; "=start 0" and "=end 0" around all.
void mark(const char* text);
// Prints a line that names the row, and ends the program with failure.
_Noreturn void give_up(const struct Row* row, const char* what);

extern int quick;  // for tests: few short batches
extern int marks;  // for who times by them: few batches, too
// Prints the row's name and its cycles per operation: the median of the batches.
void measure(const struct Row* row);

void prepare_memory(const struct Row* row);
int check_operations(const struct Row* row, uint32_t operations, uint32_t result);
int check_carry(const struct Row* row, uint32_t operations, uint32_t result);
int check_time_stamp(const struct Row* row, uint32_t operations, uint32_t result);
int check_vendor(const struct Row* row, uint32_t operations, uint32_t result);
int check_copy(const struct Row* row, uint32_t operations, uint32_t result);

#define UNPRIVILEGED_ROWS(prefix, memory, user)                                              \
  {#prefix "call_ret", prefix##call_ret_loop,    prefix##empty_loop, memory,                 \
   .in_user = user,    .check = check_operations},                                           \
      {#prefix "indirect_call", prefix##indirect_call_loop, prefix##empty_loop, memory,      \
       .in_user = user,         .check = check_operations},                                  \
      {#prefix "pushf_popf", prefix##pushf_popf_loop, prefix##empty_loop, memory,            \
       .in_user = user,      .check = check_carry},                                          \
      {#prefix "rdtsc", prefix##rdtsc_loop, prefix##empty_loop,                              \
       memory,          .in_user = user,    .check = check_time_stamp},                      \
      {#prefix "cpuid", prefix##cpuid_loop, prefix##empty_loop,                              \
       memory,          .in_user = user,    .check = check_vendor},                          \
      {#prefix "rep_movs_4k", prefix##rep_movs_loop, prefix##empty_loop, memory,             \
       prepare_memory,        .in_user = user,       .check = check_copy},                   \
  {                                                                                          \
#prefix "lock_xadd", prefix##lock_xadd_loop, prefix##empty_loop, memory, prepare_memory, \
        .in_user = user, .check = check_operations                                           \
  }
