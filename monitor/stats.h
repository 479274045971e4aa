#pragma once
#include <optional>
#include <string>

#include "host-driver/counters.h"
#include "host-driver/file_descriptor.h"
#include "translator/sensitive.h"

namespace ringdown {

// One JSON object: "version", every counter by its name in "counters", and in "sensitive", by their names,
// the executions of each sensitive instruction outside of translated code.
std::string format_stats(const Counters& counters, const SensitiveCounts& sensitive = sensitive_counts());

// The file of -stats. It is opened before the guest starts, so that a bad name is found early, and written at
// the end. Both return the one line to tell the user when the host refuses.
class StatsFile {
 public:
  std::optional<std::string> open(const std::string& path);
  std::optional<std::string> write(const Counters& counters);

 private:
  FileDescriptor file_;
  std::string path_;
};

}  // namespace ringdown
