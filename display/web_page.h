#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "host-driver/file_descriptor.h"

struct MHD_Daemon;

namespace ringdown {

// Serves the page that shows a display in a browser, the files of noVNC, by HTTP/1.1 (RFC 9112, by
// libmicrohttpd, on a thread of its own with the signal mask of whoever makes this). Only what the folder
// holds when this is made has an address, so no request leads out of it. Who says nothing for some seconds
// is hung up on.
class WebPage {
 public:
  // Without the folder each request is answered by a line that says so.
  explicit WebPage(const std::filesystem::path& folder);
  ~WebPage();

  // Takes over a connection that nothing was read from. Any thread.
  void serve(FileDescriptor client);

 private:
  struct Stop {
    void operator()(MHD_Daemon* daemon) const;
  };
  struct Answers;  // libmicrohttpd's side

  std::map<std::string, std::filesystem::path> files_;  // by the address, such as /app/ui.js
  std::unique_ptr<MHD_Daemon, Stop> daemon_;            // last: it uses the above
};

// Debian's package novnc: the first folder `novnc` in XDG_DATA_DIRS (XDG Base Directory Specification); an
// empty path if there is none.
std::filesystem::path find_novnc();

}  // namespace ringdown
