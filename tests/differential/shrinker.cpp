#include "tests/differential/shrinker.h"

#include <memory>

#include "tests/differential/initial_state.h"

namespace ringdown::differential {
namespace {

class Shrinker {
 public:
  Shrinker(Program program, const std::function<bool(const Program&)>& fails)
      : best_(std::move(program)), fails_(fails) {
    plain_state(plain_);
  }

  Program run() {
    while (drop_units()) {
    }
    simplify_setting();
    simplify_registers();
    simplify_vector_state();
    simplify_memory();
    while (drop_units()) {
    }
    return best_;
  }

 private:
  // Keeps the change if the result still fails.
  template <class Change>
  bool attempt(Change change) {
    auto candidate = std::make_unique<Program>(best_);
    change(*candidate);
    if (!fails_(*candidate)) return false;
    best_ = std::move(*candidate);
    return true;
  }

  bool drop_units() {
    bool dropped = false;
    for (size_t i = best_.units.size(); i-- > 0;)
      dropped |= attempt([&](Program& p) { p.units.erase(p.units.begin() + static_cast<ptrdiff_t>(i)); });
    return dropped;
  }

  void simplify_setting() {
    for (uint32_t Setting::*field :
         {&Setting::fs_base, &Setting::gs_base, &Setting::supervisor_pages,
          &Setting::ignores_write_protection, &Setting::interrupt_pending, &Setting::virtual_interrupts})
      attempt([&](Program& p) { p.initial.setting.*field = 0; });
    for (unsigned page = 0; page < kPageCount; ++page)
      attempt([&](Program& p) { p.initial.setting.supervisor_pages &= ~(1u << page); });
  }

  void simplify_registers() {
    attempt([&](Program& p) { p.initial.eip = kPages[kCode0].address; });
    attempt([&](Program& p) { p.initial.eflags = 0; });
    for (unsigned bit = 0; bit < 12; ++bit)
      if (best_.initial.eflags >> bit & 1) attempt([&](Program& p) { p.initial.eflags &= ~(1u << bit); });
    for (unsigned i = 0; i < 8; ++i) {
      if (best_.initial.gpr[i] == plain_.gpr[i] ||
          attempt([&](Program& p) { p.initial.gpr[i] = plain_.gpr[i]; }))
        continue;
      for (const uint32_t mask : {0xFFu, 0xFFFFu, 0xFFFF0000u, 0xFFFFFFFCu})
        attempt([&](Program& p) { p.initial.gpr[i] &= mask; });
    }
  }

  void simplify_vector_state() {
    if (attempt([&](Program& p) { p.initial.fx = plain_.fx; })) return;
    attempt([&](Program& p) { p.initial.fx.control_word = plain_.fx.control_word; });
    attempt([&](Program& p) { p.initial.fx.mxcsr = plain_.fx.mxcsr; });
    attempt([&](Program& p) { p.initial.fx.status_word = 0; });
    attempt([&](Program& p) { p.initial.fx.abridged_tag_word = 0; });
    for (unsigned i = 0; i < 8; ++i) {
      attempt([&](Program& p) { p.initial.fx.st[i] = {}; });
      attempt([&](Program& p) { p.initial.fx.xmm[i] = {}; });
    }
  }

  // Halves, then halves of those that had to stay.
  void simplify_memory() {
    for (unsigned page = kData0; page < kPageCount; ++page) zero(page, 0, kPageBytes);
  }
  void zero(unsigned page, unsigned from, unsigned length) {
    const auto clear = [&](Program& p) { std::memset(&p.initial.memory[page][from], 0, length); };
    if (attempt(clear) || length <= 4) return;
    zero(page, from, length / 2);
    zero(page, from + length / 2, length / 2);
  }

  Program best_;
  const std::function<bool(const Program&)>& fails_;
  TestCase plain_;
};

}  // namespace

Program shrink(Program program, const std::function<bool(const Program&)>& fails) {
  return Shrinker(std::move(program), fails).run();
}

}  // namespace ringdown::differential
