// The longest prefix of a number, among many: what zone a called number is in.
//
// Immutable, shared between threads without locks. The prefixes are laid out as the borders of the
// ranges of numbers that they win, sorted, 10 bytes each; above them stands a ladder of samples, so
// that a look-up reads five or six short runs of memory whatever the numbers have in common. It
// does not allocate.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

// Up to 15 digits (E.164) from the left of a number, in an order in which a number comes after each
// of its prefixes.
class Prefix {
 public:
  static constexpr std::size_t digits_max = 15;

  // nullopt: not 1 to 15 digits and nothing else.
  static std::optional<Prefix> parse(std::string_view digits);
  // The digits that `text` begins with, the first 15 of them; may be none.
  static Prefix of(std::string_view text);

  std::string digits() const;

  std::uint64_t begin() const { return key_; }  // the first number that has this prefix
  std::uint64_t end() const { return key_ + (std::uint64_t{1} << (4 * (digits_max - size_))); }

  friend auto operator<=>(const Prefix&, const Prefix&) = default;

 private:
  std::uint64_t key_ =
      0;  // four bits a digit, from bit 59 on: the digit + 1, 0 where there is none
  std::size_t size_ = 0;
};

class PrefixTable {
 public:
  static constexpr std::uint16_t value_max = 0xfffe;

  struct Row {
    Prefix prefix;
    std::uint16_t value = 0;
  };

  // REQUIRES: prefixes of at least one digit, all different; values up to value_max.
  explicit PrefixTable(std::vector<Row> rows);

  // The value of the longest prefix of the digits that `number` begins with; nullopt: it has none.
  std::optional<std::uint16_t> find(std::string_view number) const;

  std::size_t bytes() const;  // of memory

 private:
  // Borders that are looked at together: a line of the processor's cache.
  struct alignas(64) Run {
    std::array<std::uint64_t, 8> borders;
  };
  using Level = std::vector<Run>;

  static Level make_level(const std::vector<std::uint64_t>& borders);

  // The first level has the borders, each level above the first border of every run below it. Their
  // last runs are filled up with what no number reaches.
  std::vector<Level> levels_;
  std::vector<std::uint16_t> values_;  // from each border to the next
};

}  // namespace farthing::tariffs
