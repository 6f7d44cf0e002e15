// Copies of what a shard holds, taken on its thread in as little time as possible, and their JSON,
// made on another thread.
#pragma once

#include "engine/account.h"
#include "engine/shard.h"

#include <boost/json/fwd.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace farthing::engine::admin {

// The tariffs as they stood at a visit.
struct TariffView {
  std::shared_ptr<const tariffs::TariffHistory> history;
  Time now;

  const tariffs::VersionedTariff* in_force() const { return history->at(now); }
  // The version that a text names, "3", or the one in force for "current"; nullptr: there is none.
  const tariffs::VersionedTariff* named(std::string_view text) const;
  std::string currency() const;   // of the tariff in force, else of the newest, else "XXX"
  std::string time_zone() const;  // likewise, else "UTC"
};

struct BalanceView {
  std::string account;
  AccountKind kind = AccountKind::prepaid;
  Money balance;
  Money reserved;
  Money available;
  Money overage;
};

struct AccountView {
  BalanceView balance;
  std::vector<Bucket> buckets;
  std::vector<Counter> counters;
  Money credit_limit;
  AccountTerms terms;
  std::vector<Subscriber> subscribers;
  std::uint32_t sessions_open = 0;
  Sequence last;
};

struct SessionView {
  std::string id;
  std::string account;
  Identity msisdn;
  std::string service_context;
  Time opened_at;
  Time heard_at;
  Time deadline;
  std::vector<Segment> segments;
  std::vector<HeldGrant> grants;
};

// On the shard's thread.
TariffView view_tariffs(Shard& shard);
BalanceView view_balance(const Account& account, Time now);
AccountView view_account(const Account& account, Time now);
SessionView view_session(const Session& session);

// On any other.
boost::json::object balance_json(const BalanceView& view, const TariffView& tariffs);
// The balance with its buckets.
boost::json::object account_json(const AccountView& view, const TariffView& tariffs);
// Units as a number, money as an amount.
boost::json::value amount_json(Unit unit, std::int64_t amount);
boost::json::object bucket_json(const Bucket& bucket, const TariffView& tariffs);
boost::json::object subscriber_json(const Subscriber& subscriber);
boost::json::object session_json(const SessionView& view, const TariffView& tariffs);

// "data/10" for a rule of a version, "" where the history does not know it.
std::string rule_name(const tariffs::TariffHistory& history, tariffs::TariffVersion version,
                      tariffs::RuleNumber rule);
std::string service_name(const tariffs::TariffHistory& history, tariffs::TariffVersion version,
                         ServiceKey service);

}  // namespace farthing::engine::admin
