// A Diameter client for one question after the other: connects, sends a request, waits for its
// answer. What the server asks by itself meanwhile is passed over.
//
// Threads: one; calls block, each answer for answer_timeout at most. Errors: sentences.
#pragma once

#include "diameter/message.h"
#include "diameter/writer.h"
#include "engine/base/result.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tools {

// "127.0.0.1:3868" or "[::1]:3868".
struct DiameterEndpoint {
  std::string host;
  std::string port;

  // nullopt: it is no HOST:PORT.
  static std::optional<DiameterEndpoint> parse(const std::string& text);
};

class DiameterClient {
 public:
  static constexpr std::chrono::seconds answer_timeout{10};  // the client's Tx (RFC 8506 13)

  DiameterClient() = default;
  ~DiameterClient();
  DiameterClient(const DiameterClient&) = delete;
  DiameterClient& operator=(const DiameterClient&) = delete;

  // Anew where it was connected before.
  base::Result<void, std::string> connect(const DiameterEndpoint& server);
  // The answer is good until the next call. REQUIRES: connected; a whole request.
  base::Result<const diameter::Message*, std::string> ask(diameter::Bytes request);

 private:
  bool receive(std::size_t from);

  int socket_ = -1;
  std::vector<std::uint8_t> answer_bytes_;
  diameter::Message answer_;
};

// Result-Code of an answer; 0: it has none.
std::uint32_t result_of(const diameter::Message& answer);

// A CER (RFC 6733 5.3.1) of a client of this name.
void write_capabilities_request(diameter::Buffer& out, std::string_view origin_host,
                                std::string_view origin_realm, std::string_view product);

}  // namespace farthing::tools
