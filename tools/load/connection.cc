#include "tools/load/connection.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace farthing::load {
namespace {

constexpr int patience_ms = 3000;
constexpr std::size_t in_size_bytes = std::size_t{1} << 19;

// True once the socket is ready for `events`.
bool wait_for(int socket, short events) {
  pollfd waiting{socket, events, 0};
  return ::poll(&waiting, 1, patience_ms) == 1;
}

}  // namespace

Connection::Connection(std::string origin_host)
    : origin_host_(std::move(origin_host)), in_(in_size_bytes) {}

Connection::~Connection() { close(); }

Connection::Connection(Connection&& other) noexcept
    : origin_host_(std::move(other.origin_host_)),
      socket_(std::exchange(other.socket_, -1)),
      out_(std::move(other.out_)),
      sent_(other.sent_),
      in_(std::move(other.in_)),
      filled_(other.filled_) {}

void Connection::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  out_.clear();
  sent_ = 0;
  filled_ = 0;
}

std::string Connection::open(const std::string& host, std::uint16_t port) {
  close();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) return ::gai_strerror(failed);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);

  socket_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return std::strerror(errno);
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int error = ::connect(socket_, found->ai_addr, found->ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    socklen_t size = sizeof error;
    error = ETIMEDOUT;
    if (wait_for(socket_, POLLOUT)) {
      ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    }
  }
  std::string complaint = error != 0 ? std::strerror(error) : exchange_capabilities();
  if (!complaint.empty()) close();
  return complaint;
}

std::string Connection::exchange_capabilities() {
  out_ = capabilities_request(origin_host_);
  Answer answer;
  const std::string complaint = await_answer(command_capabilities_exchange, answer);
  if (!complaint.empty()) return complaint;
  if (answer.result == result_success) return "";
  return fmt::format("the capabilities exchange was answered with {}", answer.result);
}

void Connection::disconnect() {
  if (!is_open()) return;
  out_ += disconnect_request(origin_host_);
  Answer answer;
  (void)await_answer(command_disconnect_peer, answer);
  close();
}

std::string Connection::await_answer(std::uint32_t command, Answer& answer) {
  bool answered = false;
  while (!answered) {
    if (!flush()) return "the connection was closed";
    if (!wait_for(socket_, has_output() ? POLLIN | POLLOUT : POLLIN)) return "no answer";
    const bool alive = receive([&](std::string_view message) {
      const auto parsed = parse_answer(message);
      if (!parsed.has_value() || parsed->command != command || parsed->is_request) return;
      answered = true;
      answer = *parsed;
    });
    if (!alive && !answered) return "the connection was closed";
  }
  return "";
}

bool Connection::flush() {
  while (has_output()) {
    const ssize_t sent =
        ::send(socket_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    sent_ += static_cast<std::size_t>(sent);
  }
  out_.clear();
  sent_ = 0;
  return true;
}

std::ptrdiff_t Connection::read_some() {
  const ssize_t got = ::recv(socket_, in_.data() + filled_, in_.size() - filled_, MSG_DONTWAIT);
  if (got > 0) {
    filled_ += static_cast<std::size_t>(got);
    return got;
  }
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return 0;
  return -1;
}

void Connection::keep(std::string_view left) {
  std::memmove(in_.data(), left.data(), left.size());
  filled_ = left.size();
  // A message can be 16 MiB long (its length has 24 bits); room for the rest of it is made in time.
  if (in_.size() - filled_ < in_size_bytes / 2) in_.resize(in_.size() * 2);
}

}  // namespace farthing::load
