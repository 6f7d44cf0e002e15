#include "engine/admin/server.h"

#include "engine/admin/log.h"
#include "engine/admin/mask.h"
#include "engine/admin/unix_socket.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <mutex>
#include <set>
#include <thread>

namespace farthing::engine::admin {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

// Unix and TCP connections are served alike.
using Protocol = asio::generic::stream_protocol;
using Connection = beast::basic_stream<Protocol>;
using Parser = http::request_parser<http::string_body>;

constexpr auto waiting = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t route_threads = 8;
constexpr std::uint32_t header_bytes_max = 16 * 1024;
constexpr std::uint64_t any_body_bytes_max = std::uint64_t{1} << 30;
constexpr std::chrono::milliseconds accept_pause{100};

enum class Door { all, metrics_only };

// A header's value; a folder's name may hold anything.
std::string one_line(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(
      line, [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');
  return line;
}

// An answer in chunks. Called on a route's thread; the socket is touched on its own.
class ChunkedStream final : public Stream {
 public:
  ChunkedStream(Connection& connection, std::chrono::milliseconds timeout)
      : connection_(connection), timeout_(timeout) {}

  void begin(std::string_view type, std::string_view missing) override {
    begun_ = true;
    pending_ =
        fmt::format("HTTP/1.1 200 OK\r\nContent-Type: {}\r\nTransfer-Encoding: chunked\r\n", type);
    if (!missing.empty()) pending_ += fmt::format("Farthing-Missing: {}\r\n", one_line(missing));
    pending_ += "\r\n";
  }
  bool write(std::string_view piece) override {
    if (piece.empty()) return alive_;
    fmt::format_to(std::back_inserter(pending_), "{:x}\r\n{}\r\n", piece.size(), piece);
    return send();
  }
  void finish() override {
    pending_ += "0\r\n\r\n";
    finished_ = send();
  }
  bool begun() const { return begun_; }
  bool finished() const { return finished_; }

 private:
  bool send() {
    if (!alive_) return false;
    std::promise<bool> sent;
    asio::post(connection_.get_executor(), [this, &sent] {
      connection_.expires_after(timeout_);
      asio::async_write(connection_, asio::buffer(pending_),
                        [&sent](error_code error, std::size_t) { sent.set_value(!error); });
    });
    alive_ = sent.get_future().get();
    pending_.clear();
    return alive_;
  }

  Connection& connection_;
  std::chrono::milliseconds timeout_;
  std::string pending_;
  bool begun_ = false;
  bool finished_ = false;
  bool alive_ = true;
};

// A connection is known for as long as it is served, so that stopping can close it.
class Registered {
 public:
  Registered(std::set<Connection*>& all, Connection& connection)
      : all_(all), connection_(connection) {
    all_.insert(&connection_);
  }
  ~Registered() { all_.erase(&connection_); }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;

 private:
  std::set<Connection*>& all_;
  Connection& connection_;
};

// What ends a connection's coroutine otherwise than by its end: no memory, say. The others go on.
void report(const std::exception_ptr& problem) {
  if (problem == nullptr) return;
  try {
    std::rethrow_exception(problem);
  } catch (const std::exception& what) {
    log(LogLevel::error, fmt::format("admin API: a connection ended: {}", what.what()));
  }
}

}  // namespace

class ApiServer::Impl {
 public:
  Impl(ApiOptions options, Gateway& gateway, const storage::LedgerStore& store,
       const ShardMetrics& metrics)
      : options_(std::move(options)),
        api_{.shard = ShardAccess(gateway),
             .store = store,
             .metrics = metrics,
             .clock = options_.clock,
             .started_at = options_.clock(),
             .data_folder = options_.data_folder,
             .archive_folder = options_.archive_folder,
             .peers = options_.peers,
             .samples = options_.samples,
             .begin_trace = options_.begin_trace},
        unix_acceptor_(io_),
        tcp_acceptor_(io_),
        routes_(route_threads) {}
  ~Impl() { stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  base::Result<void, std::string> start();
  void stop();
  std::uint16_t metrics_port() const { return metrics_port_; }

 private:
  base::Result<void, std::string> listen_tcp();
  template <class Acceptor>
  asio::awaitable<void> accept(Acceptor& acceptor, Door door);
  asio::awaitable<void> serve(Protocol::socket socket, Door door);
  asio::awaitable<bool> serve_request(Connection& connection, beast::flat_buffer& buffer,
                                      const std::string& operator_name, Door door);
  asio::awaitable<bool> read_body(Connection& connection, beast::flat_buffer& buffer,
                                  Parser& parser, std::size_t limit, Reply& error);
  asio::awaitable<bool> answer(Connection& connection, Reply reply, bool keep_alive);
  Reply run_route(const Route& route, const HttpRequest& request, Stream& stream);

  ApiOptions options_;
  Api api_;
  asio::io_context io_{1};
  asio::local::stream_protocol::acceptor unix_acceptor_;
  asio::ip::tcp::acceptor tcp_acceptor_;
  std::uint16_t metrics_port_ = 0;
  bool bound_ = false;
  std::set<Connection*> connections_;  // the socket thread's own
  bool closing_ = false;               // likewise
  asio::thread_pool routes_;
  std::thread thread_;
  std::once_flag stopped_;
};

base::Result<void, std::string> ApiServer::Impl::start() {
  const auto descriptor = listen_unix(options_.socket_path);
  if (!descriptor.has_value()) return descriptor.error();
  bound_ = true;
  error_code error;
  unix_acceptor_.assign(asio::local::stream_protocol(), *descriptor, error);
  if (error) return fmt::format("{}: {}", options_.socket_path, error.message());
  if (options_.metrics_port) {
    const auto listening = listen_tcp();
    if (!listening.has_value()) return listening.error();
    asio::co_spawn(io_, accept(tcp_acceptor_, Door::metrics_only), report);
  }
  asio::co_spawn(io_, accept(unix_acceptor_, Door::all), report);
  thread_ = std::thread([this] { io_.run(); });
  return {};
}

base::Result<void, std::string> ApiServer::Impl::listen_tcp() {
  error_code error;
  const auto address = asio::ip::make_address(options_.metrics_address, error);
  if (error) {
    return fmt::format("metrics: \"{}\" is no IP address", options_.metrics_address);
  }
  const asio::ip::tcp::endpoint endpoint(address, *options_.metrics_port);
  tcp_acceptor_.open(endpoint.protocol(), error);
  if (!error) tcp_acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) tcp_acceptor_.bind(endpoint, error);
  if (!error) tcp_acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return fmt::format("metrics: cannot listen on {}:{} ({}); choose another port",
                       options_.metrics_address, *options_.metrics_port, error.message());
  }
  metrics_port_ = tcp_acceptor_.local_endpoint().port();
  return {};
}

void ApiServer::Impl::stop() {
  std::call_once(stopped_, [this] {
    api_.shard.stop();
    if (thread_.joinable()) {
      asio::post(io_, [this] {
        closing_ = true;
        error_code ignored;
        unix_acceptor_.close(ignored);
        tcp_acceptor_.close(ignored);
        for (Connection* connection : connections_) connection->close();
      });
      thread_.join();  // once every connection has seen the end of its route
    }
    routes_.join();
    if (bound_) remove_socket(options_.socket_path);
  });
}

template <class Acceptor>
asio::awaitable<void> ApiServer::Impl::accept(Acceptor& acceptor, Door door) {
  while (!closing_) {
    Protocol::socket socket(io_);
    auto [error] = co_await acceptor.async_accept(socket, waiting);
    if (closing_) break;
    if (error) {  // out of descriptors, say: others will be closed
      asio::steady_timer pause(io_, accept_pause);
      [[maybe_unused]] auto [ignored] = co_await pause.async_wait(waiting);
      continue;
    }
    asio::co_spawn(io_, serve(std::move(socket), door), report);
  }
}

asio::awaitable<void> ApiServer::Impl::serve(Protocol::socket socket, Door door) {
  Connection connection(std::move(socket));
  const bool full = connections_.size() >= options_.connections_max;
  const Registered registered(connections_, connection);
  if (full) {
    Reply reply = error_reply(503, "busy", "too many connections; close some and try again");
    co_await answer(connection, std::move(reply), false);
  } else {
    const std::string operator_name =
        door == Door::all ? peer_user(connection.socket().native_handle()) : std::string();
    beast::flat_buffer buffer;
    bool more = true;
    while (more && !closing_) {
      more = co_await serve_request(connection, buffer, operator_name, door);
    }
  }
  error_code ignored;
  connection.socket().shutdown(asio::socket_base::shutdown_both, ignored);
  connection.close();
}

// Reads one request and answers it; false: the connection is over.
asio::awaitable<bool> ApiServer::Impl::serve_request(Connection& connection,
                                                     beast::flat_buffer& buffer,
                                                     const std::string& operator_name, Door door) {
  Parser parser;
  parser.header_limit(header_bytes_max);
  parser.body_limit(any_body_bytes_max);
  connection.expires_after(options_.read_timeout);
  [[maybe_unused]] auto [header_error, header_bytes] =
      co_await http::async_read_header(connection, buffer, parser, waiting);
  if (header_error) {
    const bool malformed =
        header_error.category() == make_error_code(http::error::bad_method).category() &&
        header_error != http::error::end_of_stream;
    if (!malformed) co_return false;
    Reply reply = error_reply(400, "malformed", "this is no HTTP/1.1 request");
    co_return co_await answer(connection, std::move(reply), false);
  }
  HttpRequest request;
  request.method = std::string(parser.get().method_string());
  request.operator_name = operator_name;
  const std::string target(parser.get().target());
  Reply error;
  if (parser.get().version() != 11 || !parse_target(target, request)) {
    error = error_reply(400, "malformed", "this is no HTTP/1.1 request");
    co_return co_await answer(connection, std::move(error), false);
  }
  const auto route = find_route(request);
  if (!route.has_value()) {
    error = route.error();
    co_return co_await answer(connection, std::move(error), false);
  }
  if (door == Door::metrics_only && (*route)->handler != get_metrics) {
    error = error_reply(404, "not_found", "only /metrics is served here");
    co_return co_await answer(connection, std::move(error), false);
  }
  const bool read = co_await read_body(connection, buffer, parser, (*route)->body_bytes_max, error);
  if (!read) {
    if (error.body.empty()) co_return false;
    co_return co_await answer(connection, std::move(error), false);
  }
  const bool keep_alive = parser.get().keep_alive();
  request.body = std::move(parser.get().body());
  connection.expires_never();  // the route takes the time that it takes

  ChunkedStream stream(connection, options_.write_timeout);
  Reply reply;
  co_await asio::co_spawn(
      routes_,
      [&]() -> asio::awaitable<void> {
        reply = run_route(**route, request, stream);
        co_return;
      },
      asio::use_awaitable);
  if (request.method != "GET") {
    log(LogLevel::info, fmt::format("{} {} {} -> {}", operator_name, request.method,
                                    mask_identities(target), reply.status));
  }
  if (stream.begun()) co_return stream.finished() && keep_alive;
  co_return co_await answer(connection, std::move(reply), keep_alive);
}

// False: the connection is over, with `error` to be told where it says something.
asio::awaitable<bool> ApiServer::Impl::read_body(Connection& connection, beast::flat_buffer& buffer,
                                                 Parser& parser, std::size_t limit, Reply& error) {
  const auto too_large = [limit] {
    return error_reply(413, "too_large",
                       fmt::format("the body of this request is at most {} bytes", limit));
  };
  if (parser.content_length() && *parser.content_length() > limit) {
    error = too_large();
    co_return false;
  }
  if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    connection.expires_after(options_.write_timeout);
    http::response<http::empty_body> go_on(http::status::continue_, 11);
    [[maybe_unused]] auto [go_on_error, written] =
        co_await http::async_write(connection, go_on, waiting);
    if (go_on_error) co_return false;
  }
  while (!parser.is_done()) {
    connection.expires_after(options_.read_timeout);
    [[maybe_unused]] auto [read_error, read] =
        co_await http::async_read_some(connection, buffer, parser, waiting);
    if (read_error) co_return false;
    if (parser.get().body().size() > limit) {
      error = too_large();
      co_return false;
    }
  }
  co_return true;
}

asio::awaitable<bool> ApiServer::Impl::answer(Connection& connection, Reply reply,
                                              bool keep_alive) {
  http::response<http::string_body> response(static_cast<http::status>(reply.status), 11);
  response.set(http::field::content_type, reply.type);
  response.body() = std::move(reply.body);
  response.keep_alive(keep_alive);
  response.prepare_payload();
  connection.expires_after(options_.write_timeout);
  [[maybe_unused]] auto [error, written] =
      co_await http::async_write(connection, response, waiting);
  co_return !error && keep_alive;
}

Reply ApiServer::Impl::run_route(const Route& route, const HttpRequest& request, Stream& stream) {
  try {
    return route.handler(api_, request, stream);
  } catch (const std::exception& problem) {  // no memory, say
    log(LogLevel::error, fmt::format("{} {}: {}", route.method, route.pattern, problem.what()));
    return error_reply(500, "internal", "the server could not make the answer; see its log");
  }
}

base::Result<std::unique_ptr<ApiServer>, std::string> ApiServer::start(
    ApiOptions options, Gateway& gateway, const storage::LedgerStore& store,
    const ShardMetrics& metrics) {
  auto impl = std::make_unique<Impl>(std::move(options), gateway, store, metrics);
  const auto started = impl->start();
  if (!started.has_value()) return started.error();
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));
}

ApiServer::ApiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiServer::~ApiServer() = default;

void ApiServer::stop() { impl_->stop(); }

std::uint16_t ApiServer::metrics_port() const { return impl_->metrics_port(); }

}  // namespace farthing::engine::admin
