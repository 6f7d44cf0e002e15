#include "tariffs/tariff_file.h"

#include "tariffs/adjusted_rules.h"
#include "tariffs/adjustment_file.h"
#include "tariffs/ceiling_file.h"
#include "tariffs/counter_file.h"
#include "tariffs/coverage_file.h"
#include "tariffs/currency.h"
#include "tariffs/grant_file.h"
#include "tariffs/local_time.h"
#include "tariffs/numbering.h"
#include "tariffs/filing_file.h"
#include "tariffs/final_unit_file.h"
#include "tariffs/offer_file.h"
#include "tariffs/placed.h"
#include "tariffs/price_file.h"
#include "tariffs/situation_file.h"
#include "tariffs/tariff_tables.h"
#include "tariffs/tariff_values.h"
#include "tariffs/tariff_warnings.h"
#include "tariffs/yaml_reader.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace farthing::tariffs {
namespace {

using std::chrono::seconds;

constexpr std::size_t groups_max = 4096;  // of one service
constexpr std::size_t services_max = 64;  // find() tries them one by one

// "<name>@<domain>", each of printable ASCII without spaces (RFC 8506 8.42).
bool is_context(std::string_view text) {
  const std::size_t at = text.find('@');
  return text.size() <= 255 && at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         text.find('@', at + 1) == std::string_view::npos && text.front() != '.' &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string group_text(RatingGroup group) { return fmt::format("{}", group.value); }

class Compiler {
 public:
  Compiler(TariffTables& tables, FileErrors& errors) : tables_(tables), errors_(errors) {}

  // The parts are fit for a Tariff where no errors were added.
  TariffParts compile(const YamlNode& root);
  void warn(FileErrors& warnings) const {
    find_warnings(services_, offers_, adjustments_, warnings);
    if (adjuster_) adjuster_->warn(warnings);
    warn_of_filings(offers_, sale_days_, warnings);
  }

 private:
  void compile_header(YamlMap& file);

  void compile_services(const YamlNode& node);
  PlacedService compile_service(const YamlEntry& entry);
  void check_service_name(const YamlEntry& entry);
  void compile_context(YamlMap& map, PlacedService& placed);
  bool compile_rating_groups(YamlMap& map, PlacedService& placed);
  bool compile_prices(YamlMap& map, PlacedService& placed);
  bool compile_price(const YamlNode& node, PlacedService& placed);
  bool compile_terms(YamlMap& map, PlacedRule& placed, Unit unit);
  bool compile_counting(YamlMap& map, PlacedRule& placed, Unit unit);
  void add_rule(PlacedService& placed, PlacedRule rule);
  void restrict_rule(PlacedRule& made, const Restrictions& own, const Restrictions& service);
  bool covers(const Rule& rule, const Rule& other) const;
  void check_last_resort(const PlacedService& placed);
  void check_every_group_has_a_price(const PlacedService& placed);

  void compile_counters();
  void compile_counter(PlacedCounter& counter);
  bool counts_always(const CounterRule& counter, const Rule& rule) const;
  void check_what_prices_go_by() const;
  void check_passes() const;

  void compile_adjustments(YamlMap& file);
  Coverable coverable() const { return {services_, situations_, parts_.ceilings, counters_}; }
  void compile_situations();
  void add_rules();
  std::optional<Percent> read_tax(YamlMap& map, const std::optional<Percent>& otherwise);
  PaidFrom read_paid_from(YamlMap& map, PaidFrom otherwise);

  TariffTables& tables_;
  FileErrors& errors_;
  TariffParts parts_;
  std::vector<PlacedService> services_;
  std::vector<PlacedOffer> offers_;
  std::vector<PlacedCounter> counters_;
  std::vector<PlacedAdjustment> adjustments_;
  std::vector<PlacedSituation> situations_;
  std::optional<RuleAdjuster> adjuster_;
  std::optional<Percent> tax_;  // of what says nothing else
  bool needs_filings_ = false;  // each offer
  SaleDays sale_days_;
};

TariffParts Compiler::compile(const YamlNode& root) {
  YamlMap file(root, "the tariff", errors_);
  compile_header(file);
  tables_.read(file, parts_.time_zone);
  if (const YamlNode* node = file.find("numbers")) {
    parts_.numbering = read_numbering(*node, errors_);
  }
  if (const YamlNode* node = file.find("situations")) {
    situations_ = read_situations(*node, tables_, errors_);
  }
  if (const YamlNode* node = file.find("counters")) counters_ = read_counters(*node, errors_);
  if (const YamlNode* node = file.find("ceilings")) {
    parts_.ceilings = read_ceilings(*node, counters_, errors_);
  }
  if (const YamlNode* node = file.require("services", "at least one service")) {
    compile_services(*node);
  }
  compile_counters();
  compile_adjustments(file);
  if (const YamlNode* node = file.find("offers")) {
    offers_ = read_offers(*node, coverable(), errors_);
  }
  if (needs_filings_) check_filings(offers_, errors_);
  compile_situations();
  check_passes();
  const YamlNode* const tests = file.find("tests");
  file.finish();

  std::set<ServiceKey> without_unit;
  add_rules();
  for (const PlacedService& placed : services_) {
    parts_.services.push_back(placed.service);
    if (!placed.has_unit) without_unit.insert(placed.service.key);
  }
  for (const PlacedOffer& placed : offers_) parts_.offers.push_back(placed.offer);
  if (tests != nullptr) parts_.tests = read_tests(*tests, parts_, without_unit, errors_);
  return std::move(parts_);
}

void Compiler::compile_header(YamlMap& file) {
  if (const YamlNode* node = file.require("tariff", "the tariff's name")) {
    parts_.name = read_name(*node, errors_).value_or("");
  }
  if (const YamlNode* node = file.require("currency", "a currency of ISO 4217")) {
    parts_.currency = read_text(*node, errors_, "a currency of ISO 4217").value_or("");
    const std::optional<std::uint32_t> code = currency_code_of(parts_.currency);
    if (!parts_.currency.empty() && !code) {
      errors_.add(node->position,
                  fmt::format("{} is no currency{}", in_quotes(parts_.currency),
                              did_you_mean(parts_.currency, currency_names())),
                  "a currency of ISO 4217 such as CNY");
    }
    parts_.currency_code = code.value_or(0);
  }
  if (const YamlNode* node = file.require("time_zone", "a time zone such as Asia/Shanghai")) {
    const std::string zone = read_text(*node, errors_, "a time zone").value_or("");
    if (is_time_zone(zone)) {
      parts_.time_zone = zone;
    } else if (!zone.empty()) {
      errors_.add(node->position,
                  fmt::format("{} is no time zone{}", in_quotes(zone),
                              did_you_mean(zone, time_zone_names())),
                  "a name of the system's time zone database such as Asia/Shanghai");
    }
  }
  tax_ = read_tax(file, std::nullopt);
  if (const YamlNode* node = file.find("units")) read_choice(*node, errors_, {"1000", "1024"});
  const YamlNode* from = file.require("valid_from", "a local time such as 2026-01-01T00:00:00");
  const YamlNode* until = file.find("valid_until");
  const std::optional<base::Time> valid_from =
      from ? read_time(*from, errors_, parts_.time_zone) : std::nullopt;
  if (until != nullptr) parts_.valid_until = read_time(*until, errors_, parts_.time_zone);
  parts_.valid_from = valid_from.value_or(base::Time());
  if (valid_from && parts_.valid_until && *parts_.valid_until <= parts_.valid_from) {
    errors_.add(until->position, "valid_until is not after valid_from", "a later time");
  }
  sale_days_ = sale_days(parts_.time_zone, parts_.valid_from, parts_.valid_until);
  needs_filings_ = read_filing_rule(file, errors_);
  if (const YamlNode* node = file.find("low_balance")) {
    parts_.low_balance = read_money(*node, errors_);
  }
  if (const YamlNode* node = file.find("validity")) {
    parts_.top_up_validity = read_top_up_validity(*node, errors_);
  }
}

void Compiler::compile_services(const YamlNode& node) {
  if (!check_kind(node, YamlNode::Kind::map, errors_, "services by name")) return;
  if (!check_count(node, errors_, "services", 1, services_max)) return;
  for (const YamlEntry& entry : node.entries) {
    check_service_name(entry);
    services_.push_back(compile_service(entry));
  }
}

void Compiler::check_service_name(const YamlEntry& entry) {
  if (!is_name(entry.key)) {
    errors_.add(entry.key_position, fmt::format("{} is no name", in_quotes(entry.key)), name_form);
  }
  for (const PlacedService& other : services_) {
    if (other.service.key != service_key(entry.key)) continue;
    errors_.add(entry.key_position,
                fmt::format("the service names {} and {} have the same key in the ledger",
                            in_quotes(entry.key), in_quotes(other.service.name)),
                "another name");
  }
}

PlacedService Compiler::compile_service(const YamlEntry& entry) {
  PlacedService placed;
  placed.position = entry.key_position;
  placed.service.name = entry.key;
  placed.service.key = service_key(entry.key);

  YamlMap map(entry.value, fmt::format("service {}", in_quotes(entry.key)), errors_);
  compile_context(map, placed);
  const bool groups_are_complete = compile_rating_groups(map, placed);
  placed.restrictions = read_restrictions(map, errors_);
  placed.tax = read_tax(map, tax_);
  placed.paid_from = read_paid_from(map, PaidFrom::either);
  placed.at_end = read_at_end(map, errors_);

  constexpr Unit units[] = {Unit::octets, Unit::seconds, Unit::events, Unit::money};
  std::vector<std::string_view> unit_names;
  for (Unit unit : units) unit_names.push_back(unit_name(unit));
  std::optional<std::size_t> unit;
  if (const YamlNode* node = map.require("unit", "octets, seconds, events or money")) {
    unit = read_choice(*node, errors_, unit_names);
  }
  if (unit) {
    placed.service.unit = units[*unit];
    placed.has_unit = true;
    const bool prices_are_complete = compile_prices(map, placed);
    placed.is_complete = groups_are_complete && prices_are_complete;
    if (placed.is_complete) {
      check_every_group_has_a_price(placed);
      check_last_resort(placed);
    }
    read_grant(map, placed, errors_);
  } else {  // Nothing below can be read without it.
    map.find("prices");
    map.find("grant");
  }
  map.finish();
  return placed;
}

void Compiler::compile_context(YamlMap& map, PlacedService& placed) {
  constexpr std::string_view form = "a Service-Context-Id such as 32251@3gpp.org";
  const YamlNode* node = map.require("context", form);
  const std::optional<std::string> text =
      node != nullptr ? read_text(*node, errors_, form) : std::nullopt;
  if (!text) return;
  if (!is_context(*text)) {
    errors_.add(node->position, fmt::format("{} is no context", in_quotes(*text)), form);
    return;
  }
  for (const PlacedService& other : services_) {
    if (other.service.context != *text) continue;
    errors_.add(node->position,
                fmt::format("service {} has the context {} already", in_quotes(other.service.name),
                            in_quotes(*text)),
                "a context of its own for each service");
    return;
  }
  placed.service.context = *text;
}

bool Compiler::compile_rating_groups(YamlMap& map, PlacedService& placed) {
  const YamlNode* node = map.find("rating_groups");
  if (node == nullptr) return true;
  if (!check_kind(*node, YamlNode::Kind::map, errors_, "names by number, as in 10: internet")) {
    return false;
  }
  if (!check_count(*node, errors_, "rating groups", 0, groups_max)) return false;
  bool is_complete = true;
  for (const YamlEntry& entry : node->entries) {
    YamlNode key;
    key.kind = YamlNode::Kind::scalar;
    key.position = entry.key_position;
    key.text = entry.key;
    const std::optional<std::uint64_t> number =
        read_integer(key, errors_, 0, std::numeric_limits<std::uint32_t>::max());
    std::optional<std::string> name = read_name(entry.value, errors_);
    is_complete &= number && name;
    if (!number) continue;
    const RatingGroup group(static_cast<std::uint32_t>(*number));
    placed.groups.emplace(group, entry.key_position);
    if (!name) {
      placed.service.rating_groups.emplace_back(group, "");
      continue;
    }
    if (parse_quantity(*name)) {
      errors_.add(entry.value.position,
                  fmt::format("the name {} begins as a number does", in_quotes(*name)),
                  "a name that begins with a letter");
    }
    for (const auto& [other, other_name] : placed.service.rating_groups) {
      if (other_name != *name) continue;
      errors_.add(entry.value.position,
                  fmt::format("rating group {} has the name {} already", group_text(other),
                              in_quotes(*name)),
                  "a name of its own for each rating group");
    }
    placed.service.rating_groups.emplace_back(group, std::move(*name));
  }
  return is_complete;
}

bool Compiler::compile_prices(YamlMap& map, PlacedService& placed) {
  const YamlNode* node = map.require("prices", "a list of prices");
  if (node == nullptr ||
      !check_kind(*node, YamlNode::Kind::sequence, errors_, "a list of prices")) {
    return false;
  }
  if (!check_count(*node, errors_, "prices", 1, groups_max + 1)) return false;
  bool is_complete = true;
  for (const YamlNode& item : node->items) is_complete &= compile_price(item, placed);
  return is_complete;
}

bool Compiler::compile_price(const YamlNode& node, PlacedService& placed) {
  YamlMap map(node, fmt::format("a price of service {}", in_quotes(placed.service.name)), errors_);
  PlacedRule made;
  made.position = node.position;
  made.rule.service = placed.service.key;
  made.rule.line = node.position.line;

  const YamlNode* group_node = map.find("rating_group");
  const YamlNode* default_node = map.find("default");
  bool is_known = true;
  if ((group_node != nullptr) == (default_node != nullptr)) {
    if (node.kind == YamlNode::Kind::map) {
      errors_.add(node.position,
                  group_node != nullptr ? "rating_group and default exclude each other"
                                        : "the price does not say what it is for",
                  "either rating_group, or default: true");
    }
    is_known = false;
  } else if (group_node != nullptr) {
    made.rule.rating_group = read_group(*group_node, errors_, placed.service);
    is_known = made.rule.rating_group.has_value();
  } else {
    is_known = read_choice(*default_node, errors_, {"true"}).has_value();
  }
  made.rule.name =
      fmt::format("{}/{}", placed.service.name,
                  made.rule.rating_group ? group_text(*made.rule.rating_group) : std::string("*"));

  const std::size_t errors_before = errors_.count();
  made.rule.conditions = tables_.read_conditions(map, made.rule.name);
  read_counted(map, counters_, made.rule.conditions, made.rule.name, errors_);
  read_beyond(map, counters_.size(), parts_.ceilings, made.rule.conditions, made.rule.name,
              errors_);
  is_known &= errors_.count() == errors_before;
  const Restrictions own = read_restrictions(map, errors_);
  const bool has_terms = compile_terms(map, made, placed.service.unit);
  const std::optional<Percent> tax = read_tax(map, placed.tax);
  const PaidFrom paid_from = read_paid_from(map, placed.paid_from);
  made.rule.at_end = read_at_end(map, errors_);
  made.rule.service_at_end = placed.at_end;
  if (made.rule.terms) {
    for (PriceTerms* terms : {&*made.rule.terms, &made.rule.continued}) {
      terms->tax = tax;
      terms->paid_from = paid_from;
    }
  }
  map.finish();
  if (has_terms) restrict_rule(made, own, placed.restrictions);
  if (is_known) add_rule(placed, std::move(made));
  return is_known && has_terms;
}

void Compiler::add_rule(PlacedService& placed, PlacedRule made) {
  for (const PlacedRule& other : placed.rules) {
    if (other.rule.rating_group != made.rule.rating_group) continue;
    if (!covers(other.rule, made.rule)) continue;
    if (made.rule.conditions.are_none() && other.rule.conditions.are_none()) {
      errors_.add(made.position,
                  fmt::format("{} has a price already, in line {}", in_quotes(made.rule.name),
                              other.rule.line),
                  "one price for each rating group and one default");
    } else {
      errors_.add(
          made.position,
          fmt::format("{} can never win: where it holds, {} in line {} does, too",
                      in_quotes(made.rule.name), in_quotes(other.rule.name), other.rule.line),
          "the price with more conditions first");
    }
    return;
  }
  placed.rules.push_back(std::move(made));
}

// What is served always, or never, asks nothing of anybody.
void Compiler::restrict_rule(PlacedRule& made, const Restrictions& own,
                             const Restrictions& service) {
  if (made.rule.terms && !made.rule.always) {
    made.rule.restrictions = both(service, own);
  } else if (!own.are_none()) {
    errors_.add(made.position,
                fmt::format("what is {} served {}", made.rule.always ? "always" : "never",
                            restrictions_text(own)),
                "no such key beside always: true and price: none");
  }
}

// Whether `rule` holds whenever `other` does.
bool Compiler::covers(const Rule& rule, const Rule& other) const {
  Conditions conditions = rule.conditions;
  if (conditions.times && tables_.are_all_classes(*conditions.times)) conditions.times.reset();
  return conditions.cover(other.conditions);
}

// Every rating group, and the default, comes to a price that needs no conditions.
void Compiler::check_last_resort(const PlacedService& placed) {
  const auto has_last = [&](std::optional<RatingGroup> group) {
    std::optional<Conditions::Times> times;  // of the prices that depend on the time alone
    for (const PlacedRule& placed_rule : placed.rules) {
      const Rule& rule = placed_rule.rule;
      if (rule.rating_group != group) continue;
      if (covers(rule, Rule())) return true;
      Conditions others = rule.conditions;
      others.times.reset();
      if (!others.are_none()) continue;
      if (!times) times = Conditions::Times{rule.conditions.times->calendar, 0};
      if (times->calendar == rule.conditions.times->calendar) {
        times->classes |= rule.conditions.times->classes;
      }
    }
    return times && tables_.are_all_classes(*times);
  };
  if (has_last({})) return;
  std::set<std::optional<RatingGroup>> seen;
  for (const PlacedRule& placed_rule : placed.rules) {
    const Rule& rule = placed_rule.rule;
    if (!seen.insert(rule.rating_group).second || has_last(rule.rating_group)) continue;
    errors_.add(placed_rule.position,
                fmt::format("there is no price where the conditions of {} and the like do not hold",
                            in_quotes(rule.name)),
                "a last price without conditions (\"price: none\" where there is none)");
  }
}

bool Compiler::compile_terms(YamlMap& map, PlacedRule& placed, Unit unit) {
  const YamlNode* price = map.find("price");
  const YamlNode* always = map.find("always");
  const YamlNode* stop = map.find("stop");
  map.find("over");  // compile_counting() reads it, where the rest is right
  if (always != nullptr && (price == nullptr || price->text != "free")) {
    errors_.add(map.key_position("always"), "what is served always is not free", "price: free");
  }
  if (price == nullptr) {
    const std::optional<FilePrice> compiled = tariffs::compile_price(map, unit, errors_);
    if (!compiled) return false;
    placed.rule.terms = compiled->terms;
    placed.rule.continued = compiled->continued;
    return compile_counting(map, placed, unit);
  }
  const std::optional<std::size_t> choice = read_choice(*price, errors_, {"none", "free"});
  for (std::string_view key : price_keys) {
    if (map.find(key) == nullptr) continue;
    errors_.add(map.key_position(key), fmt::format("the key {} beside price", in_quotes(key)),
                "either price, or amount and per");
  }
  if (choice == 1u) {
    placed.rule.continued.unit = unit;
    placed.rule.terms = placed.rule.continued;
    if (always != nullptr) placed.rule.always = read_boolean(*always, errors_).value_or(false);
    return compile_counting(map, placed, unit);
  }
  if (choice && stop != nullptr) {
    errors_.add(map.key_position("stop"), "what has no price is not served anyway", "a price");
  }
  return choice.has_value();
}

// What a price has to do with counters, beside its conditions.
bool Compiler::compile_counting(YamlMap& map, PlacedRule& placed, Unit unit) {
  Rule& rule = placed.rule;
  const std::size_t errors_before = errors_.count();
  if (const YamlNode* node = map.find("stop")) {
    rule.stop = read_boolean(*node, errors_).value_or(false);
    if (rule.conditions.counted.empty() || rule.always) {
      errors_.add(map.key_position("stop"), "nothing is used up here that it could stop at",
                  "a price with a condition \"counted\" or \"beyond\"");
    }
  }
  const YamlNode* const node = map.find("over");
  if (node == nullptr || map.find("price") != nullptr) return errors_.count() == errors_before;
  const std::optional<std::uint16_t> counter = read_counter_name(*node, counters_, errors_);
  if (!counter) return false;
  rule.over = counter;
  if (counters_[*counter].rule.unit != unit) {
    errors_.add(node->position,
                fmt::format("counter {} counts {}", in_quotes(counters_[*counter].rule.name),
                            unit_name(counters_[*counter].rule.unit)),
                fmt::format("a counter of {}", unit_name(unit)));
  }
  for (std::string_view key : {"slabs", "first"}) {
    if (map.find(key) == nullptr) continue;
    errors_.add(map.key_position(key),
                fmt::format("{} do not go with \"over\": what was charged before would change",
                            in_quotes(key)),
                "tiers, or a cap");
  }
  if (rule.terms->shape == nullptr) {
    errors_.add(node->position, "there is nothing that goes by the counter", "tiers, or a cap");
  }
  return errors_.count() == errors_before;
}

void Compiler::check_every_group_has_a_price(const PlacedService& placed) {
  const auto is_default = [](const PlacedRule& rule) { return !rule.rule.rating_group; };
  if (std::ranges::any_of(placed.rules, is_default)) return;
  for (const auto& [group, position] : placed.groups) {
    const bool has_price = std::ranges::any_of(
        placed.rules, [&](const PlacedRule& rule) { return rule.rule.rating_group == group; });
    if (!has_price) {
      errors_.add(position, fmt::format("rating group {} has no price", group_text(group)),
                  "a price for it (\"price: none\" where it has none), or a default");
    }
  }
}

void Compiler::compile_counters() {
  for (PlacedCounter& counter : counters_) compile_counter(counter);
  check_what_prices_go_by();
  for (const PlacedCounter& counter : counters_) parts_.counters.push_back(counter.rule);
}

void Compiler::compile_counter(PlacedCounter& counter) {
  if (counter.covers == nullptr ||
      !check_count(*counter.covers, errors_, "things covered", 1, covers_max)) {
    return;
  }
  const Unit unit = counter.rule.unit;
  for (const YamlNode& item : counter.covers->items) {
    std::optional<Coverage> coverage;
    const PlacedService* const service = read_coverage(item, coverable(), coverage, errors_);
    if (coverage) counter.rule.coverage.push_back(*coverage);
    if (service == nullptr || !service->has_unit || unit == Unit::money ||
        service->service.unit == unit) {
      continue;
    }
    errors_.add(item.position,
                fmt::format("service {} is counted in {}", in_quotes(service->service.name),
                            unit_name(service->service.unit)),
                fmt::format("services counted in {}", unit_name(unit)));
  }
}

// What is bought by first use is an offer of the file, and covers what it is bought for.
void Compiler::check_passes() const {
  for (const PlacedService& service : services_) {
    for (const PlacedRule& placed : service.rules) {
      const std::string& pass = placed.rule.restrictions.pass;
      if (pass.empty()) continue;
      const auto offer = std::ranges::find(
          offers_, pass, [](const PlacedOffer& one) { return std::string_view(one.offer.name); });
      if (offer == offers_.end()) {
        std::vector<std::string_view> names;
        for (const PlacedOffer& one : offers_) names.push_back(one.offer.name);
        errors_.add(placed.position,
                    fmt::format("unknown offer {}{}", in_quotes(pass), did_you_mean(pass, names)),
                    "the name of an offer of this file");
      } else if (std::ranges::none_of(offer->offer.coverage, [&](const Coverage& coverage) {
                   return coverage.service == placed.rule.service &&
                          (!coverage.rating_group ||
                           coverage.rating_group == placed.rule.rating_group);
                 })) {
        errors_.add(placed.position,
                    fmt::format("the pass {} does not cover {}", in_quotes(pass),
                                in_quotes(placed.rule.name)),
                    "an offer that covers it");
      }
    }
  }
}

// Whether the counter counts all that the rule prices.
bool Compiler::counts_always(const CounterRule& counter, const Rule& rule) const {
  return counter.coverage.empty() ||
         std::ranges::any_of(counter.coverage, [&](const Coverage& covered) {
           const auto situation = std::ranges::find(
               situations_, covered.situation,
               [](const PlacedSituation& placed) { return placed.situation.key; });
           return covered.is_of(rule.service, rule.rating_group) &&
                  (situation == situations_.end() ||
                   situation->situation.conditions.cover(rule.conditions));
         });
}

// A price that goes by a counter is one of what the counter counts.
void Compiler::check_what_prices_go_by() const {
  for (const PlacedService& service : services_) {
    for (const PlacedRule& placed : service.rules) {
      if (!placed.rule.over) continue;
      const CounterRule& counter = counters_[*placed.rule.over].rule;
      if (counts_always(counter, placed.rule)) continue;
      errors_.add(placed.position,
                  fmt::format("{} goes by counter {}, which does not count it",
                              in_quotes(placed.rule.name), in_quotes(counter.name)),
                  "a counter that covers it");
    }
  }
}

std::optional<Percent> Compiler::read_tax(YamlMap& map, const std::optional<Percent>& otherwise) {
  const YamlNode* const node = map.find("tax");
  return node != nullptr ? read_percent(*node, errors_) : otherwise;
}

PaidFrom Compiler::read_paid_from(YamlMap& map, PaidFrom otherwise) {
  const YamlNode* const node = map.find("paid_from");
  if (node == nullptr) return otherwise;
  const auto choice = read_choice(*node, errors_, {"either", "prepaid"});
  return choice == 1 ? PaidFrom::prepaid : PaidFrom::either;
}

void Compiler::compile_adjustments(YamlMap& file) {
  adjustments_ = read_adjustments(file, tables_, counters_, parts_.ceilings, errors_);
  parts_.combine = read_combine(file, adjustments_, errors_);
  for (PlacedAdjustment& placed : adjustments_) {
    if (placed.covers != nullptr &&
        check_count(*placed.covers, errors_, "things covered", 1, covers_max)) {
      for (const YamlNode& item : placed.covers->items) {
        std::optional<Coverage> coverage;
        read_coverage(item, coverable(), coverage, errors_);
        if (coverage && coverage->situation.value != 0) {
          errors_.add(item.position,
                      fmt::format("{} has conditions itself", in_quotes(placed.adjustment.name)),
                      "those of the situation, and no \"when\"");
        }
        if (coverage) placed.adjustment.coverage.push_back(*coverage);
      }
    }
    read_block(placed, services_, errors_);
    parts_.adjustments.push_back(placed.adjustment);
  }
}

// What of a service each of them is asked for.
void Compiler::compile_situations() {
  for (PlacedSituation& placed : situations_) {
    const auto add = [&placed](const Coverage& covered) {
      if (covered.situation == placed.situation.key) placed.coverage.push_back(covered);
    };
    for (const PlacedOffer& offer : offers_) {
      std::ranges::for_each(offer.offer.coverage, add);
      for (const Allowance& allowance : offer.offer.allowances) {
        for (const SubLimit& limit : allowance.limits) {
          for (Coverage covered : allowance.coverage) {
            covered.situation = limit.situation;
            add(covered);
          }
        }
      }
    }
    for (const CounterRule& counter : parts_.counters) {
      std::ranges::for_each(counter.coverage, add);
    }
    parts_.situations.push_back(placed.situation);
  }
}

// What discounts, surcharges and situations make of the prices, where all of them are right.
void Compiler::add_rules() {
  if (errors_.count() > 0) return;
  adjuster_.emplace(adjustments_, parts_.combine, situations_, errors_);
  for (const PlacedService& placed : services_) adjuster_->add_rules(placed, parts_.rules);
}

// What KB, MB and GB are in this file, on each of its values.
void say_what_kilobytes_are(YamlNode& root) {
  const auto units = std::ranges::find(root.entries, "units", &YamlEntry::key);
  if (units == root.entries.end()) return;
  if (units->value.text == "1000") root.set_kilobyte(1000);
  if (units->value.text == "1024") root.set_kilobyte(1024);
}

}  // namespace

CheckedTariff check_tariff(std::string_view file_name, const TariffSource& source) {
  FileErrors errors(file_name);
  FileErrors warnings(file_name);
  CheckedTariff checked;
  std::optional<YamlNode> root = read_yaml(source.text, errors);
  if (!root) {
    checked.errors = errors.take();
    return checked;
  }
  say_what_kilobytes_are(*root);
  TariffTables tables(source, errors);
  Compiler compiler(tables, errors);
  TariffParts parts = compiler.compile(*root);
  compiler.warn(warnings);
  checked.errors = errors.take();
  for (FileError& error : tables.take_errors()) checked.errors.push_back(std::move(error));
  checked.warnings = warnings.take();
  if (!checked.errors.empty()) return checked;
  parts.zones = tables.zones();
  for (CalendarParts& calendar : tables.take_calendars()) {
    parts.calendars.emplace_back(std::move(calendar));
  }
  checked.tariff = std::make_shared<const Tariff>(std::move(parts));
  return checked;
}

base::Result<std::shared_ptr<const Tariff>, std::vector<FileError>> compile_tariff(
    std::string_view file_name, const TariffSource& source) {
  CheckedTariff checked = check_tariff(file_name, source);
  if (checked.tariff == nullptr) return std::move(checked.errors);
  return std::move(checked.tariff);
}

base::Result<std::shared_ptr<const Tariff>, std::vector<FileError>> compile_tariff(
    std::string_view file_name, std::string_view bytes) {
  const auto source = parse_source(bytes);
  if (!source)
    return std::vector<FileError>{{std::string(file_name), 0, 0, source.error().message}};
  return compile_tariff(file_name, *source);
}

std::vector<std::string> table_files(std::string_view text) {
  FileErrors ignored("");
  std::vector<std::string> files;
  const std::optional<YamlNode> root = read_yaml(text, ignored);
  if (!root) return files;
  for (const YamlEntry& entry : root->entries) {
    if (entry.key != "tables") continue;
    for (const YamlEntry& table : entry.value.entries) {
      if (is_name(table.value.text)) files.push_back(table.value.text);
    }
  }
  return files;
}

}  // namespace farthing::tariffs
