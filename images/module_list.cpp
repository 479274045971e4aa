#include "images/module_list.h"

namespace ringdown {
namespace {

// Cuts the first element off the list; `list` is left behind its comma. Says whether there was a comma.
bool cut_element(std::string_view& list, std::string& element) {
  for (size_t at = 0; at < list.size(); ++at) {
    if (list[at] != ',') {
      element += list[at];
    } else if (at + 1 < list.size() && list[at + 1] == ',') {
      element += list[at++];
    } else {
      list.remove_prefix(at + 1);
      return true;
    }
  }
  list = {};
  return false;
}

}  // namespace

Expected<std::vector<ModuleSpec>> parse_module_list(std::string_view list) {
  std::vector<ModuleSpec> modules;
  for (bool more = true; more;) {
    std::string element;
    more = cut_element(list, element);
    element.erase(0, element.find_first_not_of(' '));
    if (element.empty()) return image_error("-initrd", "module %zu has no file name", modules.size() + 1);
    modules.push_back({element.substr(0, element.find(' ')), element});
  }
  return modules;
}

}  // namespace ringdown
