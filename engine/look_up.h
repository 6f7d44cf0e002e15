// What decide() is to know of others than its subscriber, looked up before it and handed to it, and
// to the ledger, as attributes of the request: simulations, recovery and explanations look nothing
// up. It is looked up when a session begins, in events, and where a report names other parties.
//
// AttributeId::common_groups: what the party at the other end is of, as the subscriber is, where a
// tariff asks for that: attributes with the same value ("family"), and the account; or "chosen",
// where it is a number that the subscriber chose (chosen.h). Whether others
// have an attribute is asked of who has one of those asked for itself; of everybody else nothing.
// AttributeId::ported_to: where the called number is to be routed, by the table of ported numbers,
// where the network does not know.
//
// One for each shard, used on its thread. No allocation once warm. What it adds to a request views
// it, until the next begin().
#pragma once

#include "engine/account_table.h"
#include "engine/facts.h"
#include "tariffs/ported_numbers.h"
#include "tariffs/tariff.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace farthing::engine {

class LookUp {
 public:
  // A version that charges from now on may ask for groups.
  void add(const tariffs::Tariff& tariff);
  void set_ported(std::shared_ptr<const tariffs::PortedNumbers> ported) {
    ported_ = std::move(ported);
  }
  const std::shared_ptr<const tariffs::PortedNumbers>& ported() const { return ported_; }

  // Whether there is anything to look up for a request. `session`: that it continues; nullptr:
  // none.
  bool begin(const SubscriberRef& who, const Session* session,
             const tariffs::TariffHistory& tariffs, Time now, const Request& request);
  // Whose groups are to be known for it; nullopt: nobody's.
  const std::optional<Identity>& other() const { return other_; }
  // Whether the account of that one has to be read for them.
  bool needs_account() const { return needs_account_; }
  // Adds what was found to the request. `other`: who that is; nullopt: no subscriber.
  void finish(const SubscriberRef& who, const std::optional<SubscriberRef>& other,
              const Session* session, Request& request);

 private:
  bool names_others(const Session& session, const Request& request);
  void look_up_route(const tariffs::Tariff& tariff, const RatingFacts& facts);
  void find_other(const SubscriberRef& who, const tariffs::TariffHistory& tariffs,
                  const tariffs::Tariff& tariff, Time now, const RatingFacts& facts);
  void put(AttributeId id, std::string_view value, const Session* session, Request& request);

  std::vector<std::string> groups_asked_;  // sorted
  std::shared_ptr<const tariffs::PortedNumbers> ported_;

  // Of the request at hand.
  std::optional<Identity> other_;
  bool needs_account_ = false;
  bool is_chosen_ = false;
  std::string_view route_;
  std::string groups_;
  std::string changed_;
  std::vector<AttributeView> known_;
};

}  // namespace farthing::engine
