#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace ringdown::testing {

// A file of sectors, each filled with its number plus one; removed at the end.
class TemporaryImage {
 public:
  explicit TemporaryImage(size_t bytes) {
    std::string name = (std::filesystem::temp_directory_path() / "ringdown-image-XXXXXX").string();
    const int file = ::mkstemp(name.data());
    EXPECT_GE(file, 0);
    ::close(file);
    path_ = name;
    std::ofstream out(path_, std::ios::binary);
    for (size_t i = 0; i < bytes; ++i) out.put(static_cast<char>(i / 512 + 1));
  }
  ~TemporaryImage() { std::filesystem::remove(path_); }
  TemporaryImage(const TemporaryImage&) = delete;
  TemporaryImage& operator=(const TemporaryImage&) = delete;

  const std::string& path() const { return path_; }
  std::vector<uint8_t> content() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void truncate(size_t bytes) const { std::filesystem::resize_file(path_, bytes); }

 private:
  std::string path_;
};

}  // namespace ringdown::testing
