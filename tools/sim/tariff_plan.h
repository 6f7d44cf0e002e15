// The tariffs of the simulation: prices as plain numbers for the model, and the same as a tariff
// file for the engine. The model reads no tariff code of the engine's.
#pragma once

#include "engine/base/time.h"
#include "engine/types.h"
#include "tools/sim/random.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::sim {

enum class Service : std::uint8_t { data, voice, messages };
inline constexpr std::array services = {Service::data, Service::voice, Service::messages};

std::string_view context_of(Service service);  // Service-Context-Id
std::optional<Service> service_of(std::string_view context);
engine::Unit unit_of(Service service);

enum class Round : std::uint8_t { half_away, up, down };

struct Price {
  std::int64_t amount_micros = 0;  // for each `block` units
  std::uint64_t block = 1;
  std::uint64_t step = 1;
  std::uint64_t minimum = 0;
  std::int64_t setup_micros = 0;
  Round round = Round::half_away;
};

struct Quota {
  std::uint64_t maximum = 0;
  std::uint64_t standard = 0;
  std::uint64_t minimum = 0;
  std::uint32_t validity_s = 0;
};

struct Rule {
  Service service = Service::data;
  std::optional<std::uint32_t> rating_group;  // nullopt: every other one, and none
  Price price;
};

struct Offer {
  std::string name;
  std::int64_t fee_micros = 0;
  std::uint64_t allowance = 0;
  std::uint32_t validity_s = 0;
  Service service = Service::data;
  std::optional<std::uint32_t> rating_group;  // nullopt: all of the service
};

struct TariffPlan {
  base::Time valid_from;
  std::array<Quota, services.size()> quotas;
  std::vector<Rule> rules;
  std::vector<Offer> offers;

  const Rule* rule(Service service, std::optional<std::uint32_t> rating_group) const;
  const Offer* offer(std::string_view name) const;
  std::string yaml() const;
};

// Rating groups that tariffs know by number; every other one is priced by its service's default.
inline constexpr std::array<std::uint32_t, 3> known_rating_groups = {10, 20, 30};

TariffPlan make_tariff(Random& random, base::Time valid_from);

}  // namespace farthing::sim
