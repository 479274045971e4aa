#include "monitor/displays.h"

#include <unistd.h>

#include <cstdlib>
#include <variant>

#include "display/curses_front_end.h"
#include "display/sdl_front_end.h"
#include "monitor/exit_codes.h"

namespace ringdown {
namespace {

// Where somebody sits who started this by hand.
bool has_desktop() {
  return isatty(STDOUT_FILENO) && (std::getenv("DISPLAY") || std::getenv("WAYLAND_DISPLAY"));
}

}  // namespace

std::optional<int> Displays::open() {
  const std::string name = options_.name.empty() ? "Ringdown" : options_.name;
  if (options_.display == DisplayKind::kCurses) {
    if (const auto status = add(open_curses_front_end(display_, requests_.quit))) return status;
  }
  if (const auto status = open_window(name)) return status;
  if (options_.vnc) return add(open_vnc_server(display_, *options_.vnc, name));
  return std::nullopt;
}

// One that nobody asked for may fail to open.
std::optional<int> Displays::open_window(const std::string& name) {
  const bool wanted = options_.display == DisplayKind::kSdl;
  if (!wanted && (options_.display != DisplayKind::kDefault || !has_desktop())) return std::nullopt;
  auto opened = open_sdl_front_end(display_, name, requests_.quit);
  if (!wanted && std::holds_alternative<std::string>(opened)) return std::nullopt;
  return add(std::move(opened));
}

std::optional<int> Displays::add(OpenedFrontEnd opened) {
  if (const auto* line = std::get_if<std::string>(&opened)) return refuse(ExitCode::kIoError, *line);
  front_ends_.push_back(std::move(std::get<std::unique_ptr<FrontEnd>>(opened)));
  return std::nullopt;
}

}  // namespace ringdown
