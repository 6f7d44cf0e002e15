// A blocking Diameter client over loopback, for tests of a server that runs in a thread of its own.
// Every wait ends after ten seconds at the latest, and then fails.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diameter/buffer.h"
#include "diameter/message.h"

struct ssl_ctx_st;
struct ssl_st;

namespace farthing::diameter::testing {

class TestClient {
 public:
  // receive_buffer_bytes: 0 leaves the system's default.
  explicit TestClient(std::uint16_t port, int receive_buffer_bytes = 0, bool ipv6 = false,
                      const char* ipv4_address = "127.0.0.1");
  // Over a socket that is connected already.
  static std::unique_ptr<TestClient> of_socket(int socket);
  ~TestClient();
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  // The handshake of TLS, with a certificate of its own where `certificate` is not empty. Whether
  // it succeeded, as far as the client can tell.
  bool start_tls(const std::string& certificate = "", const std::string& key = "");

  bool is_connected() const { return connected_; }
  void send(Bytes octets);
  // Sends what can be sent without waiting; returns how many octets that was.
  std::size_t send_some(Bytes octets);
  // The next whole message; nothing at the end of the stream or after ten seconds.
  std::optional<std::vector<std::uint8_t>> receive();
  // Whether the server closes (after whatever it still sends).
  bool is_closed_by_server();
  // CER and CEA; returns the Result-Code, 0 without an answer.
  std::uint32_t exchange_capabilities(std::string_view origin_host = "client.example");

  // The name of the certificate that the server showed.
  std::string server_name() const;

 private:
  struct Connected {};
  TestClient(Connected, int socket);
  ssize_t read_some(std::uint8_t* into, std::size_t size);
  ssize_t write_some(const std::uint8_t* from, std::size_t size);

  int socket_ = -1;
  ssl_ctx_st* tls_context_ = nullptr;
  ssl_st* tls_ = nullptr;
  bool connected_ = false;
  std::vector<std::uint8_t> input_;
};

void write_cer(Buffer& out, std::string_view origin_host,
               const std::vector<std::uint32_t>& inband_security = {});
void write_ccr(Buffer& out, std::uint32_t end_to_end, std::string_view session_id = "session");

// The Result-Code of a message, 0 if there is none.
std::uint32_t result_of(Bytes frame);

}  // namespace farthing::diameter::testing
