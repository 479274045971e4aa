#include "display/web_page.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string_view>
#include <utility>

namespace ringdown {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kMostConnections = 64, kSilentSeconds = 10;
constexpr const char* kStart =
    "/vnc.html?autoconnect=true&resize=scale";  // at the address and port of the page
constexpr std::string_view kNoPage =
    "This page is noVNC's (Debian's package novnc), which is not installed on the machine that Ringdown runs "
    "on.\n";

// Browsers run a script only if it is called one.
const char* type_of(const fs::path& file) {
  static const std::map<std::string, const char*> types = {{".html", "text/html; charset=utf-8"},
                                                           {".js", "text/javascript"},
                                                           {".css", "text/css"},
                                                           {".json", "application/json"},
                                                           {".svg", "image/svg+xml"},
                                                           {".png", "image/png"},
                                                           {".mp3", "audio/mpeg"},
                                                           {".oga", "audio/ogg"},
                                                           {".ttf", "font/ttf"},
                                                           {".woff", "font/woff"}};
  const auto found = types.find(file.extension().string());
  return found != types.end() ? found->second : "application/octet-stream";
}

// `folder` is canonical.
bool lies_in(const fs::path& folder, const fs::path& file) {
  std::error_code error;
  const fs::path target = fs::canonical(file, error);
  return !error && std::ranges::mismatch(folder, target).in1 == folder.end();
}

// Without what a link leads to elsewhere, and what is hidden.
std::map<std::string, fs::path> files_of(const fs::path& folder) {
  std::map<std::string, fs::path> files;
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  if (error) return files;
  for (fs::recursive_directory_iterator at(root, error), end; !error && at != end; at.increment(error)) {
    const bool is_hidden = at->path().filename().native().starts_with('.');
    if (is_hidden)
      at.disable_recursion_pending();
    else if (at->is_regular_file(error) && lies_in(root, at->path()))
      files["/" + at->path().lexically_relative(root).string()] = at->path();
  }
  return files;
}

using Response = std::unique_ptr<MHD_Response, decltype(&MHD_destroy_response)>;

MHD_Result send(MHD_Connection* to, unsigned status, MHD_Response* made, const char* header,
                const char* value) {
  const Response response(made, MHD_destroy_response);
  if (!response) return MHD_NO;
  MHD_add_response_header(response.get(), header, value);
  return MHD_queue_response(to, status, response.get());
}

// Of a text that stays.
MHD_Response* response_of(std::string_view text) {
  return MHD_create_response_from_buffer(text.size(), const_cast<char*>(text.data()), MHD_RESPMEM_PERSISTENT);
}

MHD_Result send_text(MHD_Connection* to, unsigned status, std::string_view text) {
  return send(to, status, response_of(text), MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
}

MHD_Result send_file(MHD_Connection* to, const fs::path& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::error_code error;
  const uint64_t bytes = fs::file_size(path, error);
  if (!file || error) return send_text(to, MHD_HTTP_NOT_FOUND, "It cannot be read.\n");
  return send(to, MHD_HTTP_OK, MHD_create_response_from_fd64(bytes, file.release()),
              MHD_HTTP_HEADER_CONTENT_TYPE, type_of(path));
}

}  // namespace

struct WebPage::Answers {
  // Is called when a request's head has come, and again when all of it has: an answer to the first would end
  // the connection.
  static MHD_Result answer(void* page, MHD_Connection* to, const char* address, const char* method,
                           const char* /*version*/, const char* /*body*/, size_t* body_bytes, void** seen) {
    if (!std::exchange(*seen, page)) return MHD_YES;
    if (std::exchange(*body_bytes, 0) != 0) return MHD_YES;  // nobody reads it
    return answer_to(static_cast<WebPage*>(page)->files_, to, address, method);
  }

  static MHD_Result answer_to(const std::map<std::string, fs::path>& files, MHD_Connection* to,
                              std::string_view address, std::string_view method) {
    if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD)
      return send_text(to, MHD_HTTP_METHOD_NOT_ALLOWED, "This page can be read, and nothing else.\n");
    if (files.empty()) return send_text(to, MHD_HTTP_NOT_FOUND, kNoPage);
    if (address == "/") return send(to, MHD_HTTP_FOUND, response_of({}), MHD_HTTP_HEADER_LOCATION, kStart);
    const auto found = files.find(std::string(address));
    if (found == files.end()) return send_text(to, MHD_HTTP_NOT_FOUND, "There is no such file.\n");
    return send_file(to, found->second);
  }
};

WebPage::WebPage(const fs::path& folder)
    : files_(files_of(folder)),
      daemon_(MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC, 0,
                               nullptr, nullptr, &Answers::answer, this, MHD_OPTION_CONNECTION_LIMIT,
                               kMostConnections, MHD_OPTION_CONNECTION_TIMEOUT, kSilentSeconds,
                               MHD_OPTION_END)) {}

WebPage::~WebPage() = default;

void WebPage::Stop::operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }

// Which closes it in any case.
void WebPage::serve(FileDescriptor client) {
  sockaddr_storage address{};
  socklen_t bytes = sizeof address;
  auto* const peer = reinterpret_cast<sockaddr*>(&address);
  if (!daemon_ || ::getpeername(client.get(), peer, &bytes) != 0) return;
  MHD_add_connection(daemon_.get(), client.release(), peer, bytes);
}

fs::path find_novnc() {
  const char* wished = ::getenv("XDG_DATA_DIRS");
  std::istringstream folders(wished != nullptr && *wished != '\0' ? wished : "/usr/local/share:/usr/share");
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::error_code error;
    if (fs::path found = fs::path(folder) / "novnc"; fs::is_directory(found, error)) return found;
  }
  return {};
}

}  // namespace ringdown
