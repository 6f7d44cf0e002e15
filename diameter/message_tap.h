// MessageTap: somebody who looks at the messages of all peers as they come and as they leave.
//
// Called on the server's thread, once a message: those received before they are worked on, with
// whatever may be wrong with them; those sent when they are handed to the socket, so an answer that
// was held comes when it is durable. Octets that are no message at all are not shown.
#pragma once

#include "diameter/buffer.h"

namespace farthing::diameter {

class Peer;

class MessageTap {
 public:
  virtual ~MessageTap() = default;
  // One whole message; the octets behind its header may be anything.
  virtual void on_received(const Peer& peer, Bytes frame) = 0;
  virtual void on_sent(const Peer& peer, Bytes frame) = 0;
};

}  // namespace farthing::diameter
