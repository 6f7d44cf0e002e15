// The server's sockets: who may connect, what is bounded, and when an answer leaves.
#include "engine/admin/server.h"

#include "engine/admin/unix_socket.h"
#include "storage/memory_store.h"
#include "tests/engine/admin/api_fixture.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sys/stat.h>

#include <fstream>
#include <future>

namespace farthing::engine::admin {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using testing::HasSubstr;
using testing::StartsWith;

// Everything that the other side says to these bytes until it closes.
template <class Socket>
std::string converse(Socket& socket, const std::string& bytes) {
  boost::system::error_code error;
  asio::write(socket, asio::buffer(bytes), error);
  std::string answer;
  asio::read(socket, asio::dynamic_buffer(answer), error);
  return answer;
}

class RawConnection {
 public:
  explicit RawConnection(const std::string& path) : socket_(io_) {
    socket_.connect(asio::local::stream_protocol::endpoint(path));
  }
  std::string exchange(const std::string& bytes) {
    return farthing::engine::admin::converse(socket_, bytes);
  }
  void write(const std::string& bytes) {
    boost::system::error_code ignored;
    asio::write(socket_, asio::buffer(bytes), ignored);
  }
  void write_until_closed() {
    const std::string bytes(4096, 'x');
    boost::system::error_code error;
    while (!error) asio::write(socket_, asio::buffer(bytes), error);
  }
  void close() { socket_.close(); }

 private:
  asio::io_context io_;
  asio::local::stream_protocol::socket socket_;
};

// A server on a store in memory, where nothing is durable before the test says so.
class HeldTest : public testing::Test {
 protected:
  HeldTest() : thread_(store_, [] { return Time(std::chrono::hours(24 * 365 * 56)); }) {
    thread_.run([](Shard& shard) {
      EXPECT_TRUE(create_account(shard, "1001", AccountKind::prepaid, Money(), Note{}).has_value());
    });
    settle();
  }
  ~HeldTest() override {
    server_.reset();
    thread_.join();
  }
  // Makes everything durable that was entered.
  void settle() {
    bool idle = false;
    while (!idle) {
      thread_.run_and_wait([&](Shard& shard) {
        store_.sync();
        idle = shard.idle();
      });
    }
  }
  ApiOptions options(const std::string& name = "api.sock") {
    ApiOptions made;
    made.socket_path = (folder_.path() / name).string();
    made.clock = [] { return Time(); };
    return made;
  }
  void start(ApiOptions made) {
    auto server = ApiServer::start(std::move(made), thread_, store_, thread_.shard().metrics());
    ASSERT_TRUE(server.has_value()) << server.error();
    server_ = std::move(*server);
  }
  std::string start_error(ApiOptions made) {
    auto server = ApiServer::start(std::move(made), thread_, store_, thread_.shard().metrics());
    return server.has_value() ? "started" : server.error();
  }
  std::string path(const std::string& name = "api.sock") const {
    return (folder_.path() / name).string();
  }

  TemporaryFolder folder_;
  storage::MemoryStore store_;
  ShardThread thread_;
  std::unique_ptr<ApiServer> server_;
};

TEST_F(HeldTest, NoAnswerLeavesBeforeItsSync) {
  start(options());
  const tools::ApiClient client(path());
  auto top_up = std::async(std::launch::async, [&] {
    return client.send("POST", "/v1/accounts/1001/topup", R"({"amount":"5"})");
  });
  // The entry is with the store, which does not say that it is durable.
  bool under_way = false;
  while (!under_way) {
    thread_.run_and_wait([&](Shard&) { under_way = store_.append_under_way(); });
  }
  auto read = std::async(std::launch::async, [&] { return client.get("/v1/accounts/1001"); });
  EXPECT_EQ(top_up.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  EXPECT_EQ(read.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  EXPECT_TRUE(client.get("/v1/status").has_value());  // reads no account and waits for none
  settle();
  EXPECT_EQ(top_up.get()->status, 200u);
  EXPECT_THAT(read.get()->body, HasSubstr("\"balance\":\"5.000000\""));
}

TEST_F(HeldTest, StoppingDoesNotWaitForTheStore) {
  start(options());
  auto top_up = std::async(std::launch::async, [&] {
    return tools::ApiClient(path()).send("POST", "/v1/accounts/1001/topup", R"({"amount":"5"})");
  });
  bool under_way = false;
  while (!under_way) {
    thread_.run_and_wait([&](Shard&) { under_way = store_.append_under_way(); });
  }
  thread_.run_and_wait([&](Shard&) { server_->stop(); });  // from the shard's own thread
  EXPECT_FALSE(top_up.get().has_value());
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(HeldTest, TheSocketIsTheOwnersOnly) {
  start(options());
  struct stat status {};
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(HeldTest, AStaleSocketIsReplacedAndALiveOneRefused) {
  {
    asio::io_context io;
    asio::local::stream_protocol::acceptor dead(io, asio::local::stream_protocol::endpoint(path()));
  }
  ASSERT_TRUE(std::filesystem::exists(path()));
  start(options());
  EXPECT_THAT(start_error(options()), HasSubstr("a server is running there"));
  EXPECT_TRUE(tools::ApiClient(path()).reachable());  // and it goes on
  std::ofstream(path("file")) << "text";
  EXPECT_THAT(start_error(options("file")), HasSubstr("this is no socket"));
  EXPECT_TRUE(std::filesystem::exists(path("file")));
  EXPECT_THAT(start_error(options("no/such/folder")), HasSubstr("No such file"));
}

TEST_F(HeldTest, ALongPathIsRefusedByName) {
  const std::string name(120, 'x');
  const std::string message = start_error(options(name));
  EXPECT_THAT(message, HasSubstr(name));
  EXPECT_THAT(message, HasSubstr("room for 107"));
}

TEST_F(HeldTest, WhatIsNoHttpIsRefused) {
  start(options());
  EXPECT_THAT(RawConnection(path()).exchange("hello\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(RawConnection(path()).exchange("GET /%zz HTTP/1.1\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(RawConnection(path()).exchange("GET / HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  const std::string endless = "GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n";
  EXPECT_THAT(RawConnection(path()).exchange(endless), StartsWith("HTTP/1.1 400"));
}

TEST_F(HeldTest, BodiesAreBounded) {
  start(options());
  EXPECT_THAT(RawConnection(path()).exchange(
                  "POST /v1/accounts HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n"),
              StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(RawConnection(path()).exchange(
                  "POST /v1/accounts HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
  const std::string chunk = "80000\r\n" + std::string(0x80000, ' ') + "\r\n";
  EXPECT_THAT(RawConnection(path()).exchange(
                  "POST /v1/accounts HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk +
                  chunk + chunk + "0\r\n\r\n"),
              StartsWith("HTTP/1.1 413"));
}

TEST_F(HeldTest, ExpectationsAndPipelinesAreServed) {
  start(options());
  EXPECT_THAT(RawConnection(path()).exchange(
                  "POST /v1/accounts HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n"
                  "Connection: close\r\n\r\nx"),
              StartsWith("HTTP/1.1 100"));
  const std::string answers = RawConnection(path()).exchange(
      "GET /v1/status HTTP/1.1\r\n\r\nGET /v1/balances HTTP/1.1\r\n\r\n"
      "GET /v1/balances?format=csv HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answers, HasSubstr("\"uptime_seconds\""));
  EXPECT_THAT(answers, HasSubstr("{\"balances\":["));
  EXPECT_THAT(answers, HasSubstr("1001,prepaid,XXX,0.000000"));
}

TEST_F(HeldTest, SilentAndVanishedClientsDoNotHurt) {
  ApiOptions made = options();
  made.read_timeout = std::chrono::milliseconds(50);
  start(std::move(made));
  EXPECT_EQ(RawConnection(path()).exchange(""), "");
  EXPECT_EQ(
      RawConnection(path()).exchange("POST /v1/accounts HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"),
      "");
  for (int i = 0; i < 20; ++i) {
    RawConnection gone(path());
    gone.write("GET /v1/balances HTTP/1.1\r\n\r\n");
    gone.close();
  }
  EXPECT_EQ(tools::ApiClient(path()).get("/v1/status")->status, 200u);
}

TEST_F(HeldTest, SlowReadersAreCutOff) {
  thread_.run([](Shard& shard) {
    for (int i = 0; i < 20'000; ++i) {
      const std::string name = fmt::format("account-{}", i);
      EXPECT_TRUE(create_account(shard, name, AccountKind::prepaid, Money(), Note{}).has_value());
    }
  });
  settle();
  ApiOptions made = options();
  made.write_timeout = std::chrono::milliseconds(50);
  start(std::move(made));
  RawConnection slow(path());
  slow.write("GET /v1/balances?format=csv HTTP/1.1\r\n\r\n");
  slow.write_until_closed();
  const std::string answer = slow.exchange("");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_FALSE(answer.ends_with("\r\n0\r\n\r\n"));  // cut off, and to be seen
  EXPECT_EQ(tools::ApiClient(path()).get("/v1/balances?format=csv")->status, 200u);
}

TEST_F(HeldTest, ConnectionsAreBounded) {
  ApiOptions made = options();
  made.connections_max = 2;
  start(std::move(made));
  RawConnection first(path());
  RawConnection second(path());
  // Both are counted once they were accepted, in the order of their connecting.
  EXPECT_THAT(RawConnection(path()).exchange(""), StartsWith("HTTP/1.1 503"));
  first.close();
  second.close();
  unsigned status = 503;
  while (status == 503) {
    const auto answer = tools::ApiClient(path()).get("/v1/status");
    if (answer.has_value()) status = answer->status;
  }
  EXPECT_EQ(status, 200u);
}

TEST_F(HeldTest, FiguresOverTcpAndNothingElse) {
  ApiOptions made = options();
  made.metrics_port = 0;
  made.samples = [] {
    return std::vector<Sample>{{"farthing_peers_open", "Peers.", false, {}, 3}};
  };
  start(std::move(made));
  auto ask = [&](const std::string& target) {
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    socket.connect({asio::ip::address_v4::loopback(), server_->metrics_port()});
    return converse(socket, "GET " + target + " HTTP/1.1\r\nConnection: close\r\n\r\n");
  };
  EXPECT_THAT(ask("/metrics"), HasSubstr("farthing_peers_open 3"));
  EXPECT_THAT(ask("/v1/status"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(ask("/v1/accounts/1001"), StartsWith("HTTP/1.1 404"));

  ApiOptions taken = options("other.sock");
  taken.metrics_port = server_->metrics_port();
  EXPECT_THAT(start_error(std::move(taken)), HasSubstr("choose another port"));
  EXPECT_FALSE(std::filesystem::exists(path("other.sock")));
  ApiOptions wrong = options("other.sock");
  wrong.metrics_port = 0;
  wrong.metrics_address = "localhost";
  EXPECT_THAT(start_error(std::move(wrong)), HasSubstr("is no IP address"));
}

}  // namespace
}  // namespace farthing::engine::admin
