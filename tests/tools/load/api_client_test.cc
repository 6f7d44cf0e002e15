#include "tools/load/api_client.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace farthing::load {
namespace {

using testing::HasSubstr;

// A server for one exchange: reads until it has seen `request_end`, sends `response`.
class OneShotServer {
 public:
  OneShotServer(std::string request_end, std::string response) {
    std::array<char, 32> name{"/tmp/farthing-api-XXXXXX"};
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/api.sock";
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
    ::listen(listener_, 1);
    thread_ = std::thread([this, request_end, response] {
      const int peer = ::accept(listener_, nullptr, nullptr);
      std::array<char, 4096> buffer{};
      while (request_.find(request_end) == std::string::npos) {
        const ssize_t got = ::read(peer, buffer.data(), buffer.size());
        if (got <= 0) break;
        request_.append(buffer.data(), static_cast<std::size_t>(got));
      }
      (void)!::write(peer, response.data(), response.size());
      ::close(peer);
    });
  }
  ~OneShotServer() {
    if (thread_.joinable()) thread_.join();
    ::close(listener_);
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }
  OneShotServer(const OneShotServer&) = delete;
  OneShotServer& operator=(const OneShotServer&) = delete;

  const std::string& path() const { return path_; }
  // What was asked, once it has been answered.
  const std::string& request() {
    thread_.join();
    return request_;
  }

 private:
  std::string folder_;
  std::string path_;
  int listener_ = -1;
  std::string request_;
  std::thread thread_;
};

TEST(ApiClient, ReadsAChunkedAnswer) {
  OneShotServer server("\r\n\r\n",
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "5\r\na,b\nc\r\n3\r\n,d\n\r\n0\r\n\r\n");
  const auto body = api_get(server.path(), "/v1/balances?format=csv");
  ASSERT_TRUE(body.has_value()) << body.error().message;
  EXPECT_EQ(*body, "a,b\nc,d\n");
  EXPECT_THAT(server.request(), HasSubstr("GET /v1/balances?format=csv HTTP/1.1\r\n"));
}

TEST(ApiClient, PostsCsv) {
  OneShotServer server("last line\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  ASSERT_TRUE(api_post_csv(server.path(), "/v1/subscribers/import", "last line\n").has_value());
  EXPECT_THAT(server.request(), HasSubstr("Content-Type: text/csv\r\n"));
}

TEST(ApiClient, SaysWhatWasRefused) {
  OneShotServer server("\r\n\r\n",
                       "HTTP/1.1 400 Bad Request\r\nContent-Length: 9\r\n\r\nwrong csv");
  const auto body = api_get(server.path(), "/x");
  ASSERT_FALSE(body.has_value());
  EXPECT_FALSE(body.error().not_reachable);
  EXPECT_THAT(body.error().message, HasSubstr("400: wrong csv"));
}

TEST(ApiClient, SaysWhenNobodyIsThere) {
  const auto none = api_get("/tmp/farthing-there-is-no-such-socket", "/x");
  ASSERT_FALSE(none.has_value());
  EXPECT_TRUE(none.error().not_reachable);
  EXPECT_TRUE(api_get(std::string(200, 'x'), "/x").error().not_reachable);
}

}  // namespace
}  // namespace farthing::load
