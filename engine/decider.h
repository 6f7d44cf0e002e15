// Who decides one request: the class behind decide() (decide.h), in four files. decide.cc has what
// a session and an event are answered; decide_grant.cc how much is granted; decide_final_unit.cc
// what becomes of who is granted nothing more; decide_by_rule.cc which rule prices what, where
// prices have conditions or go by counters.
//
// Internal to the engine. Threads: none of its own.
#pragma once

#include "engine/decide.h"
#include "engine/permission.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace farthing::engine {

class Decider {
 public:
  Decider(const Account& account, SubscriberNumber subscriber, const Session* session, Time now,
          Decision& decision)
      : account_(account),
        subscriber_(subscriber),
        session_(session),
        now_(now),
        rated_at_(now),
        d_(decision),
        sheet_(decision.worksheet) {
    d_.answer.clear();
    d_.has_entry = false;
    d_.entry.clear();
    d_.outcome.clear();
    d_.attributes.clear();
    sheet_.begin(account, subscriber, session, now);
  }

  void session_request(const Request& request, const tariffs::TariffHistory& tariffs);
  void late_report(const Request& request, const tariffs::TariffHistory& tariffs);
  void event_request(const Request& request, const tariffs::TariffHistory& tariffs);
  void end_session(EntryKind kind);
  std::optional<Pass> find_pass(const Request& request, const tariffs::TariffHistory& tariffs);

 private:
  LifeState state() const { return account_.state_of(subscriber_); }
  bool comes_to_subscriber(const Request& request, Time at);
  void choose_time_and_tariff(const Request& request, const tariffs::TariffHistory& tariffs);
  std::string_view context(const Request& request) const {
    return session_ == nullptr ? request.service_context : session_->service_context;
  }
  const tariffs::VersionedTariff* tariff_of(const std::optional<std::uint16_t>& segment) const;
  const RatingFacts& facts_before(const Request& request);
  const RatingFacts& facts_now(const Request& request);
  void count_known_segments();
  void count_segment(std::uint16_t index, const tariffs::Tariff& tariff, const tariffs::Rule& rule,
                     std::string_view service_context);
  // When what is granted now begins to be used.
  Time granted_from() const { return rated_at_ >= now_ - grant_time_past_max ? rated_at_ : now_; }
  const tariffs::Rule* rule_of(std::uint16_t segment) const;
  std::optional<Outcome> refused_use(const Request& request,
                                     const std::optional<RatingGroup>& group, Time at);
  static Outcome refusal_of(const tariffs::Rule* rule, const Permission& permission);
  std::optional<Outcome> denied(const Request& request, Time at);
  std::optional<std::uint16_t> open_segment(const Request& request, const ServiceRequest& service,
                                            bool money, ServiceAnswer& answer);
  std::optional<std::uint16_t> open(const Segment& segment, const tariffs::Tariff& tariff,
                                    const tariffs::Rule& rule, std::string_view service_context,
                                    ServiceAnswer& answer);
  void cannot_rate(const Request& request, const tariffs::VersionedTariff& tariff,
                   ServiceAnswer& answer) const;
  std::optional<std::uint16_t> known_segment(const ServiceRequest& service, bool money) const;
  void give_up(const ServiceRequest& service);
  void report(const Request& request, const ServiceRequest& service, ServiceAnswer& answer);
  void charge(std::uint16_t segment, std::uint64_t units);
  bool stops(const Request& request, std::uint16_t segment);
  void serve(const Request& request, const ServiceRequest& service, ServiceAnswer& answer);

  // What a grant must not outlast.
  struct GrantLimits {
    std::optional<std::chrono::seconds> until_change;  // of the price by the clock
    std::optional<Time> price_change;  // the same, where another rule is known to win then
    std::optional<std::uint64_t> until_threshold;  // units, until it changes by a counter
    const tariffs::Rule* stop = nullptr;  // the rule by which nothing is granted behind them
  };
  const tariffs::FinalUnitRule* end_of(const Request& request, const tariffs::Rule* rule,
                                       const std::optional<RatingGroup>& group) const;
  FinalUnit find_end(const Request& request, const tariffs::Rule* rule,
                     const ServiceRequest& service, const tariffs::FinalUnitRule*& end) const;
  void refuse_credit(const Request& request, const ServiceRequest& service,
                     const std::optional<std::uint16_t>& segment, const tariffs::Rule* rule,
                     ServiceAnswer& answer);
  void stay_at_end(const Request& request, const ServiceRequest& service, ServiceAnswer& answer);
  void tell_to_ask_again(std::uint16_t segment, const tariffs::FinalUnitRule* end,
                         ServiceAnswer& answer);
  bool permit(const Request& request, const tariffs::Rule* rule,
              const std::optional<RatingGroup>& group, GrantLimits& limits, ServiceAnswer& answer);
  static std::uint64_t wanted_units(Unit unit, const tariffs::QuotaRule& quota,
                                    const RequestedUnits& requested);
  static bool asks_for(const ServiceRequest& service, bool is_event, const tariffs::Rule& rule);
  static void split_by_direction(const RequestedUnits& requested, Grant& granted);
  const tariffs::GrantRules* grant_rules(std::uint16_t segment) const;
  std::uint64_t size_by_reports(std::uint16_t segment, const ServiceRequest& service,
                                const tariffs::GrantRules& rules,
                                const tariffs::QuotaRule& quota) const;
  std::uint64_t size_by_state(std::uint16_t segment, const ServiceRequest& service,
                              const tariffs::GrantRules& rules, std::uint64_t wanted,
                              GrantReason& reason) const;
  std::uint64_t fair_share(std::uint16_t segment, std::uint32_t sessions_least,
                           std::uint64_t wanted) const;
  static void tell_when_to_report(const tariffs::GrantRules& rules, bool is_first,
                                  ServiceAnswer& answer);
  void grant(const Request& request, std::uint16_t segment, const ServiceRequest& service,
             GrantLimits& limits, ServiceAnswer& answer);
  void grant_past_change(const Request& request, std::uint16_t segment,
                         const ServiceRequest& service, GrantLimits& limits, ServiceAnswer& answer);
  bool is_not_applicable(const Request& request, std::uint16_t segment) const;
  void tell_cost(const Request& request);
  void tell_low_balance();

  // Prices with conditions.
  struct RatedGroup {
    const tariffs::VersionedTariff& tariff;
    std::string_view context;
    std::optional<RatingGroup> group;
    const tariffs::PriceList* prices = tariff.tariff->prices(context, group);  // nullptr: none

    bool goes_by_counters() const { return prices != nullptr && prices->goes_by_counters(); }
    const tariffs::Rule* find(const tariffs::Facts& facts) const {
      return prices == nullptr ? nullptr : prices->find(facts);
    }
  };
  tariffs::Facts facts_at(const RatedGroup& group, const RatingFacts& known, Time time,
                          bool with_held);
  void reach_ceilings(const tariffs::Tariff& tariff);
  void report_by_rule(const Request& request, const ServiceRequest& service,
                      const std::optional<std::uint16_t>& known, ServiceAnswer& answer);
  void charge_time(const RatedGroup& group, const RatingFacts& facts, std::uint64_t used,
                   ServiceAnswer& answer);
  void charge_counted(const RatedGroup& group, const RatingFacts& facts, Time time,
                      std::uint64_t units, ServiceAnswer& answer);
  std::uint64_t until_threshold(const RatedGroup& group, std::uint16_t segment, std::uint64_t most,
                                bool with_held);
  void limit_by_counters(const Request& request, std::uint16_t segment, std::uint64_t most,
                         GrantLimits& limits);
  void charge_units(const RatedGroup& group, const tariffs::Rule* rule, std::uint64_t units,
                    ServiceAnswer& answer);
  std::optional<std::uint16_t> segment_of(const RatedGroup& group, const tariffs::Rule& rule,
                                          ServiceAnswer& answer);
  std::optional<std::uint16_t> segment_to_grant(const Request& request,
                                                const ServiceRequest& service,
                                                const tariffs::VersionedTariff& tariff,
                                                GrantLimits& limits, ServiceAnswer& answer);

  void charge_late(const Request& request);
  void event_service(const Request& request, const ServiceRequest& service, ServiceAnswer& answer);
  static std::uint64_t event_units(Unit unit, const tariffs::QuotaRule& quota,
                                   const ServiceRequest& service);
  bool move_event(const Request& request, std::uint16_t segment, std::uint64_t units,
                  ServiceAnswer& answer);

  void copy_outcome_of_command(const Request& request);
  void activate();
  void finish_session(const Request& request, EntryKind kind);
  void finish_refused(const Request& request);
  void describe_request(const Request& request);
  void choose_validity();

  const Account& account_;
  SubscriberNumber subscriber_;
  const Session* session_;
  Time now_;
  Time rated_at_;
  Decision& d_;
  Worksheet& sheet_;
  const tariffs::TariffHistory* tariffs_ = nullptr;
  const tariffs::VersionedTariff* tariff_ = nullptr;  // for what begins now
  std::optional<RatingFacts> facts_before_;           // once they were asked for
  std::optional<RatingFacts> facts_now_;
  std::size_t borders_ = 0;  // at which usage was split
  bool server_time_used_ = false;
  bool is_late_ = false;  // the session is over: what comes once a session was charged with it
  std::uint32_t validity_seconds_ = 0;  // the longest of the grants given; 0: none was
};

}  // namespace farthing::engine
