#include "tools/cli/client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace farthing::tools {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Socket = asio::local::stream_protocol::socket;

constexpr std::size_t socket_path_max = 107;
constexpr std::size_t piece_bytes = 256 * 1024;
constexpr unsigned refused_from = 400;

bool open(Socket& socket, const std::string& path, error_code& error) {
  if (path.empty() || path.size() > socket_path_max) {
    error = make_error_code(boost::system::errc::filename_too_long);
    return false;
  }
  socket.connect(asio::local::stream_protocol::endpoint(path), error);
  return !error;
}

// Writes the body in pieces. A server that refuses early has answered by then: reading comes next
// whatever becomes of the rest.
void write_body(Socket& socket, std::string_view body, const ApiClient::Sent& sent) {
  std::size_t done = 0;
  error_code error;
  while (done < body.size() && !error) {
    const std::string_view piece = body.substr(done, piece_bytes);
    asio::write(socket, asio::buffer(piece), error);
    done += piece.size();
    if (sent) sent(done, body.size());
  }
}

base::Result<ApiAnswer, std::string> read_answer(Socket& socket, const std::string& path,
                                                 const ApiClient::Sink& sink) {
  beast::flat_buffer buffer;
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  error_code error;
  http::read_header(socket, buffer, parser, error);
  if (error) return fmt::format("{}: the server broke off ({})", path, error.message());
  ApiAnswer answer;
  answer.status = parser.get().result_int();
  answer.type = std::string(parser.get()[http::field::content_type]);
  answer.missing = std::string(parser.get()["Farthing-Missing"]);
  const bool whole = !sink || answer.status >= refused_from;
  std::array<char, 64 * 1024> piece;
  while (!parser.is_done()) {
    parser.get().body().data = piece.data();
    parser.get().body().size = piece.size();
    http::read_some(socket, buffer, parser, error);
    if (error == http::error::need_buffer) error = {};
    if (error) return fmt::format("{}: the server broke off ({})", path, error.message());
    const std::string_view read(piece.data(), piece.size() - parser.get().body().size);
    if (whole) {
      answer.body += read;
    } else if (!read.empty() && !sink(read)) {
      return answer;
    }
  }
  return answer;
}

}  // namespace

bool ApiClient::reachable() const {
  asio::io_context io;
  Socket socket(io);
  error_code error;
  return open(socket, path_, error);
}

base::Result<ApiAnswer, std::string> ApiClient::get(std::string_view target,
                                                    const Sink& sink) const {
  return send("GET", target, {}, sink, {});
}

base::Result<ApiAnswer, std::string> ApiClient::send(std::string_view method,
                                                     std::string_view target, std::string_view body,
                                                     const Sink& sink, const Sent& sent) const {
  asio::io_context io;
  Socket socket(io);
  error_code error;
  if (!open(socket, path_, error)) {
    return fmt::format("no server answers at {} ({})", path_, error.message());
  }
  const std::string header = fmt::format(
      "{} {} HTTP/1.1\r\nHost: farthing\r\nConnection: close\r\nContent-Type: "
      "application/json\r\nContent-Length: {}\r\n\r\n",
      method, target, body.size());
  asio::write(socket, asio::buffer(header), error);
  if (error) return fmt::format("{}: the server broke off ({})", path_, error.message());
  write_body(socket, body, sent);
  return read_answer(socket, path_, sink);
}

}  // namespace farthing::tools
