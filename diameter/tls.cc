#include "diameter/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ssl/context.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace farthing::diameter {

namespace {

// The newest error of the library, in its words; the others are dropped.
std::string library_error() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

// "": it can be read.
std::string reading_error(const std::string& path) {
  errno = 0;
  if (std::ifstream(path).good()) return {};
  return path + ": cannot be read: " + std::strerror(errno) +
         "; give the path of a PEM file that this user may read";
}

}  // namespace

Tls::Tls(std::unique_ptr<boost::asio::ssl::context> context) : context_(std::move(context)) {}

Tls::~Tls() = default;

base::Result<std::unique_ptr<Tls>, std::string> Tls::load(const TlsFiles& files) {
  for (const std::string* path : {&files.certificate, &files.key, &files.ca}) {
    if (path == &files.ca && files.ca.empty()) continue;
    if (std::string error = reading_error(*path); !error.empty()) return error;
  }
  auto context = std::make_unique<boost::asio::ssl::context>(boost::asio::ssl::context::tls);
  SSL_CTX* const native = context->native_handle();
  ERR_clear_error();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(native, 0);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  // Never asks at the terminal.
  SSL_CTX_set_default_passwd_cb(native, [](char*, int, int, void*) { return 0; });
  if (SSL_CTX_use_certificate_chain_file(native, files.certificate.c_str()) != 1) {
    return files.certificate + ": holds no certificate in PEM (" + library_error() +
           "); put the server's first, then those that sign it";
  }
  if (SSL_CTX_use_PrivateKey_file(native, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return files.key + ": holds no key in PEM that fits " + files.certificate + " (" +
           library_error() + "); give that certificate's key, without a password";
  }
  if (!files.ca.empty()) {
    if (SSL_CTX_load_verify_locations(native, files.ca.c_str(), nullptr) != 1) {
      return files.ca + ": holds no certificates in PEM (" + library_error() +
             "); put those of the authorities that sign peers' certificates";
    }
    SSL_CTX_set_client_CA_list(native, SSL_load_client_CA_file(files.ca.c_str()));
    ERR_clear_error();
    SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
  }
  return std::unique_ptr<Tls>(new Tls(std::move(context)));
}

bool certificate_names(ssl_st* connection, std::string_view origin_host) {
  // A leading dot would stand for every name below it.
  if (origin_host.empty() || origin_host.front() == '.') return false;
  X509* const certificate = SSL_get0_peer_certificate(connection);
  if (certificate == nullptr || SSL_get_verify_result(connection) != X509_V_OK) return false;
  return X509_check_host(certificate, origin_host.data(), origin_host.size(),
                         X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

std::string certificate_fault(ssl_st* connection) {
  const long result = SSL_get_verify_result(connection);
  return result == X509_V_OK ? "" : X509_verify_cert_error_string(result);
}

}  // namespace farthing::diameter
