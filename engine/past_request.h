// A request as it was, from the ledger entry that it made, so that it can be decided again with
// another tariff (simulate.h) and, with the tariff that it was decided with, is decided alike.
//
// An entry says what was used, by price segment, and holds the answer: which services were named,
// in their order, and what each was granted. What it was granted is what a service asks for again;
// one that was refused asks for something that is not priced, which is refused again.
//
// What an entry does not say, and what is taken instead:
// - Of usage reported in several units (octets and seconds), only that in the unit that was priced
// is known.
// - Of several services of one rating group in one request it is not known for certain which used
//   what: uses stand in the order of the services, and a use is of the first that it can be of and
//   that held a grant of its rule. Time is cut where the rule ends that priced the last of it: each
//   service's time ends with the report.
// - Of octets and events under another rule than that of the grant it is not known why: where the
//   entry counts nothing, they are those after a change of the tariff that the client counted
//   (Tariff-Change-Usage); where it does, a counter is taken to have made the rule win.
//
// Threads: one. Texts of a request view those of the entry.
#pragma once

#include "engine/account.h"
#include "engine/attributes.h"
#include "engine/entry.h"
#include "engine/types.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace farthing::engine {

// What later requests of a session are read with: its price segments, and what it was granted of
// each.
class PastSession {
 public:
  struct Segment {
    std::optional<RatingGroup> rating_group;
    ServiceKey service;
    Unit unit = Unit::octets;
    tariffs::TariffVersion version;
    tariffs::RuleNumber rule;
  };

  PastSession() = default;
  explicit PastSession(const Session& session);

  // In this order, each once an entry, the request read in between.
  void open_segments(const Entry& entry);
  void take_grants(const Entry& entry);

  // nullptr: there is none.
  const Segment* segment(std::uint16_t index) const {
    return index < segments_.size() ? &segments_[index] : nullptr;
  }
  // Whether units without a rating group had a segment before those that were opened last.
  bool knew_unnamed() const { return knew_unnamed_; }
  // In what a rating group was priced: the unit of its first segment, money last; nullopt: it has
  // none.
  std::optional<Unit> unit_of(const std::optional<RatingGroup>& group) const;
  // The rule of the first grant held, of those of the rating group and, where they are given, of
  // the set of service identifiers.
  std::optional<tariffs::RuleNumber> granted_rule(const std::optional<RatingGroup>& group,
                                                  std::optional<std::uint32_t> services) const;

 private:
  void add(const Segment& segment);

  std::vector<Segment> segments_;
  bool knew_unnamed_ = false;
  bool knows_unnamed_ = false;
  std::vector<HeldGrant> grants_;  // sorted by segment and set of services
};

class PastRequestReader {
 public:
  // Reads the request of a session or event that was served. `known`: the session with the segments
  // that the entry opens, and the grants from before it; of an event, its segments alone. False:
  // the entry is not one of a request, or contradicts itself.
  //
  // A report without a rating group is of the only one that holds units; unnamed_group() is the one
  // that it was of, nullopt where there was no such report.
  [[nodiscard]] bool read(const Entry& entry, const PastSession& known, Request& request);
  const std::optional<RatingGroup>& unnamed_group() const { return unnamed_group_; }

 private:
  void read_event(Request& request) const;
  bool read_session(const Entry& entry, const PastSession& known, Request& request);
  static bool are_of_two(const SegmentUse& one, const SegmentUse& next, const PastSession& known);
  static bool may_be_of(const ServiceRequest& service, const PastSession::Segment& segment,
                        const PastSession& known);
  enum class Order { strict, loose };
  bool find_latest_users(const Entry& entry, const PastSession& known, const Request& request,
                         Order order);
  std::size_t user_of(const Entry& entry, std::size_t use, std::size_t before,
                      const PastSession& known, const Request& request) const;
  static bool ends_report(const Entry& entry, std::size_t use, const PastSession& known);
  void add_use(const SegmentUse& use, const PastSession& known, ServiceRequest& service);
  static const SegmentOpening* opening_by(const Entry& entry, const Request& request,
                                          std::size_t service);
  void note_empty_reports(const Entry& entry, const PastSession& known, Request& request) const;

  Answer answer_;
  std::vector<std::size_t> latest_;  // the last service that a use can be of, by use
  std::optional<RatingGroup> unnamed_group_;
  bool is_counted_ = false;  // counters may be what made another rule win within the report
};

}  // namespace farthing::engine
