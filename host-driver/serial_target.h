#pragma once
#include <cstddef>
#include <string>
#include <variant>

#include "host-driver/file_descriptor.h"

namespace ringdown {

enum class SerialKind { kStdio, kFile, kPty, kNull };

// Where a serial port leads, as -serial names it.
struct SerialTarget {
  SerialKind kind = SerialKind::kNull;
  std::string path = {};     // of kFile
  bool escape_keys = false;  // of kStdio: C-a commands, and ^C goes to the guest (mon:stdio)

  bool operator==(const SerialTarget&) const = default;
};

// The target, opened.
struct SerialFiles {
  FileDescriptor input;         // none: nothing ever arrives
  FileDescriptor output;        // none: output vanishes
  FileDescriptor keep_open;     // the far end of a pty, so that it never hangs up
  std::string name;             // what an error line calls it
  std::string pty_path = {};    // of kPty: what to tell the user
  bool output_can_wait = true;  // false: drop output rather than stop the guest while nobody reads
  size_t write_at_once = 4096;  // bytes: no more than a write takes without blocking once there is room
};

// The second alternative is one line for the user. Standard input is taken as it is: the terminal module
// makes it raw.
std::variant<SerialFiles, std::string> open_serial_target(const SerialTarget& target);

}  // namespace ringdown
