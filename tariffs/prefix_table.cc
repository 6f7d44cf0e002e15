#include "tariffs/prefix_table.h"

#include "engine/base/assert.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace farthing::tariffs {
namespace {

constexpr std::uint16_t no_value = 0xffff;
constexpr std::uint64_t beyond = std::numeric_limits<std::uint64_t>::max();

// Where the value changes, and to what, in order.
struct Borders {
  std::vector<std::uint64_t> at;
  std::vector<std::uint16_t> values;

  // Of several at one place the last one counts.
  void add(std::uint64_t place, std::uint16_t value) {
    if (!at.empty() && at.back() == place) {
      at.pop_back();
      values.pop_back();
    }
    if (!at.empty() && values.back() == value) return;
    at.push_back(place);
    values.push_back(value);
  }
};

}  // namespace

Prefix Prefix::of(std::string_view text) {
  Prefix prefix;
  for (char c : text.substr(0, digits_max)) {
    if (c < '0' || c > '9') break;
    ++prefix.size_;
    prefix.key_ = prefix.key_ << 4 | static_cast<std::uint64_t>(c - '0' + 1);
  }
  prefix.key_ <<= 4 * (digits_max - prefix.size_);
  return prefix;
}

std::optional<Prefix> Prefix::parse(std::string_view digits) {
  const Prefix prefix = of(digits);
  if (prefix.size_ == 0 || prefix.size_ != digits.size()) return std::nullopt;
  return prefix;
}

std::string Prefix::digits() const {
  std::string digits;
  for (std::size_t i = 1; i <= size_; ++i) {
    digits += static_cast<char>('0' - 1 + (key_ >> (4 * (digits_max - i)) & 0xf));
  }
  return digits;
}

PrefixTable::PrefixTable(std::vector<Row> rows) {
  std::ranges::sort(rows, {}, &Row::prefix);
  Borders borders;
  // The prefixes that the sweep is inside of: each is a prefix of the one behind it.
  std::vector<Row> around;
  const auto leave = [&] {
    const std::uint64_t end = around.back().prefix.end();
    around.pop_back();
    borders.add(end, around.empty() ? no_value : around.back().value);
  };
  borders.add(0, no_value);
  for (const Row& row : rows) {
    FARTHING_ASSERT(row.prefix.begin() != 0 && row.value <= value_max);
    while (!around.empty() && around.back().prefix.end() <= row.prefix.begin()) leave();
    FARTHING_ASSERT(around.empty() || around.back().prefix != row.prefix);
    borders.add(row.prefix.begin(), row.value);
    around.push_back(row);
  }
  while (!around.empty()) leave();

  values_.assign(borders.values.begin(), borders.values.end());
  levels_.push_back(make_level(borders.at));
  while (levels_.back().size() > 1) {
    std::vector<std::uint64_t> first;
    for (const Run& run : levels_.back()) first.push_back(run.borders.front());
    levels_.push_back(make_level(first));
  }
}

PrefixTable::Level PrefixTable::make_level(const std::vector<std::uint64_t>& borders) {
  constexpr std::size_t size = std::tuple_size_v<decltype(Run::borders)>;
  Level level((borders.size() + size - 1) / size);
  for (std::size_t i = 0; i < level.size() * size; ++i) {
    level[i / size].borders[i % size] = i < borders.size() ? borders[i] : beyond;
  }
  return level;
}

std::optional<std::uint16_t> PrefixTable::find(std::string_view number) const {
  const std::uint64_t key = Prefix::of(number).begin();
  // The last border that is not behind the number. The first is at 0: there is one in every run.
  std::size_t at = 0;
  for (std::size_t level = levels_.size(); level-- > 0;) {
    const Run& run = levels_[level][at];
    at *= run.borders.size();
    if (level == 0) __builtin_prefetch(values_.data() + at);  // fetched beside the borders
    std::size_t passed = 0;
    for (std::uint64_t border : run.borders) passed += border <= key ? 1 : 0;
    at += passed - 1;
  }
  const std::uint16_t value = values_[at];
  return value == no_value ? std::nullopt : std::optional<std::uint16_t>(value);
}

std::size_t PrefixTable::bytes() const {
  std::size_t bytes = values_.capacity() * sizeof(std::uint16_t);
  for (const auto& level : levels_) bytes += level.capacity() * sizeof(Run);
  return bytes;
}

}  // namespace farthing::tariffs
