#include "monitor/stats.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "monitor/help.h"

namespace ringdown {

std::string format_stats(const Counters& counters) {
  std::string text = "{\n  \"version\": \"" + std::string(kVersion) + "\",\n  \"counters\": {";
  const char* separator = "\n";
#define RINGDOWN_COUNTER(name, meaning)                                        \
  text += separator + ("    \"" #name "\": " + std::to_string(counters.name)); \
  separator = ",\n";
#include "host-driver/counters.inc"
#undef RINGDOWN_COUNTER
  return text + "\n  }\n}\n";
}

std::optional<std::string> StatsFile::open(const std::string& path) {
  path_ = path;
  file_ = FileDescriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (file_) return std::nullopt;
  return "cannot open the statistics file '" + path + "': " + std::strerror(errno);
}

std::optional<std::string> StatsFile::write(const Counters& counters) {
  const std::string text = format_stats(counters);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(file_.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return "cannot write the statistics to '" + path_ + "': " + std::strerror(errno);
    rest.remove_prefix(static_cast<size_t>(written));
  }
  return std::nullopt;
}

}  // namespace ringdown
