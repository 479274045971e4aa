#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cpu/physical_memory.h"
#include "cpu/state.h"
#include "display/picture.h"
#include "monitor/board.h"

namespace ringdown {

// The machine as the monitor prompt's commands see it. All on the vCPU thread, at an instruction boundary.
class PromptHost {
 public:
  virtual ~PromptHost() = default;

  virtual const CpuState& state() const = 0;
  virtual const PhysicalMemory& memory() const = 0;
  virtual Board& board() = 0;
  // The drives that there are, a line each.
  virtual std::string describe_drives() = 0;
  // What is in a drive that takes media. The answer is why not, or nothing.
  virtual std::string eject(std::string_view drive, bool force) = 0;
  virtual std::string change(std::string_view drive, std::string_view file) = 0;
  // What the screen shows; nothing if there is no screen.
  virtual std::optional<Picture> picture() = 0;

  // The guest's time, too.
  virtual void pause() = 0;
  virtual void resume() = 0;
  virtual bool paused() const = 0;
  virtual void reset() = 0;
  virtual void quit() = 0;
  // False: there is none.
  virtual bool press_power_button() = 0;
};

}  // namespace ringdown
