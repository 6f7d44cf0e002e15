#include "engine/explanation.h"

#include "engine/attributes.h"
#include "engine/base/assert.h"
#include "engine/base/saturating.h"
#include "engine/ceilings.h"
#include "engine/decide.h"
#include "engine/explain_grant.h"
#include "engine/explain_refusal.h"
#include "engine/facts.h"
#include "engine/outcome.h"
#include "engine/permission.h"
#include "engine/utf8.h"
#include "tariffs/explain.h"
#include "tariffs/file_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>

namespace farthing::engine {

namespace {

using tariffs::PriceTerms;
using tariffs::Rule;
using tariffs::VersionedTariff;

// As a signed number, which chargeable units of a session fit.
std::int64_t signed_units(std::uint64_t units) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(units, INT64_MAX));
}

// One entry taken apart.
class EntryExplainer {
 public:
  EntryExplainer(const AccountPast::Moment& moment, const tariffs::TariffHistory& tariffs)
      : moment_(moment), entry_(moment.entry), tariffs_(tariffs) {
    learn_facts();
    count_from();
  }

  ExplainedEntry explain();

 private:
  void learn_facts();
  void count_from();
  void add_charges(ExplainedEntry& explained);
  void add_answers(ExplainedEntry& explained);
  void add_thresholds(ExplainedEntry& explained) const;
  std::string details() const;

  Time rated_at() const { return entry_.request ? entry_.request->rated_at : moment_.now; }
  std::string_view context() const {
    return moment_.session == nullptr ? entry_.service_context : moment_.session->service_context;
  }
  Segment segment(std::uint16_t index) const;
  const VersionedTariff* version_for(const std::optional<RatingGroup>& group) const;
  tariffs::Facts facts_at(const tariffs::Tariff& tariff, Time time);
  std::string time_zone() const {
    const VersionedTariff* const now = tariffs_.at(moment_.now);
    return now == nullptr ? "UTC" : now->tariff->time_zone();
  }
  ExplainedCharge charge(std::uint16_t index, std::uint64_t units);
  void add_allowances(std::uint16_t index, ExplainedCharge& charge) const;
  void add_payments(std::uint16_t index, ExplainedCharge& charge) const;
  void add_counters(std::uint16_t index, ExplainedCharge& charge);
  const ExplainedCount* counted_over(const ExplainedCharge& charge,
                                     const tariffs::CounterRule& rule) const;
  std::string session_steps(const Segment& segment, std::int64_t eaten,
                            const ExplainedCharge& charge) const;
  std::string counter_steps(const Segment& segment, const tariffs::CounterRule& rule,
                            std::int64_t eaten, const ExplainedCharge& charge) const;

  struct CounterNow {
    CounterNumber number;
    tariffs::CounterKey key;
    SubscriberNumber owner;
    tariffs::TimeSpan span;
    std::string name;
    Unit unit = Unit::octets;
    std::int64_t value = 0;
  };

  const AccountPast::Moment& moment_;
  const Entry& entry_;
  const tariffs::TariffHistory& tariffs_;
  std::string attributes_;  // of the session or request, encoded
  RatingFacts facts_;
  std::vector<CounterNow> counters_;  // as they stand when the charges so far are counted
  std::vector<std::uint64_t> counted_;
};

// What was known with the request; the texts live in attributes_ and the account.
void EntryExplainer::learn_facts() {
  if (moment_.session != nullptr) attributes_ = moment_.session->attributes;
  std::string merged;
  if (!entry_.attributes.empty()) merge_attributes(attributes_, entry_.attributes, merged);
  std::vector<AttributeView> list;
  if (decode_attributes(attributes_, list)) facts_.learn(list);
  const Subscriber* const who =
      moment_.account == nullptr ? nullptr : moment_.account->subscriber(entry_.subscriber);
  if (who != nullptr) facts_.know(who->msisdn, who->attributes());
  if (moment_.account != nullptr) facts_.bill_from(moment_.account->terms.billing_day);
}

void EntryExplainer::count_from() {
  if (moment_.account != nullptr) {
    for (const Counter& counter : moment_.account->counters) {
      counters_.push_back({counter.number, counter.key, counter.owner, counter.span, counter.name,
                           counter.unit, counter.value});
    }
  }
  for (const CounterOpening& opening : entry_.counter_openings) {
    counters_.push_back({opening.number, opening.key, opening.owner, opening.span,
                         std::string(opening.name), opening.unit, 0});
  }
}

// The segment as it stood before the entry, or as the entry opens it.
Segment EntryExplainer::segment(std::uint16_t index) const {
  if (moment_.session != nullptr && index < moment_.session->segments.size()) {
    return moment_.session->segments[index];
  }
  const auto opening = std::ranges::find(entry_.openings, index, &SegmentOpening::index);
  if (opening == entry_.openings.end()) return {};
  return {.rating_group = opening->rating_group,
          .service = opening->service,
          .version = opening->version,
          .rule = opening->rule,
          .terms = opening->terms,
          .quota = opening->quota,
          .situations = opening->situations};
}

// The version that decides about a rating group: that with which it began.
const VersionedTariff* EntryExplainer::version_for(const std::optional<RatingGroup>& group) const {
  const std::size_t known = moment_.session == nullptr ? 0 : moment_.session->segments.size();
  for (std::size_t i = 0; i < known + entry_.openings.size(); ++i) {
    const Segment begun = segment(static_cast<std::uint16_t>(i));
    if (begun.rating_group == group) return tariffs_.find(begun.version);
  }
  if (moment_.account == nullptr) return tariffs_.at(rated_at());
  const auto at = [this](Time time) {
    return engine::version_for(tariffs_, *moment_.account, entry_.subscriber, time);
  };
  const VersionedTariff* const then = at(rated_at());
  return then != nullptr ? then : at(moment_.now);
}

tariffs::Facts EntryExplainer::facts_at(const tariffs::Tariff& tariff, Time time) {
  tariffs::Facts facts = facts_.at(time);
  counted_.clear();
  for (const tariffs::CounterRule& rule : tariff.counters()) {
    const SubscriberNumber owner = rule.is_shared ? SubscriberNumber() : entry_.subscriber;
    const auto counter = std::ranges::find_if(counters_, [&](const CounterNow& known) {
      return known.key == rule.key && known.owner == owner && known.span.from <= time &&
             time < known.span.to;
    });
    counted_.push_back(counter == counters_.end() ? 0 : static_cast<std::uint64_t>(counter->value));
  }
  const std::size_t counters = counted_.size();
  for (const tariffs::CeilingRule& rule : tariff.ceilings()) {
    const auto at =
        moment_.account == nullptr
            ? rule.at
            : ceiling_of(*moment_.account, owner_of(tariff, rule, entry_.subscriber), rule, time);
    FARTHING_ASSERT(rule.counter < counters);
    counted_.push_back(at && counted_[rule.counter] >= *at ? 1 : 0);
  }
  facts.counted = counted_;
  return facts;
}

ExplainedEntry EntryExplainer::explain() {
  ExplainedEntry explained;
  explained.sequence = moment_.own;
  explained.time = moment_.now;
  explained.kind = entry_.kind;
  explained.request = entry_.request;
  explained.is_of_account = entry_.account.value != 0;
  explained.amount = Money(sum_of(entry_, Side::revenue));
  explained.overage = Money(-sum_of(entry_, Side::overage));
  if (moment_.account != nullptr) {
    explained.balance_before = moment_.account->balance();
    explained.held_before = Money(moment_.account->reserved_micros);
  }
  const std::int64_t held = sum_of(entry_, Side::reserved);
  explained.held_after = Money(explained.held_before.micros + held);
  explained.balance_after =
      Money(explained.balance_before.micros + held + sum_of(entry_, Side::main));
  add_charges(explained);
  if (entry_.request && moment_.account != nullptr) add_answers(explained);
  add_thresholds(explained);
  explained.details = details();
  return explained;
}

// In the order in which they were used first.
void EntryExplainer::add_charges(ExplainedEntry& explained) {
  std::vector<std::pair<std::uint16_t, std::uint64_t>> used;
  for (const SegmentUse& use : entry_.uses) {
    const auto known =
        std::ranges::find(used, use.index, &std::pair<std::uint16_t, std::uint64_t>::first);
    if (known == used.end()) {
      used.emplace_back(use.index, use.units);
    } else {
      known->second = base::saturating_add(known->second, use.units);
    }
  }
  for (const auto& [index, units] : used) explained.charges.push_back(charge(index, units));
}

ExplainedCharge EntryExplainer::charge(std::uint16_t index, std::uint64_t units) {
  const Segment before = segment(index);
  ExplainedCharge charge;
  charge.rating_group = before.rating_group;
  charge.version = before.version;
  charge.unit = before.terms.unit;
  charge.units = units;
  charge.units_before = before.used;
  charge.charged_before = Money(before.charged_micros);
  charge.chargeable = chargeable_units(before.terms, base::saturating_add(before.used, units)) -
                      chargeable_units(before.terms, before.used);
  for (const Leg& leg : entry_.legs) {
    if (leg.segment != index) continue;
    if (leg.side == Side::revenue) charge.amount.micros += leg.amount;
    if (leg.side == Side::overage) charge.overage.micros -= leg.amount;
  }
  add_allowances(index, charge);
  add_payments(index, charge);
  add_counters(index, charge);
  std::int64_t eaten = 0;
  for (const ExplainedAllowance& allowance : charge.allowances) eaten += allowance.units;

  const VersionedTariff* const version = tariffs_.find(before.version);
  if (version == nullptr || before.rule.value >= version->tariff->rules().size()) {
    charge.steps = session_steps(before, eaten, charge);
    return charge;
  }
  const tariffs::Tariff& tariff = *version->tariff;
  const Rule& rule = tariff.rules()[before.rule.value];
  charge.service = tariff.service_name(before.service);
  charge.tariff = tariff.name();
  if (version->only) charge.only = version->only->name + "=" + version->only->value;
  charge.rule = rule.name;
  charge.line = rule.line;
  charge.rule_text = tariffs::rule_text(tariff, rule, before.terms);
  if (tariff.has_conditions()) {
    charge.reasons = tariffs::reasons_text(tariff, rule, facts_.at(rated_at()));
  }
  if (rule.over && charge.unit != Unit::money) {
    const tariffs::CounterRule& over = tariff.counters()[*rule.over];
    charge.over = over.name;
    charge.steps = counter_steps(before, over, eaten, charge);
  } else {
    charge.steps = session_steps(before, eaten, charge);
  }
  return charge;
}

void EntryExplainer::add_allowances(std::uint16_t index, ExplainedCharge& charge) const {
  for (const Leg& leg : entry_.legs) {
    if (leg.segment != index || leg.side != Side::consumed) continue;
    ExplainedAllowance& allowance = charge.allowances.emplace_back();
    allowance.bucket = leg.bucket;
    allowance.units = leg.amount;
    const Bucket* const bucket =
        moment_.account == nullptr ? nullptr : moment_.account->bucket(leg.bucket);
    if (bucket == nullptr) continue;
    allowance.offer = bucket->offer;
    allowance.left = bucket->remaining + bucket->reserved;
    for (const Leg& other : entry_.legs) {
      const bool is_of_account =
          other.side == Side::allowance || other.side == Side::allowance_reserved;
      if (is_of_account && other.bucket == leg.bucket) allowance.left += other.amount;
    }
  }
}

void EntryExplainer::add_payments(std::uint16_t index, ExplainedCharge& charge) const {
  for (const Leg& leg : entry_.legs) {
    if (leg.segment != index || !is_bucket_money(leg.side)) continue;
    auto payment = std::ranges::find(charge.payments, leg.bucket, &ExplainedPayment::bucket);
    if (payment == charge.payments.end()) {
      const Bucket* const bucket =
          moment_.account == nullptr ? nullptr : moment_.account->bucket(leg.bucket);
      payment = charge.payments.insert(
          payment, {leg.bucket, bucket == nullptr ? std::string() : bucket->offer, Money()});
    }
    payment->amount.micros -= leg.amount;
  }
  std::erase_if(charge.payments,
                [](const ExplainedPayment& payment) { return payment.amount.micros == 0; });
}

void EntryExplainer::add_counters(std::uint16_t index, ExplainedCharge& charge) {
  for (const CounterChange& change : entry_.counter_changes) {
    if (change.segment != index || change.counted == 0) continue;
    const auto counter = std::ranges::find(counters_, change.counter, &CounterNow::number);
    if (counter == counters_.end()) continue;
    const std::int64_t before = counter->value;
    counter->value += change.counted;
    charge.counters.push_back(
        {counter->number, counter->name, counter->unit, before, counter->value});
  }
}

// The one counter of the rule's that counted the charge; nullptr: none did, or those of two
// periods.
const ExplainedCount* EntryExplainer::counted_over(const ExplainedCharge& charge,
                                                   const tariffs::CounterRule& rule) const {
  const ExplainedCount* found = nullptr;
  for (const ExplainedCount& count : charge.counters) {
    const auto counter = std::ranges::find(counters_, count.counter, &CounterNow::number);
    if (!(counter->key == rule.key)) continue;
    if (found != nullptr) return nullptr;
    found = &count;
  }
  return found;
}

// How a session's own place in the price gave the amount.
std::string EntryExplainer::session_steps(const Segment& segment, std::int64_t eaten,
                                          const ExplainedCharge& charge) const {
  const PriceTerms& terms = segment.terms;
  const bool refunds = entry_.kind == EntryKind::event_refunded;
  const std::int64_t before = signed_units(chargeable_units(terms, segment.used));
  const std::int64_t priced_before = before - segment.consumed_units;
  const std::int64_t priced = priced_before + signed_units(charge.chargeable) - eaten;
  if (priced_before < 0 || priced < 0) return {};
  const auto from = static_cast<std::uint64_t>(priced_before);
  const auto to = static_cast<std::uint64_t>(priced);
  const std::optional<Money> so_far = price_of(terms, to);
  if (!so_far) return {};
  const std::int64_t owed = so_far->micros + terms.setup.micros;
  const Money due(owed - segment.charged_micros);
  if (due.micros != (refunds ? -charge.amount.micros : charge.amount.micros)) return {};
  if (segment.used == 0) return tariffs::amount_text(terms, from, to, *so_far, terms.setup);
  return tariffs::shape_text(terms, from, to) +
         fmt::format("all {} so far cost {}, of which {} was charged before\nprice {}\n",
                     tariffs::units_text(terms.unit, to), Money(owed).to_string(),
                     Money(segment.charged_micros).to_string(), due.to_string());
}

// The same where the price goes by what a counter says.
std::string EntryExplainer::counter_steps(const Segment& segment, const tariffs::CounterRule& rule,
                                          std::int64_t eaten, const ExplainedCharge& charge) const {
  const PriceTerms& terms = segment.terms;
  const bool refunds = entry_.kind == EntryKind::event_refunded;
  const ExplainedCount* const count = counted_over(charge, rule);
  if (count == nullptr) return {};
  const std::int64_t counted = std::abs(count->after - count->before);
  const std::int64_t end = std::max(count->before, count->after);
  const std::int64_t begin = end - (rule.is_paid ? counted : counted - eaten);
  if (begin < 0 || begin > end) return {};
  const auto from = static_cast<std::uint64_t>(begin);
  const auto to = static_cast<std::uint64_t>(end);
  const std::optional<Money> price_from = price_of(terms, from);
  const std::optional<Money> price_to = price_of(terms, to);
  if (!price_from || !price_to) return {};
  const Money price(price_to->micros - price_from->micros);
  const Money setup = segment.used == 0 ? terms.setup : Money();
  const std::int64_t due = price.micros + setup.micros;
  if (due != (refunds ? -charge.amount.micros : charge.amount.micros)) return {};
  return fmt::format("counter {} says {} before\n", rule.name,
                     tariffs::units_text(terms.unit, from)) +
         tariffs::amount_text(terms, from, to, price, setup);
}

// By what was so when everything that was used was charged.
void EntryExplainer::add_answers(ExplainedEntry& explained) {
  Answer answer;
  if (!decode_outcome(entry_.outcome, answer)) return;
  const Time now = moment_.now;
  const Money available(moment_.account->spendable(now).micros + sum_of(entry_, Side::main));
  const auto where = [&](const std::optional<RatingGroup>& group) {
    const VersionedTariff* const version = version_for(group);
    const Time from = rated_at() >= now - grant_time_past_max ? rated_at() : now;
    RefusedIn in{.account = *moment_.account,
                 .subscriber = entry_.subscriber,
                 .service_context = context(),
                 .tariff = version == nullptr ? nullptr : version->tariff.get(),
                 .facts = {},
                 .at = from,
                 .available = available};
    if (in.tariff != nullptr) in.facts = facts_at(*in.tariff, from);
    return in;
  };
  const std::vector<std::string> grants = explain_grants(moment_, tariffs_, answer);
  for (std::size_t i = 0; i < answer.service_count; ++i) {
    const ServiceAnswer& service = answer.services[i];
    RefusalExplained refusal;
    if (service.outcome != Outcome::success) {
      refusal = explain_refusal(where(service.rating_group), service);
    }
    explained.answers.push_back(
        {service, std::move(refusal.why), std::move(refusal.help), grants[i]});
  }
  if (answer.service_count > 0 || answer.outcome == Outcome::success) return;
  ServiceAnswer whole;
  whole.outcome = answer.outcome;
  whole.fault = answer.fault;
  RefusalExplained refusal = explain_refusal(where(std::nullopt), answer.outcome);
  explained.answers.push_back({whole, std::move(refusal.why), std::move(refusal.help), {}});
}

void EntryExplainer::add_thresholds(ExplainedEntry& explained) const {
  for (const ThresholdReached& reached : entry_.thresholds) {
    const auto counter = std::ranges::find(counters_, reached.counter, &CounterNow::number);
    if (counter == counters_.end()) continue;
    explained.thresholds.push_back(
        {counter->name, tariffs::units_text(counter->unit, reached.threshold)});
  }
}

// How much an account pays for others, as it was told.
std::string budget_text(const PayerBudget& budget) {
  if (!budget.amount) return "it has no budget for others any more";
  return fmt::format("it pays at most {} a month for others", budget.amount->to_string());
}

// What entries say that people made.
std::string EntryExplainer::details() const {
  std::vector<std::string> parts;
  if (entry_.account_opening) {
    parts.push_back(fmt::format("account {}", entry_.account_opening->name));
  }
  if (entry_.subscriber_opening) {
    parts.push_back(fmt::format("subscriber {}", entry_.subscriber_opening->msisdn.digits()));
  }
  if (entry_.state_change) {
    parts.push_back(fmt::format("the subscriber is {}", state_name(entry_.state_change->state)));
  }
  if (entry_.terms) {
    const std::string terms = describe(*entry_.terms, time_zone());
    if (!terms.empty()) parts.push_back(terms);
  }
  if (entry_.profile_change) parts.push_back(describe_change(*entry_.profile_change));
  if (const auto& one = entry_.subscription) {
    parts.push_back(fmt::format("offer {}, subscription {}, {}", one->offer, one->number.value,
                                state_name(one->state)));
  } else if (!entry_.bucket_openings.empty()) {
    const BucketOpening& bucket = entry_.bucket_openings.front();
    parts.push_back(fmt::format("offer {}, subscription {}", bucket.offer, bucket.number.value));
  } else if (!entry_.bucket_closings.empty()) {
    parts.push_back(fmt::format("subscription {}", entry_.bucket_closings.front().value));
  }
  if (const auto& change = entry_.commitment) {
    parts.push_back(describe(change->commitment, time_zone()));
    if (change->is_settled && moment_.account != nullptr) {
      parts.push_back(
          fmt::format("spent {}", spent(*moment_.account, change->commitment).to_string()));
    }
  }
  if (entry_.plan) parts.push_back(describe(*entry_.plan));
  if (entry_.kind == EntryKind::payer_budget_changed) {
    parts.push_back(budget_text(*entry_.budget));
  }
  if (const auto& again = entry_.rated_again) {
    parts.push_back(fmt::format(
        "rerated: entry {}{}", again->entry.value,
        again->rating_group ? fmt::format(", rating group {}", again->rating_group->value) : ""));
  }
  if (entry_.tariff) parts.push_back(fmt::format("version {}", entry_.tariff->version.value));
  if (entry_.tariff && !entry_.tariff->only_name.empty()) {
    parts.push_back(fmt::format("only for {}={}", utf8_text(entry_.tariff->only_name),
                                utf8_text(entry_.tariff->only_value)));
  }
  if (entry_.cut) {
    parts.push_back(fmt::format("up to entry {} it is archived", entry_.cut->end.last.value));
  }
  if (entry_.note && !entry_.note->operator_name.empty()) {
    parts.push_back(fmt::format("by {}", utf8_text(entry_.note->operator_name)));
  }
  if (entry_.note && !entry_.note->reason.empty()) {
    parts.push_back(fmt::format("reason: {}", utf8_text(entry_.note->reason)));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

// Which session an entry is of, by its first entry; 0: of none.
std::uint64_t session_of(const Entry& entry, Sequence own) {
  if (!entry.session) return 0;
  return entry.session->session.value == 0 ? own.value : entry.session->session.value;
}

bool ends_session(EntryKind kind) {
  return kind == EntryKind::session_terminated || kind == EntryKind::session_expired ||
         kind == EntryKind::session_closed;
}

// Adds an entry to what is told of its session and account.
void add(ExplainedEntry&& entry, const AccountPast::Moment& moment, std::size_t entries_max,
         Explanation& explanation) {
  if (moment.account != nullptr) explanation.account = moment.account->name;
  if (moment.entry.account_opening) explanation.account = moment.entry.account_opening->name;
  const Subscriber* const who =
      moment.account == nullptr ? nullptr : moment.account->subscriber(moment.entry.subscriber);
  if (who != nullptr) explanation.msisdn = who->msisdn.digits();
  if (moment.session != nullptr) {
    explanation.session_id = moment.session->id;
    explanation.service_context = moment.session->service_context;
  } else if (!moment.entry.session_id.empty()) {
    explanation.session_id = moment.entry.session_id;
    explanation.service_context = moment.entry.service_context;
  }
  explanation.amount.micros += entry.amount.micros;
  explanation.overage.micros += entry.overage.micros;
  for (const ExplainedCharge& charge : entry.charges) {
    for (const ExplainedAllowance& allowance : charge.allowances) {
      Explanation::Eaten& eaten = explanation.eaten[allowance.offer];
      eaten.unit = charge.unit;
      eaten.units += allowance.units;
    }
  }
  if (explanation.entries.size() == entries_max) {
    explanation.entries.pop_front();
    ++explanation.left_out;
  }
  explanation.entries.push_back(std::move(entry));
}

constexpr std::uint64_t entries_a_window = 65'536;

// Calls take(entry, own) for the entries from `from` up to before `end`; it returns false to stop.
template <class Take>
base::Result<void, std::string> scan_entries(const LedgerReader& ledger, Sequence from,
                                             Sequence end, Take take) {
  Entry entry;
  std::string wrong;
  const auto scanned = ledger.scan(from, [&](const storage::Record& record) {
    if (record.header.first >= end) return false;
    std::string_view body = record.body;
    Sequence own = record.header.first;
    for (std::uint32_t i = 0; i < record.header.count; ++i, ++own.value) {
      if (!decode_entry(body, own, entry)) {
        wrong =
            fmt::format("ledger entry {} is not readable; run: farthing ledger verify", own.value);
        return false;
      }
      if (own >= from && own < end && !take(entry, own)) return false;
    }
    return true;
  });
  if (!scanned.has_value()) return scanned.error().message;
  if (!wrong.empty()) return wrong;
  return {};
}

}  // namespace

std::optional<Sequence> parse_sequence(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return Sequence(number);
}

base::Result<Sequence, ExplainFailure> Explainer::find_session(std::string_view session_id) const {
  const LedgerReader ledger(store_, archive_);
  const auto beginning = ledger.beginning();
  if (!beginning.has_value()) return ExplainFailure{false, beginning.error().message};
  const Sequence last = store_.end().last;
  std::uint64_t end = last.value + 1;
  while (end > beginning->first.value) {
    const std::uint64_t from =
        std::max(beginning->first.value, end > entries_a_window ? end - entries_a_window : 1);
    Sequence found;
    bool opens = false;
    const auto scanned =
        scan_entries(ledger, Sequence(from), Sequence(end), [&](const Entry& entry, Sequence own) {
          if (entry.session_id != session_id) return true;
          found = own;
          opens = entry.session.has_value();
          return true;
        });
    if (!scanned.has_value()) return ExplainFailure{false, scanned.error()};
    if (found.value != 0) return opens ? last_of_session(found) : found;
    if (!progress_("looking for the session", last.value - from + 1, last.value)) {
      return ExplainFailure{false, "stopped before the end"};
    }
    end = from;
  }
  return ExplainFailure{
      true, fmt::format("no session, event or refused request {} is in the ledger{}{}",
                        tariffs::in_quotes(session_id), beginning->missing.empty() ? "" : ": ",
                        beginning->missing)};
}

// A session's entries link back only: those after its first are looked for.
base::Result<Sequence, ExplainFailure> Explainer::last_of_session(Sequence opened) const {
  const LedgerReader ledger(store_, archive_);
  const Sequence end = store_.end().last;
  Sequence last = opened;
  bool is_stopped = false;
  const auto scanned =
      scan_entries(ledger, opened, Sequence(end.value + 1), [&](const Entry& entry, Sequence own) {
        if (own.value % entries_a_window == 0) {
          is_stopped = !progress_("looking for the session's end", own.value, end.value);
        }
        if (is_stopped) return false;
        if (session_of(entry, own) != opened.value) return true;
        last = own;
        return !ends_session(entry.kind);
      });
  if (!scanned.has_value()) return ExplainFailure{false, scanned.error()};
  if (is_stopped) return ExplainFailure{false, "stopped before the end"};
  return last;
}

base::Result<Explanation, ExplainFailure> Explainer::explain_entry(Sequence sequence) const {
  const Sequence end = store_.end().last;
  if (sequence.value == 0 || sequence > end) {
    return ExplainFailure{true, fmt::format("there is no ledger entry {}; the last one is {}",
                                            sequence.value, end.value)};
  }
  return explain(sequence, false, 1);
}

base::Result<Explanation, ExplainFailure> Explainer::explain_session(
    Sequence newest, std::size_t entries_max) const {
  return explain(newest, true, entries_max);
}

base::Result<Explanation, ExplainFailure> Explainer::explain(Sequence newest, bool whole_session,
                                                             std::size_t entries_max) const {
  EntryReader reader(store_, archive_);
  const auto read = reader.read(newest);
  if (!read.has_value()) return ExplainFailure{false, read.error().message};
  Explanation explanation;
  const VersionedTariff* version = tariffs_->at(reader.time());
  if (version == nullptr && !tariffs_->versions().empty()) version = &tariffs_->versions().back();
  explanation.currency = version == nullptr ? "XXX" : version->tariff->currency();
  explanation.time_zone = version == nullptr ? "UTC" : version->tariff->time_zone();
  if ((*read)->account.value == 0) {
    const AccountPast::Moment moment{**read, newest, reader.time(), nullptr, nullptr};
    explanation.entries.push_back(EntryExplainer(moment, *tariffs_).explain());
    return explanation;
  }
  const std::uint64_t session = session_of(**read, newest);
  const auto take = [&](const AccountPast::Moment& moment) {
    const bool is_asked = moment.own == newest || (whole_session && session != 0 &&
                                                   session_of(moment.entry, moment.own) == session);
    if (!is_asked) return;
    add(EntryExplainer(moment, *tariffs_).explain(), moment, entries_max, explanation);
  };
  AccountPast past(store_, archive_);
  const auto visited = past.visit(newest, take, [this](std::uint64_t at, std::uint64_t of) {
    return progress_("reading the account's entries", at, of);
  });
  if (!visited.has_value()) return ExplainFailure{false, visited.error()};
  return explanation;
}

}  // namespace farthing::engine
