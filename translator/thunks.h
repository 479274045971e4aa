#pragma once
#include "translator/emitter.h"

namespace ringdown {

// Emits the way into translated code, a function `void (TranslatorContext*)` that continues at context->entry
// and returns when translated code leaves through an exit.
void emit_entry_thunk(Emitter& out);
// Emits where translated code leaves for `exit`, with its argument in r8.
void emit_exit_thunk(Emitter& out, Exit exit);

// Emits the call of a callout's function, with its arguments in r8d, r9d, r10d, and the way on: back into
// translated code, or out of it.
void emit_callout_thunk(Emitter& out, Callout callout);

}  // namespace ringdown
