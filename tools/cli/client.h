// The admin API's client: one request, one connection, over the server's Unix socket.
//
// Blocks until the answer is there. Errors: a sentence, for a server that is not reachable or that
// breaks off; answers that refuse are answers (status 400 and above).
#pragma once

#include "engine/base/result.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace farthing::tools {

struct ApiAnswer {
  unsigned status = 0;
  std::string type;
  std::string body;     // "" where the pieces went to a sink
  std::string missing;  // what the answer should have and has not, a sentence; "": nothing
};

class ApiClient {
 public:
  explicit ApiClient(std::string socket_path) : path_(std::move(socket_path)) {}

  const std::string& path() const { return path_; }
  bool reachable() const;

  // Takes the pieces of a long answer as they come; false: no more of them, the connection is given
  // up. Answers that refuse come whole instead.
  using Sink = std::function<bool(std::string_view piece)>;
  // Told how much of a long body is sent.
  using Sent = std::function<void(std::uint64_t bytes, std::uint64_t of)>;

  base::Result<ApiAnswer, std::string> get(std::string_view target, const Sink& sink = {}) const;
  base::Result<ApiAnswer, std::string> send(std::string_view method, std::string_view target,
                                            std::string_view body, const Sink& sink = {},
                                            const Sent& sent = {}) const;

 private:
  std::string path_;
};

}  // namespace farthing::tools
