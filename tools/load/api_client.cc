#include "tools/load/api_client.h"

#include <cstdint>
#include <limits>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

namespace farthing::load {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr std::size_t shown_bytes_max = 400;  // of an error's body

base::Result<std::string, ApiError> exchange(const std::string& socket_path,
                                             http::request<http::string_body> request) {
  const auto failed = [&](bool not_reachable, const std::string& what) {
    return ApiError{not_reachable, fmt::format("{}: {}", socket_path, what)};
  };
  boost::system::error_code error;
  asio::io_context io;
  asio::local::stream_protocol::socket socket(io);
  if (socket_path.size() >= sizeof(sockaddr_un::sun_path)) {
    return failed(true, "the path is too long for a Unix socket");
  }
  socket.connect(asio::local::stream_protocol::endpoint(socket_path), error);
  if (error) return failed(true, error.message());

  request.set(http::field::host, "localhost");
  request.prepare_payload();
  http::write(socket, request, error);
  if (error) return failed(true, error.message());
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // a million lines and more
  http::read(socket, buffer, parser, error);
  if (error) return failed(true, error.message());
  auto response = parser.release();
  if (response.result_int() / 100 == 2) return std::move(response.body());
  return failed(false,
                fmt::format("{} {} was answered with {}: {}", std::string(request.method_string()),
                            std::string(request.target()), response.result_int(),
                            response.body().substr(0, shown_bytes_max)));
}

}  // namespace

base::Result<std::string, ApiError> api_post_csv(const std::string& socket_path,
                                                 const std::string& target, std::string csv) {
  http::request<http::string_body> request(http::verb::post, target, 11);
  request.set(http::field::content_type, "text/csv");
  request.body() = std::move(csv);
  return exchange(socket_path, std::move(request));
}

base::Result<std::string, ApiError> api_get(const std::string& socket_path,
                                            const std::string& target) {
  return exchange(socket_path, http::request<http::string_body>(http::verb::get, target, 11));
}

}  // namespace farthing::load
