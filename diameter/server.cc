#include "diameter/server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "diameter/input_queue.h"
#include "engine/base/assert.h"

namespace farthing::diameter {

namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;
// With the executor's own type: asio's default hides it behind virtual calls.
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<Tcp, Executor>;
using TlsStream = asio::ssl::stream<Socket&>;
using Acceptor = asio::basic_socket_acceptor<Tcp, Executor>;

// What is done in one go, before other connections are read and what is durable is told: of one
// peer, and of all.
constexpr std::size_t messages_a_turn = 32;
constexpr std::size_t messages_in_one_go = 64;

// A buffer that a burst has blown up beyond this is given back.
constexpr std::size_t buffer_kept_size_bytes_max = 1u << 20;

IpAddress ip_of(const asio::ip::address& address) {
  IpAddress ip;
  const asio::ip::address_v6 v6 =
      address.is_v6() ? address.to_v6()
                      : asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4());
  const auto octets = v6.to_bytes();
  std::copy(octets.begin(), octets.end(), ip.octets.begin());
  return ip;
}

// The requests a second that a peer may send (PeerProfile): a second's worth at once, and as much
// again until all that can be done without is too much.
class Allowance {
 public:
  void refill(std::uint32_t per_second, MonotonicTime now) {
    if (per_second_ != per_second) left_ = per_second_ = per_second;
    const std::chrono::duration<double> since = now - refilled_at_;
    left_ = std::min<double>(per_second, left_ + since.count() * per_second);
    refilled_at_ = now;
  }
  Pressure take() {
    if (per_second_ == 0) return Pressure::none;
    left_ = std::max<double>(left_ - 1, -1.0 * per_second_);
    if (left_ >= 0) return Pressure::none;
    return left_ > -0.5 * per_second_ ? Pressure::some : Pressure::high;
  }

 private:
  std::uint32_t per_second_ = 0;
  double left_ = 0;
  MonotonicTime refilled_at_{};
};

}  // namespace

class Server::Impl : public std::enable_shared_from_this<Server::Impl> {
 public:
  class Connection;

  struct Listener {
    explicit Listener(asio::io_context& io) : acceptor(io) {}

    Acceptor acceptor;
    Tcp::endpoint endpoint;
    bool is_tls = false;
    bool is_accepting = false;
  };

  // A peer that we connect to.
  struct Outbound {
    Outbound(asio::io_context& io, const ConnectTarget& where) : target(where), socket(io) {}

    const ConnectTarget& target;
    Socket socket;  // While it connects.
    bool is_connecting = false;
    MonotonicTime next_at = MonotonicTime::min();  // To try again, or to give up connecting.
    std::weak_ptr<Connection> connection;
  };

  Impl(asio::io_context& io, ServerConfig config, Application& application)
      : io_(io), config_(std::move(config)), context_(config_, application), timer_(io) {}

  base::Result<void, std::string> listen();
  void stop(std::function<void()> done);
  void close_all();
  void flush_ready();
  void seal_held();
  void release_held();
  void on_closed(std::uint64_t id);
  // It has messages: they are worked on in turn with those of others.
  void enqueue(Connection& connection);
  // How long a message would wait that comes behind so many of its peer, as things go.
  std::chrono::nanoseconds wait_of(std::size_t messages) const;
  void disconnect(std::string_view origin_host, std::uint32_t cause);

  asio::io_context& io_;
  const ServerConfig config_;
  PeerContext context_;
  std::unique_ptr<Tls> tls_;
  std::deque<Listener> listeners_;  // Handlers hold references.
  std::deque<Outbound> outbounds_;
  std::map<std::uint64_t, std::shared_ptr<Connection>> connections_;
  std::size_t queued_ = 0;  // Messages of all connections.

 private:
  base::Result<void, std::string> listen(const ListenAddress& where);
  void close_listeners();
  void accept(Listener& listener);
  void on_accept(Listener& listener, const ErrorCode& error, Socket socket);
  std::shared_ptr<Connection> add_connection(Socket socket, const PeerRule* expected);
  void check(Outbound& outbound, MonotonicTime now);
  void connect(Outbound& outbound, MonotonicTime now);
  void on_connect(Outbound& outbound, const ErrorCode& error);
  void try_later(Outbound& outbound, std::optional<std::uint32_t> cause = {});
  void tick();
  void check_drained(MonotonicTime now);
  void finish_stop();
  void work();
  void note_pace(MonotonicTime now);

  asio::steady_timer timer_;
  std::deque<std::shared_ptr<Connection>> working_;  // Those with messages, whose turn it is first.
  bool is_working_ = false;  // Now, or as soon as others have had their say.
  std::vector<std::shared_ptr<Connection>> worked_;  // In one go; empty between two.
  // While there is always something to do: what a message takes, all that goes with it included.
  double message_ns_ = 10'000;
  MonotonicTime work_begun_at_{};
  std::size_t work_done_ = 0;
  std::uint64_t next_id_ = 1;
  bool is_stopping_ = false;
  bool is_draining_ = false;  // Nothing is read until all that was is answered.
  MonotonicTime drained_by_{};
  std::function<void()> stopped_;
};

// The socket of one Peer, and the TLS over it.
class Server::Impl::Connection final : public Peer,
                                       public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Impl> server, Socket socket, std::uint64_t id, IpAddress remote,
             IpAddress local, const PeerRule* expected)
      : Peer(server->context_, id, remote, local, expected),
        server_(std::move(server)),
        socket_(std::move(socket)),
        input_(server_->config_.input_size_bytes_max, server_->config_.message_size_bytes_max) {}

  void read() {
    if (is_reading_ || is_paused_ || is_closed_ || is_shaking_hands_) return;
    if (server_->is_draining_ || input_.is_full()) return;
    is_reading_ = true;
    const InputQueue::Room room = input_.room();
    const auto into = asio::buffer(room.data, room.size_bytes);
    auto done = [self = shared_from_this()](const ErrorCode& error, std::size_t size) {
      self->on_read(error, size);
    };
    if (tls_) {
      tls_->async_read_some(into, std::move(done));
    } else {
      socket_.async_read_some(into, std::move(done));
    }
  }

  // Of a connection that we made: the CER, then as all.
  void introduce() {
    send_cer();
    flush();
    settle();
  }

  // The handshake of TLS, then everything else. The peer's deadline for its CER is its bound.
  void secure(asio::ssl::stream_base::handshake_type role) {
    tls_.emplace(socket_, server_->tls_->context());
    is_shaking_hands_ = true;
    tls_->async_handshake(
        role, [self = shared_from_this()](const ErrorCode& error) { self->on_handshake(error); });
  }

  // Sends what is ready, unless a write is under way.
  void flush() {
    if (is_writing_ || is_closed_ || is_shaking_hands_) return;
    take_ready(output_);
    if (!output_.empty()) write();
  }

  // After anything that happened: close, pause or read on.
  void settle() {
    if (is_closed_) return;
    if (state() == PeerState::closed) return close();
    const std::size_t waiting = output_size_bytes();
    if (state() == PeerState::securing) {
      if (waiting == 0 && !is_shaking_hands_) secure(asio::ssl::stream_base::server);
      return;
    }
    if (state() == PeerState::electing) return;
    if (state() == PeerState::draining) {
      // Our half is closed; the other side's is read, and thrown away, until it closes too: closing
      // with unread octets would reset the connection and take our last answer along.
      if (waiting == 0 && !is_shut_down_) {
        is_shut_down_ = true;
        shut_down();
      }
      return read();
    }
    const std::size_t max = server_->config_.output_size_bytes_max;
    if (!is_paused_ && waiting > max) {
      is_paused_ = true;
      ++server_->context_.metrics.reads_paused;
    } else if (is_paused_ && waiting < max / 2) {
      is_paused_ = false;
      begun_at_ = server_->config_.now();  // The time in which we did not read is not its fault.
      if (has_work()) server_->enqueue(*this);
    }
    read();
  }

  void on_tick(MonotonicTime now) {
    const bool is_stalled = is_writing_ && now - progress_at_ >= server_->config_.stalled_timeout;
    if (is_stalled) {
      ++server_->context_.metrics.stalled_closed;
      log(LogLevel::warning, "takes nothing of what is sent, closed");
      return close();
    }
    const bool is_slow = !input_.is_empty() && !input_.has_message() && is_reading_ &&
                         now - begun_at_ >= server_->config_.message_timeout;
    if (is_slow) {
      ++server_->context_.metrics.slow_closed;
      log(LogLevel::warning, "a message that does not end, closed");
      return close();
    }
    // While we do not read we cannot hear it live: then only the rule above counts.
    const bool was_electing = state() == PeerState::electing;
    check_deadlines(now, !is_paused_);
    flush();
    settle();
    if (was_electing && has_work()) server_->enqueue(*this);
  }

  // Messages that it may be asked for now.
  bool has_work() const {
    if (is_closed_ || is_paused_ || !input_.has_message()) return false;
    return state() != PeerState::electing && state() != PeerState::securing;
  }
  // Its turn. Returns how many messages were worked on.
  std::size_t work(MonotonicTime now) {
    const std::size_t before = input_.messages();
    const std::size_t size = receive(input_.bytes(), now, messages_a_turn);
    if (size > 0) begun_at_ = now;  // Of what is left.
    input_.consume(size);
    const std::size_t done = before - input_.messages();
    server_->queued_ -= done;
    if (state() == PeerState::securing && !input_.is_empty()) {
      log(LogLevel::warning, "octets before the TLS handshake");
      close();
    }
    return done;
  }
  bool is_queued = false;  // Has a place in the server's queue.

  void close() {
    if (is_closed_) return;
    is_closed_ = true;
    server_->queued_ -= input_.messages();
    disconnected(server_->config_.now());
    ErrorCode ignored;
    socket_.close(ignored);
    server_->on_closed(id());
  }

  std::size_t output_size_bytes() const { return waiting_size_bytes() + output_.size() - written_; }

  bool is_secure() const override { return tls_.has_value() && !is_shaking_hands_; }
  bool has_certificate_of(std::string_view origin_host) const override {
    return is_secure() && certificate_names(native_tls(), origin_host);
  }

 private:
  ssl_st* native_tls() const { return const_cast<TlsStream&>(*tls_).native_handle(); }

  void on_handshake(const ErrorCode& error) {
    is_shaking_hands_ = false;
    if (is_closed_) return;
    if (error) {
      ++server_->context_.metrics.tls_handshakes_failed;
      const std::string fault = certificate_fault(native_tls());
      log(LogLevel::warning, "TLS handshake failed: " + (fault.empty() ? error.message() : fault));
      return close();
    }
    if (state() == PeerState::wait_cea) return introduce();
    if (state() == PeerState::securing) secured(server_->config_.now());
    flush();
    settle();
  }

  // Our last octets are sent.
  void shut_down() {
    if (tls_) {
      // Says that the stream ends here, and has not been cut off.
      tls_->async_shutdown([self = shared_from_this()](const ErrorCode&) { self->close(); });
      return;
    }
    ErrorCode ignored;
    socket_.shutdown(Tcp::socket::shutdown_send, ignored);
  }

  void on_read(const ErrorCode& error, std::size_t size) {
    is_reading_ = false;
    if (is_closed_) return;
    if (error) return close();
    server_->context_.metrics.octets_in += size;
    const MonotonicTime now = server_->config_.now();
    if (input_.is_empty()) begun_at_ = now;
    allowance_.refill(profile().requests_per_second, now);
    const Pressure waiting = pressure();
    const std::size_t queued_before = input_.messages();
    input_.add(size, [&](Bytes frame) {
      const Pressure pressure = std::max(waiting, allowance_.take());
      return pressure != Pressure::none && turns_away(frame, pressure, now);
    });
    server_->queued_ += input_.messages() - queued_before;
    if (!server_->context_.ready.empty()) note_turned_away(now);
    if (has_work()) server_->enqueue(*this);
    settle();
  }

  // What was turned away leaves at once.
  void note_turned_away(MonotonicTime read_at) {
    server_->flush_ready();
    Metrics& metrics = server_->context_.metrics;
    const std::chrono::nanoseconds took = server_->config_.now() - read_at;
    metrics.turning_away_max = std::max(metrics.turning_away_max, took);
  }

  // How much what is read now would have to wait.
  Pressure pressure() const {
    const std::chrono::nanoseconds wait = server_->wait_of(input_.messages());
    if (wait >= server_->config_.asks_wait_max) return Pressure::high;
    const bool is_long = wait >= server_->config_.begins_wait_max || input_.is_almost_full();
    return is_long ? Pressure::some : Pressure::none;
  }

  void write() {
    is_writing_ = true;
    progress_at_ = server_->config_.now();
    const auto from = asio::buffer(output_.data() + written_, output_.size() - written_);
    auto done = [self = shared_from_this()](const ErrorCode& error, std::size_t size) {
      self->on_write(error, size);
    };
    if (tls_) {
      tls_->async_write_some(from, std::move(done));
    } else {
      socket_.async_write_some(from, std::move(done));
    }
  }

  void on_write(const ErrorCode& error, std::size_t size) {
    is_writing_ = false;
    if (is_closed_) return;
    if (error) return close();
    server_->context_.metrics.octets_out += size;
    written_ += size;
    if (written_ < output_.size()) return write();
    written_ = 0;
    output_.clear();
    if (output_.capacity() > buffer_kept_size_bytes_max) output_ = Buffer();
    flush();
    settle();
  }

  const std::shared_ptr<Impl> server_;
  Socket socket_;
  std::optional<TlsStream> tls_;
  InputQueue input_;
  Allowance allowance_;
  Buffer output_;
  std::size_t written_ = 0;
  MonotonicTime progress_at_{};
  MonotonicTime begun_at_{};  // The message of which not all is there.
  bool is_shaking_hands_ = false;
  bool is_reading_ = false;
  bool is_writing_ = false;
  bool is_paused_ = false;
  bool is_shut_down_ = false;
  bool is_closed_ = false;
};

base::Result<void, std::string> Server::Impl::listen() {
  const auto is_tls = [](const auto& where) { return where.is_tls; };
  const bool needs_tls = config_.has_inband_tls ||
                         std::any_of(config_.listen.begin(), config_.listen.end(), is_tls) ||
                         std::any_of(config_.connect.begin(), config_.connect.end(), is_tls);
  if (needs_tls && !config_.tls) return "TLS is asked for, but there is no certificate";
  if (config_.tls) {
    auto tls = Tls::load(*config_.tls);
    if (tls.has_error()) return tls.error();
    tls_ = std::move(*tls);
  }
  for (const ListenAddress& where : config_.listen) {
    if (auto listening = listen(where); listening.has_error()) {
      close_listeners();
      return listening;
    }
  }
  for (const ConnectTarget& target : config_.connect) {
    ErrorCode error;
    asio::ip::make_address(target.address, error);
    if (error) {
      close_listeners();
      return "not an IP address: " + target.address;
    }
    outbounds_.emplace_back(io_, target);
  }
  for (Listener& listener : listeners_) accept(listener);
  tick();
  return {};
}

base::Result<void, std::string> Server::Impl::listen(const ListenAddress& where) {
  ErrorCode error;
  const asio::ip::address address = asio::ip::make_address(where.address, error);
  if (error) return "not an IP address: " + where.address;
  const Tcp::endpoint wanted(address, where.port);
  Listener& listener = listeners_.emplace_back(io_);
  listener.is_tls = where.is_tls;
  listener.acceptor.open(wanted.protocol(), error);
  if (!error) listener.acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error) listener.acceptor.bind(wanted, error);
  if (!error) listener.acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) listener.endpoint = listener.acceptor.local_endpoint(error);
  if (!error) return {};
  return "cannot listen on " + where.address + " port " + std::to_string(where.port) + ": " +
         error.message();
}

void Server::Impl::close_listeners() {
  ErrorCode ignored;
  for (Outbound& outbound : outbounds_) outbound.socket.close(ignored);
  for (Listener& listener : listeners_) listener.acceptor.close(ignored);
}

void Server::Impl::accept(Listener& listener) {
  if (listener.is_accepting || !listener.acceptor.is_open()) return;
  listener.is_accepting = true;
  listener.acceptor.async_accept(
      [self = shared_from_this(), &listener](const ErrorCode& error, Socket socket) {
        listener.is_accepting = false;
        self->on_accept(listener, error, std::move(socket));
      });
}

void Server::Impl::on_accept(Listener& listener, const ErrorCode& error, Socket socket) {
  if (!listener.acceptor.is_open()) return;
  if (error) {
    // Out of file descriptors, most likely: the next tick tries again.
    if (context_.limiter.allows("accept", config_.now())) {
      context_.log(LogLevel::error, "cannot accept connections: " + error.message());
    }
    return;
  }
  accept(listener);
  if (connections_.size() >= config_.connections_max) {
    ++context_.metrics.connections_refused;
    if (context_.limiter.allows("connections_max", config_.now())) {
      context_.log(LogLevel::warning, "too many connections: one more refused");
    }
    return;  // The socket closes.
  }
  const std::shared_ptr<Connection> connection = add_connection(std::move(socket), nullptr);
  if (connection == nullptr) return;
  ++context_.metrics.connections_accepted;
  if (listener.is_tls) {
    connection->secure(asio::ssl::stream_base::server);
  } else {
    connection->read();
  }
}

// nullptr: it is gone again already.
std::shared_ptr<Server::Impl::Connection> Server::Impl::add_connection(Socket socket,
                                                                       const PeerRule* expected) {
  ErrorCode failed;
  const Tcp::endpoint remote = socket.remote_endpoint(failed);
  const Tcp::endpoint local = failed ? Tcp::endpoint() : socket.local_endpoint(failed);
  if (!failed) socket.set_option(Tcp::no_delay(true), failed);
  if (failed) return nullptr;
  const std::uint64_t id = next_id_++;
  auto connection =
      std::make_shared<Connection>(shared_from_this(), std::move(socket), id,
                                   ip_of(remote.address()), ip_of(local.address()), expected);
  connections_.emplace(id, connection);
  context_.metrics.connections = connections_.size();
  return connection;
}

void Server::Impl::check(Outbound& outbound, MonotonicTime now) {
  if (outbound.is_connecting) {
    ErrorCode ignored;
    if (now >= outbound.next_at) outbound.socket.close(ignored);  // Ends in on_connect.
    return;
  }
  if (!outbound.connection.expired()) return;
  const bool is_there = context_.open_peers.best(outbound.target.rule.origin_host) != nullptr;
  if (!is_stopping_ && !is_there && now >= outbound.next_at) connect(outbound, now);
}

void Server::Impl::connect(Outbound& outbound, MonotonicTime now) {
  ErrorCode error;
  const asio::ip::address address = asio::ip::make_address(outbound.target.address, error);
  FARTHING_ASSERT(!error);  // listen() has looked.
  outbound.is_connecting = true;
  outbound.next_at = now + config_.cer_timeout;
  outbound.socket.async_connect({address, outbound.target.port},
                                [self = shared_from_this(), &outbound](const ErrorCode& failed) {
                                  self->on_connect(outbound, failed);
                                });
}

void Server::Impl::on_connect(Outbound& outbound, const ErrorCode& error) {
  outbound.is_connecting = false;
  Socket socket = std::exchange(outbound.socket, Socket(io_));
  if (is_stopping_) return;
  const std::shared_ptr<Connection> connection =
      error ? nullptr : add_connection(std::move(socket), &outbound.target.rule);
  if (connection == nullptr) {
    const std::string line = "peer " + outbound.target.rule.origin_host +
                             ": cannot connect: " + (error ? error.message() : "it closed at once");
    if (context_.limiter.allows(line, config_.now())) context_.log(LogLevel::warning, line);
    return try_later(outbound);
  }
  ++context_.metrics.connections_made;
  outbound.connection = connection;
  if (outbound.target.is_tls) {
    connection->secure(asio::ssl::stream_base::client);
  } else {
    connection->introduce();
  }
}

void Server::Impl::try_later(Outbound& outbound, std::optional<std::uint32_t> cause) {
  // RFC 6733 5.4.3: one that has no time for us, or no wish to talk, is left alone for longer.
  const int patience = cause.value_or(disconnect_cause::rebooting) == 0 ? 1 : 10;
  const auto jitter = static_cast<std::uint32_t>(config_.reconnect_jitter.count() + 1);
  outbound.next_at = config_.now() + patience * config_.reconnect_interval +
                     std::chrono::milliseconds(context_.random() % jitter);
}

void Server::Impl::tick() {
  timer_.expires_after(config_.tick_interval);
  timer_.async_wait([self = shared_from_this()](const ErrorCode& error) {
    if (error) return;
    for (Listener& listener : self->listeners_) self->accept(listener);
    const MonotonicTime now = self->config_.now();
    std::vector<std::shared_ptr<Connection>> connections;
    connections.reserve(self->connections_.size());
    for (const auto& [id, connection] : self->connections_) connections.push_back(connection);
    for (const auto& connection : connections) connection->on_tick(now);
    connections.clear();
    self->check_drained(now);
    for (Outbound& outbound : self->outbounds_) self->check(outbound, now);
    self->flush_ready();
    if (!self->is_stopping_ || self->is_draining_ || !self->connections_.empty()) self->tick();
  });
}

void Server::Impl::enqueue(Connection& connection) {
  if (!connection.is_queued) {
    connection.is_queued = true;
    working_.push_back(connection.shared_from_this());
  }
  if (!is_working_) work();
}

void Server::Impl::note_pace(MonotonicTime now) {
  constexpr double weight = 1.0 / 8;
  constexpr double least_ns = 100;
  constexpr double most = 4;  // times the pace known: a standstill is no pace
  const std::chrono::duration<double, std::nano> took = now - work_begun_at_;
  const double one = took.count() / static_cast<double>(std::max<std::size_t>(1, work_done_));
  message_ns_ += weight * (std::min(one, most * message_ns_) - message_ns_);
  message_ns_ = std::max(message_ns_, least_ns);
}

// Those whose turns come between its own ones go before it, too.
std::chrono::nanoseconds Server::Impl::wait_of(std::size_t messages) const {
  const std::size_t before =
      std::min(queued_, messages * std::max<std::size_t>(1, working_.size()));
  return std::chrono::nanoseconds(
      static_cast<std::int64_t>(message_ns_ * static_cast<double>(before)));
}

// A turn for each, in order, until enough is done for one go.
void Server::Impl::work() {
  const MonotonicTime now = config_.now();
  if (is_working_) note_pace(now);
  is_working_ = true;
  std::size_t done = 0;
  std::vector<std::shared_ptr<Connection>>& worked = worked_;
  while (!working_.empty() && done < messages_in_one_go) {
    std::shared_ptr<Connection> connection = std::move(working_.front());
    working_.pop_front();
    connection->is_queued = false;
    if (connection->has_work()) done += std::max<std::size_t>(connection->work(now), 1);
    if (connection->has_work()) {
      connection->is_queued = true;
      working_.push_back(connection);
    }
    worked.push_back(std::move(connection));
  }
  context_.application.on_turn_end();
  flush_ready();
  for (const auto& connection : worked) connection->settle();
  worked.clear();
  work_begun_at_ = now;
  work_done_ = done;
  is_working_ = !working_.empty();
  if (is_working_) {
    asio::post(io_, [self = shared_from_this()] { self->work(); });
  } else if (is_draining_) {
    check_drained(now);
  }
}

void Server::Impl::flush_ready() {
  // Flushing only starts writes: nothing is added to the list or closed meanwhile.
  for (Peer* peer : context_.ready) {
    peer->unlist_ready();
    static_cast<Connection*>(peer)->flush();
  }
  context_.ready.clear();
}

void Server::Impl::seal_held() {
  FARTHING_ASSERT(context_.committing.empty());
  context_.committing.swap(context_.gathering);
  for (Peer* peer : context_.committing) peer->seal_held();
}

void Server::Impl::release_held() {
  for (Peer* peer : context_.committing) peer->release_held();
  context_.committing.clear();
  flush_ready();
  if (is_draining_) check_drained(config_.now());
}

void Server::Impl::stop(std::function<void()> done) {
  is_stopping_ = true;
  stopped_ = std::move(done);
  close_listeners();
  const MonotonicTime now = config_.now();
  is_draining_ = true;
  drained_by_ = now + config_.draining_timeout;
  check_drained(now);
}

void Server::Impl::check_drained(MonotonicTime now) {
  const bool is_drained = working_.empty() && context_.gathering.empty() &&
                          context_.committing.empty() && context_.application.unanswered() == 0;
  if (!is_draining_ || (!is_drained && now < drained_by_)) return;
  is_draining_ = false;
  std::vector<std::shared_ptr<Connection>> connections;
  for (const auto& [id, connection] : connections_) connections.push_back(connection);
  for (const auto& connection : connections) {
    connection->stop(now);
    connection->flush();
    connection->settle();
  }
  if (connections_.empty()) finish_stop();
}

void Server::Impl::disconnect(std::string_view origin_host, std::uint32_t cause) {
  const auto peers = context_.open_peers.named(origin_host);
  const std::vector<Peer*> leaving(peers.begin(), peers.end());
  for (Peer* peer : leaving) peer->stop(config_.now(), cause);
  flush_ready();
}

void Server::Impl::on_closed(std::uint64_t id) {
  for (Outbound& outbound : outbounds_) {
    const std::shared_ptr<Connection> connection = outbound.connection.lock();
    if (connection == nullptr || connection->id() != id) continue;
    outbound.connection.reset();
    try_later(outbound, connection->disconnect_cause());
  }
  connections_.erase(id);
  context_.metrics.connections = connections_.size();
  if (is_stopping_ && !is_draining_ && connections_.empty()) finish_stop();
}

void Server::Impl::finish_stop() {
  timer_.cancel();
  // Not from inside whatever closed the last connection.
  if (stopped_) asio::post(io_, std::exchange(stopped_, nullptr));
}

void Server::Impl::close_all() {
  is_stopping_ = true;
  close_listeners();
  timer_.cancel();
  stopped_ = nullptr;
  while (!connections_.empty()) {
    const std::shared_ptr<Connection> connection = connections_.begin()->second;
    connection->close();
  }
}

Server::Server(asio::io_context& io, ServerConfig config, Application& application)
    : impl_(std::make_shared<Impl>(io, std::move(config), application)) {}

Server::~Server() { impl_->close_all(); }

base::Result<void, std::string> Server::listen() { return impl_->listen(); }

std::uint16_t Server::port(std::size_t listener) const {
  return impl_->listeners_.at(listener).endpoint.port();
}

std::string Server::endpoint(std::size_t listener) const {
  const asio::ip::address address = impl_->listeners_.at(listener).endpoint.address();
  const std::string host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  return host + ":" + std::to_string(port(listener));
}

void Server::stop(std::function<void()> done) { impl_->stop(std::move(done)); }

void Server::disconnect(std::string_view origin_host, std::uint32_t cause) {
  impl_->disconnect(origin_host, cause);
}

Peer* Server::find_peer(std::string_view origin_host) const {
  return impl_->context_.open_peers.best(origin_host);
}

bool Server::has_held() const { return !impl_->context_.gathering.empty(); }

void Server::seal_held() { impl_->seal_held(); }

void Server::release_held() { impl_->release_held(); }

void Server::post(std::function<void()> work) {
  asio::post(impl_->io_, [impl = impl_, work = std::move(work)] {
    work();
    impl->flush_ready();
  });
}

void Server::flush() { impl_->flush_ready(); }

void Server::set_tap(MessageTap* tap) { impl_->context_.tap = tap; }

const Metrics& Server::metrics() const { return impl_->context_.metrics; }

std::vector<PeerStatus> Server::peers() const {
  std::vector<PeerStatus> peers;
  for (const auto& [id, connection] : impl_->connections_) {
    peers.push_back({id, connection->origin_host(), connection->origin_realm(),
                     connection->product_name(), connection->remote_address().to_string(),
                     connection->state(), connection->is_secure(), connection->is_suspect(),
                     connection->output_size_bytes()});
  }
  return peers;
}

}  // namespace farthing::diameter
