// The server against a client that is not ours: libfdcore of freeDiameter, in a process of its own.
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "diameter/server.h"
#include "diameter/writer.h"

namespace farthing::diameter {
namespace {

class GrantingApplication : public Application {
 public:
  void on_request(Peer& peer, const Message& request) override {
    Writer writer(peer.ready_buffer());
    writer.begin_answer(request.header());
    writer.put_text(AvpId::session_id, request.find(AvpId::session_id)->text());
    writer.put_result(ResultCode::success);
    writer.put_text(AvpId::origin_host, "ocs.farthing.example");
    writer.put_text(AvpId::origin_realm, "farthing.example");
    writer.put_u32(AvpId::auth_application_id, application::credit_control);
    writer.put_u32(AvpId::cc_request_type, request.find(AvpId::cc_request_type)->u32());
    writer.put_u32(AvpId::cc_request_number, request.find(AvpId::cc_request_number)->u32());
    writer.finish();
    ++requests;
  }
  void on_peer_closed(Peer& peer) override {
    last_state = peer.state();
    ++closed;
  }

  int requests = 0;
  int closed = 0;
  PeerState last_state = PeerState::wait_cer;
};

// Runs a command; its output and whether it ended well.
std::pair<std::string, bool> run(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {"", false};
  std::string output;
  char octets[4096];
  while (const std::size_t size = std::fread(octets, 1, sizeof octets, pipe)) {
    output.append(octets, size);
  }
  return {output, ::pclose(pipe) == 0};
}

std::filesystem::path write_client_config(const std::filesystem::path& folder, std::uint16_t port) {
  // libfdcore does not start without a certificate, even where no peer uses it.
  const std::string key = (folder / "key.pem").string();
  const std::string certificate = (folder / "certificate.pem").string();
  EXPECT_TRUE(
      run("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=client.example -keyout " +
          key + " -out " + certificate + " 2>/dev/null")
          .second);
  const std::filesystem::path path = folder / "client.conf";
  std::ofstream(path)
      << "Identity = \"client.example\";\nRealm = \"example\";\n"
      << "Port = 0;\nSecPort = 0;\nNo_SCTP;\nNo_IPv6;\n"
      << "TLS_Cred = \"" << certificate << "\", \"" << key << "\";\n"
      << "TLS_CA = \"" << certificate << "\";\n"
      << "LoadExtension = \"" << FREEDIAMETER_EXTENSIONS << "/dict_nasreq.fdx\";\n"
      << "LoadExtension = \"" << FREEDIAMETER_EXTENSIONS << "/dict_dcca.fdx\";\n"
      << "ConnectPeer = \"ocs.farthing.example\" { ConnectTo = \"127.0.0.1\"; Port = " << port
      << "; No_TLS; TcTimer = 1; };\n";
  return path;
}

TEST(FreeDiameter, OpensIsAnsweredAndSaysGoodbye) {
  if (!std::filesystem::exists(std::string(FREEDIAMETER_EXTENSIONS) + "/dict_dcca.fdx")) {
    GTEST_SKIP() << "freeDiameter's extensions are not installed";
  }
  boost::asio::io_context io(1);
  ServerConfig config;
  config.listen[0].port = 0;
  config.identity = {"ocs.farthing.example", "farthing.example", 1};
  config.peers_allowed = {{"client.example", *IpNetwork::parse("127.0.0.0/8")}};
  GrantingApplication application;
  Server server(io, config, application);
  ASSERT_TRUE(server.listen().has_value());
  std::thread thread([&] { io.run(); });

  const auto folder = std::filesystem::temp_directory_path() /
                      ("farthing-freediameter-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const std::string config_path = write_client_config(folder, server.port()).string();
  const auto [output, ended_well] =
      run(std::string(FREEDIAMETER_CLIENT) + " " + config_path + " ocs.farthing.example 20 2>&1");
  server.post([&] { server.stop([] {}); });
  thread.join();
  std::filesystem::remove_all(folder);

  EXPECT_TRUE(ended_well) << output;
  EXPECT_NE(output.find("open\n"), std::string::npos) << output;
  std::size_t answers = 0;
  for (std::size_t at = output.find("result 2001"); at != std::string::npos;
       at = output.find("result 2001", at + 1)) {
    ++answers;
  }
  EXPECT_EQ(answers, 20u) << output;
  EXPECT_EQ(application.requests, 20);
  EXPECT_EQ(application.closed, 1);
}

}  // namespace
}  // namespace farthing::diameter
