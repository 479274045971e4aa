#include "vdevices/i8254_counter.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace ringdown {
namespace {

// The oracle: a counter that really counts, one CLK pulse at a time, as the data sheet tells it. Counts are
// one byte and binary; modes 2 and 3 get no count of 1, which the data sheet forbids.
class SteppedCounter {
 public:
  int mode = 0;
  bool out = false;
  bool gate = true;
  int count = 0;
  bool load_pending = false;

  void control(int new_mode) {
    mode = new_mode;
    out = mode != 0;
    written_ = 0;
    load_pending = counting_ = armed_ = false;
  }
  void write(int value) {
    const bool first = written_ == 0;
    written_ = value;
    if (mode == 0) out = false;
    if (mode == 0 || mode == 4 || ((mode == 2 || mode == 3) && first)) load_pending = true;
  }
  void set_gate(bool level) {
    if (level && !gate && written_ != 0 && mode != 0 && mode != 4) load_pending = true;
    if (!level && (mode == 2 || mode == 3)) out = true;
    gate = level;
  }
  void clk() {
    if (load_pending) return load();
    const bool gated = mode != 1 && mode != 5;
    if (!counting_ || (gated && !gate)) return;
    if (mode == 2) return clk_mode2();
    if (mode == 3) return clk_mode3();
    count = (count - 1) & 0xFFFF;
    if (mode >= 4) {
      out = !(armed_ && count == 0);
    } else if (armed_ && count == 0) {
      out = true;
    }
    if (count == 0) armed_ = false;
  }

 private:
  void load() {
    load_pending = false;
    counting_ = armed_ = true;
    take();
    out = mode >= 2;
  }
  void take() {
    odd_ = written_ % 2 != 0;
    count = mode == 3 ? written_ - odd_ : written_;
  }
  void clk_mode2() {
    if (count == 1) {
      take();
    } else {
      --count;
    }
    out = count != 1;
  }
  void clk_mode3() {
    if (out && odd_ && count != 0) {
      count -= 2;
      return;
    }
    if (!(out && odd_)) count -= 2;
    if (count != 0) return;
    out = !out;
    take();
  }

  int written_ = 0;
  bool counting_ = false;
  bool armed_ = false;
  bool odd_ = false;
};

class CounterPair {
 public:
  explicit CounterPair(unsigned seed) : random_(seed) { control(); }

  // One random thing, then one CLK pulse, then the comparison.
  void step() {
    const unsigned what = pick(40);
    if (what == 0) control();
    if (what == 1) write();
    if (what == 2) set_gate(!reference_.gate);
    if (what == 3) {  // a pulse between two CLKs
      set_gate(false);
      set_gate(true);
    }
    const int64_t rise = counter_.next_rise(now_);
    ASSERT_EQ(counter_.out(now_), reference_.out) << describe();
    const bool before = reference_.out;
    reference_.clk();
    ++now_;
    ASSERT_EQ(counter_.out(now_), reference_.out) << describe();
    ASSERT_EQ(rise == now_, !before && reference_.out) << describe();
    ASSERT_EQ(read(), reference_.count & 0xFF) << describe();
  }

 private:
  unsigned pick(unsigned below) { return std::uniform_int_distribution<unsigned>(0, below - 1)(random_); }

  void control() {
    const unsigned mode = pick(6);
    counter_.write_control(static_cast<uint8_t>(0x10 | mode << 1), now_);
    reference_.control(static_cast<int>(mode));
    write();
  }
  void write() {
    const unsigned value = 2 + pick(20);
    counter_.write(static_cast<uint8_t>(value), now_);
    reference_.write(static_cast<int>(value));
  }
  void set_gate(bool level) {
    counter_.set_gate(level, now_);
    reference_.set_gate(level);
  }
  // The counter is in low-byte access.
  int read() { return counter_.read(now_); }
  std::string describe() const {
    return "tick " + std::to_string(now_) + ", mode " + std::to_string(reference_.mode) + ", gate " +
           std::to_string(reference_.gate) + ", count " + std::to_string(reference_.count);
  }

  std::mt19937 random_;
  I8254Counter counter_;
  SteppedCounter reference_;
  int64_t now_ = 1000;
};

TEST(I8254CounterTest, AgreesWithACounterThatCounts) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CounterPair pair(seed);
    for (int i = 0; i < 2000; ++i) {
      pair.step();
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace ringdown
