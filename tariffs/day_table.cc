#include "tariffs/day_table.h"

#include "tariffs/csv.h"
#include "tariffs/local_time.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace farthing::tariffs {

const std::vector<std::string_view>& day_kind_names() {
  static const std::vector<std::string_view> names{"mon", "tue", "wed", "thu",
                                                   "fri", "sat", "sun", "holiday"};
  return names;
}

std::string_view day_kind_name(DayKind kind) {
  return day_kind_names()[static_cast<std::size_t>(kind)];
}

std::optional<DayKind> day_kind_named(std::string_view name) {
  const auto found = std::ranges::find(day_kind_names(), name);
  if (found == day_kind_names().end()) return std::nullopt;
  return static_cast<DayKind>(found - day_kind_names().begin());
}

DayKind weekday_of(std::int32_t day) {
  constexpr std::int32_t thursday = 3;  // 1970-01-01
  return static_cast<DayKind>(((day + thursday) % 7 + 7) % 7);
}

DayTable DayTable::read(std::string_view text, FileErrors& errors) {
  constexpr std::size_t date_column = 0;
  constexpr std::size_t kind_column = 1;
  CsvReader reader(text, {{"date"}, {"counts_as"}, {"note", false}}, errors);
  std::map<std::int32_t, std::pair<DayKind, std::uint32_t>> days;  // with their lines
  while (reader.next()) {
    const std::string_view date = reader.field(date_column);
    const std::string_view name = reader.field(kind_column);
    const std::optional<std::int32_t> day = parse_date(date);
    const std::optional<DayKind> kind = day_kind_named(name);
    if (!day) {
      errors.add(reader.position(date_column), fmt::format("{} is no date", in_quotes(date)),
                 "YYYY-MM-DD, from 2000 to 2199");
    }
    if (!kind) {
      errors.add(reader.position(kind_column),
                 fmt::format("{} is no kind of day{}", in_quotes(name),
                             did_you_mean(name, day_kind_names())),
                 fmt::format("one of {}", fmt::join(day_kind_names(), ", ")));
    }
    if (!day || !kind) continue;
    const auto [known, is_new] = days.try_emplace(*day, *kind, reader.line());
    if (is_new) continue;
    errors.add(reader.position(date_column),
               fmt::format("the date {} is there already, in line {}", date, known->second.second),
               "each date once");
  }
  DayTable table;
  for (const auto& [day, kind] : days) table.days_.emplace_back(day, kind.first);
  return table;
}

DayKind DayTable::kind_of(std::int32_t day) const {
  const auto found =
      std::ranges::lower_bound(days_, day, {}, [](const auto& entry) { return entry.first; });
  return found != days_.end() && found->first == day ? found->second : weekday_of(day);
}

}  // namespace farthing::tariffs
