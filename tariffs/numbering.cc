#include "tariffs/numbering.h"

#include "tariffs/plain_text.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <algorithm>

namespace farthing::tariffs {
namespace {

std::string read_digits(const YamlNode* node, FileErrors& errors, std::size_t highest,
                        std::string_view expected) {
  if (node == nullptr) return {};
  const std::optional<std::string> text = read_text(*node, errors, expected);
  if (!text) return {};
  if (text->size() <= highest && are_digits(*text)) return *text;
  errors.add(node->position, fmt::format("{} are no digits to dial", in_quotes(*text)), expected);
  return {};
}

}  // namespace

std::size_t international_number(const NumberingPlan& plan, std::string_view dialled,
                                 std::array<char, e164_digits_max>& number) {
  if (!are_digits(dialled)) return 0;
  const auto begins = [dialled](std::string_view prefix) {
    return !prefix.empty() && dialled.starts_with(prefix);
  };
  std::string_view country;
  std::string_view rest;
  // "00" is a way abroad where "0" is one into the own country.
  const bool goes_abroad =
      begins(plan.international) &&
      (!begins(plan.national) || plan.international.size() > plan.national.size());
  if (goes_abroad) {
    rest = dialled.substr(plan.international.size());
  } else if (begins(plan.national)) {
    country = plan.country_code;
    rest = dialled.substr(plan.national.size());
  } else {
    return 0;
  }
  const std::size_t size = country.size() + rest.size();
  if (rest.empty() || size > number.size()) return 0;
  std::ranges::copy(rest, std::ranges::copy(country, number.begin()).out);
  return number[0] == '0' ? 0 : size;
}

NumberingPlan read_numbering(const YamlNode& node, FileErrors& errors) {
  NumberingPlan plan;
  YamlMap map(node, "the numbers", errors);
  const YamlNode* const country = map.require("country_code", "1 to 3 digits, such as 86");
  const YamlNode* const abroad = map.find("international");
  const YamlNode* const home = map.find("national");
  map.finish();
  plan.country_code = read_digits(country, errors, 3, "1 to 3 digits, such as 86");
  plan.international = read_digits(abroad, errors, 6, "what is dialled before a country code: 00");
  plan.national =
      read_digits(home, errors, 6, "what is dialled before a number of the own country: 0");
  if (plan.country_code.starts_with('0')) {
    errors.add(country->position, "no country code begins with 0", "one such as 86");
  }
  if (home != nullptr && abroad != nullptr && plan.national == plan.international) {
    errors.add(home->position, "national and international numbers are dialled alike",
               "prefixes that differ");
  }
  return plan;
}

}  // namespace farthing::tariffs
