#include "tests/diameter/test_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

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

TestClient::~TestClient() { ::close(socket_); }

void TestClient::send(Bytes octets) {
  while (!octets.empty()) {
    const ssize_t sent = ::send(socket_, octets.data(), octets.size(), MSG_NOSIGNAL);
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
    const ssize_t got = ::recv(socket_, octets, sizeof octets, 0);
    if (got <= 0) return std::nullopt;
    input_.insert(input_.end(), octets, octets + got);
  }
}

bool TestClient::is_closed_by_server() {
  std::uint8_t octets[4096];
  for (;;) {
    const ssize_t got = ::recv(socket_, octets, sizeof octets, 0);
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

void write_cer(Buffer& out, std::string_view origin_host) {
  const std::uint8_t address[] = {127, 0, 0, 1};
  Writer writer(out);
  writer.begin(Header{0x80, command::capabilities_exchange, 0, 1, 1});
  writer.put_text(AvpId::origin_host, origin_host);
  writer.put_text(AvpId::origin_realm, "example");
  writer.put_address(AvpId::host_ip_address, {Address::ipv4, address});
  writer.put_u32(AvpId::vendor_id, 0);
  writer.put_text(AvpId::product_name, "test");
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
