#include "engine/admin/simulation_json.h"

#include "engine/admin/amount.h"
#include "engine/base/assert.h"
#include "engine/records/export.h"
#include "engine/tariff_versions.h"
#include "tariffs/file_error.h"
#include "tariffs/local_time.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

constexpr std::size_t csv_piece_bytes = 64 * 1024;

json::object charges_json(const SimulatedCharges& charges) {
  return {{"was", amount_text(charges.was)},
          {"would_be", amount_text(charges.would_be)},
          {"difference", amount_text(charges.difference())},
          {"overage_was", amount_text(charges.overage_was)},
          {"overage_would_be", amount_text(charges.overage_would_be)}};
}

void add(const SimulatedCharges& charges, SimulatedCharges& sum) {
  sum.was += charges.was;
  sum.would_be += charges.would_be;
  sum.overage_was += charges.overage_was;
  sum.overage_would_be += charges.overage_would_be;
}

bool is_nothing(const SimulatedCharges& charges) {
  return charges.was == 0 && charges.would_be == 0 && charges.overage_was == 0 &&
         charges.overage_would_be == 0;
}

const Account& account_at(const TariffSimulation& simulation, std::size_t place) {
  const Account* const account = simulation.book().account(AccountNumber(place + 1));
  FARTHING_ASSERT(account != nullptr);  // it was charged
  return *account;
}

// The accounts together, and those of each kind.
struct Sums {
  struct OfKind {
    SimulatedCharges charges;
    std::uint64_t accounts = 0;
  };
  SimulatedCharges all;
  std::array<OfKind, 3> kinds;
  std::uint64_t accounts = 0;
  std::uint64_t differing = 0;
};

Sums sums_of(const TariffSimulation& simulation) {
  Sums sums;
  for (std::size_t i = 0; i < simulation.accounts().size(); ++i) {
    const SimulatedCharges& charges = simulation.accounts()[i];
    if (is_nothing(charges)) continue;
    Sums::OfKind& kind = sums.kinds[static_cast<std::size_t>(account_at(simulation, i).kind)];
    add(charges, sums.all);
    add(charges, kind.charges);
    ++kind.accounts;
    ++sums.accounts;
    if (charges.difference() != 0) ++sums.differing;
  }
  return sums;
}

// The accounts with the greatest differences; `sign` 1: those that would pay more, -1: less.
json::array top_json(const TariffSimulation& simulation, int sign, std::size_t top) {
  const std::vector<SimulatedCharges>& accounts = simulation.accounts();
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    if (sign * accounts[i].difference() > 0) places.push_back(i);
  }
  const auto middle = places.begin() + static_cast<std::ptrdiff_t>(std::min(top, places.size()));
  std::partial_sort(places.begin(), middle, places.end(), [&](std::size_t a, std::size_t b) {
    const base::Int128 first = sign * accounts[a].difference();
    const base::Int128 second = sign * accounts[b].difference();
    return first != second ? first > second : a < b;
  });
  json::array list;
  for (auto place = places.begin(); place != middle; ++place) {
    json::object row = {{"account", account_at(simulation, *place).name}};
    row.insert_or_assign("kind", kind_name(account_at(simulation, *place).kind));
    for (auto& [name, value] : charges_json(accounts[*place])) row[name] = value;
    list.push_back(std::move(row));
  }
  return list;
}

json::array services_json(const TariffSimulation& simulation) {
  json::array list;
  for (const auto& [name, charges] : simulation.services()) {
    json::object row = {
        {"service", simulation.service_name(name.service)},
        {"rating_group", name.rating_group ? json::value(name.rating_group->value) : nullptr}};
    for (auto& [key, value] : charges_json(charges)) row[key] = value;
    list.push_back(std::move(row));
  }
  return list;
}

json::array kinds_json(const Sums& sums) {
  json::array list;
  for (std::size_t i = 0; i < sums.kinds.size(); ++i) {
    if (sums.kinds[i].accounts == 0) continue;
    json::object row = {{"kind", kind_name(static_cast<AccountKind>(i))},
                        {"accounts", sums.kinds[i].accounts}};
    for (auto& [key, value] : charges_json(sums.kinds[i].charges)) row[key] = value;
    list.push_back(std::move(row));
  }
  return list;
}

json::array offers_json(const TariffSimulation& simulation) {
  json::array list;
  for (const auto& [name, offer] : simulation.offers()) {
    list.push_back({{"offer", name},
                    {"unit", tariffs::unit_name(offer.unit)},
                    {"units_was", fmt::format("{}", offer.units_was)},
                    {"units_would_be", fmt::format("{}", offer.units_would_be)},
                    {"fees", amount_text(offer.fees)}});
  }
  return list;
}

std::optional<Time> parse_time(std::string_view text) {
  return text.empty() ? std::nullopt : records::parse_time(text);
}

}  // namespace

base::Result<SimulationSpan, std::string> parse_simulation_span(std::string_view from,
                                                                std::string_view to) {
  for (const auto& [name, text] : {std::pair("from", from), std::pair("to", to)}) {
    if (parse_time(text)) continue;
    return fmt::format("{} is a time in UTC, 2026-06-01 or 2026-06-01T08:00, and not {}", name,
                       tariffs::in_quotes(text));
  }
  return SimulationSpan{*parse_time(from), *parse_time(to)};
}

base::Result<std::shared_ptr<const tariffs::Tariff>, std::string> simulated_version(
    const tariffs::TariffHistory& loaded, std::string_view version) {
  if (version == "all") return std::shared_ptr<const tariffs::Tariff>();
  const auto number = parse_version(version);
  const tariffs::VersionedTariff* const found = number ? loaded.find(*number) : nullptr;
  if (found != nullptr) return found->tariff;
  return fmt::format("there is no tariff version {}; see: farthing tariff list",
                     tariffs::in_quotes(version));
}

json::object simulation_json(const TariffSimulation& simulation, const SimulationSpan& span,
                             std::size_t top) {
  const Sums sums = sums_of(simulation);
  const SimulationCounts& counts = simulation.counts();
  return {{"from", tariffs::local_time_text("UTC", span.from)},
          {"to", tariffs::local_time_text("UTC", span.to)},
          {"tariff", simulation.tariff_name()},
          {"currency", simulation.currency()},
          {"requests", counts.requests},
          {"reports", counts.reports},
          {"without_price", counts.without_price},
          {"without_session", counts.without_session},
          {"events_refused", counts.events_refused},
          {"accounts", sums.accounts},
          {"accounts_differing", sums.differing},
          {"total", charges_json(sums.all)},
          {"kinds", kinds_json(sums)},
          {"services", services_json(simulation)},
          {"offers", offers_json(simulation)},
          {"pay_more", top_json(simulation, 1, top)},
          {"pay_less", top_json(simulation, -1, top)}};
}

bool write_simulation_csv(const TariffSimulation& simulation,
                          const std::function<bool(std::string_view)>& write) {
  std::string text = "account,kind,was,would_be,difference,overage_was,overage_would_be\n";
  for (std::size_t i = 0; i < simulation.accounts().size(); ++i) {
    const SimulatedCharges& charges = simulation.accounts()[i];
    if (is_nothing(charges)) continue;
    const Account& account = account_at(simulation, i);
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{},{}\n", account.name,
                   kind_name(account.kind), amount_text(charges.was), amount_text(charges.would_be),
                   amount_text(charges.difference()), amount_text(charges.overage_was),
                   amount_text(charges.overage_would_be));
    if (text.size() < csv_piece_bytes) continue;
    if (!write(text)) return false;
    text.clear();
  }
  return text.empty() || write(text);
}

}  // namespace farthing::engine::admin
