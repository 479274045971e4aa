#include "display/vnc_server.h"

#include <poll.h>
#include <rfb/rfb.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <set>
#include <thread>
#include <vector>

#include "display/keys.h"
#include "display/web_page.h"
#include "host-driver/file_descriptor.h"
#include "host-driver/io_thread.h"
#include "host-driver/tcp_listener.h"
#include "host-driver/wake_event.h"

// In place of libvncserver's own, by which it looks at what a new client sends first. That one never returns
// if the client sends less than `size` and goes, and takes all of a processor meanwhile. As there: 1 for
// `size` bytes, 0 if the client has gone, -1 with errno otherwise.
extern "C" int rfbPeekExactTimeout(rfbClientPtr client, char* to, int size, int milliseconds) {
  using Clock = std::chrono::steady_clock;
  constexpr int kBetweenLooks = 5;  // what has come can be read already: nothing tells of more
  const auto deadline = Clock::now() + std::chrono::milliseconds(milliseconds);
  while (true) {
    const ssize_t count = ::recv(client->sock, to, static_cast<size_t>(size), MSG_PEEK | MSG_DONTWAIT);
    if (count == size) return 1;
    if (count == 0) return 0;
    if (count < 0 && !ringdown::try_again(errno)) return -1;
    pollfd end{.fd = client->sock, .events = POLLRDHUP};
    if (::poll(&end, 1, kBetweenLooks) > 0) return 0;
    if (Clock::now() >= deadline) break;
  }
  errno = ETIMEDOUT;
  return -1;
}

namespace ringdown {
namespace {

// Button masks of RFC 6143, 7.5.5.
enum RfbButton : unsigned {
  kRfbLeft = 1,
  kRfbMiddle = 2,
  kRfbRight = 4,
  kRfbWheelUp = 8,
  kRfbWheelDown = 16
};
constexpr int kSlowestClient = 5000;  // milliseconds that one may hold up the others
constexpr unsigned kMostClients = 32;
constexpr size_t kLongestRequest = 8192;

// libvncserver takes these pixels as they are: RRh first in memory.
uint32_t to_client_pixel(uint32_t pixel) {
  return (pixel & 0x00FF00) | (pixel >> 16 & 0xFF) | (pixel & 0xFF) << 16;
}

// libvncserver ignores this signal for the whole process.
class KeepSigpipe {
 public:
  KeepSigpipe() { sigaction(SIGPIPE, nullptr, &before_); }
  ~KeepSigpipe() { sigaction(SIGPIPE, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

// What one client does, of which RFB tells states and the machine wants changes.
struct Person {
  std::set<uint16_t> held;
  std::optional<int> x, y;
  unsigned buttons = 0;
  Screen::Size told;  // when it came
  bool knows_sizes_change = false;
};

// Who has come to a port for browsers, and not yet said what for.
struct Browser {
  FileDescriptor socket;
  size_t heard = 0;  // bytes, which are still to be read
};

// Nobody is told that the socket can be read before so many have come.
void wait_for_bytes(const FileDescriptor& socket, int bytes) {
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

// Does a request (RFC 9110, 7.8) ask for a WebSocket?
bool asks_for_websocket(std::string request) {
  std::erase_if(request, [](char c) { return c == ' ' || c == '\t'; });
  std::ranges::transform(request, request.begin(), [](unsigned char c) { return std::tolower(c); });
  return request.find("\nupgrade:websocket") != std::string::npos;
}

class LibvncServer final : public FrontEnd {
 public:
  // Browsers are for the listeners behind the first.
  LibvncServer(Display& display, std::vector<FileDescriptor> listeners, const std::string& name);
  ~LibvncServer() override;

 private:
  void run();
  void wait();
  void accept_from(const FileDescriptor& listener);
  bool is_decided(Browser& browser);
  void show_to(FileDescriptor client, bool websocket);
  void show_changes();
  void replace_frame();
  void convert(Screen::Rows rows);
  void tell_size();
  bool is_looked_at() const { return screen_->clientHead != nullptr; }

  // Of libvncserver.
  static LibvncServer& server_of(rfbClientPtr client) {
    return *static_cast<LibvncServer*>(client->screen->screenData);
  }
  static rfbNewClientAction on_client(rfbClientPtr client);
  static void on_client_gone(rfbClientPtr client);
  static void on_key(rfbBool down, rfbKeySym keysym, rfbClientPtr client);
  static void on_pointer(int buttons, int x, int y, rfbClientPtr client);

  Display& display_;
  const std::vector<FileDescriptor> listeners_;
  const WakeEvent wake_event_;
  const std::string name_;
  std::optional<Viewer> viewer_;  // while there are clients
  Picture picture_;
  std::vector<uint32_t> frame_;  // what libvncserver reads
  rfbScreenInfoPtr screen_;
  unsigned clients_ = 0;
  std::vector<Browser> browsers_;
  std::optional<WebPage> page_;   // while the thread runs
  bool takes_websocket_ = false;  // from the client that comes now
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

LibvncServer::LibvncServer(Display& display, std::vector<FileDescriptor> listeners, const std::string& name)
    : display_(display), listeners_(std::move(listeners)), name_(name) {
  const KeepSigpipe keep;
  rfbLogEnable(0);
  const auto [width, height] = Display::kBlank;
  frame_.resize(size_t{width} * height);
  picture_ = {.size = Display::kBlank, .pixels = frame_};
  screen_ = rfbGetScreen(nullptr, nullptr, static_cast<int>(width), static_cast<int>(height), 8, 3, 4);
  screen_->frameBuffer = reinterpret_cast<char*>(frame_.data());
  screen_->desktopName = name_.c_str();
  screen_->screenData = this;
  screen_->port = screen_->ipv6port = 0;  // we listen
  screen_->alwaysShared = TRUE;
  screen_->cursor = nullptr;  // the guest draws its own
  screen_->deferUpdateTime = screen_->deferPtrUpdateTime = 0;
  screen_->maxClientWait = kSlowestClient;
  screen_->newClientHook = on_client;
  screen_->kbdAddEvent = on_key;
  screen_->ptrAddEvent = on_pointer;
  rfbInitServer(screen_);
  thread_ = std::thread([this] { run(); });
}

LibvncServer::~LibvncServer() {
  stopping_ = true;
  wake_event_.wake();
  thread_.join();
  rfbShutdownServer(screen_, TRUE);
  rfbScreenCleanup(screen_);
}

void LibvncServer::run() {
  block_signals_of_io_thread();
  if (listeners_.size() > 1) page_.emplace(find_novnc());
  while (!stopping_) {
    wait();
    if (viewer_) show_changes();
    rfbProcessEvents(screen_, 0);
    tell_size();
    if (is_looked_at() == viewer_.has_value()) continue;
    if (viewer_) {
      viewer_.reset();
      continue;
    }
    viewer_.emplace(display_, [this] { wake_event_.wake(); });
    show_changes();
  }
}

// For clients, what they send, and something to show them.
void LibvncServer::wait() {
  fd_set ready = screen_->allFds;
  int last = screen_->maxFd;
  const auto watch = [&](int fd) {
    FD_SET(fd, &ready);
    last = std::max(last, fd);
  };
  watch(wake_event_.fd());
  for (const auto& listener : listeners_) watch(listener.get());
  for (const auto& browser : browsers_) watch(browser.socket.get());
  if (::select(last + 1, &ready, nullptr, nullptr, nullptr) < 0) return;
  wake_event_.clear();
  std::erase_if(browsers_, [&](Browser& browser) {
    return FD_ISSET(browser.socket.get(), &ready) && is_decided(browser);
  });
  for (const auto& listener : listeners_) {
    if (FD_ISSET(listener.get(), &ready)) accept_from(listener);
  }
}

void LibvncServer::accept_from(const FileDescriptor& listener) {
  FileDescriptor client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!client || client.get() >= FD_SETSIZE) return;
  if (&listener == &listeners_.front()) return show_to(std::move(client), false);
  if (browsers_.size() == kMostClients)
    browsers_.erase(browsers_.begin());  // it has said nothing for longest
  browsers_.push_back({std::move(client)});
}

// Once its request has come whole, or is none: a browser that wants a WebSocket sees the screen, others see
// the page. Nothing is read from it, only looked at.
bool LibvncServer::is_decided(Browser& browser) {
  std::string said(kLongestRequest, '\0');
  const ssize_t count = ::recv(browser.socket.get(), said.data(), said.size(), MSG_PEEK | MSG_DONTWAIT);
  if (count < 0 && try_again(errno)) return false;
  if (count <= static_cast<ssize_t>(browser.heard)) return true;  // it has gone
  said.resize(browser.heard = static_cast<size_t>(count));
  const bool whole = said.find("\r\n\r\n") != std::string::npos || said.size() == kLongestRequest;
  wait_for_bytes(browser.socket, whole ? 1 : static_cast<int>(count) + 1);
  if (!whole) return false;
  if (asks_for_websocket(std::move(said)))
    show_to(std::move(browser.socket), true);
  else
    page_->serve(std::move(browser.socket));
  return true;
}

void LibvncServer::show_to(FileDescriptor client, bool websocket) {
  takes_websocket_ = websocket;
  if (clients_ < kMostClients) rfbNewClient(screen_, client.release());  // which closes it
}

void LibvncServer::show_changes() {
  const Screen::Size before = picture_.size;
  const Screen::Rows rows = viewer_->update(picture_);
  if (picture_.size != before) return replace_frame();
  if (rows.first == rows.end) return;
  convert(rows);
  rfbMarkRectAsModified(screen_, 0, static_cast<int>(rows.first), screen_->width, static_cast<int>(rows.end));
}

void LibvncServer::convert(Screen::Rows rows) {
  const size_t width = picture_.size.width;
  std::transform(picture_.pixels.begin() + rows.first * width, picture_.pixels.begin() + rows.end * width,
                 frame_.begin() + rows.first * width, to_client_pixel);
}

void LibvncServer::replace_frame() {
  const auto [width, height] = picture_.size;
  std::vector<uint32_t> old(picture_.pixels.size());
  old.swap(frame_);
  convert({0, height});
  rfbNewFramebuffer(screen_, reinterpret_cast<char*>(frame_.data()), static_cast<int>(width),
                    static_cast<int>(height), 8, 3, 4);
}

// A client that said only now that it can be told of another size may have missed one.
void LibvncServer::tell_size() {
  for (rfbClientPtr client = screen_->clientHead; client; client = client->next) {
    auto* person = static_cast<Person*>(client->clientData);
    if (!person || !client->useNewFBSize || std::exchange(person->knows_sizes_change, true)) continue;
    if (person->told == picture_.size) continue;
    client->newFBSizePending = TRUE;
    rfbMarkRectAsModified(screen_, 0, 0, screen_->width, screen_->height);
  }
}

// libvncserver takes WebSockets anywhere, but any page that a browser shows can open one.
rfbNewClientAction LibvncServer::on_client(rfbClientPtr client) {
  if (client->wsctx && !server_of(client).takes_websocket_) return RFB_CLIENT_REFUSE;
  server_of(client).clients_++;
  client->clientData = new Person{.told = server_of(client).picture_.size};
  client->clientGoneHook = on_client_gone;
  return RFB_CLIENT_ACCEPT;
}

void LibvncServer::on_client_gone(rfbClientPtr client) {
  const std::unique_ptr<Person> person(static_cast<Person*>(client->clientData));
  LibvncServer& server = server_of(client);
  server.clients_--;
  for (const uint16_t key : person->held) server.display_.add(InputFeed::Key{key, false});
  if (person->buttons != 0) server.display_.add(InputFeed::Pointer{.dx = 0, .dy = 0, .dz = 0, .buttons = 0});
}

void LibvncServer::on_key(rfbBool down, rfbKeySym keysym, rfbClientPtr client) {
  const auto key = key_of_keysym(keysym);
  if (!key) return;
  Person& person = *static_cast<Person*>(client->clientData);
  if (down)
    person.held.insert(*key);
  else
    person.held.erase(*key);
  server_of(client).display_.add(InputFeed::Key{*key, down != 0});
}

void LibvncServer::on_pointer(int mask, int x, int y, rfbClientPtr client) {
  Person& person = *static_cast<Person*>(client->clientData);
  const auto buttons = static_cast<unsigned>(mask);
  const unsigned pressed = buttons & ~person.buttons;
  const int held = (buttons & kRfbLeft ? Ps2Mouse::kLeft : 0) |
                   (buttons & kRfbMiddle ? Ps2Mouse::kMiddle : 0) |
                   (buttons & kRfbRight ? Ps2Mouse::kRight : 0);
  const int notches = (pressed & kRfbWheelDown ? 1 : 0) - (pressed & kRfbWheelUp ? 1 : 0);
  const InputFeed::Pointer step{.dx = x - person.x.value_or(x),
                                .dy = person.y.value_or(y) - y,
                                .dz = notches,
                                .buttons = static_cast<uint8_t>(held)};
  person.x = x;
  person.y = y;
  person.buttons = buttons;
  server_of(client).display_.add(step);
}

}  // namespace

OpenedFrontEnd open_vnc_server(Display& display, const VncTarget& target, const std::string& name) {
  std::vector<FileDescriptor> listeners;
  std::vector<uint16_t> ports{target.port};
  if (target.websocket_port) ports.push_back(*target.websocket_port);
  for (const uint16_t port : ports) {
    auto listener = listen_on_tcp(target.host, port);
    if (auto* line = std::get_if<std::string>(&listener)) return "-vnc: " + *line;
    listeners.push_back(std::get<FileDescriptor>(std::move(listener)));
  }
  return std::make_unique<LibvncServer>(display, std::move(listeners), name);
}

}  // namespace ringdown
