#pragma once
#define SDL_MAIN_HANDLED
#include <SDL.h>

namespace ringdown {

// The functions of SDL 2 that are used, without "SDL_". The library is loaded when a window is asked for, so
// that a host without a desktop does without it and all that it needs.
#define RINGDOWN_SDL_FUNCTIONS(function)                                                                    \
  function(CreateRenderer) function(CreateTexture) function(CreateWindow) function(DestroyRenderer)         \
      function(DestroyTexture) function(DestroyWindow) function(GetError) function(GetModState)             \
          function(Init) function(PushEvent) function(Quit) function(RegisterEvents) function(RenderClear)  \
              function(RenderCopy) function(RenderPresent) function(SetHint) function(SetRelativeMouseMode) \
                  function(SetWindowKeyboardGrab) function(SetWindowSize) function(SetWindowTitle)          \
                      function(UpdateTexture) function(WaitEvent)

struct SdlLibrary {
#define RINGDOWN_SDL_FUNCTION(name) decltype(&SDL_##name) name;
  RINGDOWN_SDL_FUNCTIONS(RINGDOWN_SDL_FUNCTION)
#undef RINGDOWN_SDL_FUNCTION
};

// Null if the host does not have it. It stays loaded.
const SdlLibrary* load_sdl();

}  // namespace ringdown
