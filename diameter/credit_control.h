// Credit control (RFC 8506, TS 32.299) between Diameter messages and the engine: reads the request,
// has the shard decide it, writes the answer.
//
// decide() says whether the answer may leave at once or is held until the shard releases what waits
// for the ledger; write() then writes it where it belongs. Threads: the shard's. Nothing is
// allocated for a request once warm.
#pragma once

#include "diameter/admission.h"
#include "diameter/buffer.h"
#include "diameter/credit_control_request.h"
#include "diameter/error_answer.h"
#include "diameter/message.h"
#include "diameter/peer_profile.h"
#include "diameter/writer.h"
#include "engine/shard.h"

namespace farthing::diameter {

class CreditControl {
 public:
  // `shard` outlives this.
  // `overload`: what clients that announce RFC 7683 are told in every answer; it outlives this.
  CreditControl(Identity identity, engine::Shard& shard,
                const std::optional<OverloadReport>* overload = nullptr)
      : identity_(std::move(identity)), shard_(shard), overload_(overload) {}

  // REQUIRES: a request of application 4, command 272. `profile`: that of the peer `via` which it
  // came; its client's own where that is the same.
  engine::Shard::Hold decide(const Message& message, const PeerProfile& profile = {},
                             std::string_view via = {});
  // Appends the answer to the message decided last.
  void write(const Message& message, Buffer& out) const;

 private:
  void write_answer(const Message& message, const engine::Answer& answer, Buffer& out) const;
  void put_failed_avps(Writer& writer, const Message& message, const engine::Answer& answer) const;
  void write_refusal(const Message& message, const engine::Answer& answer, Buffer& out) const;
  FailedAvp failed_avp(const Message& message, engine::Fault fault, std::size_t service) const;
  std::uint32_t currency_code() const;

  Identity identity_;
  engine::Shard& shard_;
  const std::optional<OverloadReport>* overload_;
  CreditControlRequest request_;
  bool knows_qos_ = false;  // the client at hand: QoS-Final-Unit-Indication
  std::optional<RequestError> error_;
};

}  // namespace farthing::diameter
