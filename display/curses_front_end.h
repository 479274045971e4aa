#pragma once
#include <functional>

#include "display/front_end.h"

namespace ringdown {

// Shows text modes on the terminal of standard input and output, by ncurses, and types what is typed there.
// All keys are the guest's but for C-a x, which calls `on_quit` on the front end's thread; C-a C-a is one
// C-a.
//
// To be opened and closed by the main thread; before others are started, since it forks
// (host-driver/terminal.h).
OpenedFrontEnd open_curses_front_end(Display& display, std::function<void()> on_quit);

}  // namespace ringdown
