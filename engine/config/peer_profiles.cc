#include "engine/config/peer_profiles.h"

#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

namespace farthing::engine {
namespace {

using diameter::PeerProfile;
using tariffs::FileErrors;
using tariffs::in_quotes;
using tariffs::YamlEntry;
using tariffs::YamlMap;
using tariffs::YamlNode;

constexpr std::size_t profiles_max = 100;
constexpr std::chrono::seconds tx_min{1};
constexpr std::chrono::seconds tx_max{60};

template <class Value>
using Names = std::vector<std::pair<std::string_view, Value>>;

// The words that a key takes, and what each means.
const Names<PeerProfile::TariffChange> tariff_changes = {
    {"validity", PeerProfile::TariffChange::validity},
    {"one_quota", PeerProfile::TariffChange::one_quota},
    {"two_quotas", PeerProfile::TariffChange::two_quotas}};
const Names<PeerProfile::FreeService> free_services = {
    {"2001", PeerProfile::FreeService::success},
    {"4011", PeerProfile::FreeService::credit_control_not_applicable}};
const Names<PeerProfile::RatingGroups> rating_groups = {
    {"lenient", PeerProfile::RatingGroups::lenient}, {"strict", PeerProfile::RatingGroups::strict}};
const Names<PeerProfile::FinalUnits> final_units = {
    {"any", PeerProfile::FinalUnits::any}, {"terminate", PeerProfile::FinalUnits::terminate}};
const Names<PeerProfile::Destinations> destinations = {
    {"inherit", PeerProfile::Destinations::inherit},
    {"any", PeerProfile::Destinations::any},
    {"own", PeerProfile::Destinations::own}};

template <class Value>
void read_word(YamlMap& map, std::string_view key, const Names<Value>& names, Value& into,
               FileErrors& errors) {
  const YamlNode* node = map.find(key);
  if (node == nullptr) return;
  std::vector<std::string_view> words;
  for (const auto& [word, value] : names) words.push_back(word);
  if (const auto choice = tariffs::read_choice(*node, errors, words)) into = names[*choice].second;
}

void read_flag(YamlMap& map, std::string_view key, bool& into, FileErrors& errors) {
  const YamlNode* node = map.find(key);
  if (node == nullptr) return;
  if (const auto flag = tariffs::read_boolean(*node, errors)) into = *flag;
}

}  // namespace

PeerProfiles::PeerProfiles() {
  for (const auto& [name, profile] : diameter::builtin_profiles) profiles_.emplace(name, profile);
}

void PeerProfiles::read(const YamlNode& node, FileErrors& errors) {
  if (!tariffs::check_kind(node, YamlNode::Kind::map, errors, "a map of profiles by name")) return;
  if (node.entries.size() > profiles_max) {
    errors.add(node.position, fmt::format("there are {} profiles", node.entries.size()),
               fmt::format("at most {}", profiles_max));
    return;
  }
  for (const YamlEntry& entry : node.entries) {
    if (!tariffs::is_name(entry.key)) {
      errors.add(entry.key_position, fmt::format("{} is no name", in_quotes(entry.key)),
                 tariffs::name_form);
    }
    const PeerProfile profile = read_one(entry, errors);
    if (!profiles_.emplace(entry.key, profile).second) {
      errors.add(entry.key_position,
                 fmt::format("the profile {} is built in", in_quotes(entry.key)),
                 "another name, with based_on: " + entry.key);
    }
  }
}

PeerProfile PeerProfiles::read_one(const YamlEntry& entry, FileErrors& errors) const {
  YamlMap map(entry.value, "profile " + in_quotes(entry.key), errors);
  PeerProfile profile;
  if (const YamlNode* base = map.find("based_on")) {
    profile = read_reference(*base, errors).value_or(profile);
  }
  read_word(map, "tariff_change", tariff_changes, profile.tariff_change, errors);
  read_flag(map, "one_service", profile.one_service, errors);
  read_word(map, "free_service", free_services, profile.free_service, errors);
  read_word(map, "rating_groups", rating_groups, profile.rating_groups, errors);
  read_word(map, "final_units", final_units, profile.final_units, errors);
  read_flag(map, "qos_final_unit", profile.qos_final_unit, errors);
  read_flag(map, "reauthorise", profile.reauthorise, errors);
  read_flag(map, "abort", profile.abort, errors);
  read_word(map, "destinations", destinations, profile.destinations, errors);
  read_flag(map, "several_connections", profile.several_connections, errors);
  if (const YamlNode* rate = map.find("requests_per_second")) {
    constexpr std::uint64_t rate_max = 10'000'000;
    const auto read = tariffs::read_integer(*rate, errors, 0, rate_max);
    profile.requests_per_second = static_cast<std::uint32_t>(read.value_or(0));
  }
  if (const YamlNode* tx = map.find("tx")) {
    profile.tx = tariffs::read_duration(*tx, errors, tx_min, tx_max).value_or(profile.tx);
  }
  if (profile.one_service && profile.tariff_change == PeerProfile::TariffChange::two_quotas) {
    errors.add(map.key_position("tariff_change"),
               "two_quotas needs two services in an answer, one_service allows one",
               "tariff_change: one_quota, or one_service: false");
  }
  map.finish();
  return profile;
}

std::optional<PeerProfile> PeerProfiles::read_reference(const YamlNode& node,
                                                        FileErrors& errors) const {
  std::vector<std::string_view> names;
  for (const auto& [name, profile] : profiles_) names.push_back(name);
  const auto choice = tariffs::read_choice(node, errors, names);
  if (!choice) return std::nullopt;
  return profiles_.find(names[*choice])->second;
}

}  // namespace farthing::engine
