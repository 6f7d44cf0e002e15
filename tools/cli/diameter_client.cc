#include "tools/cli/diameter_client.h"

#include "diameter/raw_avps.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace farthing::tools {

using diameter::AvpId;
using diameter::Bytes;

namespace {

constexpr std::uint32_t answer_bytes_max = 1u << 20;

}  // namespace

std::optional<DiameterEndpoint> DiameterEndpoint::parse(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) return std::nullopt;
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return DiameterEndpoint{host, text.substr(colon + 1)};
}

DiameterClient::~DiameterClient() {
  if (socket_ >= 0) close(socket_);
}

base::Result<void, std::string> DiameterClient::connect(const DiameterEndpoint& server) {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int wrong = getaddrinfo(server.host.c_str(), server.port.c_str(), &hints, &found);
      wrong != 0) {
    return fmt::format("{}:{}: {}", server.host, server.port, gai_strerror(wrong));
  }
  int error = 0;
  for (const addrinfo* at = found; at != nullptr && socket_ < 0; at = at->ai_next) {
    socket_ = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
    if (socket_ >= 0 && ::connect(socket_, at->ai_addr, at->ai_addrlen) == 0) break;
    error = errno;
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
  }
  freeaddrinfo(found);
  if (socket_ < 0) {
    return fmt::format("{}:{} does not answer: {}; start it with: farthingd --demo", server.host,
                       server.port, std::strerror(error));
  }
  const timeval timeout{answer_timeout.count(), 0};
  if (setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0) {
    return std::string(std::strerror(errno));
  }
  return {};
}

base::Result<const diameter::Message*, std::string> DiameterClient::ask(Bytes request) {
  for (std::size_t sent = 0; sent < request.size();) {
    const ssize_t some = send(socket_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (some <= 0) return std::string("the server has closed the connection");
    sent += static_cast<std::size_t>(some);
  }
  const std::uint32_t hop_by_hop = diameter::header_of(request).hop_by_hop;
  for (;;) {
    answer_bytes_.assign(4, 0);
    if (!receive(0)) return std::string("no answer came");
    const auto size = diameter::frame_size(answer_bytes_.data(), answer_bytes_max);
    if (!size.has_value()) return std::string("what came is not Diameter");
    answer_bytes_.resize(*size);
    if (!receive(4)) return std::string("the answer broke off");
    const diameter::Header header = diameter::header_of(answer_bytes_);
    if (header.is_request() || header.hop_by_hop != hop_by_hop) continue;
    if (!diameter::decode(answer_bytes_, answer_).has_value()) {
      return std::string("the answer is malformed");
    }
    return &answer_;
  }
}

bool DiameterClient::receive(std::size_t from) {
  while (from < answer_bytes_.size()) {
    const ssize_t some = recv(socket_, &answer_bytes_[from], answer_bytes_.size() - from, 0);
    if (some <= 0) return false;
    from += static_cast<std::size_t>(some);
  }
  return true;
}

std::uint32_t result_of(const diameter::Message& answer) {
  const diameter::Avp* const code = answer.find(AvpId::result_code);
  return code == nullptr ? 0 : code->u32();
}

void write_capabilities_request(diameter::Buffer& out, std::string_view origin_host,
                                std::string_view origin_realm, std::string_view product) {
  diameter::Writer writer(out);
  diameter::Header header;
  header.flags = diameter::command_flag::request;
  header.command = diameter::command::capabilities_exchange;
  header.hop_by_hop = header.end_to_end = 1;
  writer.begin(header);
  writer.put_text(AvpId::origin_host, origin_host);
  writer.put_text(AvpId::origin_realm, origin_realm);
  constexpr std::array<std::uint8_t, 4> loopback = {127, 0, 0, 1};
  writer.put_address(AvpId::host_ip_address, {diameter::Address::ipv4, loopback});
  writer.put_u32(AvpId::vendor_id, 0);
  writer.put_text(AvpId::product_name, product);
  writer.put_u32(AvpId::auth_application_id, diameter::application::credit_control);
  writer.finish();
}

}  // namespace farthing::tools
