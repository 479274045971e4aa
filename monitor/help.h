#pragma once
#include <string>
#include <string_view>

#include "monitor/options.h"

namespace ringdown {

inline constexpr std::string_view kVersion = "0.1.0";  // of CMakeLists.txt, a test compares

// What --help and its relatives print: whole lines, made from the tables that the parser uses.
std::string help_text();
std::string version_text();
std::string cpu_list_text(const CpuNames& names);
std::string device_list_text();
std::string machine_list_text();
std::string log_class_list_text();

}  // namespace ringdown
