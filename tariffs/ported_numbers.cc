#include "tariffs/ported_numbers.h"

#include "tariffs/csv.h"
#include "tariffs/numbering.h"
#include "tariffs/plain_text.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

namespace farthing::tariffs {
namespace {

// No number of E.164 begins with 0, so that its digits are one of these.
std::optional<std::uint64_t> parse_number(std::string_view digits) {
  std::uint64_t number = 0;
  const bool is_one =
      !digits.empty() && digits.size() <= e164_digits_max && digits[0] != '0' && are_digits(digits);
  if (!is_one) return std::nullopt;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

bool is_routing_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && text.size() <= PortedNumbers::routing_digits_max &&
         text.find_first_not_of("0123456789ABCDEF") == std::string_view::npos;
}

// The routing numbers, numbered as they come.
class Routes {
 public:
  std::optional<std::uint32_t> number_of(std::string_view text, FilePosition position,
                                         FileErrors& errors) {
    if (const auto known = numbers_.find(text); known != numbers_.end()) return known->second;
    std::string route = upper_case(text);
    if (!is_routing_number(route)) {
      errors.add(position, fmt::format("{} is no routing number", in_quotes(text)),
                 "1 to 20 hexadecimal digits such as D123, a plus before those of E.164");
      return std::nullopt;
    }
    if (names_.size() == PortedNumbers::routes_max) {
      errors.add(position, fmt::format("{} is one routing number too many", in_quotes(text)),
                 fmt::format("at most {}", PortedNumbers::routes_max));
      return std::nullopt;
    }
    const auto number = static_cast<std::uint32_t>(names_.size());
    names_.push_back(std::move(route));
    numbers_.emplace(text, number);
    return number;
  }

  std::vector<std::string> take() { return std::move(names_); }

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
};

}  // namespace

PortedNumbers PortedNumbers::read(std::string_view text, FileErrors& errors) {
  constexpr std::size_t number_column = 0;
  constexpr std::size_t routing_column = 1;
  PortedNumbers table;
  Routes routes;
  CsvReader reader(text, {{"number"}, {"routing"}, {"note", false}}, errors);
  // A line has 7 bytes at least, and most have 20.
  table.routes_by_number_.reserve(std::min(text.size() / 16, numbers_max));
  while (reader.next()) {
    const std::string_view field = reader.field(number_column);
    const FilePosition position = reader.position(number_column);
    const std::optional<std::uint64_t> number = parse_number(field);
    if (!number) {
      errors.add(position, fmt::format("{} is no number", in_quotes(field)),
                 "1 to 15 digits, the country code first");
    }
    const auto route =
        routes.number_of(reader.field(routing_column), reader.position(routing_column), errors);
    if (!number || !route) continue;
    if (table.size() == numbers_max) {
      errors.add(position, "there are too many numbers", fmt::format("at most {}", numbers_max));
      break;
    }
    if (!table.routes_by_number_.try_emplace(*number, *route).second) {
      errors.add(position, fmt::format("the number {} is there already", field),
                 "each number once");
    }
  }
  table.routes_ = routes.take();
  return table;
}

std::string_view PortedNumbers::find(std::string_view number) const {
  const std::optional<std::uint64_t> key = parse_number(number);
  if (!key) return {};
  const auto found = routes_by_number_.find(*key);
  return found == routes_by_number_.end() ? std::string_view() : routes_[found->second];
}

}  // namespace farthing::tariffs
