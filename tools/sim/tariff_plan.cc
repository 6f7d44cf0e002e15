#include "tools/sim/tariff_plan.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

namespace farthing::sim {

namespace {

struct ServiceNames {
  std::string_view name;
  std::string_view context;
  engine::Unit unit;
  std::string_view unit_name;
  std::string_view suffix;  // of a size
};
constexpr std::array<ServiceNames, 3> names = {
    ServiceNames{"data", "32251@3gpp.org", engine::Unit::octets, "octets", " B"},
    ServiceNames{"voice", "32260@3gpp.org", engine::Unit::seconds, "seconds", " s"},
    ServiceNames{"messages", "32274@3gpp.org", engine::Unit::events, "events", ""}};

const ServiceNames& names_of(Service service) { return names[static_cast<std::size_t>(service)]; }

std::string_view name_of(Round round) {
  constexpr std::array<std::string_view, 3> words = {"half_away_from_zero", "up", "down"};
  return words[static_cast<std::size_t>(round)];
}

std::string money(std::int64_t micros) {
  return fmt::format("{}.{:06}", micros / 1'000'000, micros % 1'000'000);
}

// A step for each service that never changes: allowances are eaten in whole steps, whichever
// version prices them.
constexpr std::array<std::uint64_t, services.size()> steps = {1024, 10, 1};

Price make_price(Random& random, Service service) {
  constexpr std::array<std::uint64_t, 5> blocks = {1u << 20, 1u << 10, 3000, 60, 7};
  Price price;
  price.step = steps[static_cast<std::size_t>(service)];
  price.round = static_cast<Round>(random.below(3));
  const bool setup = random.chance(25);
  if (setup) price.setup_micros = static_cast<std::int64_t>(random.between(1, 300'000));
  if (random.chance(25)) price.minimum = random.between(1, 6 * price.step);
  switch (service) {
    case Service::data:
      price.block = blocks[random.below(3)];
      break;
    case Service::voice:
      price.block = blocks[3 + random.below(2)];
      break;
    case Service::messages:
      price.block = random.chance(70) ? 1 : 7;
      break;
  }
  price.amount_micros =
      random.chance(5) ? 0 : static_cast<std::int64_t>(random.between(1, 250'000));
  if (price.block == 1u << 10 || price.block == 3000) price.amount_micros /= 100;
  return price;
}

Offer make_offer(Random& random, Service service, std::size_t number) {
  constexpr std::array<std::uint64_t, services.size()> allowances = {8u << 20, 3600, 20};
  Offer offer;
  offer.name = fmt::format("{}-{}", names_of(service).name, number);
  if (random.chance(70)) offer.fee_micros = static_cast<std::int64_t>(random.below(2'000'000));
  const std::uint64_t step = steps[static_cast<std::size_t>(service)];
  offer.allowance = step * random.between(1, allowances[static_cast<std::size_t>(service)] / step);
  offer.validity_s = static_cast<std::uint32_t>(random.between(60, 20'000));
  offer.service = service;
  if (random.chance(50)) offer.rating_group = random.pick(known_rating_groups);
  return offer;
}

}  // namespace

std::string_view context_of(Service service) { return names_of(service).context; }

std::optional<Service> service_of(std::string_view context) {
  for (Service service : services) {
    if (context.ends_with(context_of(service))) return service;
  }
  return std::nullopt;
}

engine::Unit unit_of(Service service) { return names_of(service).unit; }

const Rule* TariffPlan::rule(Service service, std::optional<std::uint32_t> rating_group) const {
  const Rule* found = nullptr;
  for (const Rule& rule : rules) {
    if (rule.service != service) continue;
    if (rule.rating_group == rating_group) return &rule;
    if (!rule.rating_group) found = &rule;
  }
  return found;
}

const Offer* TariffPlan::offer(std::string_view name) const {
  const auto found = std::ranges::find(offers, name, &Offer::name);
  return found == offers.end() ? nullptr : &*found;
}

std::string TariffPlan::yaml() const {
  std::string text = fmt::format(
      "tariff: simulated\ncurrency: EUR\ntime_zone: UTC\nvalid_from: {:%Y-%m-%dT%H:%M:%S}\n"
      "services:\n",
      std::chrono::floor<std::chrono::seconds>(valid_from));
  for (Service service : services) {
    const ServiceNames& of = names_of(service);
    const Quota& quota = quotas[static_cast<std::size_t>(service)];
    text += fmt::format(
        "  {}:\n    context: {}\n    unit: {}\n    grant: {{maximum: {}{}, standard: {}{}, "
        "minimum: {}{}, validity: {} s}}\n    rating_groups: {{10: ten, 20: twenty, 30: thirty}}\n"
        "    prices:\n",
        of.name, of.context, of.unit_name, quota.maximum, of.suffix, quota.standard, of.suffix,
        quota.minimum, of.suffix, quota.validity_s);
    for (const Rule& rule : rules) {
      if (rule.service != service) continue;
      text += rule.rating_group ? fmt::format("      - rating_group: {}\n", *rule.rating_group)
                                : "      - default: true\n";
      const Price& price = rule.price;
      text += fmt::format(
          "        amount: {}\n        per: {}{}\n        step: {}{}\n        minimum: {}{}\n"
          "        setup: {}\n        rounding: {}\n",
          money(price.amount_micros), price.block, of.suffix, price.step, of.suffix, price.minimum,
          of.suffix, money(price.setup_micros), name_of(price.round));
    }
  }
  text += "offers:\n";
  for (const Offer& offer : offers) {
    const ServiceNames& of = names_of(offer.service);
    const std::string group =
        offer.rating_group ? fmt::format(", rating_group: {}", *offer.rating_group) : "";
    text += fmt::format(
        "  - name: {}\n    fee: {}\n    allowance: {}{}\n    validity: {} s\n"
        "    covers: [{{service: {}{}}}]\n",
        offer.name, money(offer.fee_micros), offer.allowance, of.suffix, offer.validity_s, of.name,
        group);
  }
  return text;
}

TariffPlan make_tariff(Random& random, base::Time valid_from) {
  constexpr std::array<std::uint64_t, services.size()> maxima = {2u << 20, 900, 10};
  TariffPlan plan;
  plan.valid_from = valid_from;
  for (Service service : services) {
    const auto at = static_cast<std::size_t>(service);
    Quota& quota = plan.quotas[at];
    quota.minimum = steps[at] * random.between(1, 2);
    quota.standard = quota.minimum + random.below(maxima[at] / 2);
    quota.maximum = quota.standard + random.below(maxima[at] / 2);
    quota.validity_s = static_cast<std::uint32_t>(random.between(30, 4000));
    plan.rules.push_back({service, std::nullopt, make_price(random, service)});
    for (std::uint32_t group : known_rating_groups) {
      if (service == Service::messages && group != 10) continue;
      plan.rules.push_back({service, group, make_price(random, service)});
    }
    for (std::size_t number = 1; number <= 2; ++number) {
      plan.offers.push_back(make_offer(random, service, number));
    }
  }
  // An offer for a rating group covers something only where that group has a name or a price.
  for (Offer& offer : plan.offers) {
    if (offer.service == Service::messages && offer.rating_group) offer.rating_group = 10;
  }
  return plan;
}

}  // namespace farthing::sim
