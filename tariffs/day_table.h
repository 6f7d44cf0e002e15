// Days that count as others, from a CSV file with the columns date, counts_as and (optional) note:
//
//   date,counts_as,note
//   2026-10-01,holiday,National Day
//   2026-10-10,mon,worked instead
//
// Immutable. Threads: no shared state.
#pragma once

#include "tariffs/file_error.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace farthing::tariffs {

// What a calendar tells apart: days of the week, and holidays.
enum class DayKind : std::uint8_t { mon, tue, wed, thu, fri, sat, sun, holiday };
constexpr std::size_t day_kinds = 8;

std::string_view day_kind_name(DayKind kind);                  // "mon" ... "sun", "holiday"
std::optional<DayKind> day_kind_named(std::string_view name);  // the inverse
const std::vector<std::string_view>& day_kind_names();

// By the days of the week alone; days count from 1970-01-01.
DayKind weekday_of(std::int32_t day);

class DayTable {
 public:
  DayTable() = default;

  // Dates that are none, that are there twice (with both lines), other kinds of days.
  static DayTable read(std::string_view text, FileErrors& errors);

  DayKind kind_of(std::int32_t day) const;
  const std::vector<std::pair<std::int32_t, DayKind>>& days() const { return days_; }  // by date

 private:
  std::vector<std::pair<std::int32_t, DayKind>> days_;
};

}  // namespace farthing::tariffs
