#include "tools/load/driver.h"

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace farthing::load {
namespace {

std::uint32_t load32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

std::string big32(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string answer_with(std::string_view request, std::uint32_t result) {
  const std::string avp = big32(268) + big32(0x40000000 | 12) + big32(result);
  return big32(0x01000000 | 32) + big32(load32(request, 4) & 0xffffff) +
         std::string(request.substr(8, 12)) + avp;
}

// A server on a free port, in a thread of its own. What to do with a CCR is the test's affair.
class Responder {
 public:
  enum class Do { answer, refuse, ignore, hang_up };
  // Told the request's Session-Id, its T flag and how many CCRs have come.
  using OnCcr = std::function<Do(const std::string& session, bool sent_before, int count)>;

  explicit Responder(OnCcr on_ccr) : on_ccr_(std::move(on_ccr)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
    ::listen(listener_, 16);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Responder() {
    stop_ = true;
    thread_.join();
    for (const auto& [peer, bytes] : peers_) ::close(peer);
    ::close(listener_);
  }
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  void serve() {
    while (!stop_) {
      std::vector<pollfd> sockets = {{listener_, POLLIN, 0}};
      for (const auto& [peer, bytes] : peers_) sockets.push_back({peer, POLLIN, 0});
      ::poll(sockets.data(), sockets.size(), 5);
      if (sockets[0].revents != 0) peers_[::accept(listener_, nullptr, nullptr)];
      for (std::size_t i = 1; i < sockets.size(); ++i) {
        const int peer = sockets[i].fd;
        if (sockets[i].revents == 0 || take(peer, peers_[peer])) continue;
        ::close(peer);
        peers_.erase(peer);
      }
    }
  }

  // False when the connection is to be closed.
  bool take(int peer, std::string& bytes) {
    std::array<char, 65536> buffer{};
    const ssize_t got = ::read(peer, buffer.data(), buffer.size());
    if (got <= 0) return false;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
    std::string out;
    while (const auto length = message_length(bytes)) {
      if (*length > bytes.size()) break;
      const std::string message = bytes.substr(0, *length);
      bytes.erase(0, *length);
      if ((load32(message, 4) & 0xffffff) != command_credit_control) {
        out += answer_with(message, 2001);
        continue;
      }
      const std::string session = message.substr(28, (load32(message, 24) & 0xffffff) - 8);
      const Do what = on_ccr_(session, (message[4] & 0x10) != 0, ++count_);
      if (what == Do::hang_up) return false;
      if (what == Do::answer) out += answer_with(message, 2001);
      if (what == Do::refuse) out += answer_with(message, 4012);
    }
    return ::write(peer, out.data(), out.size()) == static_cast<ssize_t>(out.size());
  }

  OnCcr on_ccr_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::map<int, std::string> peers_;
  int count_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

LoadOptions options_for(const Responder& responder) {
  LoadOptions options;
  options.host = "127.0.0.1";
  options.port = responder.port();
  options.subscribers = 7;
  options.sessions = 20;
  options.connections = 3;
  options.in_flight = 8;
  options.seconds = 0.1;
  options.updates_per_session = 5;
  return options;
}

std::int64_t charged_in_all(const LoadResult& result) {
  std::int64_t sum = 0;
  for (const Charged& charged : result.charged) {
    EXPECT_EQ(charged.least, charged.most);
    sum += charged.least;
  }
  return sum;
}

TEST(Driver, PlaysSessionsToTheirEnd) {
  std::map<std::string, int> requests;
  LoadResult result;
  {
    const Responder responder([&](const std::string& session, bool sent_before, int) {
      EXPECT_FALSE(sent_before);
      ++requests[session];
      return Responder::Do::answer;
    });
    result = Driver(options_for(responder)).run();
  }
  EXPECT_EQ(result.complaint, "");
  EXPECT_EQ(result.errors(), 0u);
  EXPECT_GT(result.answered, 20u);
  EXPECT_GE(result.latency.count(), result.answered - 8);
  EXPECT_GT(charged_in_all(result), 0);
  EXPECT_GT(requests.size(), 20u);
  int whole = 0;
  for (const auto& [session, count] : requests) {
    EXPECT_LE(count, 7) << session;  // initial, five updates, termination
    EXPECT_GE(count, 2) << session;
    if (count == 7) ++whole;
  }
  EXPECT_GT(whole, 0);
}

TEST(Driver, OpenLoopKeepsItsRateAndCountsFromTheIntendedTime) {
  const Responder responder([](const std::string&, bool, int) { return Responder::Do::answer; });
  LoadOptions options = options_for(responder);
  options.rate = 1000;
  options.seconds = 0.3;
  const LoadResult result = Driver(options).run();
  EXPECT_EQ(result.errors(), 0u);
  EXPECT_LE(result.latency.count(), 301u);
  EXPECT_GE(result.latency.count(), 299u);
}

TEST(Driver, RequestsThatFoundNoSessionCountAsLate) {
  const Responder responder([](const std::string&, bool, int count) {
    return count <= 20 ? Responder::Do::answer : Responder::Do::ignore;
  });
  LoadOptions options = options_for(responder);
  options.rate = 1000;
  options.seconds = 0.2;
  options.drain = std::chrono::milliseconds(500);
  const LoadResult result = Driver(options).run();
  EXPECT_EQ(result.unanswered, 20u);
  EXPECT_EQ(result.complaint, "no answer for 500 ms");
  EXPECT_NEAR(static_cast<double>(result.not_sent), 180, 2);
  EXPECT_GT(result.latency.percentile_ns(0.5), 50'000'000u);
}

TEST(Driver, SendsAgainWithTWhatIsNotAnswered) {
  std::atomic<int> again = 0;
  const Responder responder([&](const std::string&, bool sent_before, int count) {
    if (sent_before) ++again;
    return sent_before || count % 10 != 0 ? Responder::Do::answer : Responder::Do::ignore;
  });
  LoadOptions options = options_for(responder);
  options.timeout = std::chrono::milliseconds(5);
  const LoadResult result = Driver(options).run();
  EXPECT_EQ(result.errors(), 0u);
  EXPECT_GT(again, 0);
  EXPECT_EQ(result.sent_again, static_cast<std::uint64_t>(again));
}

TEST(Driver, ComesBackAfterALostConnection) {
  std::atomic<int> again = 0;
  const Responder responder([&](const std::string&, bool sent_before, int count) {
    if (sent_before) ++again;
    return count == 30 || count == 60 ? Responder::Do::hang_up : Responder::Do::answer;
  });
  const LoadResult result = Driver(options_for(responder)).run();
  EXPECT_EQ(result.complaint, "");
  EXPECT_EQ(result.errors(), 0u);
  EXPECT_GE(result.reconnects, 2u);
  EXPECT_GT(again, 0);
}

TEST(Driver, StopsAtALostConnectionWhenToldTo) {
  const Responder responder([](const std::string&, bool, int count) {
    return count == 30 ? Responder::Do::hang_up : Responder::Do::answer;
  });
  LoadOptions options = options_for(responder);
  options.reconnect = false;
  const LoadResult result = Driver(options).run();
  EXPECT_NE(result.complaint, "");
  EXPECT_FALSE(result.never_connected);
}

TEST(Driver, CountsErrorsByCodeAndChargesNothingForThem) {
  const Responder responder([](const std::string&, bool, int) { return Responder::Do::refuse; });
  const LoadResult result = Driver(options_for(responder)).run();
  ASSERT_EQ(result.errors_by_code.size(), 1u);
  EXPECT_GT(result.errors_by_code.at(4012), 20u);
  EXPECT_EQ(charged_in_all(result), 0);
}

TEST(Driver, SaysWhenThereIsNoServer) {
  LoadOptions options;
  options.host = "127.0.0.1";
  {
    const Responder gone([](const std::string&, bool, int) { return Responder::Do::answer; });
    options.port = gone.port();
  }
  const LoadResult result = Driver(options).run();
  EXPECT_TRUE(result.never_connected);
  EXPECT_NE(result.complaint.find("refused"), std::string::npos) << result.complaint;
}

}  // namespace
}  // namespace farthing::load
