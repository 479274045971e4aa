#pragma once
#include <functional>
#include <string>

#include "display/front_end.h"

namespace ringdown {

// A window on the desktop, by SDL 2, and its keyboard and mouse. A click in it takes the mouse, Ctrl-Alt-G
// gives it back. Closing it calls `on_quit` on the front end's thread.
OpenedFrontEnd open_sdl_front_end(Display& display, const std::string& name, std::function<void()> on_quit);

}  // namespace ringdown
