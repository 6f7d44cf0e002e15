// The zones of numbers, from a CSV file with the columns prefix, zone and (optional) note:
//
//   prefix,zone,note
//   49,eu,Germany
//   4915,eu-mobile,
//   rn:D123,carrier-b,where numbers are routed that were ported to it
//
// The longest prefix decides. Prefixes are digits of E.164, the country code first. Of a ported
// number those count that stand behind "rn:" and begin its routing number (RFC 4694, hexadecimal
// digits), and where that has a plus, its own prefixes as a number's. Else the number's. Immutable,
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
  static constexpr std::size_t routing_digits_max = 20;

  // Prefixes that are none, that are there twice (with both lines), names that are none. Where
  // there are errors the table has the rows that are right, so that its zones are known.
  static ZoneTable read(std::string_view text, FileErrors& errors);

  // The number of the zone that a number is in, an index into zones(); nullopt: in none. `routing`:
  // where it is routed, with or without a plus, in upper case; "": it was not ported.
  std::optional<std::uint16_t> find(std::string_view number, std::string_view routing = {}) const;

  const std::vector<std::string>& zones() const { return zones_; }  // in the order of the file
  std::size_t bytes() const { return prefixes_.bytes(); }           // of memory

 private:
  struct Route {
    std::string prefix;
    std::uint16_t zone = 0;
  };

  ZoneTable(std::vector<std::string> zones, PrefixTable prefixes, std::vector<Route> routes)
      : zones_(std::move(zones)), prefixes_(std::move(prefixes)), routes_(std::move(routes)) {}

  std::vector<std::string> zones_;
  PrefixTable prefixes_;
  std::vector<Route> routes_;  // by prefix
};

}  // namespace farthing::tariffs
