// Numbers that were ported to another network, each with its routing number, from a CSV file with
// the columns number, routing and (optional) note:
//
//   number,routing,note
//   4915112345678,D123,to carrier B
//   12025550100,+12025550199,
//
// Numbers are whole, digits of E.164, the country code first. Routing numbers (RFC 4694) are
// hexadecimal digits, with a plus where they are of E.164 themselves; what they mean says the table
// of zones (zone_table.h).
//
// Immutable, shared between threads without locks; look-ups do not allocate. About 30 bytes a
// number.
#pragma once

#include "tariffs/file_error.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

class PortedNumbers {
 public:
  static constexpr std::size_t numbers_max = 5'000'000;
  static constexpr std::size_t routes_max = 100'000;
  static constexpr std::size_t routing_digits_max = 20;

  // None.
  PortedNumbers() = default;

  // Numbers and routing numbers that are none, numbers that are there twice. Where there are errors
  // it has the rows that are right. A file without rows has no numbers.
  static PortedNumbers read(std::string_view text, FileErrors& errors);

  // The routing number, in upper case, of a number in digits; "": it is not there.
  std::string_view find(std::string_view number) const;

  std::size_t size() const { return routes_by_number_.size(); }

 private:
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> routes_by_number_;
  std::vector<std::string> routes_;
};

}  // namespace farthing::tariffs
