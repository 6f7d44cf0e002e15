#include "tariffs/calendar_file.h"

#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace farthing::tariffs {
namespace {

constexpr std::size_t ranges_max = 256;
constexpr std::string_view days_form =
    "all, or some of mon, tue, wed, thu, fri, sat, sun, mon-fri and the like, holiday";

std::string minute_text(Minute minute) {
  return fmt::format("{:02}:{:02}", minute / 60, minute % 60);
}

std::optional<Minute> read_minute(const YamlNode& node, FileErrors& errors, Minute lowest,
                                  Minute highest) {
  const std::string form = fmt::format("a local time of the day from {} to {}", minute_text(lowest),
                                       minute_text(highest));
  const std::optional<std::string> text = read_text(node, errors, form);
  if (!text) return std::nullopt;
  const auto digit = [&](std::size_t i) { return (*text)[i] >= '0' && (*text)[i] <= '9'; };
  if (text->size() == 5 && digit(0) && digit(1) && (*text)[2] == ':' && digit(3) && digit(4)) {
    const int hour = ((*text)[0] - '0') * 10 + (*text)[1] - '0';
    const int minute = ((*text)[3] - '0') * 10 + (*text)[4] - '0';
    const int all = hour * 60 + minute;
    if (minute < 60 && all >= lowest && all <= highest) return static_cast<Minute>(all);
  }
  errors.add(node.position, fmt::format("{} is no such time", in_quotes(*text)), form);
  return std::nullopt;
}

class Reader {
 public:
  Reader(const YamlEntry& entry, const DayTable* days, FileErrors& errors)
      : entry_(entry), days_(days), errors_(errors) {}

  CalendarParts read(std::string_view time_zone);

 private:
  void read_holidays(YamlMap& map);
  void read_classes(const YamlNode& node);
  void read_range(const YamlNode& node, TimeClass time_class);
  std::optional<std::uint8_t> read_days(const YamlNode& node);
  std::optional<std::uint8_t> read_day(const YamlNode& node);
  std::optional<TimeClass> class_named(const std::string& name, FilePosition position);
  void check();

  const YamlEntry& entry_;
  const DayTable* days_;
  FileErrors& errors_;
  CalendarParts parts_;
  std::vector<FilePosition> positions_;  // of the ranges
  bool knows_holidays_ = false;
};

CalendarParts Reader::read(std::string_view time_zone) {
  const std::size_t errors_before = errors_.count();
  parts_.name = entry_.key;
  parts_.time_zone = time_zone;
  if (!is_name(entry_.key)) {
    errors_.add(entry_.key_position, fmt::format("{} is no name", in_quotes(entry_.key)),
                name_form);
  }
  YamlMap map(entry_.value, fmt::format("calendar {}", in_quotes(entry_.key)), errors_);
  read_holidays(map);
  if (const YamlNode* node = map.find("time")) {
    parts_.is_visited = read_choice(*node, errors_, {"home", "visited"}) == 1;
  }
  if (const YamlNode* node = map.require("classes", "ranges of time by the name of their class")) {
    if (check_kind(*node, YamlNode::Kind::map, errors_, "ranges of time by the name of a class")) {
      read_classes(*node);
    }
  }
  if (const YamlNode* node = map.find("default")) {
    if (const std::optional<std::string> name = read_name(*node, errors_)) {
      parts_.default_class = class_named(*name, node->position);
    }
  }
  map.finish();
  if (errors_.count() == errors_before) check();
  return std::move(parts_);
}

void Reader::read_holidays(YamlMap& map) {
  const YamlNode* node = map.find("holidays");
  if (node == nullptr || !read_boolean(*node, errors_).value_or(false)) return;
  knows_holidays_ = true;
  if (days_ != nullptr) {
    parts_.days = *days_;
  } else {
    errors_.add(node->position, "the tariff has no table of holidays",
                "tables: {holidays: FILE} at the top of the tariff");
  }
}

void Reader::read_classes(const YamlNode& node) {
  constexpr std::string_view form =
      "a list of ranges such as {days: mon-fri, from: 08:00, to: 20:00}";
  for (const YamlEntry& entry : node.entries) {
    if (!is_name(entry.key)) {
      errors_.add(entry.key_position, fmt::format("{} is no name", in_quotes(entry.key)),
                  name_form);
    }
    const std::optional<TimeClass> time_class = class_named(entry.key, entry.key_position);
    if (!check_kind(entry.value, YamlNode::Kind::sequence, errors_, form)) continue;
    for (const YamlNode& item : entry.value.items) {
      read_range(item, time_class.value_or(TimeClass(0)));
    }
  }
}

std::optional<TimeClass> Reader::class_named(const std::string& name, FilePosition position) {
  const auto found = std::ranges::find(parts_.classes, name);
  if (found == parts_.classes.end()) {
    if (parts_.classes.size() == CalendarParts::classes_max) {
      errors_.add(position, fmt::format("{} is one class too many", in_quotes(name)),
                  fmt::format("at most {}", CalendarParts::classes_max));
      return std::nullopt;
    }
    parts_.classes.push_back(name);
    return TimeClass(static_cast<std::uint8_t>(parts_.classes.size() - 1));
  }
  return TimeClass(static_cast<std::uint8_t>(found - parts_.classes.begin()));
}

void Reader::read_range(const YamlNode& node, TimeClass time_class) {
  YamlMap map(node, "a range of time", errors_);
  TimeRange range{time_class, 0, 0, minutes_a_day};
  bool is_whole = node.kind == YamlNode::Kind::map;
  const YamlNode* days = map.require("days", days_form);
  const YamlNode* from = map.find("from");
  const YamlNode* to = map.find("to");
  map.finish();
  if (days != nullptr) range.days = read_days(*days).value_or(0);
  if (from != nullptr) {
    const std::optional<Minute> minute = read_minute(*from, errors_, 0, minutes_a_day - 1);
    range.from = minute.value_or(0);
    is_whole &= minute.has_value();
  }
  if (to != nullptr) {
    const std::optional<Minute> minute = read_minute(*to, errors_, 0, minutes_a_day);
    range.to = minute.value_or(minutes_a_day);
    is_whole &= minute.has_value();
  }
  if (is_whole && range.from == range.to) {
    errors_.add(node.position, "the range ends where it begins",
                "from: 00:00 and to: 24:00 for a whole day");
  }
  if (parts_.ranges.size() == ranges_max) {
    errors_.add(node.position, "this is one range too many",
                fmt::format("at most {} in a calendar", ranges_max));
    return;
  }
  if (range.to == 0) range.to = minutes_a_day;  // as in 20:00 to 00:00
  parts_.ranges.push_back(range);
  positions_.push_back(node.position);
}

std::optional<std::uint8_t> Reader::read_days(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::sequence) return read_day(node);
  if (node.items.empty()) errors_.add(node.position, "there are no days", days_form);
  std::uint8_t days = 0;
  for (const YamlNode& item : node.items) {
    days = static_cast<std::uint8_t>(days | read_day(item).value_or(0));
  }
  return days;
}

std::optional<std::uint8_t> Reader::read_day(const YamlNode& node) {
  const std::optional<std::string> text = read_text(node, errors_, days_form);
  if (!text) return std::nullopt;
  if (*text == "all") return std::uint8_t{0xff};
  if (const std::optional<DayKind> kind = day_kind_named(*text)) {
    if (*kind == DayKind::holiday && !knows_holidays_) {
      errors_.add(node.position, "the calendar knows no holidays",
                  "holidays: true in the calendar, and a table of holidays");
    }
    return static_cast<std::uint8_t>(1u << static_cast<unsigned>(*kind));
  }
  const std::size_t dash = text->find('-');
  const auto first = day_kind_named(std::string_view(*text).substr(0, dash));
  const auto last = dash == std::string::npos
                        ? std::nullopt
                        : day_kind_named(std::string_view(*text).substr(dash + 1));
  if (!first || !last || *first >= *last || *last == DayKind::holiday) {
    errors_.add(
        node.position,
        fmt::format("{} are no days{}", in_quotes(*text), did_you_mean(*text, day_kind_names())),
        days_form);
    return std::nullopt;
  }
  unsigned days = 0;
  for (unsigned i = static_cast<unsigned>(*first); i <= static_cast<unsigned>(*last); ++i) {
    days |= 1u << i;
  }
  return static_cast<std::uint8_t>(days);
}

void Reader::check() {
  for (const CalendarOverlap& overlap : overlaps_of(parts_)) {
    errors_.add(positions_[overlap.second],
                fmt::format("this overlaps the range in line {}: both hold on {} from {} to {}",
                            positions_[overlap.first].line, day_kind_name(overlap.day),
                            minute_text(overlap.from), minute_text(overlap.to)),
                "one class at a time");
  }
  for (const CalendarHole& hole : holes_of(parts_)) {
    const std::string when =
        hole.date ? fmt::format(" ({})", date_text(*hole.date)) : std::string();
    errors_.add(
        entry_.key_position,
        fmt::format("calendar {} has a hole: on {}{} from {} to {}, after {}, there is no "
                    "class",
                    in_quotes(parts_.name), day_kind_name(hole.day), when, minute_text(hole.from),
                    minute_text(hole.to), day_kind_name(hole.before)),
        "a range for it, or a default class");
  }
}

}  // namespace

CalendarParts read_calendar(const YamlEntry& entry, std::string_view time_zone,
                            const DayTable* days, FileErrors& errors) {
  return Reader(entry, days, errors).read(time_zone);
}

}  // namespace farthing::tariffs
