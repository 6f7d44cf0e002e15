// Credit control (RFC 8506, TS 32.299) between Diameter messages and the engine: reads the request,
// has the shard decide it, writes the answer.
//
// Answers go into one of two buffers of the peer: `ready`, or `held` until the shard releases what
// waits for the ledger. Threads: the shard's. Nothing is allocated for a request once warm.
#pragma once

#include "diameter/buffer.h"
#include "diameter/credit_control_request.h"
#include "diameter/error_answer.h"
#include "diameter/message.h"
#include "engine/shard.h"

namespace farthing::diameter {

class CreditControl {
 public:
  // `shard` outlives this.
  CreditControl(Identity identity, engine::Shard& shard)
      : identity_(std::move(identity)), shard_(shard) {}

  // REQUIRES: a request of application 4, command 272.
  void answer(const Message& message, Buffer& ready, Buffer& held);

 private:
  void write_answer(const Message& message, const engine::Answer& answer, Buffer& out) const;
  void write_refusal(const Message& message, const engine::Answer& answer, Buffer& out) const;
  FailedAvp failed_avp(const Message& message, engine::Fault fault, std::size_t service) const;
  std::uint32_t currency_code() const;

  Identity identity_;
  engine::Shard& shard_;
  CreditControlRequest request_;
};

}  // namespace farthing::diameter
