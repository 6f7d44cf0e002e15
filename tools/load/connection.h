// A connection to a Diameter server: a non-blocking socket with what is to be sent and what has
// come, over TLS where that is wanted.
//
// Threads: one. Errors: opening says why it failed; a connection that breaks later is `lost`.
#pragma once

#include "tools/load/messages.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace farthing::load {

// What TLS connections share: that servers need a certificate signed by one of these authorities.
class TlsClient {
 public:
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // `authorities`: a file in PEM. nullptr: it cannot be used.
  static std::unique_ptr<TlsClient> open(const std::string& authorities);
  ssl_ctx_st* context() const { return context_; }

 private:
  explicit TlsClient(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

class Connection {
 public:
  // `tls` outlives this; nullptr: without.
  explicit Connection(std::string origin_host, const TlsClient* tls = nullptr);
  ~Connection();
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&&) = delete;

  // Connects and exchanges capabilities, waiting at most 3 s for each. Empty, or what went wrong.
  std::string open(const std::string& host, std::uint16_t port);
  void close();
  // Takes leave of the server (a peer that vanishes must prove itself with watchdogs when it comes
  // back, RFC 3539 3.4.1), waiting at most 3 s, and closes.
  void disconnect();

  bool is_open() const { return socket_ >= 0; }
  int socket() const { return socket_; }
  const std::string& origin_host() const { return origin_host_; }

  // What append()s to it is sent by the next flush().
  std::string& out() { return out_; }
  bool has_output() const { return out_.size() > sent_; }
  // Sends what the socket takes; false when the connection is lost.
  bool flush();

  // Reads once and gives each whole message to `each`; false when the connection is lost or what
  // comes is not Diameter.
  template <class Each>
  bool receive(const Each& each) {
    do {
      const std::ptrdiff_t got = read_some();
      if (got < 0) return false;
      std::string_view left(in_.data(), filled_);
      while (const auto length = message_length(left)) {
        if (*length == 0) return false;
        if (*length > left.size()) break;
        each(left.substr(0, *length));
        left.remove_prefix(*length);
      }
      keep(left);
    } while (has_decrypted());  // the socket does not tell of these
    return true;
  }

 private:
  std::ptrdiff_t read_some();  // bytes, 0 when there are none now, -1 when lost
  bool has_decrypted() const;
  std::string shake_hands();
  void keep(std::string_view left);
  std::string exchange_capabilities();
  // Waits for the answer to `command`; empty, or what went wrong. Other messages are passed over.
  std::string await_answer(std::uint32_t command, Answer& answer);

  std::string origin_host_;
  const TlsClient* tls_;
  ssl_st* stream_ = nullptr;
  int socket_ = -1;
  std::string out_;
  std::size_t sent_ = 0;
  std::vector<char> in_;
  std::size_t filled_ = 0;
};

}  // namespace farthing::load
