#include "engine/types.h"

#include <limits>

namespace farthing::engine {

std::optional<Identity> Identity::make(Kind kind, std::string_view digits) {
  if (digits.empty() || digits.size() > 15) return std::nullopt;
  std::uint64_t bits = static_cast<std::uint64_t>(kind);
  for (char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    bits = bits << 4 | static_cast<std::uint64_t>(digit - '0');
  }
  // Filler behind the last digit, so that "1" and "10" differ.
  const std::size_t filler_bits = 4 * (15 - digits.size());
  return Identity(bits << filler_bits | ((std::uint64_t{1} << filler_bits) - 1));
}

std::string Identity::digits() const {
  std::string text;
  for (int shift = 56; shift >= 0; shift -= 4) {
    const std::uint64_t nibble = bits_ >> shift & 0xf;
    if (nibble > 9) break;
    text.push_back(static_cast<char>('0' + nibble));
  }
  return text;
}

std::size_t hash_value(Identity identity) {
  // Neighbouring numbers differ in their last digits only: mix all bits (splitmix64's finish).
  std::uint64_t x = identity.bits_;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

namespace {

std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t sum = a + b;
  return sum < a ? std::numeric_limits<std::uint64_t>::max() : sum;
}

std::optional<std::uint64_t> money_units(const std::optional<Money>& money) {
  if (!money || money->micros < 0) return std::nullopt;
  return static_cast<std::uint64_t>(money->micros);
}

}  // namespace

bool RequestedUnits::empty() const {
  return !seconds && !total_octets && !input_octets && !output_octets && !events && !money;
}

std::optional<std::uint64_t> RequestedUnits::in(Unit unit) const {
  switch (unit) {
    case Unit::seconds:
      return seconds;
    case Unit::octets:
      if (total_octets) return total_octets;
      if (!input_octets && !output_octets) return std::nullopt;
      return saturating_sum(input_octets.value_or(0), output_octets.value_or(0));
    case Unit::events:
      return events;
    case Unit::money:
      return money_units(money);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> UsedUnits::in(Unit unit) const {
  switch (unit) {
    case Unit::seconds:
      return seconds;
    case Unit::octets:
      return octets;
    case Unit::events:
      return events;
    case Unit::money:
      return money_units(money);
  }
  return std::nullopt;
}

void Request::clear() {
  session_id = {};
  key = {};
  retransmitted = false;
  action = RequestedAction::direct_debiting;
  service_context = {};
  identities.clear();
  event_time.reset();
  command_level = false;
  service_count = 0;
  attributes.clear();
  attributes_hash = 0;
  client = {};
  asks_cost = false;
}

ServiceRequest& Request::add_service() {
  if (service_count == services.size()) services.emplace_back();
  ServiceRequest& service = services[service_count++];
  service.rating_group.reset();
  service.service_identifiers.clear();
  service.requested.reset();
  service.used.reset();
  service.used_after.reset();
  service.is_given_back = false;
  return service;
}

void Answer::clear() {
  outcome = Outcome::success;
  fault = Fault::none;
  command_level = false;
  service_count = 0;
  enough_credit.reset();
  cost.reset();
  low_balance.reset();
}

ServiceAnswer& Answer::add_service() {
  if (service_count == services.size()) services.emplace_back();
  ServiceAnswer& service = services[service_count++];
  service.rating_group.reset();
  service.service_identifiers.clear();
  service.outcome = Outcome::success;
  service.fault = Fault::none;
  service.grant.reset();
  service.validity_seconds = 0;
  service.final_unit = false;
  service.final_action = {};
  service.tariff_change.reset();
  service.has_second = false;
  service.grant_terms = {};
  service.holding_seconds.reset();
  service.threshold = 0;
  return service;
}

}  // namespace farthing::engine
