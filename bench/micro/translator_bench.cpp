// From guest bytes to linked host code: an item is an instruction, a look-up or a link.
#include <random>

#include "bench/micro/cycles.h"
#include "bench/micro/guest_code.h"

namespace ringdown {
namespace {

void decode_instructions(benchmark::State& state) {
  const auto code = guest_code();
  Cycles cycles;
  uint64_t instructions = 0;
  for (auto _ : state) {
    cycles.start();
    for (size_t at = 0; at < code.size(); ++instructions) {
      Instruction i;
      at += decode(code.subspan(at), true, i) == DecodeStatus::kOk ? i.length : 1;
      benchmark::DoNotOptimize(i);
    }
    cycles.stop();
  }
  cycles.report(state, instructions);
}
BENCHMARK(decode_instructions);

void translate_instructions(benchmark::State& state) {
  const CpuModel model = CpuModel::default_model();
  const BlockCache nothing_translated(4096);
  BlockTranslator translator(model, nothing_translated);
  Cycles cycles;
  uint64_t instructions = 0, host_bytes = 0;
  for (auto _ : state) {
    cycles.start();
    for (uint32_t offset = 0; offset < guest_code().size();) {
      const BlockSource source = block_source(offset);
      const auto block = translator.translate(source.key, source.code, EnteredBy::kTable);
      offset += block->guest_bytes;
      instructions += block->starts.size();
      host_bytes += translator.emitted().size();
    }
    cycles.stop();
  }
  cycles.report(state, instructions);
  state.counters["host_bytes"] = static_cast<double>(host_bytes) / static_cast<double>(instructions);
}
BENCHMARK(translate_instructions);

// In no order, as a guest asks for them.
std::vector<Block*> shuffled(std::span<Block* const> blocks) {
  std::vector<Block*> result(blocks.begin(), blocks.end());
  std::shuffle(result.begin(), result.end(), std::minstd_rand(1));
  return result;
}

// `find` is to find each block of a shuffled row.
template <class F>
void look_up(benchmark::State& state, F find) {
  TranslatedCode code;
  const auto blocks = shuffled(code.blocks());
  Cycles cycles;
  uint64_t found = 0;
  for (auto _ : state) {
    cycles.start();
    for (const Block* block : blocks) found += find(code.cache(), *block) == block;
    cycles.stop();
  }
  if (found != state.iterations() * blocks.size()) state.SkipWithError("a block was not found");
  cycles.report(state, found);
}

void look_up_by_key(benchmark::State& state) {
  look_up(state, [](const BlockCache& cache, const Block& block) { return cache.find(block.key)->block; });
}
BENCHMARK(look_up_by_key);

void look_up_by_host_address(benchmark::State& state) {
  look_up(state, [](const BlockCache& cache, const Block& block) {
    return cache.at(block.code + block.code_bytes / 2);
  });
}
BENCHMARK(look_up_by_host_address);

void link_and_unlink(benchmark::State& state) {
  TranslatedCode code;
  std::vector<Edge*> edges;
  for (Block* block : code.blocks())
    for (Edge& edge : block->edges) edges.push_back(&edge);
  EntryPoint& target = code.blocks().front()->start();
  Cycles cycles;
  for (auto _ : state) {
    cycles.start();
    for (Edge* edge : edges) {
      code.cache().link(*edge, target);
      code.cache().unlink(*edge);
    }
    cycles.stop();
  }
  cycles.report(state, state.iterations() * edges.size());
}
BENCHMARK(link_and_unlink);

}  // namespace
}  // namespace ringdown
