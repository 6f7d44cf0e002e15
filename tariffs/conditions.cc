#include "tariffs/conditions.h"

#include "tariffs/plain_text.h"

#include <algorithm>
#include <array>

namespace farthing::tariffs {
namespace {

constexpr std::array<std::string_view, leg_count> leg_names = {"originating", "terminating",
                                                               "forwarded"};

// "internet" of "internet.mnc001.mcc262.gprs" (TS 23.003 9.1).
std::string_view network_identifier(std::string_view access_point) {
  constexpr std::string_view form = ".mncddd.mccddd.gprs";  // d: a digit
  if (access_point.size() <= form.size()) return access_point;
  const std::size_t begin = access_point.size() - form.size();
  for (std::size_t i = 0; i < form.size(); ++i) {
    const char c = lower_case(access_point[begin + i]);
    if (form[i] == 'd' ? c < '0' || c > '9' : c != form[i]) return access_point;
  }
  return access_point.substr(0, begin);
}

// Of an emergency URN (RFC 5031) every service below it, too: "urn:service:sos.police".
bool is_called(std::string_view own, const Facts& facts) {
  if (own.starts_with('+')) return facts.called_number == own.substr(1);
  const std::string_view dialled = facts.dialled_number;
  if (!own.starts_with("urn:")) return dialled == own;
  return is_same(own, dialled.substr(0, own.size())) &&
         (dialled.size() == own.size() || dialled[own.size()] == '.');
}

bool is_network_of(std::string_view network, std::string_view condition) {
  constexpr std::size_t country_digits = 3;
  return condition.size() == country_digits ? network.starts_with(condition) : network == condition;
}

// "family" in "account,family".
bool is_listed(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    if (list.substr(0, end) == name) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

// Whether of a list that must fit everything fits that fits the other one, too.
template <class List, class Covers>
bool list_covers(const List& list, const List& other, Covers covers) {
  if (list.empty()) return true;
  return !other.empty() && std::ranges::all_of(other, [&](const auto& theirs) {
    return std::ranges::any_of(list, [&](const auto& ours) { return covers(ours, theirs); });
  });
}

// Whether nothing fits both lists, of each of which something must.
template <class List, class Meet>
bool lists_exclude(const List& list, const List& other, Meet meet) {
  if (list.empty() || other.empty()) return false;
  return std::ranges::none_of(list, [&](const auto& ours) {
    return std::ranges::any_of(other, [&](const auto& theirs) { return meet(ours, theirs); });
  });
}

// Numbers in digits are the same or not; a dialled one may be an international one, too.
bool may_be_one_number(const std::string& one, const std::string& other) {
  const auto are_digits_only = [](const std::string& text) { return !text.starts_with("urn:"); };
  const bool are_comparable = are_digits_only(one) && are_digits_only(other) &&
                              one.starts_with('+') == other.starts_with('+');
  return !are_comparable || one == other;
}

}  // namespace

std::string_view leg_name(Leg leg) { return leg_names[static_cast<std::size_t>(leg)]; }

std::optional<Leg> parse_leg(std::string_view text) {
  const auto found = std::ranges::find(leg_names, text);
  if (found == leg_names.end()) return std::nullopt;
  return static_cast<Leg>(found - leg_names.begin());
}

bool Conditions::are_none() const {
  return zones.empty() && !times && called_numbers.empty() && access_points.empty() &&
         rat_types.empty() && serving_networks.empty() && subscriber.empty() && counted.empty() &&
         legs.empty() && groups.empty();
}

bool Conditions::hold_without_tables(const Facts& facts) const {
  if (!std::ranges::all_of(counted, [&facts](const Counted& own) {
        return own.holds(own.counter < facts.counted.size() ? facts.counted[own.counter] : 0);
      })) {
    return false;
  }
  if (!called_numbers.empty() && std::ranges::none_of(called_numbers, [&facts](const auto& own) {
        return is_called(own, facts);
      })) {
    return false;
  }
  if (!access_points.empty()) {
    const std::string_view name = network_identifier(facts.access_point);
    if (std::ranges::none_of(access_points,
                             [name](const auto& own) { return is_same(own, name); })) {
      return false;
    }
  }
  if (!rat_types.empty()) {
    if (!facts.rat_type || std::ranges::find(rat_types, *facts.rat_type) == rat_types.end()) {
      return false;
    }
  }
  if (!serving_networks.empty() && std::ranges::none_of(serving_networks, [&](const auto& own) {
        return is_network_of(facts.serving_network, own);
      })) {
    return false;
  }
  if (!legs.empty() && std::ranges::find(legs, facts.leg) == legs.end()) return false;
  if (!groups.empty() && std::ranges::none_of(groups, [&facts](const auto& own) {
        return is_listed(facts.common_groups, own);
      })) {
    return false;
  }
  return std::ranges::all_of(subscriber, [&](const OfSubscriber& own) {
    return std::ranges::find(own.values, value_of(facts.subscriber, own.name)) != own.values.end();
  });
}

bool Conditions::cover(const Conditions& other) const {
  constexpr auto equal = [](const auto& ours, const auto& theirs) { return ours == theirs; };
  const bool covers_times = !times || (other.times && other.times->calendar == times->calendar &&
                                       (other.times->classes & ~times->classes) == 0);
  const bool covers_counted = std::ranges::all_of(counted, [&other](const Counted& ours) {
    return std::ranges::any_of(other.counted, [&ours](const Counted& theirs) {
      return theirs.counter == ours.counter && theirs.from >= ours.from &&
             theirs.below <= ours.below;
    });
  });
  const auto covers_subscriber = [&](const OfSubscriber& ours) {
    return std::ranges::any_of(other.subscriber, [&](const OfSubscriber& theirs) {
      return theirs.name == ours.name && list_covers(ours.values, theirs.values, equal);
    });
  };
  return covers_times && std::ranges::all_of(subscriber, covers_subscriber) &&
         list_covers(zones, other.zones, equal) &&
         list_covers(called_numbers, other.called_numbers, equal) &&
         list_covers(access_points, other.access_points, equal) &&
         list_covers(rat_types, other.rat_types, equal) && covers_counted &&
         list_covers(legs, other.legs, equal) && list_covers(groups, other.groups, equal) &&
         list_covers(
             serving_networks, other.serving_networks,
             [](const auto& ours, const auto& theirs) { return is_network_of(theirs, ours); });
}

bool Conditions::exclude(const Conditions& other) const {
  constexpr auto equal = [](const auto& ours, const auto& theirs) { return ours == theirs; };
  if (times && other.times && times->calendar == other.times->calendar &&
      (times->classes & other.times->classes) == 0) {
    return true;
  }
  const auto excludes_counted = [&other](const Counted& ours) {
    return std::ranges::any_of(other.counted, [&ours](const Counted& theirs) {
      return theirs.counter == ours.counter &&
             (theirs.from >= ours.below || ours.from >= theirs.below);
    });
  };
  const auto excludes_subscriber = [&](const OfSubscriber& ours) {
    return std::ranges::any_of(other.subscriber, [&](const OfSubscriber& theirs) {
      return theirs.name == ours.name && lists_exclude(ours.values, theirs.values, equal);
    });
  };
  return std::ranges::any_of(counted, excludes_counted) ||
         std::ranges::any_of(subscriber, excludes_subscriber) ||
         lists_exclude(zones, other.zones, equal) ||
         lists_exclude(called_numbers, other.called_numbers, may_be_one_number) ||
         lists_exclude(access_points, other.access_points, equal) ||
         lists_exclude(rat_types, other.rat_types, equal) ||
         lists_exclude(legs, other.legs, equal) ||
         lists_exclude(serving_networks, other.serving_networks,
                       [](const auto& ours, const auto& theirs) {
                         return is_network_of(ours, theirs) || is_network_of(theirs, ours);
                       });
}

}  // namespace farthing::tariffs
