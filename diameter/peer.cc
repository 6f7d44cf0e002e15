#include "diameter/peer.h"

#include <algorithm>
#include <array>

#include "diameter/capabilities.h"
#include "diameter/error_answer.h"
#include "diameter/writer.h"
#include "engine/base/assert.h"

namespace farthing::diameter {

namespace {

constexpr std::size_t limiter_keys_max = 1024;
constexpr std::size_t state_ids_max = 65536;
constexpr std::size_t identity_size_bytes_max =
    255;  // A DNS name (RFC 6733 4.3.1, RFC 1035 2.3.4).
constexpr std::chrono::minutes limiter_interval{1};

std::optional<std::uint32_t> state_id_in(const Message& message) {
  const Avp* avp = message.find(AvpId::origin_state_id);
  return avp == nullptr ? std::nullopt : std::optional(avp->u32());
}

}  // namespace

bool RateLimiter::allows(std::string_view key, MonotonicTime now) {
  if (last_.size() >= limiter_keys_max) last_.clear();
  const auto [at, is_new] = last_.try_emplace(std::string(key), now);
  if (is_new) return true;
  if (now - at->second < limiter_interval) return false;
  at->second = now;
  return true;
}

Peer::Peer(PeerContext& context, std::uint64_t id, IpAddress remote, IpAddress local,
           const PeerRule* expected)
    : context_(context),
      id_(id),
      remote_(remote),
      local_(local),
      state_(expected == nullptr ? PeerState::wait_cer : PeerState::wait_cea),
      deadline_(context.config.now() + context.config.cer_timeout),
      rule_(expected),
      next_hop_by_hop_(context.random()) {}

Peer::~Peer() {
  if (is_in_ready_) std::erase(context_.ready, this);
  if (is_in_gathering_) std::erase(context_.gathering, this);
  if (is_in_committing_) std::erase(context_.committing, this);
  if (state_ == PeerState::open) context_.open_peers.remove(*this);
  if (state_ == PeerState::wait_cea) std::erase(context_.initiated, this);
}

Buffer& Peer::ready_buffer() {
  if (!is_in_ready_) {
    is_in_ready_ = true;
    context_.ready.push_back(this);
  }
  return ready_;
}

Buffer& Peer::held_buffer() {
  if (!is_in_gathering_) {
    is_in_gathering_ = true;
    context_.gathering.push_back(this);
  }
  return gathering_;
}

std::optional<Header> Peer::begin_request(const OwnRequest& request) {
  if (state_ != PeerState::open) return std::nullopt;
  if (own_requests_.size() >= context_.config.own_requests_max) return std::nullopt;
  const std::uint32_t hop_by_hop = next_hop_by_hop_++;
  own_requests_.add({hop_by_hop, request.command, request.application, request.id,
                     context_.config.now() + request.timeout});
  ++context_.metrics.own_requests;
  std::uint8_t flags = command_flag::request | command_flag::proxiable;
  if (request.repeated_end_to_end) flags |= command_flag::retransmitted;
  return Header{flags, request.command, request.application, hop_by_hop,
                request.repeated_end_to_end.value_or(context_.random())};
}

void Peer::lose_requests(const std::vector<std::uint64_t>& ids, RequestLost why) {
  context_.metrics.own_requests_lost += ids.size();
  for (const std::uint64_t id : ids) context_.application.on_request_lost(id, why);
}

void Peer::take_ready(Buffer& out) {
  FARTHING_ASSERT(out.empty());
  out.swap(ready_);
  for (std::size_t at = 0; at < out.size();) {
    const std::size_t size = load_u24(out.data() + at + 1);
    ++context_.metrics.messages_out;
    if (context_.tap != nullptr) context_.tap->on_sent(*this, out.bytes().subspan(at, size));
    at += size;
  }
}

void Peer::seal_held() {
  FARTHING_ASSERT(!is_in_committing_ && committing_.empty());
  is_in_gathering_ = false;
  is_in_committing_ = true;
  committing_.swap(gathering_);
}

void Peer::release_held() {
  FARTHING_ASSERT(is_in_committing_);
  is_in_committing_ = false;
  Buffer& ready = ready_buffer();
  if (ready.empty()) {
    ready.swap(committing_);
  } else {
    ready.append(committing_.bytes());
    committing_.clear();
  }
}

std::size_t Peer::receive(Bytes input, MonotonicTime now, std::size_t messages_max) {
  constexpr std::size_t size_field_bytes = 4;
  std::size_t at = 0;
  std::size_t seen_ahead = 0;  // up to where the application has been told
  while (state_ != PeerState::draining && state_ != PeerState::closed) {
    if (state_ == PeerState::securing || state_ == PeerState::electing) return at;
    if (input.size() - at < size_field_bytes) return at;
    const auto size = frame_size(input.data() + at, context_.config.message_size_bytes_max);
    if (size.has_error()) {
      broken(size.error(), now);
      break;
    }
    if (input.size() - at < *size || messages_max-- == 0) return at;
    if (context_.tap != nullptr) context_.tap->on_received(*this, input.subspan(at, *size));
    if (at >= seen_ahead) seen_ahead = at + tell_ahead(input.subspan(at));
    const auto result = decode(input.subspan(at, *size), context_.message);
    ++context_.metrics.messages_in;
    watchdog_.on_message(now);
    ++heard_;
    on_frame(result.has_error() ? std::optional(result.error()) : std::nullopt, now);
    at += *size;
  }
  return input.size();  // What comes after the end is not looked at.
}

bool Peer::turns_away(Bytes frame, Pressure pressure, MonotonicTime now) {
  if (state_ != PeerState::open) return false;
  if (!context_.application.turns_away(*this, frame, pressure)) return false;
  if (context_.tap != nullptr) context_.tap->on_received(*this, frame);
  ++context_.metrics.messages_in;
  watchdog_.on_message(now);
  ++heard_;
  return true;
}

// Shows the application the whole frames at the front of `input`; how far they reach.
std::size_t Peer::tell_ahead(Bytes input) {
  std::array<Bytes, Application::ahead_max> frames;
  std::size_t count = 0;
  std::size_t at = 0;
  while (count < frames.size() && input.size() - at >= header_size_bytes) {
    const auto size = frame_size(input.data() + at, context_.config.message_size_bytes_max);
    if (size.has_error() || input.size() - at < *size) break;
    frames[count++] = input.subspan(at, *size);
    at += *size;
  }
  if (count > 1) context_.application.on_frames_ahead({frames.data(), count});
  return std::max<std::size_t>(at, 1);
}

void Peer::broken(ResultCode code, MonotonicTime now) {
  ++context_.metrics.broken_streams;
  log(LogLevel::warning, name(code));
  handle(PeerEvent::broken, now);
}

PeerTransition Peer::handle(PeerEvent event, MonotonicTime now) {
  const PeerTransition step = transition(state_, event);
  switch (step.action) {
    case PeerAction::send_dwa:
    case PeerAction::send_dpa:
      send_simple_answer();
      break;
    case PeerAction::note_dwa:
      watchdog_.on_dwa(now);
      break;
    case PeerAction::send_dpr:
      send_request(command::disconnect_peer);
      break;
    case PeerAction::ignore:
    case PeerAction::send_cea:
    case PeerAction::deliver:
      break;  // Done by whoever raised the event: they need the message.
  }
  if (step.next != state_) enter(step.next, now);
  return step;
}

void Peer::enter(PeerState next, MonotonicTime now) {
  const PeerState before = state_;
  const bool was_open = before == PeerState::open || before == PeerState::closing;
  const bool is_open = next == PeerState::open || next == PeerState::closing;
  state_ = next;
  deadline_ = now + (next == PeerState::securing ? context_.config.cer_timeout
                                                 : context_.config.closing_timeout);
  if (is_open && !was_open) {
    ++context_.metrics.peers_open;
    watchdog_.start(now, watchdog_interval());
    log(LogLevel::info, "open");
  }
  if (before == PeerState::wait_cea) std::erase(context_.initiated, this);
  // A peer that is about to go is sent nothing more, and its answers are not waited for.
  if (before == PeerState::open) {
    context_.open_peers.remove(*this);
    lose_requests(own_requests_.take_all(), RequestLost::peer_gone);
  }
  if (next == PeerState::open) context_.open_peers.add(*this);
  if (was_open && !is_open) {
    --context_.metrics.peers_open;
    log(LogLevel::info, "gone");
  }
  if (next == PeerState::closed && is_known_to_application_) {
    is_known_to_application_ = false;
    context_.application.on_peer_closed(*this);
  }
}

void Peer::on_frame(const std::optional<DecodeError>& error, MonotonicTime now) {
  const Header& header = context_.message.header();
  if (!header.is_request()) return on_answer(!error, now);
  if (header.command == command::capabilities_exchange && header.application == 0) {
    if (state_ != PeerState::wait_cea) return on_cer(error, now);
  }
  if (state_ == PeerState::wait_cer || state_ == PeerState::wait_cea) {
    log(LogLevel::warning, "a request before the capabilities exchange");
    handle(PeerEvent::request, now);
    return;
  }
  on_request(error, now);
}

CerVerdict Peer::verdict_on(const std::optional<DecodeError>& error) {
  if (error) return {error->code, error->failed_avp};
  const Message& cer = context_.message;
  const CerVerdict verdict = check_cer(cer, remote_, is_secure(), context_.config);
  if (verdict.starts_tls && !is_new()) return {ResultCode::no_common_security};
  const bool lacks_certificate = verdict.rule != nullptr && verdict.rule->certificate_required &&
                                 !verdict.starts_tls &&
                                 !has_certificate_of(cer.find(AvpId::origin_host)->text());
  if (!lacks_certificate) return verdict;
  log(LogLevel::warning, "its certificate does not name it");
  return {ResultCode::unknown_peer};
}

void Peer::on_cer(const std::optional<DecodeError>& error, MonotonicTime now) {
  if (is_new() && !error) note_names(context_.message);
  const auto verdict = elect(verdict_on(error), now);
  if (verdict) answer_cer(*verdict, now);
}

void Peer::note_names(const Message& message) {
  const auto text_of = [&](AvpId id) {
    const Avp* avp = message.find(id);
    return avp == nullptr ? std::string_view() : avp->text().substr(0, identity_size_bytes_max);
  };
  origin_host_ = text_of(AvpId::origin_host);
  origin_realm_ = text_of(AvpId::origin_realm);
  product_name_ = text_of(AvpId::product_name);
}

// RFC 6733 5.6.4: we connect to this peer while it connects to us. And 5.6: a peer that is
// connected is not connected once more; but it may have lost the connection without our knowing.
std::optional<CerVerdict> Peer::elect(const CerVerdict& verdict, MonotonicTime now) {
  if (verdict.code != ResultCode::success || !is_new()) return verdict;
  if (verdict.rule->profile.several_connections) return verdict;
  // Who has not shown its certificate yet takes nobody's place.
  if (verdict.starts_tls && verdict.rule->certificate_required) return verdict;
  const auto ours =
      std::find_if(context_.initiated.begin(), context_.initiated.end(), [this](const Peer* peer) {
        return is_same_identity(peer->rule_->origin_host, origin_host_);
      });
  if (ours != context_.initiated.end()) {
    if (!wins_election(context_.config.identity.origin_host, origin_host_)) {
      return CerVerdict{ResultCode::election_lost};
    }
    (*ours)->be_replaced(now);
  }
  Peer* const rival = context_.open_peers.best(origin_host_);
  if (rival == nullptr) return verdict;
  if (rival->is_suspect()) {
    rival->be_replaced(now);
    return verdict;
  }
  const Bytes frame = context_.message.frame();
  contested_cer_.assign(frame.begin(), frame.end());
  ask_rival(*rival, now);
  handle(PeerEvent::cer_contested, now);
  return std::nullopt;
}

void Peer::ask_rival(Peer& rival, MonotonicTime now) {
  rival_id_ = rival.id_;
  rival_heard_ = rival.heard_;
  contested_at_ = now;
  if (!rival.is_dwr_pending_) rival.send_request(command::device_watchdog);
}

void Peer::be_replaced(MonotonicTime now) {
  log(LogLevel::warning, "replaced by another connection of this peer");
  handle(PeerEvent::replaced, now);
}

void Peer::check_election(MonotonicTime now) {
  Peer* const rival = context_.open_peers.best(origin_host_);
  bool is_won = rival == nullptr;
  if (rival != nullptr) {
    if (rival->id_ != rival_id_) return ask_rival(*rival, now);
    const bool is_alive = rival->heard_ != rival_heard_;
    if (!is_alive && now - contested_at_ < context_.config.election_timeout) return;
    if (!is_alive) rival->be_replaced(now);
    is_won = !is_alive;
  }
  const auto decoded = decode(contested_cer_, context_.message);
  FARTHING_ASSERT(decoded.has_value());  // It was when it came.
  answer_cer(is_won ? verdict_on({}) : CerVerdict{ResultCode::election_lost}, now);
}

void Peer::answer_cer(const CerVerdict& verdict, MonotonicTime now) {
  const Message& cer = context_.message;
  const bool is_first = is_new();
  const bool is_accepted = verdict.code == ResultCode::success;
  const PeerEvent event = !is_accepted         ? PeerEvent::cer_refused
                          : verdict.starts_tls ? PeerEvent::cer_accepted_securing
                                               : PeerEvent::cer_accepted;
  const PeerTransition step = handle(event, now);
  if (step.action != PeerAction::send_cea) return;
  write_cea(ready_buffer(), cer, verdict, local_, context_.config);
  if (!is_accepted) {
    ++context_.metrics.errors[static_cast<std::uint32_t>(verdict.code)];
    log(LogLevel::warning, name(verdict.code));
    return;
  }
  if (is_first) {
    rule_ = verdict.rule;
    profile_ = rule_->profile;
    cer_state_id_ = state_id_in(cer);
    if (state_ == PeerState::securing) return;  // What it says counts when we know who it is.
    tell_open();
  }
  note_state_id(state_id_in(cer));
}

void Peer::send_cer() {
  FARTHING_ASSERT(state_ == PeerState::wait_cea);
  if (is_secure() && !has_certificate_of(rule_->origin_host)) {
    log(LogLevel::warning, "its certificate does not name it");
    handle(PeerEvent::cea_refused, context_.config.now());
    return;
  }
  context_.initiated.push_back(this);
  cer_hop_by_hop_ = next_hop_by_hop_++;
  write_cer(ready_buffer(), cer_hop_by_hop_, context_.random(), local_, context_.config);
}

void Peer::on_cea(bool is_readable, MonotonicTime now) {
  const Message& cea = context_.message;
  std::string fault;
  if (cea.header().hop_by_hop != cer_hop_by_hop_) {
    fault = "a CEA to another CER";
  } else if (!is_readable) {
    fault = "a CEA that cannot be read";
  } else {
    fault = fault_of_cea(cea, *rule_, context_.config);
  }
  if (fault.empty() && context_.open_peers.best(rule_->origin_host) != nullptr) {
    fault = "it is connected already";
  }
  if (!fault.empty()) {
    log(LogLevel::warning, fault);
    handle(PeerEvent::cea_refused, now);
    return;
  }
  note_names(cea);
  profile_ = rule_->profile;
  handle(PeerEvent::cea_accepted, now);
  tell_open();
  note_state_id(state_id_in(cea));
}

void Peer::tell_open() {
  is_known_to_application_ = true;
  context_.application.on_peer_open(*this);
}

void Peer::secured(MonotonicTime now) {
  FARTHING_ASSERT(state_ == PeerState::securing);
  if (rule_->certificate_required && !has_certificate_of(origin_host_)) {
    log(LogLevel::warning, "its certificate does not name it");
    handle(PeerEvent::broken, now);
    return;
  }
  Peer* const rival = context_.open_peers.best(origin_host_);
  if (rival != nullptr && !profile_.several_connections) {
    if (!rival->is_suspect()) {
      log(LogLevel::warning, "it is connected already");
      handle(PeerEvent::replaced, now);
      return;
    }
    rival->be_replaced(now);
  }
  handle(PeerEvent::secured, now);
  tell_open();
  note_state_id(cer_state_id_);
}

void Peer::on_request(const std::optional<DecodeError>& error, MonotonicTime now) {
  const Header& header = context_.message.header();
  ResultCode code = ResultCode::success;
  // An open peer is answered, a closing one is not listened to.
  const bool is_answered = transition(state_, PeerEvent::request).action == PeerAction::deliver;
  if (error && error->code == ResultCode::invalid_hdr_bits) {
    if (is_answered) answer_error(error->code);
    return;
  }
  if (!is_served(code)) {
    if (is_answered) answer_error(code);
    return;
  }
  if (error) {
    if (is_answered) answer_error(error->code, error->failed_avp);
    return;
  }
  if (header.application == application::base) {
    if (header.command == command::disconnect_peer) {
      note_disconnect_cause();
      handle(PeerEvent::dpr, now);
    } else {
      note_state_id(state_id_in(context_.message));
      handle(PeerEvent::dwr, now);
    }
    return;
  }
  if (handle(PeerEvent::request, now).action != PeerAction::deliver) return;
  if (!is_for_us(code)) return answer_error(code);
  context_.application.on_request(*this, context_.message);
}

void Peer::on_answer(bool is_readable, MonotonicTime now) {
  const Header& header = context_.message.header();
  if (state_ == PeerState::wait_cea && header.command == command::capabilities_exchange) {
    return on_cea(is_readable, now);
  }
  if (is_readable && header.command == command::device_watchdog && is_dwr_pending_ &&
      header.hop_by_hop == dwr_hop_by_hop_) {
    is_dwr_pending_ = false;
    note_state_id(state_id_in(context_.message));
    handle(PeerEvent::dwa, now);
    return;
  }
  if (is_readable && header.command == command::disconnect_peer && is_dpr_pending_ &&
      header.hop_by_hop == dpr_hop_by_hop_) {
    is_dpr_pending_ = false;
    handle(PeerEvent::dpa, now);
    return;
  }
  on_own_answer(is_readable, now);
}

void Peer::on_own_answer(bool is_readable, MonotonicTime now) {
  std::optional<std::uint64_t> id;
  if (handle(PeerEvent::answer, now).action == PeerAction::deliver) {
    id = own_requests_.take(context_.message.header());
  }
  if (!id) {
    ++context_.metrics.answers_ignored;
  } else if (is_readable) {
    context_.application.on_answer(*this, context_.message, *id);
  } else {
    log(LogLevel::warning, "an answer that cannot be read");
    lose_requests({*id}, RequestLost::unreadable);
  }
}

void Peer::check_deadlines(MonotonicTime now, bool is_read) {
  if (state_ == PeerState::closed) return;
  if (own_requests_.size() > 0) {
    lose_requests(own_requests_.take_expired(now), RequestLost::timeout);
  }
  if (!is_read && state_ == PeerState::open) return;
  if (state_ == PeerState::electing) return check_election(now);
  if (state_ != PeerState::open) {
    if (now < deadline_) return;
    if (state_ == PeerState::wait_cer) log(LogLevel::warning, "no capabilities exchange in time");
    if (state_ == PeerState::wait_cea) log(LogLevel::warning, "no capabilities exchange in time");
    if (state_ == PeerState::securing) log(LogLevel::warning, "no TLS handshake in time");
    handle(PeerEvent::deadline, now);
    return;
  }
  switch (watchdog_.check(now, watchdog_interval())) {
    case Watchdog::Verdict::nothing:
      return;
    case Watchdog::Verdict::send_dwr:
      send_request(command::device_watchdog);
      return;
    case Watchdog::Verdict::failed:
      ++context_.metrics.watchdogs_failed;
      log(LogLevel::warning, "nothing heard, closed by the watchdog");
      handle(PeerEvent::watchdog_failed, now);
      return;
  }
}

std::chrono::milliseconds Peer::watchdog_interval() {
  const auto jitter = context_.config.watchdog_jitter.count();
  const auto span = static_cast<std::uint32_t>(2 * jitter + 1);
  return context_.config.watchdog_interval - context_.config.watchdog_jitter +
         std::chrono::milliseconds(context_.random() % span);
}

// RFC 6733 7.1.3: 3007 where the application is not ours, 3001 where only the command is not.
bool Peer::is_served(ResultCode& code) const {
  const Header& header = context_.message.header();
  if (header.application == application::base) {
    code = ResultCode::command_unsupported;
    return header.command == command::device_watchdog || header.command == command::disconnect_peer;
  }
  code = ResultCode::application_unsupported;
  for (const ServedCommand& served : context_.config.served) {
    if (served.application != header.application) continue;
    if (served.command == header.command) return true;
    code = ResultCode::command_unsupported;
  }
  return false;
}

bool Peer::serves_any_destination() const {
  switch (profile_.destinations) {
    case PeerProfile::Destinations::inherit:
      return context_.config.serves_any_destination;
    case PeerProfile::Destinations::any:
      return true;
    case PeerProfile::Destinations::own:
      return false;
  }
  FARTHING_ASSERT(false);
  return false;
}

bool Peer::is_for_us(ResultCode& code) const {
  if (serves_any_destination()) return true;
  const ServerConfig& config = context_.config;
  const Avp* realm = context_.message.find(AvpId::destination_realm);
  code = ResultCode::realm_not_served;
  if (realm != nullptr && !is_same_identity(realm->text(), config.identity.origin_realm)) {
    return false;
  }
  const Avp* host = context_.message.find(AvpId::destination_host);
  code = ResultCode::unable_to_deliver;
  return host == nullptr || is_same_identity(host->text(), config.identity.origin_host);
}

void Peer::answer_error(ResultCode code, const std::optional<FailedAvp>& failed_avp) {
  ++context_.metrics.errors[static_cast<std::uint32_t>(code)];
  log(LogLevel::warning, name(code));
  write_error_answer(ready_buffer(), context_.message, context_.config.identity, code, failed_avp);
}

void Peer::send_simple_answer() {
  const Identity& identity = context_.config.identity;
  Writer writer(ready_buffer());
  writer.begin_answer(context_.message.header());
  writer.put_result(ResultCode::success);
  writer.put_text(AvpId::origin_host, identity.origin_host);
  writer.put_text(AvpId::origin_realm, identity.origin_realm);
  if (context_.message.header().command == command::device_watchdog) {
    writer.put_u32(AvpId::origin_state_id, identity.origin_state_id);  // RFC 6733 5.5.2
  }
  writer.finish();
}

void Peer::send_request(std::uint32_t command) {
  const Identity& identity = context_.config.identity;
  const std::uint32_t hop_by_hop = next_hop_by_hop_++;
  Writer writer(ready_buffer());
  writer.begin(
      Header{command_flag::request, command, application::base, hop_by_hop, context_.random()});
  writer.put_text(AvpId::origin_host, identity.origin_host);
  writer.put_text(AvpId::origin_realm, identity.origin_realm);
  if (command == command::disconnect_peer) {
    writer.put_u32(AvpId::disconnect_cause, our_cause_);
    dpr_hop_by_hop_ = hop_by_hop;
    is_dpr_pending_ = true;
  } else {
    writer.put_u32(AvpId::origin_state_id, identity.origin_state_id);
    dwr_hop_by_hop_ = hop_by_hop;
    is_dwr_pending_ = true;
  }
  writer.finish();
}

// RFC 6733 8.16: a client that starts again without its sessions counts its Origin-State-Id up.
void Peer::note_state_id(std::optional<std::uint32_t> noted) {
  if (!noted || origin_state_id_ == noted) return;
  origin_state_id_ = noted;
  const std::uint32_t state_id = *noted;
  const auto known = context_.state_ids.find(origin_host_);
  if (known == context_.state_ids.end()) {
    if (context_.state_ids.size() < state_ids_max) context_.state_ids[origin_host_] = state_id;
    return;
  }
  const std::uint32_t before = known->second;
  if (state_id <= before) return;
  known->second = state_id;
  context_.application.on_peer_restarted(*this, before, state_id);
}

void Peer::stop(MonotonicTime now, std::uint32_t cause) {
  our_cause_ = cause;
  handle(PeerEvent::stop, now);
}

void Peer::note_disconnect_cause() {
  const Avp* const cause = context_.message.find(AvpId::disconnect_cause);
  if (cause == nullptr) return;
  disconnect_cause_ = cause->u32();
  constexpr std::array<std::string_view, 3> names = {"REBOOTING", "BUSY",
                                                     "DO_NOT_WANT_TO_TALK_TO_YOU"};
  const std::string number = std::to_string(*disconnect_cause_);
  log(LogLevel::warning,
      "says goodbye: " + (*disconnect_cause_ < names.size() ? std::string(names[*disconnect_cause_])
                                                            : "cause " + number));
}

void Peer::log(LogLevel level, std::string_view what) {
  const std::string who = !origin_host_.empty() ? origin_host_
                          : rule_ != nullptr    ? rule_->origin_host
                                                : remote_.to_string();
  const std::string what_text(what);
  const std::string line = "peer " + who + ": " + what_text;
  // One that is not let in yet may call itself anything: its address counts.
  const std::string key = is_known_to_application_ ? line : remote_.to_string() + ' ' + what_text;
  if (level != LogLevel::info && !context_.limiter.allows(key, context_.config.now())) return;
  context_.log(level, line);
}

}  // namespace farthing::diameter
