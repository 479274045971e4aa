#pragma once
#include <cstdint>

#include "cpu/event.h"
#include "translator/context.h"

namespace ringdown {

// Sensitive instructions done by a plain call from translated code. These functions are compiled without
// vector registers (CMakeLists.txt), which belong to the guest meanwhile, and call nothing that is not.
//
// Each does the usual case completely or changes nothing: what needs a fault, a gate of another kind, a
// segment that is not flat, a page that is not at hand, or an interrupt taken, is the interpreter's. Returns
// the host address to continue at (that behind the instruction in its block, if comes_back()), or
// kLeaveForInterpreter, or kDispatch (done, but the next block must be looked up by the monitor); in these
// two cases `exit` and `exit_argument` of the context are set.
constexpr uint64_t kLeaveForInterpreter = 0, kDispatch = 1;

// `eip`: of the instruction. `info`: its length in bits 0..7, and by kind, from bit 8, the vector or what
// SegmentLoads::key_of() takes for its detail. `value`: kLoadSegment and kPopSegment: the new selector;
// kWriteCr0: what is to be written; kCheckedMiss: the linear address.
using CalloutFunction = uint64_t (*)(TranslatorContext* context, uint32_t eip, uint32_t info,
                                     uint32_t value) noexcept;

CalloutFunction callout_function(Callout callout);

// Delivers an event whose handler runs in ring 0 behind a 32-bit gate, from ring 0 or 3. False: nothing has
// changed, the interpreter must; if a page was not at hand, `callout_miss` says which.
bool enter_handler(TranslatorContext& context, const Event& event, uint32_t return_eip);

}  // namespace ringdown
