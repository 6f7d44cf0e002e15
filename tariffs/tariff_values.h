// Typed values of a tariff file beyond those of yaml_scalar.h: amounts, numbers of units, local
// times, rating groups. Each reader returns nullopt where the node holds something else, and then
// there is an error with its place and what was expected. Threads: no shared state but the
// system's time zones.
#pragma once

#include "tariffs/tariff.h"
#include "tariffs/yaml_reader.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace farthing::tariffs {

extern const std::string_view money_form;  // what is expected of an amount, for messages

// 0 or more.
std::optional<Money> read_money(const YamlNode& node, FileErrors& errors);

// "20", "12.5 %": 0 to 100.
std::optional<Percent> read_percent(const YamlNode& node, FileErrors& errors);

// A number of units, as each unit is written: a size, a duration, a plain number or an amount.
std::optional<std::uint64_t> read_units(const YamlNode& node, FileErrors& errors, Unit unit,
                                        std::uint64_t lowest);

// The same from a person's words; nullopt: they are none. KB and the like are not known here.
std::optional<std::uint64_t> parse_units(std::string_view text, Unit unit, std::uint64_t lowest);

// A local time of the zone. No error where the zone is unknown: it has its own.
std::optional<base::Time> read_time(const YamlNode& node, FileErrors& errors,
                                    std::string_view zone);

// The number or the name of a rating group that the service declares.
std::optional<RatingGroup> read_group(const YamlNode& node, FileErrors& errors,
                                      const Service& service);

// Whether a list or a map has so many items; `what` they are, for the message.
bool check_count(const YamlNode& node, FileErrors& errors, std::string_view what,
                 std::size_t lowest, std::size_t highest);

}  // namespace farthing::tariffs
