#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace farthing::tariffs {
namespace {

struct UnitOfQuantity {
  std::string_view name;
  std::uint64_t size;
};

// Smallest first.
constexpr std::array<UnitOfQuantity, 5> octet_units{{{"B", 1},
                                                     {"KiB", std::uint64_t{1} << 10},
                                                     {"MiB", std::uint64_t{1} << 20},
                                                     {"GiB", std::uint64_t{1} << 30},
                                                     {"TiB", std::uint64_t{1} << 40}}};
// The same where a file says what a kilobyte is.
template <std::uint64_t kilobyte>
constexpr std::array<UnitOfQuantity, 9> all_octet_units{
    {octet_units[0],
     {"KB", kilobyte},
     octet_units[1],
     {"MB", kilobyte* kilobyte},
     octet_units[2],
     {"GB", kilobyte* kilobyte* kilobyte},
     octet_units[3],
     {"TB", kilobyte* kilobyte* kilobyte* kilobyte},
     octet_units[4]}};
std::span<const UnitOfQuantity> octet_units_of(const YamlNode& node) {
  if (node.kilobyte == 1000) return all_octet_units<1000>;
  if (node.kilobyte == 1024) return all_octet_units<1024>;
  return octet_units;
}
constexpr std::array<UnitOfQuantity, 4> duration_units{
    {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}}};

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// "KB", "mb", "Gb" and the like: a prefix that is 1000 to some and 1024 to others.
bool is_ambiguous(std::string_view unit) {
  return unit.size() == 2 && std::string_view("kKmMgGtT").find(unit[0]) != std::string_view::npos &&
         (unit[1] == 'B' || unit[1] == 'b');
}

std::string quantity_text(std::uint64_t count, std::span<const UnitOfQuantity> units) {
  for (std::size_t i = units.size(); i-- > 0;) {
    if (i == 0 || (count > 0 && count % units[i].size == 0)) {
      return fmt::format("{} {}", count / units[i].size, units[i].name);
    }
  }
  return {};
}

// A count of the smallest of `units`, within a range.
std::optional<std::uint64_t> read_quantity(const YamlNode& node, FileErrors& errors,
                                           std::uint64_t lowest, std::uint64_t highest,
                                           std::span<const UnitOfQuantity> units) {
  const std::string range =
      fmt::format("{} to {}", quantity_text(lowest, units), quantity_text(highest, units));
  const std::optional<std::string> text = read_text(node, errors, range);
  if (!text) return std::nullopt;

  std::vector<std::string_view> names;
  for (const UnitOfQuantity& unit : units) names.push_back(unit.name);
  const std::string form = fmt::format("a whole number and one of {}", fmt::join(names, ", "));

  const std::optional<Quantity> quantity = parse_quantity(*text);
  if (!quantity) {
    errors.add(node.position, fmt::format("{} is no quantity", in_quotes(*text)), form);
    return std::nullopt;
  }
  if (quantity->unit.empty()) {
    errors.add(node.position, fmt::format("{} has no unit", in_quotes(*text)), form);
    return std::nullopt;
  }
  const auto unit = std::ranges::find(units, quantity->unit, &UnitOfQuantity::name);
  if (unit == units.end()) {
    if (is_ambiguous(quantity->unit) && node.kilobyte == 0) {
      errors.add(node.position,
                 fmt::format("{} can mean units of 1000 or of 1024", in_quotes(quantity->unit)),
                 "KiB, MiB, GiB or TiB, which are 1024-based");
    } else {
      errors.add(node.position,
                 fmt::format("unknown unit {}{}", in_quotes(quantity->unit),
                             did_you_mean(quantity->unit, names)),
                 form);
    }
    return std::nullopt;
  }
  std::uint64_t count = 0;
  const bool overflows = __builtin_mul_overflow(quantity->number, unit->size, &count);
  if (overflows || count < lowest || count > highest) {
    errors.add(node.position, fmt::format("{} is out of range", in_quotes(*text)), range);
    return std::nullopt;
  }
  return count;
}

}  // namespace

std::optional<Quantity> parse_quantity(std::string_view text) {
  Quantity quantity;
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, quantity.number);
  if (error != std::errc{}) return std::nullopt;
  const auto digits = static_cast<std::size_t>(after - text.data());
  if (digits > 1 && text.front() == '0') return std::nullopt;
  quantity.unit = text.substr(digits);
  if (quantity.unit.starts_with(' ')) quantity.unit.remove_prefix(1);
  const bool dangling = quantity.unit.empty() && digits < text.size();
  const bool is_word = std::ranges::all_of(
      quantity.unit, [](char c) { return is_letter_or_digit(c) && !(c >= '0' && c <= '9'); });
  if (dangling || !is_word) return std::nullopt;
  return quantity;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && is_letter_or_digit(text.front()) &&
         std::ranges::all_of(text, [](char c) {
           return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
         });
}

constinit const std::string_view name_form =
    "a name of 1 to 64 letters, digits, '.', '_' and '-' that begins with a letter or digit";

std::optional<std::string> read_text(const YamlNode& node, FileErrors& errors,
                                     std::string_view expected) {
  if (!check_kind(node, YamlNode::Kind::scalar, errors, expected)) return std::nullopt;
  if (node.text.empty()) {
    errors.add(node.position, "an empty text", expected);
    return std::nullopt;
  }
  return node.text;
}

std::optional<bool> read_boolean(const YamlNode& node, FileErrors& errors) {
  const std::optional<std::size_t> choice = read_choice(node, errors, {"false", "true"});
  if (!choice) return std::nullopt;
  return *choice == 1;
}

std::optional<std::uint64_t> read_integer(const YamlNode& node, FileErrors& errors,
                                          std::uint64_t lowest, std::uint64_t highest) {
  const std::string expected = fmt::format("a whole number from {} to {}", lowest, highest);
  const std::optional<std::string> text = read_text(node, errors, expected);
  if (!text) return std::nullopt;
  const std::optional<Quantity> quantity = parse_quantity(*text);
  const bool is_number = quantity && quantity->unit.empty();
  if (!is_number || quantity->number < lowest || quantity->number > highest) {
    errors.add(
        node.position,
        fmt::format("{} is {}", in_quotes(*text), is_number ? "out of range" : "no whole number"),
        expected);
    return std::nullopt;
  }
  return quantity->number;
}

std::optional<std::uint64_t> read_octets(const YamlNode& node, FileErrors& errors,
                                         std::uint64_t lowest, std::uint64_t highest) {
  return read_quantity(node, errors, lowest, highest, octet_units_of(node));
}

std::optional<std::chrono::seconds> read_duration(const YamlNode& node, FileErrors& errors,
                                                  std::chrono::seconds lowest,
                                                  std::chrono::seconds highest) {
  const std::optional<std::uint64_t> seconds =
      read_quantity(node, errors, static_cast<std::uint64_t>(lowest.count()),
                    static_cast<std::uint64_t>(highest.count()), duration_units);
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(static_cast<std::int64_t>(*seconds));
}

std::optional<std::size_t> read_choice(const YamlNode& node, FileErrors& errors,
                                       const std::vector<std::string_view>& names) {
  const std::string expected =
      fmt::format("{}{}", names.size() > 1 ? "one of " : "", fmt::join(names, ", "));
  const std::optional<std::string> text = read_text(node, errors, expected);
  if (!text) return std::nullopt;
  const auto found = std::ranges::find(names, std::string_view(*text));
  if (found == names.end()) {
    errors.add(
        node.position,
        fmt::format("{} is not allowed here{}", in_quotes(*text), did_you_mean(*text, names)),
        expected);
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - names.begin());
}

std::optional<std::string> read_name(const YamlNode& node, FileErrors& errors) {
  std::optional<std::string> text = read_text(node, errors, name_form);
  if (text && !is_name(*text)) {
    errors.add(node.position, fmt::format("{} is no name", in_quotes(*text)), name_form);
    return std::nullopt;
  }
  return text;
}

std::string octets_text(std::uint64_t octets) { return quantity_text(octets, octet_units); }

std::string duration_text(std::chrono::seconds duration) {
  return quantity_text(static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0)),
                       duration_units);
}

}  // namespace farthing::tariffs
