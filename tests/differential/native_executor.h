#pragma once
#include <sys/types.h>

#include "tests/differential/native_protocol.h"

namespace ringdown::differential {

// Runs cases on the host's processor in compatibility mode, in a helper process, which is started again
// only after a case has killed it.
class NativeExecutor : public Executor {
 public:
  NativeExecutor();
  ~NativeExecutor() override;
  NativeExecutor(const NativeExecutor&) = delete;
  NativeExecutor& operator=(const NativeExecutor&) = delete;

  const char* name() const override { return "native"; }
  void run(const TestCase& test_case, Outcome& outcome) override {
    run_batch({&test_case, 1}, {&outcome, 1});
  }
  void run_batch(std::span<const TestCase> cases, std::span<Outcome> outcomes) override;
  unsigned helpers_started() const { return helpers_started_; }

 private:
  void start_helper();
  void stop_helper();
  bool hand_over();

  NativeExchange* exchange_;
  int exchange_file_;
  int socket_ = -1;
  pid_t helper_ = 0;
  unsigned helpers_started_ = 0;
};

}  // namespace ringdown::differential
