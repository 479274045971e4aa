#include "host-driver/tcp_listener.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace ringdown {

std::variant<FileDescriptor, std::string> listen_on_tcp(const std::string& host, uint16_t port) {
  const std::string number = std::to_string(port);
  const std::string place = (host.empty() ? "127.0.0.1" : host) + ":" + number;
  const addrinfo wanted{
      .ai_flags = AI_NUMERICSERV | AI_PASSIVE, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  const int refusal =
      ::getaddrinfo(host.empty() ? "127.0.0.1" : host.c_str(), number.c_str(), &wanted, &found);
  if (refusal != 0) return "cannot listen on " + place + ": " + ::gai_strerror(refusal);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
  FileDescriptor listener(
      ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, found->ai_protocol));
  const int on = 1;
  if (!listener || ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(listener.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(listener.get(), 16) != 0) {
    return "cannot listen on " + place + ": " + std::strerror(errno);
  }
  return listener;
}

}  // namespace ringdown
