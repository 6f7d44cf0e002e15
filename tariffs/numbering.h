// How numbers are dialled in the network that a tariff is for (ITU-T E.164, clause 7 and annex A),
// so that digits without a plus can be read as an international number.
//
// Pure functions of their arguments; no allocation but by read_numbering. Threads: no shared state.
#pragma once

#include "tariffs/yaml_reader.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace farthing::tariffs {

inline constexpr std::size_t e164_digits_max = 15;

struct NumberingPlan {
  std::string country_code;   // "86"
  std::string international;  // what is dialled before a country code: "00"; "": never
  std::string national;       // before a number of the own country: "0"; "": never

  friend bool operator==(const NumberingPlan&, const NumberingPlan&) = default;
};

// The international number of the digits dialled, the country code first, written to `number`;
// how many digits it has. 0: short codes, and what the plan does not say how to read.
std::size_t international_number(const NumberingPlan& plan, std::string_view dialled,
                                 std::array<char, e164_digits_max>& number);

// The key `numbers` of a tariff file.
NumberingPlan read_numbering(const YamlNode& node, FileErrors& errors);

}  // namespace farthing::tariffs
