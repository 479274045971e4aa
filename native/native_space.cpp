#include "native/native_space.h"

namespace ringdown {

bool NativeSpace::revalidate(const ShadowMmu& shadow) {
  const bool was_empty = pages_.is_empty();
  shadow.revalidate_native(pages_);
  return was_empty || !pages_.is_empty();
}

void NativeSpace::map_accessed(const ShadowMmu& shadow) {
  constexpr unsigned kMostCalls = 4096;
  shadow.map_accessed_native(pages_, kMostCalls);
}

void NativeSpace::prepare_sysenter(const ShadowMmu& shadow, const CpuState& state) {
  if (mapper_.has_sysenter_that_faults()) pages_.clear();
  if (!mapper_.is_before_sysenter(state.eip)) return;
  for (const uint32_t stack : {state.gpr[kEsp], state.gpr[kEbp]})
    shadow.map_accessed_page_native(pages_, stack);
}

Miss NativeSpace::resolve(ShadowMmu& shadow, uint32_t linear, AccessKind kind, WalkFailure& failure) {
  uint64_t page;
  if (kind == AccessKind::kFetch && mapper_.is_kernel_entry(linear)) return Miss::kEmulate;
  if (kind == AccessKind::kFetch) mapper_.expect_fetch(linear);
  const Miss miss = shadow.resolve_native(pages_, linear, kind, failure, page);
  if (miss != Miss::kMapped) return miss;
  const bool is_there =
      mapper_.may_map(linear) && (kind != AccessKind::kFetch || mapper_.may_execute(linear, page));
  return is_there ? Miss::kMapped : Miss::kEmulate;
}

}  // namespace ringdown
