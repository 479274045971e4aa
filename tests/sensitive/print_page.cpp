#include <cstdio>

#include "tests/sensitive/page.h"

int main() {
  const std::string page = ringdown::sensitive::sensitive_page();
  return std::fwrite(page.data(), 1, page.size(), stdout) == page.size() && std::fflush(stdout) == 0 ? 0 : 1;
}
