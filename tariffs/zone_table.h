// The zones of numbers, from a CSV file with the columns prefix, zone and (optional) note:
//
//   prefix,zone,note
//   49,eu,Germany
//   4915,eu-mobile,
//
// The longest prefix decides. Prefixes are digits of E.164, the country code first. Immutable,
// shared between threads without locks; look-ups do not allocate.
#pragma once

#include "tariffs/file_error.h"
#include "tariffs/prefix_table.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

class ZoneTable {
 public:
  static constexpr std::size_t zones_max = 10'000;

  // Prefixes that are none, that are there twice (with both lines), names that are none. Where
  // there are errors the table has the rows that are right, so that its zones are known.
  static ZoneTable read(std::string_view text, FileErrors& errors);

  // The number of the zone that a number is in, an index into zones(); nullopt: in none.
  std::optional<std::uint16_t> find(std::string_view number) const {
    return prefixes_.find(number);
  }

  const std::vector<std::string>& zones() const { return zones_; }  // in the order of the file
  std::size_t bytes() const { return prefixes_.bytes(); }           // of memory

 private:
  ZoneTable(std::vector<std::string> zones, PrefixTable prefixes)
      : zones_(std::move(zones)), prefixes_(std::move(prefixes)) {}

  std::vector<std::string> zones_;
  PrefixTable prefixes_;
};

}  // namespace farthing::tariffs
