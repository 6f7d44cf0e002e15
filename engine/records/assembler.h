// The assembler: a fold of the ledger that gives one charging data record for each session that
// ends and for each event (a debit, a refund, a subscription's fee).
//
// It keeps sums of each open session, by price segment, never its entries: a session of a year
// takes what one of a minute does. Fed from the middle of the ledger it gives records all the same;
// those of sessions whose beginning it did not see are marked as not complete. To be right after a
// restart it must be fed again from oldest_needed() on (engine/records/exporter.h does so).
//
// Threads: one. Errors: none; entries that move nothing an account was charged are passed over.
#pragma once

#include "engine/records/record.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <deque>
#include <vector>

namespace farthing::engine::records {

class Assembler {
 public:
  // Takes the next entry. True: a record is complete and stands in `closed`, whose memory is taken
  // in exchange, so that nothing is allocated once warm.
  // REQUIRES: entries in the order of the ledger, from any one on.
  [[nodiscard]] bool add(const Entry& entry, Sequence own, Time now, ChargingRecord& closed);

  std::size_t open_sessions() const { return sessions_.size(); }
  // The oldest entry that an open session was built from; 0: none is open.
  Sequence oldest_needed() const;

 private:
  static constexpr std::uint32_t none = UINT32_MAX;

  // Open sessions are a list in the order in which they were first seen.
  struct OpenSession {
    ChargingRecord record;
    std::uint32_t previous = none;
    std::uint32_t next = none;
  };

  OpenSession& session_of(std::uint64_t number, const Entry& entry, Sequence own, Time now);
  void close(std::uint64_t number, ChargingRecord& closed);

  boost::unordered_flat_map<std::uint64_t, std::uint32_t> sessions_;  // by SessionNumber
  std::deque<OpenSession> places_;
  std::vector<std::uint32_t> free_places_;
  std::uint32_t first_ = none;
  std::uint32_t last_ = none;
  std::string merged_;  // memory of merge_attributes()
};

}  // namespace farthing::engine::records
