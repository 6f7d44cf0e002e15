#include "diameter/text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

namespace farthing::diameter {

namespace {

constexpr std::array<std::pair<std::uint32_t, std::string_view>, 8> command_names = {{
    {command::capabilities_exchange, "Capabilities-Exchange"},
    {command::re_auth, "Re-Auth"},
    {command::accounting, "Accounting"},
    {command::credit_control, "Credit-Control"},
    {command::abort_session, "Abort-Session"},
    {command::session_termination, "Session-Termination"},
    {command::device_watchdog, "Device-Watchdog"},
    {command::disconnect_peer, "Disconnect-Peer"},
}};

std::string command_text(const Header& header) {
  const char* const kind = header.is_request() ? "-Request" : "-Answer";
  for (const auto& [code, text] : command_names) {
    if (code == header.command) return std::string(text) + kind;
  }
  return "Command " + std::to_string(header.command) + kind;
}

std::string octets_text(Bytes octets) {
  constexpr std::size_t shown_max = 32;
  const bool printable =
      !octets.empty() && std::all_of(octets.begin(), octets.end(),
                                     [](auto octet) { return octet >= ' ' && octet <= '~'; });
  if (printable) return "\"" + std::string(octets.begin(), octets.end()) + "\"";
  std::string text = "0x";
  for (std::size_t i = 0; i < std::min(octets.size(), shown_max); ++i) {
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", octets[i]);
    text += hex;
  }
  return octets.size() > shown_max ? text + "..." : text;
}

std::string time_text(base::Time time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string value_text(const Avp& avp) {
  switch (definition(avp.id).type) {
    case AvpType::unsigned32:
    case AvpType::enumerated: {
      std::string text = std::to_string(avp.u32());
      if (avp.id == AvpId::result_code) {
        text += " " + std::string(name(static_cast<ResultCode>(avp.u32())));
      }
      return text;
    }
    case AvpType::integer32:
      return std::to_string(avp.i32());
    case AvpType::unsigned64:
      return std::to_string(avp.u64());
    case AvpType::integer64:
      return std::to_string(avp.i64());
    case AvpType::time:
      return time_text(avp.time());
    case AvpType::grouped:
      return "";
    default:
      return octets_text(avp.bytes());
  }
}

}  // namespace

std::string to_text(const Message& message) {
  const Header& header = message.header();
  std::string text = command_text(header) + "  hop-by-hop " + std::to_string(header.hop_by_hop) +
                     "  end-to-end " + std::to_string(header.end_to_end) +
                     (header.is_retransmitted() ? "  T" : "") + (header.is_error() ? "  E" : "") +
                     "\n";
  for (const Avp& avp : message.tape()) {
    std::string label(2 * (avp.depth + 1u), ' ');
    label += avp.id == AvpId::unknown
                 ? "AVP " + std::to_string(avp.code) + "/" + std::to_string(avp.vendor)
                 : std::string(name(avp.id));
    const std::string value = value_text(avp);
    if (!value.empty()) label.resize(std::max<std::size_t>(label.size() + 1, 40), ' ');
    text += label + value + "\n";
  }
  return text;
}

}  // namespace farthing::diameter
