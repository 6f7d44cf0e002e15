#include "tariffs/adjustment.h"

#include "engine/base/wide.h"
#include "tariffs/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

namespace farthing::tariffs {
namespace {

using base::Uint128;

constexpr std::string_view too_large =
    "is too large, or its parts too small, to be counted exactly";
constexpr std::string_view broken_setup = "has a set-up charge of less than whole millionths";

// The amounts of terms, all of them for the same number of units.
class Amounts {
 public:
  explicit Amounts(const PriceTerms& terms) : block_(terms.block) {
    if (terms.shape != nullptr) {
      for (const PriceBand& band : terms.shape->bands) add(band.amount);
    }
    add(terms.amount);
  }

  // They become `numerator / denominator` of what they are. False: beyond what can be counted.
  bool scale(std::uint64_t numerator, std::uint64_t denominator) {
    std::uint64_t common = denominator;
    for (Uint128& amount : amounts_) {
      amount *= numerator;
      common = std::gcd(common, static_cast<std::uint64_t>(amount % denominator));
    }
    for (Uint128& amount : amounts_) amount /= common;
    return !__builtin_mul_overflow(block_, denominator / common, &block_) && are_countable();
  }

  // Each changes by `amount` for each `block` units, but never to less than nothing.
  bool change(bool is_more, Money amount, std::uint64_t block) {
    const std::uint64_t factor = block / std::gcd(block_, block);
    std::uint64_t common = 0;
    if (__builtin_mul_overflow(block_, factor, &common)) return false;
    const Uint128 by = Uint128{static_cast<std::uint64_t>(amount.micros)} * (common / block);
    for (Uint128& own : amounts_) {
      own *= factor;
      own = is_more ? own + by : own - std::min(own, by);
    }
    block_ = common;
    return are_countable();
  }

  PriceTerms put_into(PriceTerms terms) const {
    terms.block = block_;
    terms.amount = money(amounts_.back());
    if (terms.shape == nullptr) return terms;
    PriceShape shape = *terms.shape;
    for (std::size_t i = 0; i < shape.bands.size(); ++i) shape.bands[i].amount = money(amounts_[i]);
    terms.shape = std::make_shared<const PriceShape>(std::move(shape));
    return terms;
  }

 private:
  void add(Money amount) { amounts_.emplace_back(static_cast<std::uint64_t>(amount.micros)); }
  static Money money(Uint128 amount) { return Money(static_cast<std::int64_t>(amount)); }
  bool are_countable() const {
    return std::ranges::all_of(amounts_, [](Uint128 amount) {
      return amount <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    });
  }

  std::uint64_t block_;
  std::vector<Uint128> amounts_;  // the bands', then what is behind them
};

Uint128 product(Money amount, std::uint64_t block) {
  return Uint128{static_cast<std::uint64_t>(amount.micros)} * block;
}

}  // namespace

std::string adjustment_text(const Adjustment& adjustment) {
  std::string text =
      fmt::format("{} {} ", adjustment.is_discount ? "less" : "plus", adjustment.name);
  if (adjustment.percent) return text + adjustment.percent->to_string() + " %";
  text += adjustment.amount.to_string();
  if (adjustment.block == 0) return text + " a session";
  return text + " per " + units_text(adjustment.unit, adjustment.block);
}

base::Result<PriceTerms, std::string_view> adjusted(const PriceTerms& terms,
                                                    const Adjustment& adjustment) {
  PriceTerms changed = terms;
  if (adjustment.percent) {
    const std::uint64_t left = Percent::whole - adjustment.percent->millionths;
    Amounts amounts(terms);
    if (!amounts.scale(left, Percent::whole)) return too_large;
    changed = amounts.put_into(std::move(changed));
    if (!adjustment.is_of_setup) return changed;
    const Uint128 setup = product(terms.setup, left);
    if (setup % Percent::whole != 0) return broken_setup;
    changed.setup = Money(static_cast<std::int64_t>(setup / Percent::whole));
    return changed;
  }
  if (adjustment.block == 0) {
    if (!add(terms.setup, adjustment.amount, changed.setup)) return too_large;
    return changed;
  }
  Amounts amounts(terms);
  if (!amounts.change(!adjustment.is_discount, adjustment.amount, adjustment.block)) {
    return too_large;
  }
  return amounts.put_into(std::move(changed));
}

bool is_at_most(const PriceTerms& terms, const PriceTerms& other) {
  const auto is_less = [&](Money amount, Money other_amount) {
    return product(amount, other.block) <= product(other_amount, terms.block);
  };
  if (terms.setup > other.setup || !is_less(terms.amount, other.amount)) return false;
  if (terms.shape == nullptr) return true;
  return std::ranges::equal(terms.shape->bands, other.shape->bands,
                            [&](const PriceBand& band, const PriceBand& other_band) {
                              return is_less(band.amount, other_band.amount);
                            });
}

std::string_view combine_name(Combine combine) {
  return combine == Combine::stack ? "stack" : "best";
}

}  // namespace farthing::tariffs
