// Server: the Diameter base protocol over TCP and TLS: listens, moves octets between sockets and
// Peers, and holds answers back until what they promise is durable.
//
// Everything happens on the one thread that runs the io_context (given by the program, which must
// outlive the Server, as must the Application); only post() may be called from other threads.
//
// Held answers come in two generations: the batch that is being gathered, and the one sealed before
// it that is being committed:
//   on_turn_end()            if no commit is under way and has_held(): seal_held(), start the
//   commit; post() from the commit   release_held(), and again if more was gathered meanwhile.
// What was held for a peer that went away is dropped with it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "diameter/application.h"
#include "diameter/config.h"
#include "diameter/peer.h"
#include "engine/base/result.h"

namespace boost::asio {
class io_context;
}

namespace farthing::diameter {

// A connection, for status displays.
struct PeerStatus {
  std::uint64_t id = 0;
  std::string origin_host;
  std::string origin_realm;
  std::string product_name;
  std::string remote_address;
  PeerState state = PeerState::wait_cer;
  bool is_tls = false;
  bool is_suspect = false;
  std::size_t waiting_size_bytes = 0;
};

class Server {
 public:
  Server(boost::asio::io_context& io, ServerConfig config, Application& application);
  ~Server();  // Closes what is still open, without a farewell.
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Starts to listen. The error says which address and why, in words; then none is listened to.
  base::Result<void, std::string> listen();
  // Where it listens, in the order of the configuration: the port, and "127.0.0.1:3868" or
  // "[::1]:3868".
  std::uint16_t port(std::size_t listener = 0) const;
  std::string endpoint(std::size_t listener = 0) const;

  // Stops listening and reading, waits until what was read is answered (draining_timeout at most),
  // says goodbye to all peers (DPR, RFC 6733 5.4), and calls `done` when they are gone: after their
  // DPAs, at the latest twice closing_timeout later.
  void stop(std::function<void()> done);

  bool has_held() const;
  // REQUIRES: what was sealed before has been released.
  void seal_held();
  void release_held();

  // Says goodbye to the open peers of this Origin-Host for this reason (RFC 6733 5.4.3).
  void disconnect(std::string_view origin_host, std::uint32_t cause);
  // The open peer of this Origin-Host; of several the one to send a request to. nullptr: none. Good
  // until control goes back to the server.
  Peer* find_peer(std::string_view origin_host) const;

  // Runs `work` on the server's thread, then sends what it made ready. From any thread.
  void post(std::function<void()> work);
  // Sends what was made ready outside of on_request and post.
  void flush();

  // Who looks at all messages from now on; nullptr: nobody. It outlives the server or is taken off.
  void set_tap(MessageTap* tap);

  const Metrics& metrics() const;
  std::vector<PeerStatus> peers() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace farthing::diameter
