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
#include <openssl/err.h>
#include <openssl/ssl.h>
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

// What TLS could not do it will do later; false: never.
bool is_only_waiting(SSL* stream, int done) {
  const int why = SSL_get_error(stream, done);
  ERR_clear_error();
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

}  // namespace

TlsClient::~TlsClient() { SSL_CTX_free(context_); }

std::unique_ptr<TlsClient> TlsClient::open(const std::string& authorities) {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) return nullptr;
  std::unique_ptr<TlsClient> tls(new TlsClient(context));
  if (SSL_CTX_load_verify_locations(context, authorities.c_str(), nullptr) != 1) return nullptr;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return tls;
}

Connection::Connection(std::string origin_host, const TlsClient* tls)
    : origin_host_(std::move(origin_host)), tls_(tls), in_(in_size_bytes) {}

Connection::~Connection() { close(); }

Connection::Connection(Connection&& other) noexcept
    : origin_host_(std::move(other.origin_host_)),
      tls_(other.tls_),
      stream_(std::exchange(other.stream_, nullptr)),
      socket_(std::exchange(other.socket_, -1)),
      out_(std::move(other.out_)),
      sent_(other.sent_),
      in_(std::move(other.in_)),
      filled_(other.filled_) {}

void Connection::close() {
  SSL_free(stream_);
  stream_ = nullptr;
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
  std::string complaint = error != 0 ? std::strerror(error) : shake_hands();
  if (complaint.empty()) complaint = exchange_capabilities();
  if (!complaint.empty()) close();
  return complaint;
}

std::string Connection::shake_hands() {
  if (tls_ == nullptr) return "";
  stream_ = SSL_new(tls_->context());
  if (stream_ == nullptr || SSL_set_fd(stream_, socket_) != 1) return "TLS cannot be set up";
  for (;;) {
    const int done = SSL_connect(stream_);
    if (done == 1) return "";
    const int why = SSL_get_error(stream_, done);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) break;
    if (!wait_for(socket_, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT)) break;
  }
  const long distrust = SSL_get_verify_result(stream_);
  const unsigned long fault = ERR_get_error();
  ERR_clear_error();
  if (distrust != X509_V_OK) {
    return fmt::format("the server's certificate is not trusted: {}",
                       X509_verify_cert_error_string(distrust));
  }
  return fmt::format("the TLS handshake failed: {}",
                     fault == 0 ? "no answer" : ERR_reason_error_string(fault));
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
    if (stream_ != nullptr) {
      std::size_t sent = 0;
      const int done = SSL_write_ex(stream_, out_.data() + sent_, out_.size() - sent_, &sent);
      if (done != 1) return is_only_waiting(stream_, done);
      sent_ += sent;
      continue;
    }
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

bool Connection::has_decrypted() const { return stream_ != nullptr && SSL_pending(stream_) > 0; }

std::ptrdiff_t Connection::read_some() {
  if (stream_ != nullptr) {
    std::size_t read = 0;
    const int done = SSL_read_ex(stream_, in_.data() + filled_, in_.size() - filled_, &read);
    if (done != 1) return is_only_waiting(stream_, done) ? 0 : -1;
    filled_ += read;
    return static_cast<std::ptrdiff_t>(read);
  }
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
