// Admission: which credit control requests are turned away when more come than can be answered.
//
// First go those that begin something (CCR-I, events that ask or debit): their clients have served
// nothing yet, and may ask another server (3004, RFC 6733 7.1.3). Then updates that only ask. What
// reports usage or ends something is never turned away: it is worth money. All is told from the
// octets, at a fraction of what serving costs, and at once when a request has been read.
//
// Clients that announce it (RFC 7683, DOIC) are told by how much to reduce what they send: loss
// algorithm, report of the host, as a share of what they would send without being told.
//
// Threads: one. Nothing is allocated but where a buffer has to grow.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "diameter/application.h"
#include "diameter/error_answer.h"
#include "diameter/writer.h"

namespace farthing::diameter {

// In the order in which requests are turned away.
enum class Urgency : std::uint8_t { begins, asks, reports };

// OC-OLR (RFC 7683 7.3).
struct OverloadReport {
  std::uint64_t sequence = 0;
  std::uint32_t reduction_percent = 0;
  std::uint32_t validity_seconds = 0;  // 0: the overload is over
};

// OC-Supported-Features and, where there is a report, OC-OLR: to clients that sent the former.
void put_overload_report(Writer& writer, const std::optional<OverloadReport>& report);

class Admission {
 public:
  // Reports are numbered on from `sequence`, which rises with every start.
  explicit Admission(Identity identity, std::uint64_t sequence = 0)
      : identity_(std::move(identity)), sequence_(sequence) {}

  // A request that was just read. True: it was turned away, and the answer is at the end of
  // `peer.ready_buffer()`. REQUIRES: a whole frame.
  bool turns_away(Bytes frame, Pressure pressure, Peer& peer);
  // So many requests were handed over since the last call: what is told clients is worked out anew.
  // Once a second.
  void review(std::uint64_t served);
  // What clients that announce RFC 7683 are told; nothing: there is nothing to say.
  const std::optional<OverloadReport>& report() const { return report_; }

  const std::array<std::uint64_t, 2>& turned_away() const { return turned_away_; }  // by Urgency

 private:
  Identity identity_;
  std::array<std::uint64_t, 2> turned_away_{};
  std::uint64_t reviewed_ = 0;  // of all that were turned away
  std::uint64_t sequence_;
  double reduction_ = 0;  // 0 to 1
  unsigned quiet_ = 0;    // reviews since the overload was over
  std::optional<OverloadReport> report_;
};

}  // namespace farthing::diameter
