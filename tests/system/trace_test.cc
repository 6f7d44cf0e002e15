// farthing trace against a real server: what it shows, whom it follows, and what can be made of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include "diameter/message.h"
#include "diameter/pcap.h"
#include "diameter/raw_avps.h"
#include "tests/diameter/captures.h"
#include "tests/diameter/transcript.h"
#include "tests/system/process.h"
#include "tests/system/wire.h"

namespace farthing::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* anna = "8613800138000";

class TraceTest : public ::testing::Test {
 protected:
  // A trace that follows by now.
  std::unique_ptr<Process> trace(std::vector<std::string> arguments) {
    std::vector<std::string> words = {program("farthing"), "trace", "--api", server_.api()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    folders_.push_back(std::make_unique<TempFolder>());
    auto process = std::make_unique<Process>(words, *folders_.back());
    const auto until = std::chrono::steady_clock::now() + patience;
    while (process->error_output().find("tracing") == std::string::npos) {
      if (std::chrono::steady_clock::now() > until) throw std::runtime_error("it does not trace");
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return process;
  }
  std::string file(const std::string& name) const { return (folder_.path() / name).string(); }
  static std::string content(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }

  TempFolder folder_;
  std::vector<std::unique_ptr<TempFolder>> folders_;
  Farthingd server_ = Farthingd::demo(folder_);
};

CreditRequest request_of(const std::string& msisdn, const std::string& session) {
  CreditRequest request;
  request.msisdn = msisdn;
  request.session = session;
  request.requested_octets = 1 << 20;
  return request;
}

TEST_F(TraceTest, shows_requests_answers_and_why) {
  Wire wire(server_.port());
  wire.ask(capabilities_request());
  auto anna_traced = trace({"--subscriber", std::string("+") + anna, "--count", "4"});
  wire.ask(credit_request(request_of("8613800138001", "bob")));
  CreditRequest request = request_of(anna, "anna");
  wire.ask(credit_request(request));
  request.type = 3;
  request.number = 1;
  request.requested_octets.reset();
  request.used_octets = 1 << 20;
  request.msisdn = "";  // her session is known by now
  wire.ask(credit_request(request));
  const Exit seen = anna_traced->wait();
  EXPECT_EQ(seen.code, 0) << seen.err;
  EXPECT_THAT(seen.out, HasSubstr("client.example -> server"));
  EXPECT_THAT(seen.out, HasSubstr("server -> client.example, after "));
  EXPECT_THAT(seen.out, HasSubstr("\"anna\""));
  EXPECT_THAT(seen.out, Not(HasSubstr("\"bob\"")));
  EXPECT_THAT(seen.out, HasSubstr("| granted 1 MiB of rating group 10"));  // why
  EXPECT_THAT(seen.out, HasSubstr("of tariff demo-cn (line "));
}

TEST_F(TraceTest, follows_whoever_is_nobody) {
  Wire wire(server_.port());
  wire.ask(capabilities_request());
  auto traced = trace({"--subscriber", "999", "--brief", "--count", "2"});
  wire.ask(credit_request(request_of("999", "nobody")));
  EXPECT_THAT(traced->wait().out, HasSubstr("< 5030"));
}

TEST_F(TraceTest, follows_a_session_that_was_open_and_one_by_its_id) {
  Wire wire(server_.port());
  wire.ask(capabilities_request());
  wire.ask(credit_request(request_of(anna, "long")));
  auto traced = trace({"--subscriber", anna, "--brief", "--count", "2", "--no-reasons"});
  auto by_id = trace({"--session", "long", "--brief", "--count", "2"});
  CreditRequest request = request_of("", "long");
  request.type = 2;
  request.number = 1;
  wire.ask(credit_request(request));
  EXPECT_THAT(traced->wait().out, HasSubstr("> U 1 session=long"));
  EXPECT_THAT(by_id->wait().out, HasSubstr("> U 1 session=long"));
}

TEST_F(TraceTest, of_a_peer_it_shows_the_base_protocol_too_and_makes_a_capture) {
  const std::string pcap = file("client.pcap");
  auto traced = trace({"--peer", "client.example", "--brief", "--count", "4", "--pcap", pcap});
  Wire wire(server_.port());
  std::vector<Octets> sent = {capabilities_request(), credit_request(request_of(anna, "s"))};
  std::vector<Octets> received;
  for (const Octets& octets : sent) received.push_back(wire.ask(octets));
  const Exit seen = traced->wait();
  EXPECT_EQ(seen.code, 0) << seen.err;
  EXPECT_THAT(seen.out, HasSubstr("Capabilities-Exchange-Answer"));
  const auto captured = diameter::read_pcap(content(pcap));
  ASSERT_TRUE(captured.has_value()) << captured.error();
  std::vector<Octets> from_client;
  std::vector<Octets> from_server;
  for (const auto& message : *captured) {
    (message.from_client ? from_client : from_server).push_back(message.frame);
  }
  EXPECT_EQ(from_client, sent);
  EXPECT_EQ(from_server, received);
  // Nobody's file is overwritten.
  const Exit again = server_.farthing({"trace", "--peer", "x", "--pcap", pcap});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("is there already"));
}

std::string origin_host_of(const std::string& capture) {
  for (const auto& captured : diameter::testing::read_capture(capture)) {
    const auto message = std::make_unique<diameter::Message>();
    const bool decoded = diameter::decode(captured.frame, *message).has_value();
    const diameter::Avp* const host =
        decoded ? message->find(diameter::AvpId::origin_host) : nullptr;
    if (captured.from_client && host != nullptr) return std::string(host->text());
  }
  throw std::runtime_error(capture + " has no client");
}

// The sessions of two real clients become transcripts that the tests play to the same end.
TEST_F(TraceTest, makes_a_golden_transcript) {
  for (const std::string& name : diameter::testing::capture_names()) {
    const std::string golden = file(name + ".txt");
    auto traced = trace({"--peer", origin_host_of(name), "--as-test", golden, "--no-reasons"});
    auto wire = std::make_unique<Wire>(server_.port());
    std::size_t asked = 0;
    for (const auto& message : diameter::testing::read_capture(name)) {
      const diameter::Header header = diameter::header_of(message.frame);
      if (!message.from_client || !header.is_request()) continue;
      if (result_of(wire->ask(message.frame)) == 5005u)
        wire = std::make_unique<Wire>(server_.port());
      if (header.command == diameter::command::credit_control) ++asked;
    }
    // The last answer may be on its way to the file.
    const auto until = std::chrono::steady_clock::now() + patience;
    const auto answers = [&] {
      std::istringstream lines(content(golden));
      std::size_t count = 0;
      for (std::string line; std::getline(lines, line);) {
        count += line.starts_with("< ") && !line.starts_with("<  ") ? 1 : 0;
      }
      return count;
    };
    while (answers() < asked && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    traced->signal(SIGINT);
    const std::string transcript = content(golden);
    EXPECT_EQ(answers(), asked) << name;
    EXPECT_EQ(play_transcript(transcript), transcript) << name;
  }
}

// What was traced is asked again: by the same server as a repetition, in other sessions anew.
TEST_F(TraceTest, a_capture_is_replayed_and_answers_are_compared) {
  const std::string pcap = file("anna.pcap");
  auto traced = trace({"--subscriber", anna, "--count", "4", "--no-reasons", "--pcap", pcap});
  Wire wire(server_.port());
  wire.ask(capabilities_request());
  CreditRequest request = request_of(anna, "anna");
  wire.ask(credit_request(request));
  request.type = 3;
  request.number = 1;
  request.requested_octets.reset();
  request.used_octets = 1 << 20;
  wire.ask(credit_request(request));
  EXPECT_EQ(traced->wait().code, 0);
  const std::string balance = server_.balance(anna);

  const std::vector<std::string> replay = {program("farthing"), "replay", pcap, "--connect",
                                           server_.endpoint()};
  const Exit again = run(replay, folder_);
  EXPECT_EQ(again.code, 0) << again.err << again.out;
  EXPECT_THAT(again.out, HasSubstr("2 requests asked again: 2 answered as in the capture"));
  EXPECT_EQ(server_.balance(anna), balance);  // nothing is charged twice

  std::vector<std::string> anew = replay;
  anew.emplace_back("--new-sessions");
  EXPECT_EQ(run(anew, folder_).code, 0);
  EXPECT_NE(server_.balance(anna), balance);

  EXPECT_EQ(server_.farthing({"balance", "adjust", anna, "-" + server_.balance(anna)}).code, 0);
  anew.emplace_back("--all");
  const Exit otherwise = run(anew, folder_);
  EXPECT_EQ(otherwise.code, 1);
  EXPECT_THAT(otherwise.out, HasSubstr("> I 0 session=anna"));
  EXPECT_THAT(otherwise.out, HasSubstr("- <   rg=10 2001 gsu=total:1048576"));
  EXPECT_THAT(otherwise.out, HasSubstr("+ <   rg=10 4012"));
  EXPECT_THAT(otherwise.out, HasSubstr("1 otherwise"));

  const Exit missing = run({program("farthing"), "replay", file("none.pcap")}, folder_);
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("cannot be read"));
}

TEST_F(TraceTest, says_what_is_wrong_and_has_bounds) {
  EXPECT_EQ(server_.farthing({"trace"}).code, 2);
  EXPECT_EQ(server_.farthing({"trace", "--peer", "a", "--session", "b"}).code, 2);
  const Exit wrong = server_.farthing({"trace", "--subscriber", "anna"});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("an MSISDN or an IMSI"));

  std::vector<std::unique_ptr<Process>> traces;
  for (int i = 0; i < 3; ++i) traces.push_back(trace({"--peer", "x"}));
  const Exit fourth = server_.farthing({"trace", "--peer", "x", "--seconds", "1"});
  EXPECT_EQ(fourth.code, 1);
  EXPECT_THAT(fourth.err, HasSubstr("3 traces run already"));
  // One that has gone makes room.
  traces.pop_back();
  const auto until = std::chrono::steady_clock::now() + patience;
  Exit next;
  do {
    next = server_.farthing({"trace", "--peer", "x", "--seconds", "1"});
  } while (next.code != 0 && std::chrono::steady_clock::now() < until);
  EXPECT_EQ(next.code, 0) << next.err;
  EXPECT_EQ(server_.stop().code, 0);  // in spite of those that still follow
}

}  // namespace
}  // namespace farthing::test
