// Typed values of a YAML file: whole numbers, yes or no, sizes, durations, names.
//
// Each reader returns nullopt where the node holds something else, and then there is an error with
// its place and what was expected. Nothing is converted silently: "010" is no number (YAML reads it
// as 8 or as 10), "10 MB" no size (read as 1000- and as 1024-based). Threads: no shared state.
#pragma once

#include "tariffs/yaml_reader.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

// A number and the word after it: "100 MiB", "100MiB", "3".
struct Quantity {
  std::uint64_t number = 0;
  std::string_view unit;  // a part of the text that was parsed
};

// nullopt: no whole number of 64 bits (leading zeros are refused), or more than one word after it.
std::optional<Quantity> parse_quantity(std::string_view text);

// A letter or digit, then letters, digits, '.', '_' and '-'; at most 64 bytes.
bool is_name(std::string_view text);
extern const std::string_view name_form;  // what is expected of a name, for messages

// Any text but an empty one.
std::optional<std::string> read_text(const YamlNode& node, FileErrors& errors,
                                     std::string_view expected);
// "true" or "false".
std::optional<bool> read_boolean(const YamlNode& node, FileErrors& errors);
std::optional<std::uint64_t> read_integer(const YamlNode& node, FileErrors& errors,
                                          std::uint64_t lowest, std::uint64_t highest);
// "100 MiB"; the units are B, KiB, MiB, GiB and TiB, and KB, MB, GB and TB where the file says what
// they are.
std::optional<std::uint64_t> read_octets(const YamlNode& node, FileErrors& errors,
                                         std::uint64_t lowest, std::uint64_t highest);
// "90 s"; the units are s, min, h and d.
std::optional<std::chrono::seconds> read_duration(const YamlNode& node, FileErrors& errors,
                                                  std::chrono::seconds lowest,
                                                  std::chrono::seconds highest);
// The index of the one of `names` that the text is.
std::optional<std::size_t> read_choice(const YamlNode& node, FileErrors& errors,
                                       const std::vector<std::string_view>& names);
std::optional<std::string> read_name(const YamlNode& node, FileErrors& errors);

// What the readers accept, in the largest unit that divides it: "100 MiB", "1 h".
std::string octets_text(std::uint64_t octets);
std::string duration_text(std::chrono::seconds duration);

}  // namespace farthing::tariffs
