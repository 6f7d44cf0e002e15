// What is special about one peer: plain data that the configuration names for a line of its list of
// peers, and that credit control and the base protocol obey. The defaults are safe with every
// client that is known: they ask for nothing that a client of RFC 4006 may lack.
//
// It includes nothing of ours, so that the configuration can fill it without knowing the protocol.
// Threads: no shared state.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace farthing::diameter {

struct PeerProfile {
  // How a grant meets a change of tariff (RFC 8506 5.1.1, 5.1.2, 8.20).
  enum class TariffChange : std::uint8_t {
    validity,    // Validity-Time ends at the change; no Tariff-Time-Change is sent.
    one_quota,   // Tariff-Time-Change, one quota that can pay the dearer side.
    two_quotas,  // Tariff-Time-Change, a quota before and one after (Tariff-Change-Usage).
  };
  // What a service that costs nothing is answered with (RFC 8506 9.1).
  enum class FreeService : std::uint16_t {
    success = 2001,                        // A grant.
    credit_control_not_applicable = 4011,  // Served without credit control; some refuse the call.
  };
  // Whether a Multiple-Services-Credit-Control without a Rating-Group is served.
  enum class RatingGroups : std::uint8_t {
    lenient,  // Yes, by the service's default.
    strict,   // No: 5031 with a Failed-AVP.
  };
  // What the peer can do when the last units are used up (RFC 8506 5.6).
  enum class FinalUnits : std::uint8_t {
    any,        // Whatever the offer says: terminate, redirect, restrict.
    terminate,  // It can neither redirect nor restrict.
  };
  // Which Destination-Host and Destination-Realm are served to this peer.
  enum class Destinations : std::uint8_t {
    inherit,  // As the server's configuration says.
    any,
    own,
  };

  TariffChange tariff_change = TariffChange::validity;
  // At most one Multiple-Services-Credit-Control in an answer; excludes two_quotas, which needs
  // two.
  bool one_service = false;
  FreeService free_service = FreeService::success;
  RatingGroups rating_groups = RatingGroups::lenient;
  FinalUnits final_units = FinalUnits::any;
  // It knows QoS-Final-Unit-Indication and Redirect-Server-Extension (RFC 8506 8.64, 8.68).
  bool qos_final_unit = false;
  bool reauthorise = true;  // It may be sent a Re-Auth-Request.
  bool abort = true;        // It may be sent an Abort-Session-Request.
  Destinations destinations = Destinations::inherit;
  // It may have several connections at a time, against RFC 6733 2.1; else a second one takes the
  // place of one that is dead, and is refused beside one that lives.
  bool several_connections = false;
  // More requests a second than these are too much, whatever the server could do; 0: there is no
  // limit. What reports usage is served all the same.
  std::uint32_t requests_per_second = 0;
  // The client's Tx (RFC 8506 13): after it an answer is of no use.
  std::chrono::seconds tx{10};

  friend bool operator==(const PeerProfile&, const PeerProfile&) = default;
};

struct NamedPeerProfile {
  std::string_view name;
  PeerProfile profile;
};

// What is known of clients in the field. "default" is what a peer has that names none.
inline constexpr std::array<NamedPeerProfile, 6> builtin_profiles = {{
    {"default", {}},
    // Takes the last service of an answer, ends at any final unit, and answers a Re-Auth-Request
    // without acting on it.
    {"open5gs",
     {.one_service = true,
      .final_units = PeerProfile::FinalUnits::terminate,
      .reauthorise = false,
      .abort = false}},
    // Redirects to SIP URIs only, and only in the first answer; refuses a call at 4011.
    {"kamailio", {.final_units = PeerProfile::FinalUnits::terminate}},
    // That of Debian 12 has no handler for requests of a server.
    {"kamailio-5.6",
     {.final_units = PeerProfile::FinalUnits::terminate, .reauthorise = false, .abort = false}},
    // Hangs up at any final unit; takes 4011 for a free call.
    {"siphon-sip",
     {.free_service = PeerProfile::FreeService::credit_control_not_applicable,
      .final_units = PeerProfile::FinalUnits::terminate}},
    // One tariff time a service, one quota across it.
    {"cisco", {.tariff_change = PeerProfile::TariffChange::one_quota}},
}};

}  // namespace farthing::diameter
