#pragma once
#include <optional>
#include <string>

#include "host-driver/counters.h"
#include "host-driver/file_descriptor.h"

namespace ringdown {

// One JSON object: "version" and, in "counters", every counter by its name.
std::string format_stats(const Counters& counters);

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
