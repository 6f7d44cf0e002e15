#include "tariffs/diff.h"

#include "tariffs/explain.h"
#include "tariffs/filing_file.h"
#include "tariffs/instalments_file.h"
#include "tariffs/local_time.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <tuple>
#include <utility>

namespace farthing::tariffs {
namespace {

struct Field {
  std::string_view name;
  std::string value;
};

// Something that tariffs have, as texts that can be compared.
struct Item {
  std::string_view what;
  std::string name;
  std::vector<Field> fields;
};

std::string group_text(const std::optional<RatingGroup>& group) {
  return group ? fmt::format("{}", group->value) : "*";
}

Item tariff_item(const Tariff& tariff) {
  const std::string& zone = tariff.time_zone();
  Item item{"tariff", tariff.name(), {}};
  item.fields = {{"currency", tariff.currency()},
                 {"time zone", zone},
                 {"valid from", local_time_text(zone, tariff.valid_from())}};
  if (std::ranges::count(tariff.adjustments(), true, &Adjustment::is_discount) > 1) {
    item.fields.push_back({"combine", std::string(combine_name(tariff.combine()))});
  }
  if (const auto until = tariff.valid_until()) {
    item.fields.push_back({"valid until", local_time_text(zone, *until)});
  }
  if (const auto& validity = tariff.top_up_validity()) {
    item.fields.push_back({"validity", validity_text(*validity)});
  }
  if (const auto& low = tariff.low_balance()) {
    item.fields.push_back({"low balance", low->to_string()});
  }
  return item;
}

Item grant_item(const Service& service, const Rule& rule) {
  const QuotaRule& quota = rule.quota;
  Item item{"grant",
            service.name,
            {{"maximum", units_text(service.unit, quota.maximum)},
             {"standard", units_text(service.unit, quota.standard)},
             {"minimum", units_text(service.unit, quota.minimum)},
             {"validity", duration_text(quota.validity)}}};
  if (rule.service_at_end != nullptr) {
    item.fields.push_back({"at end", final_action_text(rule.service_at_end->encoded)});
  }
  if (rule.grants == nullptr) return item;
  const GrantRules& rules = *rule.grants;
  std::string sizes;
  for (const GrantRules::Sizes& one : rules.by_balance) {
    sizes +=
        fmt::format("{}below {} {}/{}", sizes.empty() ? "" : " ", one.below.to_string(),
                    units_text(service.unit, one.maximum), units_text(service.unit, one.standard));
  }
  if (!sizes.empty()) item.fields.push_back({"by balance", sizes});
  if (rules.until_border) item.fields.push_back({"until border", "true"});
  if (rules.sharing > 0) item.fields.push_back({"sharing", fmt::format("{}", rules.sharing)});
  if (rules.reports_every.count() > 0) {
    item.fields.push_back(
        {"reports", fmt::format("every {} at most {} times", duration_text(rules.reports_every),
                                rules.reports_times)});
  }
  if (!rules.first_terms.empty()) {
    item.fields.push_back({"terms", grant_terms_text(rules.first_terms)});
  }
  if (rules.holding_time) {
    item.fields.push_back({"holding time", duration_text(*rules.holding_time)});
  }
  if (rules.threshold.millionths > 0) {
    item.fields.push_back({"threshold", rules.threshold.to_string() + " %"});
  }
  return item;
}

// A rule's name without its discounts, surcharges and situations, which are items of their own.
std::string plain_name(const Tariff& tariff, const Rule& rule) {
  std::string name = rule.name;
  for (const std::uint16_t index : rule.adjustments) {
    name.resize(name.size() - adjustment_text(tariff.adjustments()[index]).size() - 1);
  }
  for (const std::uint16_t index : rule.situations) {
    name.resize(name.size() - situation_text(tariff.situations()[index]).size() - 1);
  }
  return name;
}

Item price_item(const Tariff& tariff, const Rule& rule) {
  Item item{"price", plain_name(tariff, rule), {}};
  if (!rule.terms) {
    item.fields = {{"amount", "no price"}};
    return item;
  }
  const PriceTerms& terms = rule.plain ? *rule.plain : *rule.terms;
  item.fields = {{"amount", terms.amount.to_string()},
                 {"per", units_text(terms.unit, terms.block)},
                 {"step", units_text(terms.unit, terms.step)},
                 {"rounding", std::string(rounding_name(terms.rounding))}};
  const std::string bands = bands_text(terms);
  if (!bands.empty()) item.fields.push_back({terms.shape->is_slab ? "slabs" : "tiers", bands});
  if (const std::string cap = cap_text(terms); !cap.empty()) item.fields.push_back({"cap", cap});
  if (rule.over) item.fields.push_back({"over", tariff.counters()[*rule.over].name});
  if (rule.stop) item.fields.push_back({"stop", "true"});
  if (rule.at_end != nullptr) {
    item.fields.push_back({"at end", final_action_text(rule.at_end->encoded)});
  }
  if (terms.minimum > 0) item.fields.push_back({"minimum", units_text(terms.unit, terms.minimum)});
  if (terms.setup.micros > 0) item.fields.push_back({"setup", terms.setup.to_string()});
  if (terms.tax) item.fields.push_back({"tax", terms.tax->to_string() + " %"});
  if (terms.paid_from == PaidFrom::prepaid) item.fields.push_back({"paid from", "prepaid"});
  if (rule.restrictions.needs_subscription) item.fields.push_back({"subscription", "required"});
  if (!rule.restrictions.pass.empty()) item.fields.push_back({"pass", rule.restrictions.pass});
  if (!rule.restrictions.switches.empty()) {
    item.fields.push_back(
        {"switch", fmt::format("{}", fmt::join(rule.restrictions.switches, " "))});
  }
  return item;
}

std::string coverage_text(const Tariff& tariff, const std::vector<Coverage>& coverage) {
  std::string text;
  for (const Coverage& covered : coverage) {
    text += fmt::format("{}{}/{}", text.empty() ? "" : " ", tariff.service_name(covered.service),
                        group_text(covered.rating_group));
    if (covered.situation.value != 0) {
      text += fmt::format("/{}", tariff.situation_name(covered.situation));
    }
  }
  return text;
}

Item counter_item(const Tariff& tariff, const CounterRule& counter) {
  Item item{"counter",
            counter.name,
            {{"unit", std::string(unit_name(counter.unit))},
             {"period", std::string(period_name(counter.period))}}};
  if (counter.is_paid) item.fields.push_back({"paid", "true"});
  if (counter.is_shared) item.fields.push_back({"shared", "true"});
  std::string thresholds;
  for (const std::uint64_t threshold : counter.thresholds) {
    thresholds += (thresholds.empty() ? "" : ", ") + units_text(counter.unit, threshold);
  }
  if (!thresholds.empty()) item.fields.push_back({"thresholds", std::move(thresholds)});
  item.fields.push_back({"covers", counter.coverage.empty()
                                       ? std::string("everything")
                                       : coverage_text(tariff, counter.coverage)});
  return item;
}

Item ceiling_item(const Tariff& tariff, const CeilingRule& ceiling) {
  Item item{"ceiling",
            ceiling.name,
            {{"counter", tariff.counters()[ceiling.counter].name},
             {"at", units_text(ceiling.unit, ceiling.at)}}};
  if (ceiling.may_be_lifted) item.fields.push_back({"lift", "true"});
  if (ceiling.may_be_lowered) item.fields.push_back({"lower", "true"});
  if (!ceiling.notes.empty()) {
    item.fields.push_back({"notes", fmt::format("{} %", fmt::join(ceiling.notes, " %, "))});
  }
  return item;
}

std::string allowance_text(const Tariff& tariff, const Offer& offer, const Allowance& allowance) {
  std::string text = units_text(allowance.unit, allowance.units);
  if (allowance.coverage != offer.coverage) {
    text += " for " + coverage_text(tariff, allowance.coverage);
  }
  if (allowance.is_shared) text += ", shared";
  if (allowance.priority != Allowance::priority_usual) {
    text += fmt::format(", priority {}", allowance.priority);
  }
  if (const Rollover& rollover = allowance.rollover; rollover.periods > 0) {
    text += fmt::format(", rollover {}", rollover.periods);
    if (rollover.units_max) {
      text += fmt::format(" of at most {}", units_text(allowance.unit, *rollover.units_max));
    }
  }
  for (const SubLimit& limit : allowance.limits) {
    text += fmt::format(", in {} at most {}", tariff.situation_name(limit.situation),
                        units_text(allowance.unit, limit.units));
  }
  return text;
}

void add_renewal(const Renewal& renewal, Item& item) {
  item.fields.push_back({"period", period_text(renewal.period)});
  item.fields.push_back({"begins", renewal.is_calendar ? "calendar" : "anniversary"});
  if (renewal.is_prorated) {
    item.fields.push_back({"first_period", fmt::format("prorated, rounded {} to {}",
                                                       rounding_name(renewal.share_rounding),
                                                       renewal.share_step.to_string())});
  }
  item.fields.push_back({"unpaid", std::string(unpaid_name(renewal.unpaid))});
  if (renewal.retry_for.count() > 0) {
    item.fields.push_back({"retry", duration_text(renewal.retry_for)});
  }
  item.fields.push_back({"holders", renewal.keeps_terms ? "keep" : "next_period"});
}

Item adjustment_item(const Tariff& tariff, const Adjustment& adjustment) {
  Item item{adjustment.is_discount ? "discount" : "surcharge", adjustment.name, {}};
  if (adjustment.percent) {
    item.fields = {{"percent", adjustment.percent->to_string() + " %"}};
  } else {
    item.fields = {{"amount", adjustment.amount.to_string()},
                   {"per", adjustment.block == 0 ? std::string("session")
                                                 : units_text(adjustment.unit, adjustment.block)}};
  }
  if (adjustment.is_of_setup) item.fields.push_back({"setup", "true"});
  if (!adjustment.conditions_text.empty()) {
    item.fields.push_back({"where", adjustment.conditions_text.substr(1)});
  }
  item.fields.push_back({"covers", adjustment.coverage.empty()
                                       ? std::string("everything")
                                       : coverage_text(tariff, adjustment.coverage)});
  return item;
}

Item situation_item(const Situation& situation) {
  return {"situation", situation.name, {{"where", situation.conditions_text.substr(1)}}};
}

Item offer_item(const Tariff& tariff, const Offer& offer) {
  Item item{"offer", offer.name, {{"fee", offer.fee.to_string()}}};
  for (std::size_t state = 0; state < offer.fees.size(); ++state) {
    if (!offer.fees[state]) continue;
    item.fields.push_back({fmt::format("fee {}", state_name(static_cast<LifeState>(state))),
                           offer.fees[state]->to_string()});
  }
  std::string allowances;
  for (const Allowance& allowance : offer.allowances) {
    allowances += (allowances.empty() ? "" : "; ") + allowance_text(tariff, offer, allowance);
  }
  if (!allowances.empty()) {
    item.fields.push_back(
        {offer.allowances.size() == 1 ? "allowance" : "allowances", std::move(allowances)});
  }
  if (offer.renewal) {
    add_renewal(*offer.renewal, item);
  } else {
    item.fields.push_back({"validity", validity_text(offer)});
  }
  item.fields.push_back({"covers", coverage_text(tariff, offer.coverage)});
  if (offer.daily_most > 0) {
    item.fields.push_back({"daily_most", fmt::format("{}", offer.daily_most)});
  }
  if (!offer.family.empty()) item.fields.push_back({"family", offer.family});
  if (!offer.depends_on.empty()) {
    item.fields.push_back({"requires", fmt::format("{}", fmt::join(offer.depends_on, ", "))});
  }
  if (offer.sale != Sale::on_sale) {
    item.fields.push_back({"sale", std::string(sale_name(offer.sale))});
  }
  if (offer.at_end != nullptr) {
    item.fields.push_back({"at end", final_action_text(offer.at_end->encoded)});
  }
  if (offer.filing) item.fields.push_back({"filing", filing_text(*offer.filing)});
  if (!offer.successor.empty()) item.fields.push_back({"successor", offer.successor});
  if (offer.chosen.most > 0) {
    const auto& [most, changes] = offer.chosen;
    item.fields.push_back(
        {"chosen_numbers",
         fmt::format("at most {}{}", most,
                     changes ? fmt::format(", {} given up a month", *changes) : "")});
  }
  if (const auto& parts = offer.instalments) {
    item.fields.push_back({parts->is_gift ? "gift" : "deposit", instalments_text(*parts)});
  }
  if (const auto& minimum = offer.minimum_spend) {
    item.fields.push_back({"minimum_spend", fmt::format("{} by {}", minimum->amount.to_string(),
                                                        tariff.counters()[minimum->counter].name)});
  }
  for (const Raise& raise : offer.raises) {
    const auto ceiling = std::ranges::find(tariff.ceilings(), raise.ceiling, &CeilingRule::name);
    item.fields.push_back({"raises " + raise.ceiling, units_text(ceiling->unit, raise.by)});
  }
  return item;
}

std::vector<Item> items_of(const Tariff& tariff) {
  std::vector<Item> items{tariff_item(tariff)};
  for (const Service& service : tariff.services()) {
    items.push_back(
        {"service",
         service.name,
         {{"context", service.context}, {"unit", std::string(unit_name(service.unit))}}});
    for (const auto& [group, name] : service.rating_groups) {
      items.push_back(
          {"rating group", fmt::format("{}/{}", service.name, group.value), {{"name", name}}});
    }
    bool has_grant = false;  // all of a service's rules have the same
    std::shared_ptr<const PriceTerms> last;
    for (const Rule& rule : tariff.rules()) {
      if (rule.service != service.key) continue;
      if (!std::exchange(has_grant, true)) items.push_back(grant_item(service, rule));
      // Of those that discounts, surcharges and situations make of one price, one.
      if (rule.plain != nullptr && rule.plain == last) continue;
      last = rule.plain;
      items.push_back(price_item(tariff, rule));
    }
  }
  for (const Situation& situation : tariff.situations()) {
    items.push_back(situation_item(situation));
  }
  for (const CounterRule& counter : tariff.counters()) {
    items.push_back(counter_item(tariff, counter));
  }
  for (const CeilingRule& ceiling : tariff.ceilings()) {
    items.push_back(ceiling_item(tariff, ceiling));
  }
  for (const Adjustment& adjustment : tariff.adjustments()) {
    items.push_back(adjustment_item(tariff, adjustment));
  }
  for (const Offer& offer : tariff.offers()) items.push_back(offer_item(tariff, offer));
  return items;
}

// What an item is known by: what it is, its name, and how many of that name came before it.
using Key = std::tuple<std::string_view, std::string, int>;

class Keys {
 public:
  Key of(const Item& item) {
    // A tariff is the same thing under another name.
    std::string name = item.what == "tariff" ? "" : item.name;
    const int number = counts_[{item.what, name}]++;
    return {item.what, std::move(name), number};
  }

 private:
  std::map<std::pair<std::string_view, std::string>, int> counts_;
};

std::string value_of(const Item& item, std::string_view field) {
  const auto found = std::ranges::find(item.fields, field, &Field::name);
  return found == item.fields.end() ? std::string() : found->value;
}

TariffChange change_of(const Item& before, const Item& after) {
  TariffChange change{TariffChange::Kind::changed, before.what, before.name, {}};
  if (before.name != after.name) change.fields.push_back({"name", before.name, after.name});
  for (const Field& field : before.fields) {
    std::string now = value_of(after, field.name);
    if (now != field.value) change.fields.push_back({field.name, field.value, std::move(now)});
  }
  for (const Field& field : after.fields) {
    if (value_of(before, field.name).empty())
      change.fields.push_back({field.name, "", field.value});
  }
  return change;
}

TariffChange whole(TariffChange::Kind kind, const Item& item) {
  TariffChange change{kind, item.what, item.name, {}};
  const bool is_new = kind == TariffChange::Kind::added;
  for (const Field& field : item.fields) {
    change.fields.push_back({field.name, is_new ? "" : field.value, is_new ? field.value : ""});
  }
  return change;
}

}  // namespace

std::vector<TariffChange> diff_tariffs(const Tariff& before, const Tariff& after) {
  const std::vector<Item> new_items = items_of(after);
  std::map<Key, const Item*> left;  // of the new ones, those that were not met yet
  Keys new_keys;
  for (const Item& item : new_items) left.emplace(new_keys.of(item), &item);

  std::vector<TariffChange> changes;
  Keys old_keys;
  for (const Item& item : items_of(before)) {
    const auto found = left.find(old_keys.of(item));
    if (found == left.end()) {
      changes.push_back(whole(TariffChange::Kind::removed, item));
      continue;
    }
    TariffChange change = change_of(item, *found->second);
    left.erase(found);
    if (!change.fields.empty()) changes.push_back(std::move(change));
  }
  Keys added_keys;
  for (const Item& item : new_items) {
    if (left.contains(added_keys.of(item))) {
      changes.push_back(whole(TariffChange::Kind::added, item));
    }
  }
  return changes;
}

std::string_view change_name(TariffChange::Kind kind) {
  constexpr std::array<std::string_view, 3> names = {"added", "removed", "changed"};
  return names[static_cast<std::size_t>(kind)];
}

std::string describe_change(const TariffChange& change) {
  std::string text = fmt::format("{} {} {}:", change_name(change.kind), change.what, change.name);
  std::string_view separator = " ";
  for (const FieldChange& field : change.fields) {
    text += fmt::format("{}{} ", separator, field.field);
    separator = ", ";
    if (change.kind != TariffChange::Kind::changed) {
      text += field.before + field.after;
    } else {
      text += fmt::format("{} -> {}", field.before.empty() ? "none" : field.before,
                          field.after.empty() ? "none" : field.after);
    }
  }
  return text;
}

}  // namespace farthing::tariffs
