#include "tariffs/zone_table.h"

#include "tariffs/csv.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

namespace farthing::tariffs {
namespace {

constexpr std::string_view routing_mark = "rn:";

struct PlacedPrefix {
  PrefixTable::Row row;
  FilePosition position;
};

// The zones by name, numbered as they come.
class Zones {
 public:
  // nullopt, with an error: it is none, or one too many.
  std::optional<std::uint16_t> number_of(std::string_view name, FilePosition position,
                                         FileErrors& errors) {
    if (const auto known = numbers_.find(name); known != numbers_.end()) return known->second;
    if (!is_name(name)) {
      errors.add(position, fmt::format("{} is no name", in_quotes(name)), name_form);
      return std::nullopt;
    }
    if (numbers_.size() == ZoneTable::zones_max) {
      errors.add(position, fmt::format("{} is one zone too many", in_quotes(name)),
                 fmt::format("at most {}", ZoneTable::zones_max));
      return std::nullopt;
    }
    const auto number = static_cast<std::uint16_t>(names_.size());
    names_.emplace_back(name);
    numbers_.emplace(name, number);
    return number;
  }

  std::vector<std::string> take() { return std::move(names_); }

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::uint16_t, std::less<>> numbers_;
};

std::optional<Prefix> read_prefix(std::string_view text, FilePosition position,
                                  FileErrors& errors) {
  constexpr std::string_view form = "1 to 15 digits, the country code first";
  const std::optional<Prefix> prefix = Prefix::parse(text);
  if (!prefix) {
    errors.add(position, fmt::format("{} is no prefix", in_quotes(text)), form);
  } else if (text.front() == '0') {
    errors.add(position, fmt::format("the prefix {} begins with 0", in_quotes(text)),
               "the country code first, as in 49 for what is dialled 0049");
    return std::nullopt;
  }
  return prefix;
}

// "D12" of "rn:d12"; nullopt: it is none.
std::optional<std::string> read_routing_prefix(std::string_view text, FilePosition position,
                                               FileErrors& errors) {
  std::string digits(text.substr(routing_mark.size()));
  for (char& c : digits) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  }
  const bool is_one = !digits.empty() && digits.size() <= ZoneTable::routing_digits_max &&
                      digits.find_first_not_of("0123456789ABCDEF") == std::string::npos;
  if (is_one) return digits;
  errors.add(position, fmt::format("{} is no prefix of routing numbers", in_quotes(text)),
             "rn: and 1 to 20 hexadecimal digits, as in rn:D123");
  return std::nullopt;
}

// What is left is sorted; of equal prefixes the first line stays.
void refuse_duplicates(std::vector<PlacedPrefix>& placed, FileErrors& errors) {
  const auto prefix_of = [](const PlacedPrefix& row) { return row.row.prefix; };
  std::ranges::stable_sort(placed, {}, prefix_of);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < placed.size(); ++i) {
    if (kept > 0 && prefix_of(placed[kept - 1]) == prefix_of(placed[i])) {
      errors.add(placed[i].position,
                 fmt::format("the prefix {} is there already, in line {}",
                             placed[i].row.prefix.digits(), placed[kept - 1].position.line),
                 "each prefix once");
    } else {
      placed[kept++] = placed[i];
    }
  }
  placed.resize(kept);
}

}  // namespace

ZoneTable ZoneTable::read(std::string_view text, FileErrors& errors) {
  constexpr std::size_t prefix_column = 0;
  constexpr std::size_t zone_column = 1;
  CsvReader reader(text, {{"prefix"}, {"zone"}, {"note", false}}, errors);
  Zones zones;
  std::vector<PlacedPrefix> placed;
  std::map<std::string, std::pair<std::uint16_t, FilePosition>, std::less<>> routed;
  while (reader.next()) {
    const FilePosition position = reader.position(prefix_column);
    const std::string_view field = reader.field(prefix_column);
    const bool is_routing = field.starts_with(routing_mark);
    const auto routing = is_routing ? read_routing_prefix(field, position, errors) : std::nullopt;
    const auto prefix = is_routing ? std::nullopt : read_prefix(field, position, errors);
    const auto zone =
        zones.number_of(reader.field(zone_column), reader.position(zone_column), errors);
    if (prefix && zone) placed.push_back({{*prefix, *zone}, position});
    if (!routing || !zone) continue;
    const auto [known, is_new] = routed.try_emplace(*routing, *zone, position);
    if (is_new) continue;
    errors.add(
        position,
        fmt::format("the prefix {} is there already, in line {}", field, known->second.second.line),
        "each prefix once");
  }
  if (errors.empty() && placed.empty() && routed.empty()) {
    errors.add({}, "there are no prefixes", "a line for each prefix below the header");
  }
  refuse_duplicates(placed, errors);
  std::vector<PrefixTable::Row> rows;
  rows.reserve(placed.size());
  for (const PlacedPrefix& row : placed) rows.push_back(row.row);
  std::vector<Route> routes;
  for (const auto& [digits, zone] : routed) routes.push_back({digits, zone.first});
  return {zones.take(), PrefixTable(std::move(rows)), std::move(routes)};
}

std::optional<std::uint16_t> ZoneTable::find(std::string_view number,
                                             std::string_view routing) const {
  if (routing.empty()) return prefixes_.find(number);
  const bool is_international = routing.starts_with('+');
  if (is_international) routing.remove_prefix(1);
  for (std::size_t size = std::min(routing.size(), routing_digits_max); size > 0; --size) {
    const std::string_view prefix = routing.substr(0, size);
    const auto route = std::ranges::lower_bound(routes_, prefix, {}, &Route::prefix);
    if (route != routes_.end() && route->prefix == prefix) return route->zone;
  }
  if (is_international) {
    if (const auto zone = prefixes_.find(routing)) return zone;
  }
  return prefixes_.find(number);
}

}  // namespace farthing::tariffs
