// Peer: one connection's side of the base protocol, without its socket. Octets go in, answers
// gather in buffers, and a state says when to close: so everything here runs in tests without a
// network.
//
// Owned by the Server, which moves the octets. One thread, as the Server.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "diameter/application.h"
#include "diameter/buffer.h"
#include "diameter/capabilities.h"
#include "diameter/config.h"
#include "diameter/message.h"
#include "diameter/message_tap.h"
#include "diameter/open_peers.h"
#include "diameter/own_request.h"
#include "diameter/peer_state.h"

namespace farthing::diameter {

// Plain counters, of all peers of a server since its start.
struct Metrics {
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t octets_in = 0;
  std::uint64_t octets_out = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_made = 0;     // By us.
  std::uint64_t connections_refused = 0;  // Over connections_max.
  std::uint64_t answers_ignored = 0;      // Unasked for.
  std::uint64_t own_requests = 0;         // Those of the application.
  std::uint64_t own_requests_lost = 0;
  std::uint64_t broken_streams = 0;  // Octets that were not Diameter.
  std::uint64_t tls_handshakes_failed = 0;
  std::uint64_t watchdogs_failed = 0;
  std::uint64_t reads_paused = 0;  // A full output queue.
  std::chrono::nanoseconds turning_away_max{0};  // From the reading to the sending.
  std::uint64_t stalled_closed = 0;
  std::uint64_t slow_closed = 0;  // A message that did not become whole.
  std::size_t peers_open = 0;
  std::size_t connections = 0;
  // Errors that the base protocol answered with, by Result-Code.
  std::map<std::uint32_t, std::uint64_t> errors;
};

// Lets one log line a minute through for each key, and remembers no more than a thousand keys.
class RateLimiter {
 public:
  bool allows(std::string_view key, MonotonicTime now);

 private:
  std::unordered_map<std::string, MonotonicTime> last_;
};

class Peer;

// What the peers of one server share.
struct PeerContext {
  PeerContext(const ServerConfig& server_config, Application& server_application)
      : config(server_config), application(server_application) {}

  void log(LogLevel level, std::string_view text) const { config.log(level, text); }
  std::uint32_t random() { return config.random ? config.random() : ++fixed_sequence; }

  const ServerConfig& config;
  Application& application;
  MessageTap* tap = nullptr;  // nullptr: nobody looks
  Metrics metrics;
  Message message;  // The one being worked on.
  OpenPeers open_peers;
  std::vector<Peer*> initiated;   // Those that wait for a CEA.
  std::vector<Peer*> ready;       // Those with octets to send.
  std::vector<Peer*> gathering;   // Those with held octets of the batch being gathered,
  std::vector<Peer*> committing;  // and of the one sealed before.
  std::unordered_map<std::string, std::uint32_t> state_ids;  // The last one of each Origin-Host.
  RateLimiter limiter;
  std::uint32_t fixed_sequence = 0;
};

class Peer {
 public:
  // `expected`: we connected to it, and it must be who this names; nullptr: it connected to us.
  Peer(PeerContext& context, std::uint64_t id, IpAddress remote, IpAddress local,
       const PeerRule* expected = nullptr);
  virtual ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // For the application.

  // Never given twice in one run of a server.
  std::uint64_t id() const { return id_; }
  // Empty before the capabilities exchange.
  const std::string& origin_host() const { return origin_host_; }
  const std::string& origin_realm() const { return origin_realm_; }
  const std::string& product_name() const { return product_name_; }
  std::optional<std::uint32_t> origin_state_id() const { return origin_state_id_; }
  const IpAddress& remote_address() const { return remote_; }
  // That of the line that let it connect; the default one before the capabilities exchange.
  const PeerProfile& profile() const { return profile_; }
  PeerState state() const { return state_; }
  // Why it said goodbye, if it did.
  std::optional<std::uint32_t> disconnect_cause() const { return disconnect_cause_; }
  bool is_suspect() const { return watchdog_.is_suspect(); }
  // Whole messages only may stand in these when control goes back to the server.
  Buffer& ready_buffer();
  Buffer& held_buffer();
  // Begins a request of ours. The caller writes it with this header, whole and at once:
  //   if (const auto header = peer.begin_request({command::re_auth, 4, id})) {
  //     Writer writer(peer.ready_buffer());
  //     writer.begin(*header); ... writer.finish();
  //   }
  // Outside of on_request and Server::post, Server::flush sends it. Its end is Application's
  // on_answer or on_request_lost. Nothing: the peer is not open, or has own_requests_max under way.
  std::optional<Header> begin_request(const OwnRequest& request);

  // For the server.

  // Works on whole messages at the front of `input`, so many at most; returns how many octets are
  // done with.
  std::size_t receive(Bytes input, MonotonicTime now, std::size_t messages_max = SIZE_MAX);
  // A whole message that was just read, while others wait. True: it was turned away.
  bool turns_away(Bytes frame, Pressure pressure, MonotonicTime now);
  // `is_read`: what it sends is read; while it is not, its silence says nothing.
  void check_deadlines(MonotonicTime now, bool is_read = true);
  // Says goodbye for this reason (RFC 6733 5.4.3).
  void stop(MonotonicTime now, std::uint32_t cause = disconnect_cause::rebooting);
  // The connection that we made is there: the CER goes out. REQUIRES: it has an expected peer.
  void send_cer();
  // The handshake that followed the CEA succeeded.
  void secured(MonotonicTime now);
  void disconnected(MonotonicTime now) { handle(PeerEvent::disconnected, now); }
  // Octets not yet handed to the socket.
  std::size_t waiting_size_bytes() const {
    return ready_.size() + gathering_.size() + committing_.size();
  }
  // The server has taken the peer off context.ready.
  void unlist_ready() { is_in_ready_ = false; }
  // Takes what is to be sent now; `out` is empty before.
  void take_ready(Buffer& out);
  void seal_held();
  void release_held();

 protected:
  // What the transport knows: whether it is TLS now, and whose certificate the other side showed.
  virtual bool is_secure() const { return false; }
  virtual bool has_certificate_of(std::string_view /*origin_host*/) const { return false; }

  // Warnings and errors once a minute each.
  void log(LogLevel level, std::string_view what);

 private:
  std::size_t tell_ahead(Bytes input);
  void on_frame(const std::optional<DecodeError>& error, MonotonicTime now);
  void on_request(const std::optional<DecodeError>& error, MonotonicTime now);
  void on_cea(bool is_readable, MonotonicTime now);
  void on_cer(const std::optional<DecodeError>& error, MonotonicTime now);
  CerVerdict verdict_on(const std::optional<DecodeError>& error);
  void note_names(const Message& message);
  void answer_cer(const CerVerdict& verdict, MonotonicTime now);
  bool is_new() const { return state_ == PeerState::wait_cer || state_ == PeerState::electing; }
  // What becomes of a CER that came while there is another connection of that name: nothing yet, or
  // how it is to be answered.
  std::optional<CerVerdict> elect(const CerVerdict& verdict, MonotonicTime now);
  void check_election(MonotonicTime now);
  void ask_rival(Peer& rival, MonotonicTime now);
  void be_replaced(MonotonicTime now);
  void tell_open();
  void on_answer(bool is_readable, MonotonicTime now);
  void on_own_answer(bool is_readable, MonotonicTime now);
  void lose_requests(const std::vector<std::uint64_t>& ids, RequestLost why);
  PeerTransition handle(PeerEvent event, MonotonicTime now);
  void enter(PeerState next, MonotonicTime now);
  void broken(ResultCode code, MonotonicTime now);

  void answer_error(ResultCode code, const std::optional<FailedAvp>& failed_avp = {});
  void send_simple_answer();  // DWA and DPA.
  void send_request(std::uint32_t command);
  void note_disconnect_cause();
  void note_state_id(std::optional<std::uint32_t> noted);
  bool serves_any_destination() const;
  bool is_served(ResultCode& code) const;
  bool is_for_us(ResultCode& code) const;
  std::chrono::milliseconds watchdog_interval();

  PeerContext& context_;
  const std::uint64_t id_;
  const IpAddress remote_;
  const IpAddress local_;
  PeerState state_ = PeerState::wait_cer;
  MonotonicTime deadline_{};
  Watchdog watchdog_;

  std::string origin_host_;
  std::string origin_realm_;
  std::string product_name_;
  std::optional<std::uint32_t> origin_state_id_;
  PeerProfile profile_;
  const PeerRule* rule_;  // That let it connect, or by which we connected.
  std::optional<std::uint32_t> cer_state_id_;
  std::vector<std::uint8_t> contested_cer_;
  std::uint64_t rival_id_ = 0;
  std::uint64_t rival_heard_ = 0;
  MonotonicTime contested_at_{};

  Buffer ready_;
  Buffer gathering_;
  Buffer committing_;
  bool is_known_to_application_ = false;
  bool is_in_ready_ = false;
  bool is_in_gathering_ = false;
  bool is_in_committing_ = false;

  OwnRequests own_requests_;
  std::uint64_t heard_ = 0;  // Messages.
  std::uint32_t next_hop_by_hop_;
  std::uint32_t cer_hop_by_hop_ = 0;
  std::uint32_t our_cause_ = 0;
  std::optional<std::uint32_t> disconnect_cause_;
  std::uint32_t dwr_hop_by_hop_ = 0;
  std::uint32_t dpr_hop_by_hop_ = 0;
  bool is_dwr_pending_ = false;
  bool is_dpr_pending_ = false;
};

}  // namespace farthing::diameter
