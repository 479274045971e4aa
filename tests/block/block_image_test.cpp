#include "host-driver/block_image.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "tests/block/temporary_image.h"

namespace ringdown {
namespace {

using testing::TemporaryImage;
using Bytes = std::vector<uint8_t>;

std::unique_ptr<BlockImage> open(const std::string& path, ImageAccess access) {
  auto opened = open_block_image(path, access);
  if (auto* line = std::get_if<std::string>(&opened)) {
    ADD_FAILURE() << *line;
    return nullptr;
  }
  return std::move(std::get<0>(opened));
}

// The line with which opening fails; the image's name in it becomes IMAGE.
std::string refusal(const std::string& path, ImageAccess access = ImageAccess::kReadWrite) {
  const auto opened = open_block_image(path, access);
  if (opened.index() == 0) return "opened";
  std::string line = std::get<std::string>(opened);
  if (const size_t at = line.find(path); at != std::string::npos) line.replace(at, path.size(), "IMAGE");
  return line;
}

Bytes filled(std::initializer_list<uint8_t> sectors) {
  Bytes bytes;
  for (const uint8_t value : sectors) bytes.insert(bytes.end(), 512, value);
  return bytes;
}

Bytes read(BlockImage& image, uint64_t sector, size_t sectors) {
  Bytes bytes(sectors * 512);
  EXPECT_EQ(image.read(sector, bytes), (BlockOutcome{0, sectors}));
  return bytes;
}

TEST(BlockImage, ReadsAndWritesSectors) {
  const TemporaryImage file(8 * 512);
  const auto image = open(file.path(), ImageAccess::kReadWrite);
  EXPECT_EQ(image->sectors(), 8u);
  EXPECT_FALSE(image->read_only());
  EXPECT_EQ(read(*image, 6, 2), filled({7, 8}));
  EXPECT_EQ(image->write(3, filled({100, 101})), (BlockOutcome{0, 2}));
  EXPECT_EQ(image->flush(), BlockOutcome{});
  EXPECT_EQ(read(*image, 2, 4), filled({3, 100, 101, 6}));
  EXPECT_EQ(file.content(), filled({1, 2, 3, 100, 101, 6, 7, 8}));
}

TEST(BlockImage, RefusesWhatIsOutsideAndTouchesNothing) {
  const TemporaryImage file(4 * 512);
  const auto image = open(file.path(), ImageAccess::kReadWrite);
  Bytes two(1024, 0xEE);
  for (const uint64_t sector : {uint64_t{3}, uint64_t{4}, uint64_t{5}, ~uint64_t{0}, ~uint64_t{0} / 512}) {
    EXPECT_EQ(image->read(sector, two), BlockOutcome{EINVAL}) << sector;
    EXPECT_EQ(image->write(sector, two), BlockOutcome{EINVAL}) << sector;
  }
  EXPECT_EQ(image->read(0, std::span(two).first(100)), BlockOutcome{EINVAL}) << "part of a sector";
  EXPECT_EQ(image->read(4, {}), BlockOutcome{});
  EXPECT_EQ(file.content(), filled({1, 2, 3, 4}));
}

TEST(BlockImage, ReadOnly) {
  const TemporaryImage file(2 * 512);
  const auto image = open(file.path(), ImageAccess::kReadOnly);
  EXPECT_TRUE(image->read_only());
  EXPECT_EQ(image->write(0, filled({9})), BlockOutcome{EROFS});
  EXPECT_EQ(image->flush(), BlockOutcome{});
  EXPECT_EQ(read(*image, 0, 2), filled({1, 2}));
}

TEST(BlockImage, SnapshotKeepsTheFileAndForgetsWrites) {
  const TemporaryImage file(8 * 512);
  {
    const auto image = open(file.path(), ImageAccess::kSnapshot);
    EXPECT_FALSE(image->read_only());
    EXPECT_EQ(image->write(1, filled({50})), (BlockOutcome{0, 1}));
    EXPECT_EQ(image->write(5, filled({51, 52})), (BlockOutcome{0, 2}));
    EXPECT_EQ(image->flush(), BlockOutcome{});
    EXPECT_EQ(read(*image, 0, 8), filled({1, 50, 3, 4, 5, 51, 52, 8}));
  }
  EXPECT_EQ(file.content(), filled({1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(read(*open(file.path(), ImageAccess::kSnapshot), 1, 1), filled({2}));
}

TEST(BlockImage, SnapshotOfAFileThatMayNotBeWritten) {
  const TemporaryImage file(512);
  ASSERT_EQ(::chmod(file.path().c_str(), 0400), 0);
  const auto image = open(file.path(), ImageAccess::kSnapshot);
  EXPECT_EQ(image->write(0, filled({9})), (BlockOutcome{0, 1}));
  EXPECT_EQ(read(*image, 0, 1), filled({9}));
}

TEST(BlockImage, OneLineForEachFileThatIsNoDisk) {
  EXPECT_EQ(refusal("/nonexistent/x"), "cannot open the image 'IMAGE': No such file or directory");
  EXPECT_EQ(refusal("/", ImageAccess::kReadOnly),
            "cannot use the image 'IMAGE': it is neither a file nor a block device");
  const TemporaryImage empty(0), shorter(511), odd(513);
  EXPECT_EQ(refusal(empty.path()), "cannot use the image 'IMAGE': it is shorter than a sector of 512 bytes");
  EXPECT_EQ(refusal(shorter.path()),
            "cannot use the image 'IMAGE': it is shorter than a sector of 512 bytes");
  EXPECT_EQ(refusal(odd.path()), "cannot use the image 'IMAGE': its size of 513 bytes is no multiple of 512");
}

TEST(BlockImage, AFifoIsRefusedAtOnce) {
  const TemporaryImage place(0);
  const std::string path = place.path() + ".fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(refusal(path), "cannot use the image 'IMAGE': it is neither a file nor a block device");
  ::unlink(path.c_str());
}

TEST(BlockImage, AWriterIsAloneAndReadersAreNot) {
  constexpr const char* kInUse = "cannot lock the image 'IMAGE': it is in use";
  const TemporaryImage file(512);
  {
    const auto writer = open(file.path(), ImageAccess::kReadWrite);
    EXPECT_EQ(refusal(file.path(), ImageAccess::kReadWrite), kInUse);
    EXPECT_EQ(refusal(file.path(), ImageAccess::kReadOnly), kInUse);
    EXPECT_EQ(refusal(file.path(), ImageAccess::kSnapshot), kInUse);
  }
  const auto reader = open(file.path(), ImageAccess::kReadOnly);
  EXPECT_EQ(refusal(file.path(), ImageAccess::kSnapshot), "opened");
  EXPECT_EQ(refusal(file.path(), ImageAccess::kReadWrite), kInUse);
}

TEST(BlockImage, ATruncatedFileIsAnErrorOfTheRequest) {
  const TemporaryImage file(8 * 512);
  const auto image = open(file.path(), ImageAccess::kReadWrite);
  std::vector<std::string> lines;
  image->on_failure([&](const std::string& line) { lines.push_back(line); });
  file.truncate(3 * 512 + 100);
  Bytes bytes(8 * 512);
  EXPECT_EQ(image->read(0, bytes), (BlockOutcome{EIO, 3}));
  EXPECT_EQ(image->read(5, std::span(bytes).first(512)), BlockOutcome{EIO});
  ASSERT_EQ(lines.size(), 1u) << "the user is told once";
  EXPECT_EQ(lines[0], "cannot read the image '" + file.path() + "': Input/output error");
  EXPECT_EQ(image->read(0, std::span(bytes).first(1024)), (BlockOutcome{0, 2}));
}

// Stands for every write that the host refuses: a full disk behaves alike.
TEST(BlockImage, AFileSizeLimitIsAnErrorOfTheRequest) {
  const TemporaryImage file(8 * 512);
  const auto image = open(file.path(), ImageAccess::kSnapshot);
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 4 * 512;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_EQ(image->write(2, filled({70, 71, 72, 73})), (BlockOutcome{EFBIG, 2}));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(read(*image, 1, 5), filled({2, 70, 71, 5, 6})) << "what was done is there";
}

TEST(BlockImage, CachedReadsAreTheSameData) {
  const TemporaryImage file(8 * 512);
  const auto image = open(file.path(), ImageAccess::kSnapshot);
  image->write(1, filled({60}));
  Bytes bytes(3 * 512);
  const auto outcome = image->read_cached(0, bytes);
  if (!outcome) GTEST_SKIP() << "the file system does not tell what it has cached";
  EXPECT_EQ(*outcome, (BlockOutcome{0, 3}));
  EXPECT_EQ(bytes, filled({1, 60, 3}));
  EXPECT_EQ(image->read_cached(7, bytes), BlockOutcome{EINVAL});
}

TEST(BlockImage, ABigDiskTakesLittleMemory) {
  const TemporaryImage file(512);
  constexpr uint64_t kSectors = uint64_t{1} << 31;  // 1 TiB, as a hole
  if (::truncate(file.path().c_str(), kSectors * 512) != 0) GTEST_SKIP() << "no file so large here";
  const auto image = open(file.path(), ImageAccess::kSnapshot);
  ASSERT_EQ(image->sectors(), kSectors);
  EXPECT_EQ(image->write(kSectors - 1, filled({77})), (BlockOutcome{0, 1}));
  EXPECT_EQ(read(*image, kSectors - 2, 2), filled({0, 77}));
}

}  // namespace
}  // namespace ringdown
