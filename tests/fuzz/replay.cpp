// A libFuzzer target without libFuzzer, for compilers that have none: every file of a corpus, and then
// mutations of each, the same ones in every run. A finding is reported by a sanitizer or abort(), and behind
// that by the input: its file, and its bytes. Usage: replay_NAME CORPUS MUTATIONS [SEED]
#include <sanitizer/common_interface_defs.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// A machine's worth of memory for each input: what is freed is soon used again.
extern "C" const char* __asan_default_options() { return "quarantine_size_mb=16"; }

namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kLargest = 4096;

struct File {
  std::string name;
  Bytes bytes;
};

Bytes input;  // what runs
std::string input_name;

void tell_input() {
  std::fprintf(stderr, "\nthe input, from %s (printf '...' >FILE):\n", input_name.c_str());
  for (const uint8_t byte : input) std::fprintf(stderr, "\\x%02x", byte);
  std::fprintf(stderr, "\n");
}

// What require() and the test doubles find.
void on_abort(int) {
  tell_input();
  std::_Exit(1);
}

void run(Bytes bytes, std::string name) {
  input = std::move(bytes);
  input_name = std::move(name);
  // A copy of the exact size, so that a read beyond it is seen.
  const Bytes copy = input;
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

// In the order of their names.
std::vector<File> read_corpus(const char* folder) {
  std::vector<File> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    files.push_back({entry.path().filename(), {std::istreambuf_iterator<char>(file), {}}});
  }
  std::ranges::sort(files, {}, &File::name);
  return files;
}

class Mutator {
 public:
  Mutator(const std::vector<File>& files, uint32_t seed) : files_(files), random_(seed) {}

  // One to eight changes.
  Bytes mutated(Bytes bytes) {
    for (size_t changes = 1 + below(8); changes > 0; --changes) change(bytes);
    if (bytes.size() > kLargest) bytes.resize(kLargest);
    return bytes;
  }

 private:
  size_t below(size_t end) { return end == 0 ? 0 : random_() % end; }
  // A stretch of `bytes`, often short.
  std::pair<size_t, size_t> stretch(const Bytes& bytes) {
    const size_t at = below(bytes.size());
    const size_t most = bytes.size() - at;
    return {at, std::min(most, 1 + below(below(2) ? 8 : most))};
  }
  void change(Bytes& bytes) {
    const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size() + 1));
    if (bytes.empty() || at == bytes.end()) return bytes.push_back(static_cast<uint8_t>(random_()));
    switch (below(5)) {
      case 0:
        *at ^= static_cast<uint8_t>(1u << below(8));
        return;
      case 1:
        *at = static_cast<uint8_t>(random_());
        return;
      case 2:
        bytes.insert(at, static_cast<uint8_t>(random_()));
        return;
      case 3: {
        const auto [first, count] = stretch(bytes);
        const auto start = bytes.begin() + static_cast<std::ptrdiff_t>(first);
        bytes.erase(start, start + static_cast<std::ptrdiff_t>(count));
        return;
      }
      default: {
        const Bytes& other = files_[below(files_.size())].bytes;
        if (other.empty()) return;
        const auto [first, count] = stretch(other);
        const auto start = other.begin() + static_cast<std::ptrdiff_t>(first);
        bytes.insert(at, start, start + static_cast<std::ptrdiff_t>(count));
        return;
      }
    }
  }

  const std::vector<File>& files_;
  std::mt19937 random_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s CORPUS MUTATIONS [SEED]\n", argv[0]);
    return 2;
  }
  const auto mutations = std::strtoul(argv[2], nullptr, 0);
  const auto seed = static_cast<uint32_t>(argc > 3 ? std::strtoul(argv[3], nullptr, 0) : 1);
  __sanitizer_set_death_callback(tell_input);
  std::signal(SIGABRT, on_abort);
  const std::vector<File> files = read_corpus(argv[1]);
  if (files.empty()) {
    std::fprintf(stderr, "no files in %s\n", argv[1]);
    return 2;
  }
  std::printf("%zu files, %lu mutations of seed %u\n", files.size(), mutations, seed);
  for (const File& file : files) run(file.bytes, file.name);
  Mutator mutator(files, seed);
  for (unsigned long n = 0; n < mutations; ++n) {
    const File& file = files[n % files.size()];
    run(mutator.mutated(file.bytes), file.name);
  }
}
