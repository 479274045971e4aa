#include "host-driver/block_queue.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <semaphore>
#include <string>
#include <thread>

#include "tests/block/temporary_image.h"

namespace ringdown {
namespace {

using testing::TemporaryImage;
using Bytes = std::vector<uint8_t>;

struct BlockQueueTest : ::testing::TestWithParam<Aio> {
  TemporaryImage file{8 * 512};
  std::counting_semaphore<> ended{0};
  std::string log;

  std::unique_ptr<BlockQueue> open(ImageAccess access = ImageAccess::kReadWrite) {
    auto opened = open_block_image(file.path(), access);
    return std::make_unique<BlockQueue>(
        std::move(std::get<0>(opened)), [this] { ended.release(); }, GetParam());
  }
  BlockQueue::Done logged(char name) {
    return [this, name, owner = std::this_thread::get_id()](BlockOutcome outcome) {
      EXPECT_EQ(std::this_thread::get_id(), owner);
      log += name;
      if (outcome.error != 0) log += '!';
    };
  }
};

TEST_P(BlockQueueTest, CallbacksRunWhenTheOwnerDelivers) {
  const auto queue = open();
  EXPECT_EQ(queue->sectors(), 8u);
  EXPECT_FALSE(queue->read_only());
  const Bytes bytes(512, 99);
  queue->write(2, bytes, logged('w'));
  ended.acquire();
  EXPECT_TRUE(queue->ended());
  EXPECT_EQ(log, "");
  queue->deliver();
  EXPECT_EQ(log, "w");
  EXPECT_FALSE(queue->ended());
  queue->deliver();
  EXPECT_EQ(log, "w");
}

TEST_P(BlockQueueTest, RequestsEndInTheirOrder) {
  const auto queue = open();
  const Bytes first(512, 1), second(512, 2);
  Bytes seen(512);
  queue->write(3, first, logged('a'));
  queue->write(3, second, logged('b'));
  queue->read(3, seen, logged('c'));
  queue->flush(logged('d'));
  queue->drain();
  EXPECT_EQ(log, "abcd");
  EXPECT_EQ(seen, second);
}

TEST_P(BlockQueueTest, ErrorsAreOfTheirRequest) {
  const auto queue = open();
  Bytes bytes(1024);
  queue->read(7, bytes, logged('a'));
  queue->write(100, bytes, logged('b'));
  queue->write(0, bytes, logged('c'));
  queue->drain();
  EXPECT_EQ(log, "a!b!c");
}

TEST_P(BlockQueueTest, ACallbackMayAskForMore) {
  const auto queue = open();
  const Bytes bytes(512, 7);
  int left = 5;
  BlockQueue::Done again = [&](BlockOutcome) {
    if (--left != 0) queue->write(static_cast<uint64_t>(left), bytes, again);
  };
  queue->write(0, bytes, again);
  queue->drain();
  EXPECT_EQ(left, 0);
  EXPECT_FALSE(queue->ended());
}

TEST_P(BlockQueueTest, WhatWasAskedForIsDoneAtTheEnd) {
  const Bytes bytes(512, 55);
  {
    const auto queue = open();
    for (uint64_t i = 0; i < 8; ++i) queue->write(i, bytes, logged('w'));
  }
  EXPECT_EQ(log, "") << "but nobody is told";
  EXPECT_EQ(file.content(), Bytes(8 * 512, 55));
}

TEST_P(BlockQueueTest, ManyRequestsAndASnapshot) {
  const auto queue = open(ImageAccess::kSnapshot);
  std::vector<Bytes> written, seen;
  for (unsigned i = 0; i < 200; ++i)
    written.emplace_back(512, static_cast<uint8_t>(i)), seen.emplace_back(512);
  for (unsigned i = 0; i < 200; ++i) {
    queue->write(i % 8, written[i], logged('w'));
    queue->read(i % 8, seen[i], logged('r'));
    if (i % 16 == 0) queue->deliver();
  }
  queue->drain();
  EXPECT_EQ(log.size(), 400u);
  EXPECT_EQ(seen, written);
}

TEST_P(BlockQueueTest, ATruncatedFileIsAnErrorOfTheRequest) {
  const auto queue = open();
  file.truncate(2 * 512 + 100);
  Bytes seen(4 * 512);
  queue->read(1, seen, [&](BlockOutcome outcome) {
    EXPECT_EQ(outcome, (BlockOutcome{.error = EIO, .sectors = 1}));
    log += 'r';
  });
  queue->drain();
  EXPECT_EQ(log, "r");
  EXPECT_EQ(seen[0], 2);
}

TEST_P(BlockQueueTest, RefusedRequestsWaitForTheirTurn) {
  const auto queue = open(ImageAccess::kReadOnly);
  Bytes bytes(512);
  queue->write(0, bytes, logged('a'));
  EXPECT_EQ(log, "") << "its caller is still busy";
  queue->flush(logged('b'));
  queue->read(8, bytes, logged('c'));
  queue->drain();
  EXPECT_EQ(log, "a!bc!");
}

INSTANTIATE_TEST_SUITE_P(Ways, BlockQueueTest, ::testing::Values(Aio::kIoUring, Aio::kThreads),
                         [](const auto& info) {
                           return info.param == Aio::kThreads ? "Threads" : "IoUring";
                         });

}  // namespace
}  // namespace ringdown
