#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "display/display.h"
#include "display/front_end.h"
#include "monitor/options.h"
#include "monitor/requests.h"

namespace ringdown {

// Who shows the machine's screen: the front ends that the user chose, and the picture that they share. Of the
// vCPU thread.
class Displays {
 public:
  // Options are not owned.
  Displays(const Options& options, Requests requests) : options_(options), requests_(std::move(requests)) {}

  // The exit status if something is wrong.
  std::optional<int> open();
  // There is a front end.
  bool any() const { return !front_ends_.empty(); }
  // The screen is not owned; null for none.
  void attach(Screen* screen) { display_.attach(screen); }
  // Draws, if that is due, and hands over what was typed.
  void attend(InputFeed& input) { display_.attend(input); }
  // What the screen shows now.
  Picture picture() { return display_.picture(); }

 private:
  std::optional<int> open_window(const std::string& name);
  std::optional<int> add(OpenedFrontEnd opened);

  const Options& options_;
  const Requests requests_;
  Display display_{requests_.attention};
  std::vector<std::unique_ptr<FrontEnd>> front_ends_;
};

}  // namespace ringdown
