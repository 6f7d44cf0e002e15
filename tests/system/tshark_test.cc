// A dissector that is not ours reads everything that the server sends in the captured sessions and
// in refusals of many kinds: it must find nothing malformed and nothing to warn of.
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "diameter/dictionary.h"
#include "diameter/writer.h"
#include "tests/diameter/captures.h"
#include "tests/system/process.h"
#include "tests/system/wire.h"

namespace farthing::test {
namespace {

constexpr const char* tshark = "/usr/bin/tshark";

bool is_request(const Octets& frame) {
  return (frame.at(4) & diameter::command_flag::request) != 0;
}

// A request of this command, with no more than it takes to be refused.
Octets bare_request(std::uint32_t command, std::uint32_t application) {
  diameter::Buffer buffer;
  diameter::Writer writer(buffer);
  writer.begin({diameter::command_flag::request, command, application, 99, 99});
  writer.put_text(diameter::AvpId::session_id, "client.example;1;bare");
  writer.put_text(diameter::AvpId::origin_host, "client.example");
  writer.put_text(diameter::AvpId::origin_realm, "client.example");
  writer.finish();
  return {buffer.data(), buffer.data() + buffer.size()};
}

// Sessions that see every kind of answer.
void play_refusals(Wire& wire) {
  wire.ask(capabilities_request());
  CreditRequest request;
  request.requested_octets = 1 << 20;
  for (const char* user : {"999", "8613800138008", "8613800138009", "8613800138001"}) {
    request.session = std::string("client.example;1;") + user;
    request.msisdn = user;
    request.requested_octets = 100 << 20;
    wire.ask(credit_request(request));
  }
  request.msisdn = "8613800138000";
  request.rating_group = 99;
  wire.ask(credit_request(request));
  request.type = 2;
  request.session = "client.example;1;unknown";
  wire.ask(credit_request(request));
  request.session = std::string("nul\0", 4);
  wire.ask(credit_request(request));
  wire.ask(bare_request(diameter::command::credit_control, diameter::application::credit_control));
  wire.ask(bare_request(999, diameter::application::credit_control));
  wire.ask(bare_request(diameter::command::credit_control, 16777238));
  wire.ask(bare_request(diameter::command::device_watchdog, 0));
  wire.ask(bare_request(diameter::command::disconnect_peer, 0));
}

// What it may say of a sound answer.
bool is_fair(const std::string& complaint) {
  return complaint == "||Data is empty" ||  // A missing text AVP's example (RFC 6733 7.5).
         complaint.starts_with("||Unknown command");  // The answer to one.
}

void expect_clean(const Wire& wire, const TempFolder& folder, const std::string& name) {
  const std::string file = folder.write(name + ".pcap", wire.capture());
  // A line for each frame that the server sent: its commands, then what is wrong with it.
  const Exit read =
      run({tshark, "-r", file, "-o", "tcp.analyze_sequence_numbers:FALSE", "-Y",
           "tcp.srcport == 3868 && tcp.len > 0", "-T", "fields", "-E", "separator=|", "-e",
           "diameter.cmd.code", "-e", "_ws.malformed", "-e", "_ws.expert.message"},
          folder);
  ASSERT_EQ(read.code, 0) << read.err;
  std::istringstream lines(read.out);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const std::size_t command_end = line.find('|');
    EXPECT_GT(command_end, 0u) << "not seen as Diameter: " << line;
    const std::string complaint = line.substr(std::min(command_end, line.size()));
    EXPECT_TRUE(complaint == "||" || is_fair(complaint)) << name << ": " << line;
  }
  EXPECT_GE(count, 3u);
}

TEST(TsharkTest, finds_nothing_malformed_in_what_the_server_sends) {
  if (!std::filesystem::exists(tshark)) {
    GTEST_SKIP() << "tshark is not installed; tools/check installs it";
  }
  TempFolder folder;
  Farthingd server = Farthingd::demo(folder);
  for (const std::string& name : diameter::testing::capture_names()) {
    auto wire = std::make_unique<Wire>(server.port());
    for (const auto& message : diameter::testing::read_capture(name)) {
      if (!message.from_client) continue;
      if (!is_request(message.frame)) {
        wire->send(message.frame);
        continue;
      }
      // The client whose first capabilities exchange is refused connects again.
      if (result_of(wire->ask(message.frame)) == 5005u)
        wire = std::make_unique<Wire>(server.port());
    }
    expect_clean(*wire, folder, name);
  }
  Wire wire(server.port());
  play_refusals(wire);
  expect_clean(wire, folder, "refusals");
}

}  // namespace
}  // namespace farthing::test
