#include "images/module_list.h"

#include <gtest/gtest.h>

namespace ringdown {
namespace {

using Modules = std::vector<ModuleSpec>;

TEST(ModuleList, SplitsAtCommas) {
  EXPECT_EQ(*parse_module_list("a"), (Modules{{"a", "a"}}));
  EXPECT_EQ(*parse_module_list("a,b,c"), (Modules{{"a", "a"}, {"b", "b"}, {"c", "c"}}));
}

TEST(ModuleList, SeparatesPathAndArguments) {
  EXPECT_EQ(*parse_module_list("a x=1  y,b "), (Modules{{"a", "a x=1  y"}, {"b", "b "}}));
  EXPECT_EQ(*parse_module_list("a, b c"), (Modules{{"a", "a"}, {"b", "b c"}}));
}

TEST(ModuleList, ReadsADoubledCommaAsOne) {
  EXPECT_EQ(*parse_module_list("a,,b x=1,,2,c"), (Modules{{"a,b", "a,b x=1,2"}, {"c", "c"}}));
  EXPECT_EQ(*parse_module_list("a,,,b"), (Modules{{"a,", "a,"}, {"b", "b"}}));
}

TEST(ModuleList, RefusesAModuleWithoutAPath) {
  EXPECT_EQ(parse_module_list("").error().message, "-initrd: module 1 has no file name");
  EXPECT_EQ(parse_module_list("a,").error().message, "-initrd: module 2 has no file name");
  EXPECT_EQ(parse_module_list("a,  ,b").error().message, "-initrd: module 2 has no file name");
}

}  // namespace
}  // namespace ringdown
