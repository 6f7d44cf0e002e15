// The admin API's server: HTTP/1.1 with JSON over a Unix stream socket, and, where wanted, GET
// /metrics alone over TCP. README.md has the routes.
//
// Threads: one of its own for the sockets and a few for the routes; the shard's thread is visited
// through the gateway and never builds an answer. Ownership: the server owns its threads, sockets
// and the socket's file until destroyed. Everything that a caller sends is bounded in size and
// time. Errors: starting gives a sentence with the remedy; later ones are answers.
#pragma once

#include "engine/admin/gateway.h"
#include "engine/admin/routes.h"
#include "engine/base/result.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace farthing::engine::admin {

struct ApiOptions {
  std::string socket_path;
  std::string metrics_address = "127.0.0.1";
  std::optional<std::uint16_t> metrics_port;  // none: no TCP at all; 0: any free one
  std::string data_folder;                    // as the status shows it
  std::string archive_folder;                 // of retention; "": where the ledger says
  base::Clock clock;
  // Both called from any thread; may be empty.
  std::function<std::vector<PeerStatus>()> peers;
  std::function<std::vector<Sample>()> samples;
  BeginTrace begin_trace;  // likewise

  std::size_t connections_max = 64;
  std::chrono::milliseconds read_timeout{30'000};   // for a header, and for each piece of a body
  std::chrono::milliseconds write_timeout{30'000};  // for each piece of an answer
};

class ApiServer {
 public:
  // The file system path of a Unix socket has room for so many bytes.
  static constexpr std::size_t socket_path_max = 107;

  // Serves when it returns. `gateway`, `store` and `metrics` outlive the server. A socket file left
  // behind is replaced, one that another server answers on is refused.
  static base::Result<std::unique_ptr<ApiServer>, std::string> start(
      ApiOptions options, Gateway& gateway, const storage::LedgerStore& store,
      const ShardMetrics& metrics);

  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  // Closes every connection, ends the threads and removes the socket's file. May be called from any
  // thread, the shard's too.
  void stop();

  std::uint16_t metrics_port() const;  // 0: none

 private:
  class Impl;
  explicit ApiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace farthing::engine::admin
