#include "tariffs/tariff_tables.h"

#include "tariffs/calendar_file.h"
#include "tariffs/numbering.h"
#include "tariffs/tariff_values.h"
#include "tariffs/plain_text.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace farthing::tariffs {
namespace {

constexpr std::size_t calendars_max = 32;
constexpr std::size_t choices_max = 1000;  // in one condition

struct Choice {
  std::string text;
  FilePosition position;
};

// One value or a list of them.
std::vector<Choice> read_choices(const YamlNode& node, FileErrors& errors,
                                 std::string_view expected) {
  std::vector<Choice> choices;
  const auto add = [&](const YamlNode& item) {
    std::optional<std::string> text = read_text(item, errors, expected);
    if (!text) return;
    if (std::ranges::find(choices, *text, &Choice::text) != choices.end()) {
      errors.add(item.position, fmt::format("{} is there twice", in_quotes(*text)), "each once");
      return;
    }
    choices.push_back({std::move(*text), item.position});
  };
  if (node.kind != YamlNode::Kind::sequence) {
    add(node);
    return choices;
  }
  if (node.items.empty() || node.items.size() > choices_max) {
    errors.add(node.position, fmt::format("there are {} values", node.items.size()),
               fmt::format("1 to {}", choices_max));
    return choices;
  }
  for (const YamlNode& item : node.items) add(item);
  return choices;
}

// Part of a rule's name: "eu", "eu+us+jp+4".
std::string label(const std::vector<Choice>& choices) {
  constexpr std::size_t shown_max = 3;
  std::string text;
  for (std::size_t i = 0; i < choices.size() && i < shown_max; ++i) {
    text += (i == 0 ? "/" : "+") + choices[i].text;
  }
  if (choices.size() > shown_max) text += fmt::format("+{}", choices.size() - shown_max);
  return text;
}

void refuse_unknown(FileErrors& errors, std::string_view what, const Choice& choice,
                    const std::vector<std::string_view>& known) {
  constexpr std::size_t shown_max = 10;
  const std::vector<std::string_view> shown(known.begin(),
                                            known.begin() + std::min(known.size(), shown_max));
  errors.add(
      choice.position,
      fmt::format("unknown {} {}{}", what, in_quotes(choice.text),
                  did_you_mean(choice.text, known)),
      fmt::format("one of {}{}", fmt::join(shown, ", "), known.size() > shown_max ? ", ..." : ""));
}

bool has_digits(std::string_view text, std::size_t lowest, std::size_t highest) {
  return text.size() >= lowest && text.size() <= highest && are_digits(text);
}

struct RatType {
  std::string_view name;
  std::uint8_t number;
};
// TS 29.061 16.4.7.2, 3GPP-RAT-Type.
constexpr RatType rat_types[] = {{"UTRAN", 1}, {"GERAN", 2},  {"WLAN", 3},   {"GAN", 4},
                                 {"HSPA", 5},  {"EUTRAN", 6}, {"NB-IoT", 8}, {"LTE-M", 9}};

std::optional<std::uint8_t> rat_type_named(std::string_view text) {
  const auto named = std::ranges::find(rat_types, text, &RatType::name);
  if (named != std::end(rat_types)) return named->number;
  const std::optional<Quantity> number = parse_quantity(text);
  if (!number || !number->unit.empty() || number->number > 255) return std::nullopt;
  return static_cast<std::uint8_t>(number->number);
}

void read_rat_types(const std::vector<Choice>& choices, FileErrors& errors,
                    Conditions& conditions) {
  for (const Choice& choice : choices) {
    if (const std::optional<std::uint8_t> number = rat_type_named(choice.text)) {
      conditions.rat_types.push_back(*number);
      continue;
    }
    std::vector<std::string_view> names;
    for (const RatType& type : rat_types) names.push_back(type.name);
    errors.add(choice.position,
               fmt::format("unknown RAT type {}{}", in_quotes(choice.text),
                           did_you_mean(choice.text, names)),
               fmt::format("one of {}, or its number from 0 to 255", fmt::join(names, ", ")));
  }
}

void read_networks(const std::vector<Choice>& choices, FileErrors& errors, Conditions& conditions) {
  for (const Choice& choice : choices) {
    if (!has_digits(choice.text, 3, 6) || choice.text.size() == 4) {
      errors.add(choice.position, fmt::format("{} is no network", in_quotes(choice.text)),
                 "an MCC (3 digits) for a whole country, or MCC and MNC (5 or 6 digits)");
    }
    conditions.serving_networks.push_back(choice.text);
  }
}

void read_called(const std::vector<Choice>& choices, FileErrors& errors, Conditions& conditions) {
  constexpr std::size_t dialled_max = 20;
  constexpr std::size_t urn_max = 64;
  for (const Choice& choice : choices) {
    const std::string_view text = choice.text;
    const bool is_urn = text.starts_with("urn:") && text.size() <= urn_max;
    const bool is_international = text.starts_with('+') && !text.starts_with("+0") &&
                                  has_digits(text.substr(1), 1, e164_digits_max);
    if (!is_urn && !is_international && !has_digits(text, 1, dialled_max)) {
      errors.add(choice.position, fmt::format("{} is no number", in_quotes(text)),
                 "digits as they are dialled, +8610086, or urn:service:sos");
    }
    conditions.called_numbers.push_back(is_urn ? lower_case(text) : choice.text);
  }
}

void read_legs(const std::vector<Choice>& choices, FileErrors& errors, Conditions& conditions) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < leg_count; ++i) names.push_back(leg_name(static_cast<Leg>(i)));
  for (const Choice& choice : choices) {
    const auto found = std::ranges::find(names, choice.text);
    if (found == names.end()) {
      refuse_unknown(errors, "leg", choice, names);
    } else {
      conditions.legs.push_back(static_cast<Leg>(found - names.begin()));
    }
  }
}

void read_groups(const std::vector<Choice>& choices, FileErrors& errors, Conditions& conditions) {
  for (const Choice& choice : choices) {
    if (!is_label(choice.text)) {
      errors.add(choice.position, fmt::format("{} is no group", in_quotes(choice.text)),
                 "account, chosen, or the name of an attribute of subscribers such as family");
    }
    conditions.groups.push_back(choice.text);
  }
}

void read_access_points(const std::vector<Choice>& choices, FileErrors& errors,
                        Conditions& conditions) {
  for (const Choice& choice : choices) {
    std::string name = lower_case(choice.text);
    if (!is_name(name)) {
      errors.add(choice.position, fmt::format("{} is no access point", in_quotes(choice.text)),
                 name_form);
    }
    conditions.access_points.push_back(std::move(name));
  }
}

void read_subscriber(const YamlNode& node, FileErrors& errors, Conditions& conditions,
                     std::string& name) {
  if (!check_kind(node, YamlNode::Kind::map, errors, "values by name, as in {segment: gold}") ||
      !check_count(node, errors, "attributes", 1, subscriber_attributes_max)) {
    return;
  }
  for (const YamlEntry& entry : node.entries) {
    if (!is_label(entry.key)) {
      errors.add(entry.key_position, fmt::format("{} is no attribute", in_quotes(entry.key)),
                 label_form);
    }
    const std::vector<Choice> choices = read_choices(entry.value, errors, attribute_form);
    name += label(choices);
    Conditions::OfSubscriber& made = conditions.subscriber.emplace_back();
    made.name = entry.key;
    for (const Choice& choice : choices) {
      if (!is_attribute_value(choice.text)) {
        errors.add(choice.position, fmt::format("{} is no value", in_quotes(choice.text)),
                   attribute_form);
      }
      made.values.push_back(choice.text);
    }
  }
}

}  // namespace

void TariffTables::read(YamlMap& file, std::string_view time_zone) {
  if (const YamlNode* node = file.find("tables")) {
    YamlMap tables(*node, "the tables", errors_);
    if (const SourceTable* table = find_table(tables.find("zones"))) {
      FileErrors errors(table->name);
      zones_ = std::make_shared<const ZoneTable>(ZoneTable::read(table->text, errors));
      for (FileError& error : errors.take()) table_errors_.push_back(std::move(error));
    }
    if (const SourceTable* table = find_table(tables.find("holidays"))) {
      FileErrors errors(table->name);
      days_ = DayTable::read(table->text, errors);
      for (FileError& error : errors.take()) table_errors_.push_back(std::move(error));
    }
    tables.finish();
  }
  check_that_all_are_named();
  if (const YamlNode* node = file.find("calendars")) {
    if (check_kind(*node, YamlNode::Kind::map, errors_, "calendars by name")) {
      read_calendars(*node, time_zone);
    }
  }
}

const SourceTable* TariffTables::find_table(const YamlNode* node) {
  if (node == nullptr) return nullptr;
  const std::optional<std::string> name = read_name(*node, errors_);
  if (!name) return nullptr;
  named_.push_back(*name);
  const auto found = std::ranges::find(source_.tables, *name, &SourceTable::name);
  if (found != source_.tables.end()) return &*found;
  errors_.add(node->position, fmt::format("the table {} is not there", in_quotes(*name)),
              "a file of this name beside the tariff");
  return nullptr;
}

void TariffTables::check_that_all_are_named() const {
  for (const SourceTable& table : source_.tables) {
    if (std::ranges::find(named_, table.name) != named_.end()) continue;
    errors_.add({}, fmt::format("the table {} came along", in_quotes(table.name)),
                "only tables that the tariff names under tables");
  }
}

void TariffTables::read_calendars(const YamlNode& node, std::string_view time_zone) {
  if (node.entries.size() > calendars_max) {
    errors_.add(node.position, fmt::format("there are {} calendars", node.entries.size()),
                fmt::format("at most {}", calendars_max));
    return;
  }
  for (const YamlEntry& entry : node.entries) {
    CalendarParts parts = read_calendar(entry, time_zone, days_ ? &*days_ : nullptr, errors_);
    for (const CalendarParts& other : calendars_) {
      for (const std::string& name : parts.classes) {
        if (std::ranges::find(other.classes, name) == other.classes.end()) continue;
        errors_.add(
            entry.key_position,
            fmt::format("calendar {} has a class {} too", in_quotes(other.name), in_quotes(name)),
            "names of its own for each calendar's classes");
      }
    }
    calendars_.push_back(std::move(parts));
  }
}

Conditions TariffTables::read_conditions(YamlMap& price, std::string& name) const {
  Conditions conditions;
  if (const YamlNode* node = price.find("zone")) read_zones(*node, conditions, name);
  if (const YamlNode* node = price.find("time")) read_times(*node, conditions, name);
  const auto read = [&](std::string_view key, std::string_view expected, auto reader) {
    const YamlNode* node = price.find(key);
    if (node == nullptr) return;
    const std::vector<Choice> choices = read_choices(*node, errors_, expected);
    name += label(choices);
    reader(choices, errors_, conditions);
  };
  read("called", "a number as it is dialled", read_called);
  read("leg", "originating, terminating or forwarded", read_legs);
  read("group", "account, or the name of an attribute such as family", read_groups);
  read("apn", "the name of an access point", read_access_points);
  read("rat_type", "a RAT type such as EUTRAN", read_rat_types);
  read("serving_network", "an MCC, or MCC and MNC", read_networks);
  if (const YamlNode* node = price.find("subscriber")) {
    read_subscriber(*node, errors_, conditions, name);
  }
  return conditions;
}

void TariffTables::read_zones(const YamlNode& node, Conditions& conditions,
                              std::string& name) const {
  const std::vector<Choice> choices = read_choices(node, errors_, "the name of a zone");
  name += label(choices);
  if (zones_ == nullptr) {
    // A table that could not be found has its own error.
    if (named_.empty()) {
      errors_.add(node.position, "the tariff has no table of zones",
                  "tables: {zones: FILE} at the top of the tariff");
    }
    return;
  }
  const std::vector<std::string>& zones = zones_->zones();
  for (const Choice& choice : choices) {
    const auto found = std::ranges::find(zones, choice.text);
    if (found == zones.end()) {
      refuse_unknown(errors_, "zone", choice, {zones.begin(), zones.end()});
    } else {
      conditions.zones.push_back(static_cast<std::uint16_t>(found - zones.begin()));
    }
  }
  std::ranges::sort(conditions.zones);
}

void TariffTables::read_times(const YamlNode& node, Conditions& conditions,
                              std::string& name) const {
  const std::vector<Choice> choices = read_choices(node, errors_, "the name of a time class");
  name += label(choices);
  if (calendars_.empty()) {
    errors_.add(node.position, "the tariff has no calendar", "calendars: at the top of the tariff");
    return;
  }
  std::vector<std::string_view> known;
  for (const CalendarParts& calendar : calendars_) {
    known.insert(known.end(), calendar.classes.begin(), calendar.classes.end());
  }
  for (const Choice& choice : choices) {
    bool is_known = false;
    for (std::uint32_t i = 0; i < calendars_.size(); ++i) {
      const auto found = std::ranges::find(calendars_[i].classes, choice.text);
      if (found == calendars_[i].classes.end()) continue;
      is_known = true;
      if (!conditions.times) conditions.times = Conditions::Times{i, 0};
      if (conditions.times->calendar != i) {
        errors_.add(choice.position,
                    fmt::format("{} is a class of calendar {}", in_quotes(choice.text),
                                in_quotes(calendars_[i].name)),
                    fmt::format("classes of calendar {}, as the first one here",
                                in_quotes(calendars_[conditions.times->calendar].name)));
        break;
      }
      conditions.times->classes |= std::uint64_t{1} << (found - calendars_[i].classes.begin());
      break;
    }
    if (!is_known) refuse_unknown(errors_, "time class", choice, known);
  }
}

bool TariffTables::are_all_classes(const Conditions::Times& times) const {
  const std::size_t count = calendars_[times.calendar].classes.size();
  return times.classes == std::numeric_limits<std::uint64_t>::max() >> (64 - count);
}

}  // namespace farthing::tariffs
