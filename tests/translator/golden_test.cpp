// The exact host code of representative guest instructions, as text. To accept what the translator emits now:
// RINGDOWN_UPDATE_GOLDEN=1 test_translator --gtest_filter='*Golden*'; then read the diff.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>

#include "tests/translator/golden_cases.h"
#include "translator/block_log.h"
#include "translator/block_translator.h"

namespace ringdown {
namespace {

constexpr uint32_t kEip = 0x00401000;
// The same on every host.
constexpr auto kComparison = BlockTranslator::Comparison::kLoop;
// Of a line of disassemble_host().
constexpr size_t kBytesAt = 14, kBytesColumn = 36;

// All that a block's mode depends on, switched on: FPU and SSE are usable, FS and GS are flat but for their
// bases.
CodeMode mode_of_ring(unsigned ring) {
  CpuState state{};
  state.cpl = static_cast<uint8_t>(ring);
  state.cr0 = cr0::kPe | cr0::kPg;
  state.cr4 = cr4::kOsfxsr;
  state.segment.fill({.base = 0, .limit = 0xFFFFFFFF, .selector = 0, .attributes = 0xC093});
  return CodeMode::of(state);
}

// The context's fields by name: where they lie is no matter of the code.
struct Field {
  size_t offset;
  const char* name;
};
constexpr size_t kState = offsetof(TranslatorContext, state);
constexpr size_t selector(SegmentIndex n) {
  return kState + offsetof(CpuState, segment) + n * sizeof(Segment) + offsetof(Segment, selector);
}
constexpr Field kFields[] = {
    {kState + offsetof(CpuState, interrupt_flag), "interrupt_flag"},
    {kState + offsetof(CpuState, system_flags), "system_flags"},
    {kState + offsetof(CpuState, cr0), "cr0"},
    {kState + offsetof(CpuState, cr2), "cr2"},
    {kState + offsetof(CpuState, cr3), "cr3"},
    {selector(kDs), "ds"},
    {selector(kDs) - offsetof(Segment, selector), "ds.base"},
    {kState + offsetof(CpuState, msr.microcode_revision), "microcode_revision"},
    {kState + offsetof(CpuState, msr.microcode_revision) + 4, "microcode_revision_high"},
    {offsetof(TranslatorContext, cpuid.empty), "cpuid.empty"},
    {offsetof(TranslatorContext, cpuid.minus_leaf), "cpuid.minus_leaf"},
    {offsetof(TranslatorContext, cpuid.minus_subleaf), "cpuid.minus_subleaf"},
    {offsetof(TranslatorContext, cpuid.minus_revision), "cpuid.minus_revision"},
    {offsetof(TranslatorContext, cpuid.eax), "cpuid.eax"},
    {offsetof(TranslatorContext, cpuid.ebx), "cpuid.ebx"},
    {offsetof(TranslatorContext, cpuid.ecx), "cpuid.ecx"},
    {offsetof(TranslatorContext, cpuid.edx), "cpuid.edx"},
    {offsetof(TranslatorContext, cpuid.answered), "cpuid.answered"},
    {offsetof(TranslatorContext, host_stack), "host_stack"},
    {offsetof(TranslatorContext, interrupt_pending), "interrupt_pending"},
    {offsetof(TranslatorContext, attention), "attention"},
    {offsetof(TranslatorContext, time_stamp_offset), "time_stamp_offset"},
    {offsetof(TranslatorContext, space_base), "supervisor_space"},
    {offsetof(TranslatorContext, space_base) + 8, "user_space"},
    {offsetof(TranslatorContext, slot_space), "slot_space"},
    {offsetof(TranslatorContext, moved_immediate), "moved_immediate"},
    {offsetof(TranslatorContext, checked_pages[1][0].tag), "read_tag"},
    {offsetof(TranslatorContext, checked_pages[1][0].host), "read_host"},
    {offsetof(TranslatorContext, checked_pages[1][1].tag), "write_tag"},
    {offsetof(TranslatorContext, checked_pages[1][1].host), "write_host"},
    {offsetof(TranslatorContext, string_count), "string_count"},
    {offsetof(TranslatorContext, string_direction), "string_direction"},
    {Emitter::exit_thunk(Exit::kIndirect), "exit_indirect"},
    {offsetof(TranslatorContext, table_jump), "table_jump"},
    {Emitter::exit_thunk(Exit::kInterpret), "exit_interpret"},
    {Emitter::callout_thunk(Callout::kLoadSegment), "call_load_segment"},
    {Emitter::callout_thunk(Callout::kPopSegment), "call_pop_segment"},
    {Emitter::callout_thunk(Callout::kInterrupt), "call_interrupt"},
    {Emitter::callout_thunk(Callout::kInterruptReturn), "call_interrupt_return"},
    {Emitter::callout_thunk(Callout::kSysenter), "call_sysenter"},
    {Emitter::callout_thunk(Callout::kSysexit), "call_sysexit"},
    {Emitter::callout_thunk(Callout::kHalt), "call_halt"},
    {Emitter::callout_thunk(Callout::kClearTaskSwitched), "call_clear_task_switched"},
    {Emitter::callout_thunk(Callout::kWriteCr0), "call_write_cr0"},
    {Emitter::callout_thunk(Callout::kDivideError), "call_divide_error"},
    {Emitter::callout_thunk(Callout::kPortIo), "call_port_io"},
    {Emitter::callout_thunk(Callout::kInvalidatePage), "call_invalidate_page"},
    {Emitter::callout_thunk(Callout::kCheckedMiss), "call_checked_miss"},
};

// Of the memos of DS, which instructions of the golden cases load.
constexpr size_t memo_of_ds(bool popped) {
  return offsetof(TranslatorContext, segment_loads) + offsetof(SegmentLoads, memos) +
         popped * sizeof(SegmentLoads::memos[0]) +
         SegmentLoads::number_of(SegmentLoads::key_of(kDs, 0)) * sizeof(SegmentLoads::Memo);
}

std::string name_of(size_t offset) {
  const auto* const field = std::ranges::find(kFields, offset, &Field::offset);
  if (field != std::end(kFields)) return field->name;
  using Memo = SegmentLoads::Memo;
  static constexpr Field kMemoFields[] = {{offsetof(Memo, minus_key), "minus_key"},
                                          {offsetof(Memo, minus_descriptor), "minus_descriptor"},
                                          {offsetof(Memo, descriptor_at), "descriptor_at"},
                                          {offsetof(Memo, segment), "segment"},
                                          {offsetof(Memo, segment) + 8, "segment.selector"},
                                          {offsetof(Memo, table), "table"}};
  for (const bool popped : {false, true}) {
    const auto* const of_memo = std::ranges::find(kMemoFields, offset - memo_of_ds(popped), &Field::offset);
    if (of_memo != std::end(kMemoFields)) return std::string("memo.") + of_memo->name;
  }
  return "";
}

// [r15+0x28] becomes [interrupt_flag], without the bytes, which hold the offset.
std::string with_names(const std::string& line) {
  static const std::regex operand(R"(\[r15([^\]]*)\+0x([0-9A-F]+)\])");
  std::smatch match;
  if (!std::regex_search(line, match, operand)) return line;
  const size_t offset = std::stoul(match[2], nullptr, 16);
  if (const std::string name = name_of(offset); !name.empty()) {
    std::string text = match.prefix().str() + "[" + name + match[1].str() + "]" + match.suffix().str();
    return text.replace(kBytesAt, kBytesColumn, std::string(kBytesColumn, ' '));
  }
  ADD_FAILURE() << "no name for the context's field in: " << line;
  return line;
}

std::string with_names_in_each_line(const std::string& text) {
  std::istringstream lines(text);
  std::string named;
  for (std::string line; std::getline(lines, line);) named += with_names(line) + "\n";
  return named;
}

enum class Kind : uint8_t { kRing0, kRing0UserAccessor, kRing3, kRing3Checked };

// The host code of one instruction, without the stubs of its edges, which hold addresses of the moment.
class Translation {
 public:
  Translation(const std::vector<uint8_t>& instruction, Kind kind)
      : translator_(model_, nothing_translated_, kComparison) {
    guest_ = instruction;
    guest_.resize(guest_.size() + 1, 0x90);  // a second one, so that the first does not end its block
    const BlockKey key{.physical = kEip, .eip = kEip, .mode = mode_of_ring(kind >= Kind::kRing3 ? 3 : 0)};
    if (kind == Kind::kRing0UserAccessor) translator_.user_accessors().insert(kEip);
    if (kind == Kind::kRing3Checked) translator_.checked().insert(kEip);
    if (kind == Kind::kRing3Checked) translator_.divide_errors().insert(kEip);
    block_ = translator_.translate(key,
                                   {.bytes = guest_,
                                    .in_first_page = static_cast<unsigned>(guest_.size()),
                                    .next_frame = Block::kNoFrame},
                                   EnteredBy::kEdge);
  }

  std::string text() const {
    const auto code = translator_.emitted();
    const size_t end = block_->starts.size() > 1 ? block_->starts[1].host_offset : code.size();
    return with_names_in_each_line(disassemble_host(code.first(end), 0));
  }

 private:
  CpuModel model_ = CpuModel::default_model();
  BlockCache nothing_translated_{4096};
  BlockTranslator translator_;
  std::vector<uint8_t> guest_;
  std::unique_ptr<Block> block_;
};

std::string describe(const std::vector<uint8_t>& instruction) {
  const std::string ring0 = Translation(instruction, Kind::kRing0).text();
  const std::string accessor = Translation(instruction, Kind::kRing0UserAccessor).text();
  const std::string ring3 = Translation(instruction, Kind::kRing3).text();
  std::string text = "== " + disassemble_guest(instruction, kEip);
  text += ring0 == ring3 ? "ring 0 and 3\n" + ring0 : "ring 0\n" + ring0 + "ring 3\n" + ring3;
  const std::string checked = Translation(instruction, Kind::kRing3Checked).text();
  if (checked != ring3) text += "ring 3, checked\n" + checked;
  if (accessor != ring0) text += "ring 0, reaching for user memory\n" + accessor;
  return text + "\n";
}

class GoldenTest : public ::testing::TestWithParam<GoldenFile> {};

TEST_P(GoldenTest, HostCodeIsAsItWas) {
  std::string now;
  for (const auto& instruction : GetParam().instructions) now += describe(instruction);
  const std::string path = std::string(RINGDOWN_GOLDEN) + "/" + GetParam().name + ".txt";
  if (std::getenv("RINGDOWN_UPDATE_GOLDEN")) {
    std::ofstream(path) << now;
    return;
  }
  std::ifstream file(path);
  std::stringstream before;
  before << file.rdbuf();
  EXPECT_EQ(before.str(), now) << "RINGDOWN_UPDATE_GOLDEN=1 accepts the new code";
}

// An interrupt is noticed by a kick (decision 003): only what opens its window asks whether one waits.
TEST(Interrupts, AreNotPolledFor) {
  for (const GoldenFile& file : golden_files()) {
    for (const auto& instruction : file.instructions) {
      const std::string text = describe(instruction);
      const bool opens_window = instruction.front() == 0xFB || instruction.front() == 0x9D;  // STI, POPF
      EXPECT_EQ(text.find("interrupt_pending") != std::string::npos, opens_window) << text;
      EXPECT_EQ(text.find("attention"), std::string::npos) << text;
    }
  }
}

TEST(Entry, ComparesTheEipAskedForAndKeepsFlags) {
  const CpuModel model = CpuModel::default_model();
  const BlockCache nothing_translated(4096);
  BlockTranslator translator(model, nothing_translated, kComparison);
  const std::vector<uint8_t> guest{0x90};
  const auto block = translator.translate({.physical = kEip, .eip = kEip, .mode = mode_of_ring(0)},
                                          {.bytes = guest, .in_first_page = 1, .next_frame = Block::kNoFrame},
                                          EnteredBy::kTable);
  EXPECT_EQ(
      with_names_in_each_line(disassemble_host(translator.emitted().first(block->starts[0].host_offset), 0)),
      "000000000000  4c 89 d1                            mov rcx, r10\n"
      "000000000003                                      jmp [exit_indirect]\n"
      "00000000000a  49 89 ca                            mov r10, rcx\n"
      "00000000000d  41 8d 88 01 f0 bf ff                lea ecx, [r8-0x400FFF]\n"
      "000000000014  e2 ea                               loop 0x0000000000000000\n"
      "000000000016  4c 89 d1                            mov rcx, r10\n");
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenTest, ::testing::ValuesIn(golden_files().begin(), golden_files().end()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace ringdown
