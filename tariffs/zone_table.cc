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
  while (reader.next()) {
    const FilePosition position = reader.position(prefix_column);
    const auto prefix = read_prefix(reader.field(prefix_column), position, errors);
    const auto zone =
        zones.number_of(reader.field(zone_column), reader.position(zone_column), errors);
    if (prefix && zone) placed.push_back({{*prefix, *zone}, position});
  }
  if (errors.empty() && placed.empty()) {
    errors.add({}, "there are no prefixes", "a line for each prefix below the header");
  }
  refuse_duplicates(placed, errors);
  std::vector<PrefixTable::Row> rows;
  rows.reserve(placed.size());
  for (const PlacedPrefix& row : placed) rows.push_back(row.row);
  return {zones.take(), PrefixTable(std::move(rows))};
}

}  // namespace farthing::tariffs
