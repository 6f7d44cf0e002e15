// How much is granted at once: the sizes that a service's grants have, and what makes one smaller
// or larger than usual.
//
// A price segment keeps its QuotaRule, as it keeps its price; GrantRules are looked up in the
// tariff version that it began under. Plain values; threads: no shared state.
#pragma once

#include "tariffs/money.h"
#include "tariffs/percent.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

// The usual sizes, in the service's unit (RFC 8506 8.17, 8.33).
struct QuotaRule {
  std::uint64_t maximum = 0;   // the most a grant may be
  std::uint64_t standard = 0;  // the grant for an empty Requested-Service-Unit
  std::uint64_t minimum = 1;   // a smaller grant is not worth giving: no slivers
  std::chrono::seconds validity{3600};
};

// What goes with a grant as it is, to the client that uses it up (TS 32.299 7.2). The numbers stand
// in the ledger.
enum class GrantTerm : std::uint8_t {
  consumption_time = 0,     // Quota-Consumption-Time, s
  time_quota_type = 1,      // Time-Quota-Mechanism: 0 discrete periods, 1 continuous ones
  time_quota_interval = 2,  // the same: their length, s
  trigger = 3,              // Trigger-Type: a change that makes the client ask again; several
  envelope_reporting = 4,   // Envelope-Reporting: with the first grant of a session only
};
constexpr std::uint8_t grant_terms_count = 5;

// Appends one to a list of them: the term and its value, in five bytes.
void add_grant_term(std::string& terms, GrantTerm term, std::uint32_t value);
bool are_grant_terms(std::string_view terms);
std::string grant_terms_text(std::string_view terms);  // "consumption time 10, trigger 4"
// Visits them. REQUIRES: are_grant_terms().
template <class Visit>
void visit_grant_terms(std::string_view terms, Visit visit) {
  for (; !terms.empty(); terms.remove_prefix(5)) {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i > 0; --i) value = value << 8 | static_cast<unsigned char>(terms[i]);
    visit(static_cast<GrantTerm>(terms.front()), value);
  }
}

// What a grant's size goes by beside them. None of it makes a grant smaller than the minimum.
struct GrantRules {
  static constexpr std::size_t sizes_max = 16;
  static constexpr std::uint32_t sessions_max = 1000;
  static constexpr std::uint32_t times_max = 1000;

  // The sizes while less than so much is there to pay with.
  struct Sizes {
    Money below;
    std::uint64_t maximum = 0;
    std::uint64_t standard = 0;

    friend bool operator==(const Sizes&, const Sizes&) = default;
  };

  std::vector<Sizes> by_balance = {};  // by `below`, ascending; at most sizes_max
  // A grant ends where what pays for it or its price changes: at the end of allowances, at a band,
  // at a cap.
  bool until_border = false;
  // A grant is at most one part in so many of what there is to use, and in as many as sessions are
  // open on the account, where those are more; 0: it may be all of it.
  std::uint32_t sharing = 0;
  // Who has used a grant up in less time than this is granted twice as much, up to so many standard
  // grants; 0 s: however fast it is used.
  std::chrono::seconds reports_every{0};
  std::uint32_t reports_times = times_max;
  // Quota-Holding-Time (TS 32.299 7.2.160): unused for so long, a grant is given back; 0: never;
  // nullopt: as the client has it.
  std::optional<std::chrono::seconds> holding_time = {};
  // With so much of a grant left the client asks for the next one: Time-, Volume- and
  // Unit-Quota-Threshold (TS 32.299 7.2.229, 7.2.240); 0: none.
  Percent threshold = {};
  // Lists of GrantTerm: of any grant, and of the first one of a session, which has more.
  std::string terms = {};
  std::string first_terms = {};

  // The sizes where so much is there to pay with; the same validity and minimum.
  QuotaRule sizes_at(Money available, const QuotaRule& usual) const {
    QuotaRule sizes = usual;
    for (const Sizes& one : by_balance) {
      if (available >= one.below) continue;
      sizes.maximum = one.maximum;
      sizes.standard = one.standard;
      break;
    }
    return sizes;
  }
  // What is left of a grant when its client asks for the next one.
  std::uint64_t threshold_of(std::uint64_t granted) const {
    constexpr std::uint64_t whole = Percent::whole;
    return granted / whole * threshold.millionths + granted % whole * threshold.millionths / whole;
  }

  friend bool operator==(const GrantRules&, const GrantRules&) = default;
};

}  // namespace farthing::tariffs
