#include "tests/diameter/test_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "diameter/byte_order.h"
#include "diameter/writer.h"

namespace farthing::diameter::testing {

TestClient::TestClient(std::uint16_t port, int receive_buffer_bytes, bool ipv6,
                       const char* ipv4_address) {
  socket_ = ::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval timeout{10, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer_bytes != 0) {
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(int));
  }
  if (ipv6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    address.sin6_addr = in6addr_loopback;
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, ipv4_address, &address.sin_addr);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
}

TestClient::TestClient(Connected, int socket) : socket_(socket), connected_(socket >= 0) {
  const timeval timeout{10, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

std::unique_ptr<TestClient> TestClient::of_socket(int socket) {
  return std::unique_ptr<TestClient>(new TestClient(Connected{}, socket));
}

TestClient::~TestClient() {
  SSL_free(tls_);
  SSL_CTX_free(tls_context_);
  ::close(socket_);
}

bool TestClient::start_tls(const std::string& certificate, const std::string& key) {
  tls_context_ = SSL_CTX_new(TLS_client_method());
  if (!certificate.empty()) {
    SSL_CTX_use_certificate_chain_file(tls_context_, certificate.c_str());
    SSL_CTX_use_PrivateKey_file(tls_context_, key.c_str(), SSL_FILETYPE_PEM);
  }
  tls_ = SSL_new(tls_context_);
  SSL_set_fd(tls_, socket_);
  return SSL_connect(tls_) == 1;
}

std::string TestClient::server_name() const {
  X509* const certificate = SSL_get0_peer_certificate(tls_);
  if (certificate == nullptr) return "";
  char name[256] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

ssize_t TestClient::read_some(std::uint8_t* into, std::size_t size) {
  if (tls_ == nullptr) return ::recv(socket_, into, size, 0);
  const int got = SSL_read(tls_, into, static_cast<int>(size));
  if (got > 0) return got;
  return SSL_get_error(tls_, got) == SSL_ERROR_SYSCALL && errno == EAGAIN ? -1 : 0;
}

ssize_t TestClient::write_some(const std::uint8_t* from, std::size_t size) {
  if (tls_ == nullptr) return ::send(socket_, from, size, MSG_NOSIGNAL);
  return SSL_write(tls_, from, static_cast<int>(size));
}

void TestClient::send(Bytes octets) {
  while (!octets.empty()) {
    const ssize_t sent = write_some(octets.data(), octets.size());
    if (sent <= 0) return;
    octets = octets.subspan(static_cast<std::size_t>(sent));
  }
}

std::size_t TestClient::send_some(Bytes octets) {
  const ssize_t sent = ::send(socket_, octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

std::optional<std::vector<std::uint8_t>> TestClient::receive() {
  for (;;) {
    if (input_.size() >= 4 && input_.size() >= load_u24(&input_[1])) {
      const std::ptrdiff_t size = load_u24(&input_[1]);
      std::vector<std::uint8_t> frame(input_.begin(), input_.begin() + size);
      input_.erase(input_.begin(), input_.begin() + size);
      return frame;
    }
    std::uint8_t octets[65536];
    const ssize_t got = read_some(octets, sizeof octets);
    if (got <= 0) return std::nullopt;
    input_.insert(input_.end(), octets, octets + got);
  }
}

bool TestClient::is_closed_by_server() {
  std::uint8_t octets[4096];
  for (;;) {
    const ssize_t got = read_some(octets, sizeof octets);
    if (got == 0) return true;
    if (got < 0) return errno == ECONNRESET;
  }
}

std::uint32_t TestClient::exchange_capabilities(std::string_view origin_host) {
  Buffer cer;
  write_cer(cer, origin_host);
  send(cer.bytes());
  const auto answer = receive();
  return answer ? result_of(*answer) : 0;
}

void write_cer(Buffer& out, std::string_view origin_host,
               const std::vector<std::uint32_t>& inband_security) {
  const std::uint8_t address[] = {127, 0, 0, 1};
  Writer writer(out);
  writer.begin(Header{0x80, command::capabilities_exchange, 0, 1, 1});
  writer.put_text(AvpId::origin_host, origin_host);
  writer.put_text(AvpId::origin_realm, "example");
  writer.put_address(AvpId::host_ip_address, {Address::ipv4, address});
  writer.put_u32(AvpId::vendor_id, 0);
  writer.put_text(AvpId::product_name, "test");
  for (const std::uint32_t id : inband_security) writer.put_u32(AvpId::inband_security_id, id);
  writer.put_u32(AvpId::auth_application_id, application::credit_control);
  writer.finish();
}

void write_ccr(Buffer& out, std::uint32_t end_to_end, std::string_view session_id) {
  Writer writer(out);
  writer.begin(
      Header{0xc0, command::credit_control, application::credit_control, end_to_end, end_to_end});
  writer.put_text(AvpId::session_id, session_id);
  writer.put_text(AvpId::origin_host, "client.example");
  writer.put_text(AvpId::origin_realm, "example");
  writer.put_text(AvpId::destination_realm, "farthing.example");
  writer.put_u32(AvpId::auth_application_id, application::credit_control);
  writer.put_text(AvpId::service_context_id, "32251@3gpp.org");
  writer.put_u32(AvpId::cc_request_type, 1);
  writer.put_u32(AvpId::cc_request_number, 0);
  writer.finish();
}

std::uint32_t result_of(Bytes frame) {
  const auto message = std::make_unique<Message>();
  // An answer may carry back what was refused; its tape is there all the same.
  const auto result = decode(frame, *message);
  if (result.has_error() && result.error().is_fatal()) return 0;
  const Avp* avp = message->find(AvpId::result_code);
  return avp == nullptr ? 0 : avp->u32();
}

}  // namespace farthing::diameter::testing
