#include "tests/diameter/server_fixture.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

namespace farthing::diameter::testing {

struct ServerTest::Loop {
  boost::asio::io_context io{1};
  // A server that has stopped leaves nothing to do, and run() would return.
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::thread thread;
};

ServerTest::ServerTest() : loop_(std::make_unique<Loop>()) {
  config.listen[0].port = 0;
  config.identity = {"ocs.farthing.example", "farthing.example", 1};
  config.peers_allowed = {{"*", *IpNetwork::parse("127.0.0.0/8")}, {"*", *IpNetwork::parse("::1")}};
  config.tick_interval = std::chrono::milliseconds(2);
  config.now = [this] { return MonotonicTime(std::chrono::nanoseconds(now_ns.load())); };
}

ServerTest::~ServerTest() = default;

void ServerTest::TearDown() {
  if (!loop_->thread.joinable()) return;
  run([&] { server.reset(); });
  stop_loop();
}

void ServerTest::stop_loop() {
  loop_->io.stop();
  loop_->thread.join();
  loop_->io.restart();
}

boost::asio::io_context& ServerTest::io() { return loop_->io; }

void ServerTest::start() {
  server = std::make_unique<Server>(io(), config, served_application());
  const auto listening = server->listen();
  ASSERT_TRUE(listening.has_value()) << listening.error();
  port = server->port();
  loop_->thread = std::thread([this] { loop_->io.run(); });
}

void ServerTest::run(const std::function<void()>& task) {
  std::promise<void> done;
  boost::asio::post(io(), [&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

Metrics ServerTest::metrics() {
  Metrics copy;
  run([&] { copy = server->metrics(); });
  return copy;
}

bool ServerTest::comes_true(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

void ServerTest::expect_served(TestClient& client, std::uint32_t id) {
  Buffer request;
  write_ccr(request, id);
  client.send(request.bytes());
  const auto answer = client.receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(result_of(*answer), 2001u);
  EXPECT_EQ(load_u32(&(*answer)[16]), id);
}

}  // namespace farthing::diameter::testing
