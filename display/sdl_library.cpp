#include "display/sdl_library.h"

#include <dlfcn.h>

namespace ringdown {

const SdlLibrary* load_sdl() {
  static SdlLibrary functions;
  void* library = ::dlopen("libSDL2-2.0.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!library) return nullptr;
  bool complete = true;
#define RINGDOWN_SDL_FUNCTION(name)                                                            \
  functions.name = reinterpret_cast<decltype(functions.name)>(::dlsym(library, "SDL_" #name)); \
  complete &= functions.name != nullptr;
  RINGDOWN_SDL_FUNCTIONS(RINGDOWN_SDL_FUNCTION)
#undef RINGDOWN_SDL_FUNCTION
  return complete ? &functions : nullptr;
}

}  // namespace ringdown
