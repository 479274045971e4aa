#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "images/expected.h"

namespace ringdown {

struct ModuleSpec {
  std::string path;          // up to the first space
  std::string command_line;  // path and arguments: what the kernel sees

  bool operator==(const ModuleSpec&) const = default;
};

// Splits QEMU's -initrd for multiboot: "path1 argument=a,path2". ",," stands for a comma. Error: a module
// without a path.
Expected<std::vector<ModuleSpec>> parse_module_list(std::string_view list);

}  // namespace ringdown
