// A server in a thread of its own, at a time that the test sets, and its application.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "diameter/server.h"
#include "diameter/writer.h"
#include "tests/diameter/test_client.h"

namespace boost::asio {
class io_context;
}

namespace farthing::diameter::testing {

// Answers with 2001 and what the CCA's grammar asks for.
class ServerApplication : public Application {
 public:
  void on_request(Peer& peer, const Message& request) override {
    ++requests;
    Writer writer(holds ? peer.held_buffer() : peer.ready_buffer());
    writer.begin_answer(request.header());
    writer.put_text(AvpId::session_id, request.find(AvpId::session_id)->text());
    writer.put_result(ResultCode::success);
    writer.put_text(AvpId::origin_host, "ocs.farthing.example");
    writer.put_text(AvpId::origin_realm, "farthing.example");
    writer.put_u32(AvpId::auth_application_id, application::credit_control);
    if (padding > 0) writer.put_text(AvpId::class_avp, std::string(padding, 'x'));
    writer.finish();
  }
  void on_answer(Peer& /*peer*/, const Message& /*answer*/, std::uint64_t id) override {
    answered = id;
  }
  std::size_t unanswered() const override { return waiting; }
  void on_turn_end() override { ++turns; }
  void on_peer_open(Peer& /*peer*/) override { ++opened; }
  void on_peer_closed(Peer& /*peer*/) override { ++closed; }

  bool holds = false;
  std::size_t padding = 0;
  std::atomic<int> requests = 0;
  std::atomic<std::size_t> waiting = 0;
  std::atomic<int> turns = 0;
  std::atomic<int> opened = 0;
  std::atomic<int> closed = 0;
  std::atomic<std::uint64_t> answered = 0;
};

class ServerTest : public ::testing::Test {
 protected:
  ServerTest();
  ~ServerTest() override;
  // The server is gone before what a test's own class holds.
  void TearDown() override;

  // Another one than `application`, where a test has one.
  virtual ServerApplication& served_application() { return application; }
  void start();
  // Ends the server's thread; what it served is gone by then.
  void stop_loop();
  boost::asio::io_context& io();
  // On the server's thread, waited for.
  void run(const std::function<void()>& task);
  Metrics metrics();
  // Polls what must become true soon.
  bool comes_true(const std::function<bool()>& condition);
  void advance(std::chrono::nanoseconds by) { now_ns += by.count(); }
  void expect_served(TestClient& client, std::uint32_t id);

  std::atomic<std::int64_t> now_ns{0};
  ServerConfig config;
  ServerApplication application;

 private:
  struct Loop;
  std::unique_ptr<Loop> loop_;

 protected:
  std::unique_ptr<Server> server;
  std::uint16_t port = 0;
};

}  // namespace farthing::diameter::testing
