// The capabilities exchange (RFC 6733 5.3): what a CER must say to be accepted, and the CEA.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "diameter/config.h"
#include "diameter/message.h"
#include "diameter/network.h"
#include "diameter/writer.h"

namespace farthing::diameter {

struct CerVerdict {
  ResultCode code = ResultCode::success;
  std::optional<FailedAvp> failed_avp = {};
  const PeerRule* rule = nullptr;  // The line that lets it connect, of one that is accepted.
  bool starts_tls = false;         // The CEA agrees to TLS on this connection.
};

// `is_secure`: it came over TLS, so no more is to be agreed. REQUIRES: `cer` was decoded without an
// error.
CerVerdict check_cer(const Message& cer, const IpAddress& remote, bool is_secure,
                     const ServerConfig& config);

// The line that lets a peer of this name connect from there; nullptr: it may not. Owned by
// `config`.
const PeerRule* rule_of(std::string_view origin_host, const IpAddress& remote,
                        const ServerConfig& config);

// Appends the CEA to the CER. `local` stands in for Host-IP-Address if the configuration has none.
void write_cea(Buffer& out, const Message& cer, const CerVerdict& verdict, const IpAddress& local,
               const ServerConfig& config);

// Appends our CER.
void write_cer(Buffer& out, std::uint32_t hop_by_hop, std::uint32_t end_to_end,
               const IpAddress& local, const ServerConfig& config);

// Why the CEA to it does not make the peer that `expected` names ours, in words; "": it does.
// REQUIRES: `cea` was decoded without an error.
std::string fault_of_cea(const Message& cea, const PeerRule& expected, const ServerConfig& config);

// Whether we win against a peer that connects to us while we connect to it (RFC 6733 5.6.4): its
// connection stays then, else ours does.
bool wins_election(std::string_view local, std::string_view remote);

// DiameterIdentity compares without letter case (RFC 6733 4.3.1).
bool is_same_identity(std::string_view a, std::string_view b);

}  // namespace farthing::diameter
