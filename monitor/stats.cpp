#include "monitor/stats.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "monitor/help.h"

namespace ringdown {

namespace {

// The members of a JSON object, one a line.
class Members {
 public:
  void add(std::string_view name, uint64_t value) {
    text_ += separator_;
    text_ += "    \"";
    text_ += name;
    text_ += "\": " + std::to_string(value);
    separator_ = ",\n";
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  const char* separator_ = "\n";
};

std::string format_counters(const Counters& counters) {
  Members members;
#define RINGDOWN_COUNTER(name, meaning) members.add(#name, counters.name);
#include "host-driver/counters.inc"
#undef RINGDOWN_COUNTER
  return members.text();
}

std::string format_sensitive(const SensitiveCounts& counts) {
  Members members;
  for (const SensitiveRow& row : kSensitiveTable) members.add(row.name, counts[static_cast<size_t>(row.id)]);
  return members.text();
}

}  // namespace

std::string format_stats(const Counters& counters, const SensitiveCounts& sensitive) {
  std::string text = "{\n  \"version\": \"";
  text += kVersion;
  text += "\",\n  \"counters\": {" + format_counters(counters);
  text += "\n  },\n  \"sensitive\": {" + format_sensitive(sensitive);
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
