#include "tests/system/wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "diameter/buffer.h"
#include "diameter/byte_order.h"
#include "diameter/dictionary.h"
#include "diameter/message.h"
#include "diameter/pcap.h"
#include "diameter/writer.h"
#include "tests/system/process.h"

namespace farthing::test {

using diameter::AvpId;

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Wire::Wire(std::uint16_t port, const char* address) {
  socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) fail("socket");
  sockaddr_in endpoint{};
  endpoint.sin_family = AF_INET;
  endpoint.sin_port = htons(port);
  if (inet_pton(AF_INET, address, &endpoint.sin_addr) != 1) fail("inet_pton");
  if (connect(socket_, reinterpret_cast<sockaddr*>(&endpoint), sizeof endpoint) != 0) {
    const int error = errno;
    close(socket_);
    errno = error;
    fail("connect");
  }
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Wire::~Wire() { close(socket_); }

bool Wire::send(const Octets& octets) {
  exchanged_.push_back({true, octets});
  for (std::size_t sent = 0; sent < octets.size();) {
    const ssize_t some = ::send(socket_, &octets[sent], octets.size() - sent, MSG_NOSIGNAL);
    if (some < 0) return false;
    sent += static_cast<std::size_t>(some);
  }
  return true;
}

std::optional<Octets> Wire::receive() {
  for (;;) {
    if (unread_.size() >= 4) {
      const std::size_t size = diameter::load_u24(&unread_[1]);
      if (unread_.size() >= size) {
        const auto end = unread_.begin() + static_cast<std::ptrdiff_t>(size);
        Octets frame(unread_.begin(), end);
        unread_.erase(unread_.begin(), end);
        exchanged_.push_back({false, frame});
        return frame;
      }
    }
    pollfd wanted{socket_, POLLIN, 0};
    const int ready = poll(&wanted, 1, static_cast<int>(patience.count() * 1000));
    if (ready == 0) throw std::runtime_error("no answer came");
    std::array<std::uint8_t, 65536> chunk;
    const ssize_t got = recv(socket_, chunk.data(), chunk.size(), 0);
    if (got <= 0) return std::nullopt;
    unread_.insert(unread_.end(), chunk.data(), chunk.data() + got);
  }
}

Octets Wire::ask(const Octets& request) {
  if (!send(request)) throw std::runtime_error("the connection is closed");
  auto answer = receive();
  if (!answer) throw std::runtime_error("closed instead of answered");
  return std::move(*answer);
}

std::string Wire::capture() const {
  diameter::PcapWriter writer;
  std::string out = diameter::PcapWriter::file_header();
  base::Time at{};
  for (const Exchanged& frame : exchanged_) {
    at += std::chrono::seconds(1);
    out += writer.packets(0, frame.from_client, at, frame.octets);
  }
  return out;
}

namespace {

diameter::Header request_header(std::uint32_t command, std::uint32_t application) {
  static std::uint32_t last = 0;
  ++last;
  return {diameter::command_flag::request, command, application, last, last};
}

Octets octets_of(const diameter::Buffer& buffer) {
  return {buffer.data(), buffer.data() + buffer.size()};
}

void put_units(diameter::Writer& writer, AvpId group, const std::optional<std::uint64_t>& octets,
               const std::optional<std::uint32_t>& seconds) {
  if (!octets && !seconds) return;
  writer.begin_group(group);
  if (octets) writer.put_u64(AvpId::cc_total_octets, *octets);
  if (seconds) writer.put_u32(AvpId::cc_time, *seconds);
  writer.end_group();
}

}  // namespace

Octets capabilities_request(std::string_view origin_host) {
  diameter::Buffer buffer;
  diameter::Writer writer(buffer);
  writer.begin(request_header(diameter::command::capabilities_exchange, 0));
  writer.put_text(AvpId::origin_host, origin_host);
  writer.put_text(AvpId::origin_realm, "client.example");
  constexpr std::array<std::uint8_t, 4> loopback = {127, 0, 0, 1};
  writer.put_address(AvpId::host_ip_address, {diameter::Address::ipv4, loopback});
  writer.put_u32(AvpId::vendor_id, 0);
  writer.put_text(AvpId::product_name, "test");
  writer.put_u32(AvpId::auth_application_id, diameter::application::credit_control);
  writer.finish();
  return octets_of(buffer);
}

Octets credit_request(const CreditRequest& request) {
  diameter::Buffer buffer;
  diameter::Writer writer(buffer);
  writer.begin(
      request_header(diameter::command::credit_control, diameter::application::credit_control));
  writer.put_text(AvpId::session_id, request.session);
  writer.put_text(AvpId::origin_host, "client.example");
  writer.put_text(AvpId::origin_realm, "client.example");
  writer.put_text(AvpId::destination_realm, "farthing.example");
  writer.put_u32(AvpId::auth_application_id, diameter::application::credit_control);
  writer.put_text(AvpId::service_context_id, request.context);
  writer.put_u32(AvpId::cc_request_type, request.type);
  writer.put_u32(AvpId::cc_request_number, request.number);
  if (request.at) writer.put_time(AvpId::event_timestamp, *request.at);
  writer.begin_group(AvpId::subscription_id);
  writer.put_u32(AvpId::subscription_id_type, 0);
  writer.put_text(AvpId::subscription_id_data, request.msisdn);
  writer.end_group();
  writer.begin_group(AvpId::multiple_services_credit_control);
  put_units(writer, AvpId::requested_service_unit, request.requested_octets,
            request.requested_seconds);
  put_units(writer, AvpId::used_service_unit, request.used_octets, request.used_seconds);
  writer.put_u32(AvpId::rating_group, request.rating_group);
  writer.end_group();
  if (!request.called.empty()) {
    writer.begin_group(AvpId::service_information);
    writer.begin_group(AvpId::ims_information);
    writer.put_text(AvpId::called_party_address, request.called);
    writer.end_group();
    writer.end_group();
  }
  writer.finish();
  return octets_of(buffer);
}

std::uint32_t command_of(const Octets& frame) { return diameter::load_u24(&frame.at(5)); }

std::uint32_t result_of(const Octets& answer) {
  const auto message = std::make_unique<diameter::Message>();
  if (!diameter::decode({answer.data(), answer.size()}, *message).has_value()) {
    throw std::runtime_error("the answer is not well-formed");
  }
  const diameter::Avp* result = message->find(AvpId::result_code);
  return result == nullptr ? 0 : result->u32();
}

}  // namespace farthing::test
