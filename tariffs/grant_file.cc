#include "tariffs/grant_file.h"

#include "tariffs/explain.h"
#include "tariffs/tariff_values.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace farthing::tariffs {
namespace {

using std::chrono::seconds;

constexpr seconds grant_validity_max{7 * 86400};

constexpr seconds reports_every_max{3600};
constexpr seconds terms_time_max{86'400};

// Changes that make a client ask again: Trigger-Type (TS 32.299 7.2.236).
constexpr std::array<std::pair<std::string_view, std::uint32_t>, 14> triggers = {{
    {"sgsn", 1},
    {"qos", 2},
    {"location", 3},
    {"rat", 4},
    {"time_zone", 5},
    {"mcc", 30},
    {"mnc", 31},
    {"rac", 32},
    {"lac", 33},
    {"cell", 34},
    {"tac", 35},
    {"ecgi", 36},
    {"service_condition", 60},
    {"serving_node", 61},
}};

void check_grant(const YamlMap& grant, const QuotaRule& quota, const PlacedService& placed,
                 FileErrors& errors) {
  if (quota.standard > quota.maximum) {
    errors.add(grant.key_position("standard"), "the standard grant is above the maximum",
               "minimum <= standard <= maximum");
  }
  if (quota.minimum > quota.standard) {
    errors.add(grant.key_position("minimum"), "the minimum grant is above the standard one",
               "minimum <= standard <= maximum");
  }
  for (const PlacedRule& rule : placed.rules) {
    if (!rule.rule.terms) continue;
    const PriceTerms& terms = *rule.rule.terms;
    if (terms.step > quota.minimum) {
      errors.add(
          grant.key_position("minimum"),
          fmt::format("the minimum grant is smaller than a step of {}", in_quotes(rule.rule.name)),
          "a grant of at least one step, since a whole one is charged");
    }
  }
}

// The keys of a grant that go by the state of things, one after the other.
class RulesReader {
 public:
  RulesReader(YamlMap& grant, Unit unit, const QuotaRule& quota, FileErrors& errors)
      : grant_(grant), unit_(unit), quota_(quota), errors_(errors) {}

  // nullptr: there are none.
  std::shared_ptr<const GrantRules> read() {
    read_by_balance();
    read_reports();
    if (const YamlNode* node = grant_.find("until_border")) {
      rules_.until_border = read_boolean(*node, errors_).value_or(false);
    }
    if (const YamlNode* node = grant_.find("sharing")) {
      const auto sessions = read_integer(*node, errors_, 1, GrantRules::sessions_max);
      rules_.sharing = static_cast<std::uint32_t>(sessions.value_or(0));
    }
    if (const YamlNode* node = grant_.find("holding_time")) {
      rules_.holding_time = read_duration(*node, errors_, seconds(0), grant_validity_max);
      if (rules_.holding_time > quota_.validity) {
        errors_.add(grant_.key_position("holding_time"),
                    fmt::format("the holding time is above the validity, {}: it never passes",
                                duration_text(quota_.validity)),
                    "holding_time <= validity");
      }
    }
    if (const YamlNode* node = grant_.find("threshold")) read_threshold(*node);
    read_terms();
    if (rules_ == GrantRules()) return nullptr;
    if (unit_ == Unit::money) {
      errors_.add(grant_.key_position(""),
                  "grants of money are as large as asked, whatever the state of the account",
                  "maximum, standard, minimum and validity only");
    }
    return std::make_shared<const GrantRules>(std::move(rules_));
  }

 private:
  // What the client is told beside: as it is.
  void read_terms() {
    if (const YamlNode* node = grant_.find("consumption_time")) {
      add(GrantTerm::consumption_time, read_duration(*node, errors_, seconds(1), terms_time_max));
    }
    if (const YamlNode* node = grant_.find("time_quota")) read_time_quota(*node);
    if (const YamlNode* node = grant_.find("triggers");
        node != nullptr &&
        check_kind(*node, YamlNode::Kind::sequence, errors_, "a list of changes") &&
        check_count(*node, errors_, "changes", 1, triggers.size())) {
      for (const YamlNode& item : node->items) {
        const auto which = read_choice(item, errors_, trigger_names());
        if (which) add_grant_term(rules_.terms, GrantTerm::trigger, triggers[*which].second);
      }
    }
    rules_.first_terms = rules_.terms;
    if (const YamlNode* node = grant_.find("envelopes")) {
      // Envelope-Reporting (TS 32.299 7.2.59): 1 with their times, then volume, events, or both.
      const auto what =
          read_choice(*node, errors_, {"times", "volume", "events", "volume_and_events"});
      if (what) {
        add_grant_term(rules_.first_terms, GrantTerm::envelope_reporting,
                       static_cast<std::uint32_t>(*what + 1));
      }
    }
  }

  void add(GrantTerm term, std::optional<seconds> time) {
    if (time) add_grant_term(rules_.terms, term, static_cast<std::uint32_t>(time->count()));
  }

  void read_time_quota(const YamlNode& node) {
    YamlMap map(node, "time_quota", errors_);
    if (unit_ != Unit::seconds) {
      errors_.add(node.position, "a mechanism of time for what is not counted in time",
                  "a service with unit: seconds");
    }
    if (const YamlNode* mechanism = map.require("mechanism", "discrete or continuous")) {
      const auto which = read_choice(*mechanism, errors_, {"discrete", "continuous"});
      if (which) {
        add_grant_term(rules_.terms, GrantTerm::time_quota_type,
                       static_cast<std::uint32_t>(*which));
      }
    }
    if (const YamlNode* interval = map.require("interval", "the length of a period")) {
      add(GrantTerm::time_quota_interval,
          read_duration(*interval, errors_, seconds(1), terms_time_max));
    }
    map.finish();
  }

  static std::vector<std::string_view> trigger_names() {
    std::vector<std::string_view> names;
    for (const auto& [name, number] : triggers) names.push_back(name);
    return names;
  }

  void read_by_balance() {
    const YamlNode* const node = grant_.find("by_balance");
    if (node == nullptr || !check_kind(*node, YamlNode::Kind::sequence, errors_, "a list") ||
        !check_count(*node, errors_, "sizes by balance", 1, GrantRules::sizes_max)) {
      return;
    }
    for (const YamlNode& item : node->items) read_sizes(item);
  }

  void read_sizes(const YamlNode& node) {
    const std::size_t errors_before = errors_.count();
    YamlMap map(node, "the sizes by balance", errors_);
    GrantRules::Sizes sizes;
    if (const YamlNode* below = map.require("below", "the balance under which they hold")) {
      sizes.below = read_money(*below, errors_).value_or(Money());
    }
    if (const YamlNode* maximum = map.require("maximum", "the most that is granted then")) {
      sizes.maximum = read_units(*maximum, errors_, unit_, 1).value_or(0);
    }
    sizes.standard = std::min(quota_.standard, sizes.maximum);
    if (const YamlNode* standard = map.find("standard")) {
      sizes.standard = read_units(*standard, errors_, unit_, 1).value_or(0);
    }
    map.finish();
    if (errors_.count() != errors_before) return;
    if (quota_.maximum > 0) check_sizes(map, sizes);  // else it has its own error
    rules_.by_balance.push_back(sizes);
  }

  void check_sizes(const YamlMap& map, const GrantRules::Sizes& sizes) {
    const GrantRules::Sizes before =
        rules_.by_balance.empty() ? GrantRules::Sizes() : rules_.by_balance.back();
    if (sizes.below <= before.below) {
      errors_.add(map.key_position("below"),
                  fmt::format("{} is not above {}: these sizes never hold", sizes.below.to_string(),
                              before.below.to_string()),
                  "amounts above 0, each above the one before");
    }
    if (sizes.maximum < before.maximum) {
      errors_.add(map.key_position("maximum"),
                  fmt::format("it is below {}, the maximum for those with a lower balance",
                              units_text(unit_, before.maximum)),
                  "a maximum that does not fall as the balance rises");
    }
    if (sizes.maximum > quota_.maximum) {
      errors_.add(map.key_position("maximum"),
                  fmt::format("it is above the maximum of the grant, {}",
                              units_text(unit_, quota_.maximum)),
                  "minimum <= standard <= maximum, each at most the grant's");
    }
    if (sizes.standard > sizes.maximum) {
      errors_.add(map.key_position("standard"), "the standard grant is above the maximum",
                  "minimum <= standard <= maximum");
    }
    if (sizes.standard < quota_.minimum) {
      errors_.add(map.key_position("standard"),
                  fmt::format("it is below the minimum of the grant, {}",
                              units_text(unit_, quota_.minimum)),
                  "minimum <= standard <= maximum");
    }
  }

  void read_reports() {
    const YamlNode* const node = grant_.find("reports");
    if (node == nullptr) return;
    YamlMap map(*node, "reports", errors_);
    if (const YamlNode* every = map.require("every", "a time between reports")) {
      rules_.reports_every =
          read_duration(*every, errors_, seconds(1), reports_every_max).value_or(seconds(0));
    }
    if (const YamlNode* times = map.find("at_most_times")) {
      rules_.reports_times = static_cast<std::uint32_t>(
          read_integer(*times, errors_, 2, GrantRules::times_max).value_or(2));
    }
    map.finish();
  }

  void read_threshold(const YamlNode& node) {
    const std::optional<Percent> percent = read_percent(node, errors_);
    if (!percent) return;
    rules_.threshold = *percent;
    if (percent->millionths > 0 && percent->millionths < Percent::whole) return;
    errors_.add(node.position, fmt::format("a threshold of {} %", percent->to_string()),
                "more than nothing and less than the whole grant: 20 %");
  }

  YamlMap& grant_;
  Unit unit_;
  const QuotaRule& quota_;
  FileErrors& errors_;
  GrantRules rules_;
};

}  // namespace

void read_grant(YamlMap& service, PlacedService& placed, FileErrors& errors) {
  const YamlNode* node = service.require("grant", "the sizes of grants");
  if (node == nullptr) return;
  const Unit unit = placed.service.unit;
  const std::size_t errors_before = errors.count();
  YamlMap grant(*node, fmt::format("the grant of service {}", in_quotes(placed.service.name)),
                errors);
  QuotaRule quota;
  const auto read = [&](const YamlNode* size, std::uint64_t otherwise) {
    if (size == nullptr) return otherwise;
    return read_units(*size, errors, unit, 1).value_or(otherwise);
  };
  for (const PlacedRule& rule : placed.rules) {
    if (rule.rule.terms) quota.minimum = std::max(quota.minimum, rule.rule.terms->step);
  }
  quota.maximum = read(grant.require("maximum", "the most that is granted at once"), 0);
  quota.standard = read(grant.find("standard"), quota.maximum);
  quota.minimum = read(grant.find("minimum"), quota.minimum);
  if (const YamlNode* validity = grant.find("validity")) {
    quota.validity =
        read_duration(*validity, errors, seconds(1), grant_validity_max).value_or(quota.validity);
  }
  const std::shared_ptr<const GrantRules> rules = RulesReader(grant, unit, quota, errors).read();
  grant.finish();
  if (errors.count() != errors_before) return;
  check_grant(grant, quota, placed, errors);
  for (PlacedRule& rule : placed.rules) {
    rule.rule.quota = quota;
    rule.rule.grants = rules;
    check_largest_grant(rule.rule, rule.position, errors);
  }
}

void check_largest_grant(const Rule& rule, FilePosition position, FileErrors& errors) {
  if (!rule.terms) return;
  const PriceTerms& terms = *rule.terms;
  const std::optional<Money> price = price_of(terms, chargeable_units(terms, rule.quota.maximum));
  Money total;
  if (price && add(*price, terms.setup, total)) return;
  errors.add(position,
             fmt::format("the price of the largest grant of {} is beyond what can be counted",
                         in_quotes(rule.name)),
             "a lower amount or a smaller maximum");
}

}  // namespace farthing::tariffs
