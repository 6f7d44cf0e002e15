#include "tariffs/offer_file.h"

#include "tariffs/ceiling_file.h"
#include "tariffs/coverage_file.h"
#include "tariffs/filing_file.h"
#include "tariffs/final_unit_file.h"
#include "tariffs/instalments_file.h"
#include "tariffs/minimum_spend_file.h"
#include "tariffs/situation_file.h"
#include "tariffs/tariff_values.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace farthing::tariffs {
namespace {

using std::chrono::days;
using std::chrono::seconds;

constexpr std::size_t offers_max = 10'000;
constexpr std::size_t allowances_max = 16;  // of one offer
constexpr std::size_t depends_on_max = 16;
constexpr seconds validity_max = days(36500);
constexpr seconds retry_max = days(366);
constexpr seconds retry_usual = days(30);
constexpr std::uint64_t period_count_max = 366;
constexpr std::uint64_t rollover_periods_max = 60;
constexpr std::string_view period_form = "hour, day, week, month or year, or so many: 30 days";

class OfferReader {
 public:
  OfferReader(const Coverable& known, FileErrors& errors) : known_(known), errors_(errors) {}

  PlacedOffer read(const YamlNode& node);

 private:
  void read_name_of(YamlMap& map, const YamlNode& node);
  void read_fees(const YamlNode& node);
  void read_allowances(YamlMap& map);
  void read_short_form(YamlMap& map, const YamlNode& amount);
  void read_allowance(const YamlNode& node);
  void add_allowance(Allowance allowance, std::vector<PlacedCoverage> coverage);
  void read_rollover(const YamlNode& node, Allowance& allowance);
  void read_limits(const YamlNode& node, Allowance& allowance);
  void read_limit(const YamlNode& node, Allowance& allowance);
  void read_times(YamlMap& map);
  void read_validity(const YamlNode& node);
  void read_renewal(YamlMap& map, const YamlNode& node);
  std::optional<OfferPeriod> read_period(const YamlNode& node);
  void read_calendar(YamlMap& map, Renewal& renewal);
  void read_selling(YamlMap& map);
  void read_chosen_numbers(const YamlNode& node);
  template <class Choice>
  Choice choose(YamlMap& map, std::string_view key, std::vector<std::string_view> names);

  Coverable known_;
  FileErrors& errors_;
  PlacedOffer made_;
};

PlacedOffer OfferReader::read(const YamlNode& node) {
  YamlMap map(node, "an offer", errors_);
  made_ = {};
  read_name_of(map, node);
  if (const YamlNode* fee = map.find("fee")) {
    made_.offer.fee = read_money(*fee, errors_).value_or(Money());
  }
  if (const YamlNode* fees = map.find("fees")) read_fees(*fees);
  read_times(map);
  read_allowances(map);
  read_selling(map);
  map.finish();
  return std::move(made_);
}

void OfferReader::read_name_of(YamlMap& map, const YamlNode& node) {
  made_.position = node.position;
  if (const YamlNode* name = map.require("name", "the offer's name")) {
    made_.offer.name = read_name(*name, errors_).value_or("");
    made_.position = name->position;
  }
}

void OfferReader::read_fees(const YamlNode& node) {
  YamlMap map(node, "the fees by the subscriber's state", errors_);
  for (const LifeState state :
       {LifeState::idle, LifeState::suspended_outgoing, LifeState::suspended}) {
    const YamlNode* const fee = map.find(state_name(state));
    if (fee == nullptr) continue;
    made_.offer.fees[static_cast<std::size_t>(state)] = read_money(*fee, errors_);
  }
  map.finish();
}

// --- What it brings ------------------------------------------------------------------------------

void OfferReader::read_allowances(YamlMap& map) {
  const YamlNode* const list = map.find("allowances");
  const YamlNode* const one = map.find("allowance");
  if (list != nullptr && one != nullptr) {
    errors_.add(map.key_position("allowance"), "there is a list of allowances already",
                "\"allowance\" and \"covers\", or \"allowances\"");
    map.find("covers");
    return;
  }
  if (one != nullptr) {
    read_short_form(map, *one);
    return;
  }
  if (list != nullptr && check_kind(*list, YamlNode::Kind::sequence, errors_, "a list") &&
      check_count(*list, errors_, "allowances", 1, allowances_max)) {
    for (const YamlNode& item : list->items) read_allowance(item);
  }
  // What it is a subscription to beside its allowances.
  const YamlNode* const covers =
      list != nullptr ? map.find("covers") : map.require("covers", "a list of what it covers");
  if (covers == nullptr) return;
  const bool brings_more = map.find("raises") != nullptr || map.find("chosen_numbers") != nullptr;
  if (list == nullptr && !made_.offer.renewal && !brings_more) {
    map.require("allowance", "how much there is to use");
  }
  std::vector<PlacedCoverage> coverage;
  read_covers(*covers, known_, false, coverage, errors_);
  for (const PlacedCoverage& placed : coverage) {
    made_.offer.coverage.push_back(placed.coverage);
  }
}

void OfferReader::read_short_form(YamlMap& map, const YamlNode& amount) {
  const YamlNode* const covers = map.require("covers", "a list of what the allowance is for");
  if (covers == nullptr) return;
  std::vector<PlacedCoverage> coverage;
  const PlacedService* const service = read_covers(*covers, known_, true, coverage, errors_);
  if (service == nullptr) return;
  Allowance allowance;
  allowance.unit = service->service.unit;
  allowance.units = read_units(amount, errors_, allowance.unit, 1).value_or(0);
  add_allowance(std::move(allowance), std::move(coverage));
}

void OfferReader::read_allowance(const YamlNode& node) {
  YamlMap map(node, "an allowance", errors_);
  Allowance allowance;
  std::vector<PlacedCoverage> coverage;
  const PlacedService* service = nullptr;
  const YamlNode* const money = map.find("money");
  if (const YamlNode* covers = map.require("covers", "a list of what the allowance is for")) {
    service = read_covers(*covers, known_, money == nullptr, coverage, errors_);
  }
  const YamlNode* const amount =
      money != nullptr ? money : map.require("amount", "how much there is to use, or money");
  const YamlNode* const rollover = map.find("rollover");
  const YamlNode* const limits = map.find("limits");
  if (service != nullptr) {
    allowance.unit = money != nullptr ? Unit::money : service->service.unit;
    if (amount != nullptr) {
      allowance.units = read_units(*amount, errors_, allowance.unit, 1).value_or(0);
    }
    if (rollover != nullptr) read_rollover(*rollover, allowance);
    if (limits != nullptr) read_limits(*limits, allowance);
  }
  if (const YamlNode* shared = map.find("shared")) {
    allowance.is_shared = read_boolean(*shared, errors_).value_or(false);
  }
  if (const YamlNode* priority = map.find("priority")) {
    allowance.priority = static_cast<std::uint8_t>(
        read_integer(*priority, errors_, 0, 200).value_or(Allowance::priority_usual));
  }
  map.finish();
  add_allowance(std::move(allowance), std::move(coverage));
}

void OfferReader::add_allowance(Allowance allowance, std::vector<PlacedCoverage> coverage) {
  for (const PlacedCoverage& placed : coverage) {
    allowance.coverage.push_back(placed.coverage);
    if (std::ranges::find(made_.offer.coverage, placed.coverage) == made_.offer.coverage.end()) {
      made_.offer.coverage.push_back(placed.coverage);
    }
    made_.coverage.push_back(placed);
  }
  made_.offer.allowances.push_back(std::move(allowance));
}

void OfferReader::read_rollover(const YamlNode& node, Allowance& allowance) {
  YamlMap map(node, "a rollover", errors_);
  if (!made_.offer.renewal) {
    errors_.add(node.position, "nothing is left over where there is no next period",
                "an offer with a period");
  }
  if (const YamlNode* periods = map.require("periods", "for how many periods more")) {
    allowance.rollover.periods = static_cast<std::uint16_t>(
        read_integer(*periods, errors_, 1, rollover_periods_max).value_or(0));
  }
  if (const YamlNode* most = map.find("at_most")) {
    allowance.rollover.units_max = read_units(*most, errors_, allowance.unit, 1);
  }
  map.finish();
}

void OfferReader::read_limits(const YamlNode& node, Allowance& allowance) {
  if (!check_kind(node, YamlNode::Kind::sequence, errors_, "a list") ||
      !check_count(node, errors_, "limits", 1, Situations::most)) {
    return;
  }
  for (const YamlNode& item : node.items) read_limit(item, allowance);
}

void OfferReader::read_limit(const YamlNode& node, Allowance& allowance) {
  YamlMap map(node, "a limit", errors_);
  const YamlNode* const when = map.require("when", "the situation in which it is one");
  const YamlNode* const amount = map.require("amount", "how much there is to use in it");
  map.finish();
  if (when == nullptr || amount == nullptr) return;
  const auto situation = read_situation(*when, known_.situations, errors_);
  const auto units = read_units(*amount, errors_, allowance.unit, 1);
  if (!situation || !units) return;
  if (std::ranges::find(allowance.limits, *situation, &SubLimit::situation) !=
      allowance.limits.end()) {
    errors_.add(when->position,
                fmt::format("there is a limit in {} already", in_quotes(when->text)),
                "one for each situation");
  } else if (*units >= allowance.units && allowance.units > 0) {
    errors_.add(amount->position, "the whole allowance is no limit", "less than its amount");
  }
  allowance.limits.push_back({*situation, *units});
}

// --- How long ------------------------------------------------------------------------------------

void OfferReader::read_times(YamlMap& map) {
  const YamlNode* const period = map.find("period");
  const YamlNode* const validity =
      period != nullptr ? map.find("validity")
                        : map.require("validity", "how long it lasts, such as 30 d, or a period");
  if (period != nullptr && validity != nullptr) {
    errors_.add(map.key_position("validity"), "an offer with a period has no other end",
                "\"period\" or \"validity\"");
  } else if (validity != nullptr) {
    read_validity(*validity);
  }
  if (period != nullptr) {
    read_renewal(map, *period);
    return;
  }
  for (std::string_view key :
       {"begins", "first_period", "proration", "unpaid", "retry", "holders"}) {
    if (map.find(key) == nullptr) continue;
    errors_.add(map.key_position(key), fmt::format("{} is for offers that renew", in_quotes(key)),
                "a period beside it");
  }
}

// "30 d", or the calendar's "day".
void OfferReader::read_validity(const YamlNode& node) {
  constexpr std::pair<std::string_view, PeriodUnit> units[] = {{"day", PeriodUnit::day},
                                                               {"week", PeriodUnit::week},
                                                               {"month", PeriodUnit::month},
                                                               {"year", PeriodUnit::year}};
  for (const auto& [name, unit] : units) {
    if (node.kind == YamlNode::Kind::scalar && node.text == name) made_.offer.ends_with = unit;
  }
  if (made_.offer.ends_with) return;
  made_.offer.validity =
      read_duration(node, errors_, seconds(1), validity_max).value_or(seconds(0));
}

void OfferReader::read_renewal(YamlMap& map, const YamlNode& node) {
  Renewal& renewal = made_.offer.renewal.emplace();
  if (const auto period = read_period(node)) renewal.period = *period;
  read_calendar(map, renewal);
  renewal.unpaid = choose<Unpaid>(map, "unpaid",
                                  {unpaid_name(Unpaid::pay_as_you_go), unpaid_name(Unpaid::suspend),
                                   unpaid_name(Unpaid::end), unpaid_name(Unpaid::by_days)});
  const OfferPeriod& period = renewal.period;
  const bool is_of_days =
      period.unit != PeriodUnit::hour && (period.unit != PeriodUnit::day || period.count > 1);
  if (renewal.unpaid == Unpaid::by_days && !is_of_days) {
    errors_.add(map.key_position("unpaid"),
                fmt::format("there are no days of {}", period_text(period)),
                "a period of more than a day");
  }
  renewal.retry_for = renewal.unpaid == Unpaid::end ? seconds(0) : retry_usual;
  if (const YamlNode* retry = map.find("retry")) {
    renewal.retry_for = read_duration(*retry, errors_, days(1), retry_max).value_or(retry_usual);
    if (renewal.unpaid == Unpaid::end) {
      errors_.add(map.key_position("retry"), "what ends unpaid is not tried again",
                  "unpaid: pay_as_you_go, suspend or by_days");
    }
  }
  enum class Holders { keep, next_period };
  renewal.keeps_terms = choose<Holders>(map, "holders", {"keep", "next_period"}) == Holders::keep;
}

void OfferReader::read_calendar(YamlMap& map, Renewal& renewal) {
  enum class Begins { anniversary, calendar };
  renewal.is_calendar =
      choose<Begins>(map, "begins", {"anniversary", "calendar"}) == Begins::calendar;
  enum class First { full, prorated };
  renewal.is_prorated = choose<First>(map, "first_period", {"full", "prorated"}) == First::prorated;
  if (renewal.is_calendar && renewal.period.unit == PeriodUnit::hour) {
    errors_.add(map.key_position("begins"), "the calendar has no hours",
                "a period of days, weeks, months or years");
  }
  if (renewal.is_prorated && !renewal.is_calendar) {
    errors_.add(map.key_position("first_period"),
                "the first period is a whole one, from the purchase on",
                "begins: calendar beside it");
  }
  const YamlNode* const proration = map.find("proration");
  if (proration == nullptr) return;
  if (!renewal.is_prorated) {
    errors_.add(map.key_position("proration"), "no period is prorated",
                "first_period: prorated beside it");
  }
  YamlMap rules(*proration, "the proration", errors_);
  enum class Way { half_away_from_zero, up, down };
  renewal.share_rounding = static_cast<Rounding>(
      choose<Way>(rules, "rounding",
                  {rounding_name(Rounding::half_away_from_zero), rounding_name(Rounding::up),
                   rounding_name(Rounding::down)}));
  if (const YamlNode* to = rules.find("to")) {
    const std::optional<Money> step = read_money(*to, errors_);
    if (step && step->micros == 0) errors_.add(to->position, "nothing is a multiple of 0", "0.01");
    renewal.share_step = step.value_or(renewal.share_step);
  }
  rules.finish();
}

std::optional<OfferPeriod> OfferReader::read_period(const YamlNode& node) {
  const std::optional<std::string> text = read_text(node, errors_, period_form);
  if (!text) return std::nullopt;
  constexpr std::pair<std::string_view, PeriodUnit> units[] = {
      {"hour", PeriodUnit::hour},   {"day", PeriodUnit::day},    {"week", PeriodUnit::week},
      {"month", PeriodUnit::month}, {"year", PeriodUnit::year},  {"hours", PeriodUnit::hour},
      {"days", PeriodUnit::day},    {"weeks", PeriodUnit::week}, {"months", PeriodUnit::month},
      {"years", PeriodUnit::year}};
  const Quantity read = parse_quantity(*text).value_or(Quantity{1, *text});
  const auto known =
      std::ranges::find(units, read.unit, &std::pair<std::string_view, PeriodUnit>::first);
  if (known == std::end(units) || read.number == 0 || read.number > period_count_max) {
    std::vector<std::string_view> names;
    for (const auto& [name, unit] : units) names.push_back(name);
    errors_.add(node.position,
                fmt::format("{} is no period{}", in_quotes(*text),
                            known == std::end(units) ? did_you_mean(read.unit, names) : ""),
                period_form);
    return std::nullopt;
  }
  return OfferPeriod{known->second, static_cast<std::uint16_t>(read.number)};
}

// --- Who may have it -----------------------------------------------------------------------------

void OfferReader::read_selling(YamlMap& map) {
  Offer& offer = made_.offer;
  if (const YamlNode* family = map.find("family")) {
    offer.family = read_name(*family, errors_).value_or("");
  }
  if (const YamlNode* node = map.find("requires");
      node != nullptr && check_kind(*node, YamlNode::Kind::sequence, errors_, "a list of offers") &&
      check_count(*node, errors_, "offers", 1, depends_on_max)) {
    for (const YamlNode& item : node->items) {
      if (auto name = read_text(item, errors_, "the name of an offer")) {
        offer.depends_on.push_back(*name);
        made_.named.push_back({std::move(*name), item.position});
      }
    }
  }
  offer.raises = read_raises(map, known_.ceilings, errors_);
  if (const YamlNode* chosen = map.find("chosen_numbers")) read_chosen_numbers(*chosen);
  offer.minimum_spend = read_minimum_spend(map, offer.renewal, known_.counters, errors_);
  offer.instalments = read_instalments(map, offer, errors_);
  offer.filing = read_filing(map, errors_);
  offer.at_end = read_at_end(map, errors_);
  if (const YamlNode* most = map.find("daily_most")) {
    offer.daily_most = static_cast<std::uint16_t>(read_integer(*most, errors_, 1, 24).value_or(0));
  }
  offer.sale = choose<Sale>(
      map, "sale", {sale_name(Sale::on_sale), sale_name(Sale::withdrawn), sale_name(Sale::ended)});
  if (const YamlNode* successor = map.find("successor")) {
    offer.successor = read_text(*successor, errors_, "the name of an offer").value_or("");
    made_.named.push_back({offer.successor, successor->position});
    if (offer.sale != Sale::ended || !offer.renewal) {
      errors_.add(map.key_position("successor"), "nobody is moved from this offer",
                  "sale: ended and a period beside it");
    }
  }
}

void OfferReader::read_chosen_numbers(const YamlNode& node) {
  constexpr std::uint64_t most = 100;
  ChosenNumbers& chosen = made_.offer.chosen;
  YamlMap map(node, "the chosen numbers", errors_);
  if (const YamlNode* at_once = map.require("most", "how many there may be at once")) {
    chosen.most = static_cast<std::uint8_t>(read_integer(*at_once, errors_, 1, most).value_or(1));
  }
  if (const YamlNode* changes = map.find("changes")) {
    chosen.changes =
        static_cast<std::uint8_t>(read_integer(*changes, errors_, 0, most).value_or(0));
  }
  map.finish();
}

// The first of the names where the key is not there.
template <class Choice>
Choice OfferReader::choose(YamlMap& map, std::string_view key,
                           std::vector<std::string_view> names) {
  const YamlNode* const node = map.find(key);
  if (node == nullptr) return Choice{};
  return static_cast<Choice>(read_choice(*node, errors_, names).value_or(0));
}

// --- All of them ---------------------------------------------------------------------------------

using OffersByName = std::map<std::string_view, const PlacedOffer*>;

OffersByName check_names(const std::vector<PlacedOffer>& offers, FileErrors& errors) {
  OffersByName by_name;
  for (const PlacedOffer& placed : offers) {
    const std::string& name = placed.offer.name;
    if (name.empty() || by_name.emplace(name, &placed).second) continue;
    errors.add(placed.position, fmt::format("there is an offer {} already", in_quotes(name)),
               "a name of its own for each offer");
  }
  return by_name;
}

void check_named(const PlacedOffer& placed, const OffersByName& by_name, FileErrors& errors) {
  for (const auto& [name, position] : placed.named) {
    if (name.empty()) continue;
    if (name == placed.offer.name) {
      errors.add(position, fmt::format("offer {} names itself", in_quotes(name)),
                 "the name of another offer");
    } else if (!by_name.contains(name)) {
      std::vector<std::string_view> names;
      for (const auto& [known, offer] : by_name) names.push_back(known);
      errors.add(position,
                 fmt::format("unknown offer {}{}", in_quotes(name), did_you_mean(name, names)),
                 "the name of an offer of this file");
    }
  }
  if (const auto next = by_name.find(placed.offer.successor); next != by_name.end()) {
    const Offer& offer = next->second->offer;
    if (offer.renewal && offer.sale != Sale::ended) return;
    errors.add(placed.position,
               fmt::format("{} cannot follow {}: it {}", in_quotes(offer.name),
                           in_quotes(placed.offer.name),
                           offer.renewal ? "has ended, too" : "does not renew"),
               "an offer that renews and has not ended");
  }
}

// Offers that nobody can be the first to have: each needs one of the others.
void check_circles(const std::vector<PlacedOffer>& offers, const OffersByName& by_name,
                   FileErrors& errors) {
  enum class Visit { none, under_way, done };
  std::map<std::string_view, Visit> visits;
  // Offers are visited from a list, not by recursion: a chain may be as long as the file.
  for (const PlacedOffer& first : offers) {
    std::vector<std::pair<const PlacedOffer*, std::size_t>> path = {{&first, 0}};
    if (std::exchange(visits[first.offer.name], Visit::under_way) != Visit::none) {
      visits[first.offer.name] = Visit::done;
      continue;
    }
    while (!path.empty()) {
      auto& [placed, next] = path.back();
      if (next == placed->offer.depends_on.size()) {
        visits[placed->offer.name] = Visit::done;
        path.pop_back();
        continue;
      }
      const std::string& name = placed->offer.depends_on[next++];
      const auto needed = by_name.find(name);
      if (needed == by_name.end() || name == placed->offer.name) continue;
      Visit& visit = visits[name];
      if (visit == Visit::under_way) {
        errors.add(placed->position,
                   fmt::format("offer {} depends on itself by way of {}",
                               in_quotes(placed->offer.name), in_quotes(name)),
                   "offers that can be had one after the other");
      } else if (visit == Visit::none) {
        visit = Visit::under_way;
        path.emplace_back(needed->second, 0);
      }
    }
  }
}

}  // namespace

std::vector<PlacedOffer> read_offers(const YamlNode& node, const Coverable& known,
                                     FileErrors& errors) {
  std::vector<PlacedOffer> offers;
  if (!check_kind(node, YamlNode::Kind::sequence, errors, "a list of offers") ||
      !check_count(node, errors, "offers", 0, offers_max)) {
    return offers;
  }
  OfferReader reader(known, errors);
  for (const YamlNode& item : node.items) offers.push_back(reader.read(item));
  const OffersByName by_name = check_names(offers, errors);
  for (const PlacedOffer& placed : offers) check_named(placed, by_name, errors);
  check_circles(offers, by_name, errors);
  return offers;
}

}  // namespace farthing::tariffs
