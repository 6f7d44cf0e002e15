// TLS for Diameter (RFC 6733 13): the certificate that we show, and whom we believe. TLS 1.2 and
// later; no compression, renegotiation or resumption: connections are few and long.
//
// One object serves all connections of a server, of the one thread that runs it. What it is made of
// is read once, by load().
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace boost::asio::ssl {
class context;
}
struct ssl_st;

namespace farthing::diameter {

// Files in PEM.
struct TlsFiles {
  std::string certificate;  // Ours first, then those that lead to an authority.
  std::string key;          // Of the first of them, without a password.
  std::string ca;  // The authorities that peers' certificates must lead to; "": none is asked for.
};

class Tls {
 public:
  // The error names the file, what is wrong with it, and what to do.
  static base::Result<std::unique_ptr<Tls>, std::string> load(const TlsFiles& files);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  boost::asio::ssl::context& context() { return *context_; }

 private:
  explicit Tls(std::unique_ptr<boost::asio::ssl::context> context);

  const std::unique_ptr<boost::asio::ssl::context> context_;
};

// Whether the other side has shown a certificate, found good in the handshake, that is for this
// Origin-Host: a DNS name of its subjectAltName, or its common name where it has none (RFC 6733
// 13.1, RFC 6125 6.4).
bool certificate_names(ssl_st* connection, std::string_view origin_host);

// Why the handshake did not believe the other side's certificate; "": it had nothing against it.
std::string certificate_fault(ssl_st* connection);

}  // namespace farthing::diameter
