#include "tariffs/price.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <boost/multiprecision/cpp_int.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

namespace farthing::tariffs {
namespace {

// Borders are rare among random numbers: 100 cases, RapidCheck's default, miss them.
[[maybe_unused]] const int many_cases = setenv("RC_PARAMS", "max_success=10000", 0);

// The model: rational numbers of any size, written from the definition and not from the code.
using Integer = boost::multiprecision::cpp_int;
using Rational = boost::multiprecision::cpp_rational;

constexpr std::uint64_t units_max = std::numeric_limits<std::uint64_t>::max();
constexpr std::int64_t micros_max = std::numeric_limits<std::int64_t>::max();

Integer floor_of(const Rational& value) { return numerator(value) / denominator(value); }

// Without the block, by which everything is divided in the end.
Integer model_bands(const PriceTerms& terms, const Integer& units) {
  const PriceShape shape = terms.shape == nullptr ? PriceShape() : *terms.shape;
  std::vector<std::pair<Integer, Integer>> bands;  // end, amount
  for (const PriceBand& band : shape.bands) bands.emplace_back(band.upto, band.amount.micros);
  bands.emplace_back(Integer(1) << 100, terms.amount.micros);
  Integer begin = 0;
  Integer sum = 0;
  for (const auto& [end, amount] : bands) {
    if (shape.is_slab && units > begin && units <= end) return amount * units;
    if (!shape.is_slab && units > begin) sum += amount * (std::min(units, end) - begin);
    begin = end;
  }
  return sum;
}

Integer model_capped(const PriceTerms& terms, const Integer& units) {
  if (terms.shape == nullptr || terms.shape->cap_every == 0) return model_bands(terms, units);
  const Integer cap = Integer(terms.shape->cap.micros) * terms.block;
  if (terms.shape->cap_every == units_max) return std::min(model_bands(terms, units), cap);
  const Integer every = terms.shape->cap_every;
  return units / every * std::min(model_bands(terms, every), cap) +
         std::min(model_bands(terms, units % every), cap);
}

Integer model_price(const PriceTerms& terms, const Integer& units) {
  const Rational exact = Rational(model_capped(terms, units), Integer(terms.block));
  const Integer floor = floor_of(exact);
  const Rational rest = exact - Rational(floor);
  switch (terms.rounding) {
    case Rounding::half_away_from_zero:
      return rest >= Rational(1, 2) ? floor + 1 : floor;
    case Rounding::up:
      return rest > 0 ? floor + 1 : floor;
    case Rounding::down:
      return floor;
  }
  return -1;
}

PriceTerms per_mib(std::int64_t micros) {
  PriceTerms terms;
  terms.amount = Money(micros);
  terms.block = 1 << 20;
  terms.step = 1 << 10;
  return terms;
}

// Numbers of every magnitude, not only large ones, and the ends of the range more often.
template <class Integral>
rc::Gen<Integral> of_any_size(Integral lowest, Integral highest) {
  return rc::gen::map(
      rc::gen::pair(rc::gen::inRange(0, 64), rc::gen::inRange<std::uint64_t>(0, units_max)),
      [=](const std::pair<int, std::uint64_t>& drawn) {
        if (drawn.first == 0) return highest;
        const std::uint64_t small = drawn.second >> drawn.first;
        return std::clamp(static_cast<Integral>(
                              std::min<std::uint64_t>(small, static_cast<std::uint64_t>(highest))),
                          lowest, highest);
      });
}

// The highest price of any number of units from `from` to `to`: prices fall behind a band at most.
Integer model_dearest(const PriceTerms& terms, const Integer& from, const Integer& to) {
  Integer dearest = model_price(terms, to);
  if (terms.shape == nullptr) return dearest;
  for (const PriceBand& band : terms.shape->bands) {
    if (band.upto >= from && band.upto <= to) {
      dearest = std::max(dearest, model_price(terms, band.upto));
    }
  }
  return dearest;
}

std::shared_ptr<const PriceShape> any_shape(bool may_fall) {
  auto shape = std::make_shared<PriceShape>();
  std::vector<std::uint64_t> ends =
      *rc::gen::container<std::vector<std::uint64_t>>(of_any_size<std::uint64_t>(1, units_max));
  std::ranges::sort(ends);
  ends.erase(std::ranges::unique(ends).begin(), ends.end());
  if (ends.size() > 5) ends.resize(5);
  const int kind = *rc::gen::inRange(0, 4);
  if (kind == 0) ends.clear();
  shape->is_slab = kind == 1 && may_fall;
  for (std::uint64_t end : ends) {
    shape->bands.push_back({end, Money(*of_any_size<std::int64_t>(0, micros_max))});
  }
  if (kind != 2) {
    shape->cap_every = shape->bands.empty() ? *of_any_size<std::uint64_t>(1, units_max)
                                            : *rc::gen::element<std::uint64_t>(0, units_max);
    shape->cap = Money(*of_any_size<std::int64_t>(0, micros_max));
  }
  RC_ASSERT(is_sound(*shape));
  return shape;
}

PriceTerms any_terms(bool may_fall = true) {
  PriceTerms terms;
  terms.rounding = *rc::gen::element(Rounding::half_away_from_zero, Rounding::up, Rounding::down);
  terms.amount = Money(*of_any_size<std::int64_t>(0, micros_max));
  terms.block = *of_any_size<std::uint64_t>(1, units_max);
  terms.step =
      *rc::gen::oneOf(rc::gen::just<std::uint64_t>(1), of_any_size<std::uint64_t>(1, units_max));
  terms.minimum =
      *rc::gen::oneOf(rc::gen::just<std::uint64_t>(0), of_any_size<std::uint64_t>(0, units_max));
  if (*rc::gen::arbitrary<bool>()) terms.shape = any_shape(may_fall);
  return terms;
}

// Often where a band or a stretch ends, or next to it.
std::uint64_t any_units(const PriceTerms& terms, std::uint64_t lowest = 0) {
  std::vector<std::uint64_t> ends;
  if (terms.shape != nullptr) {
    for (const PriceBand& band : terms.shape->bands) ends.push_back(band.upto);
    if (terms.shape->cap_every != 0) ends.push_back(terms.shape->cap_every);
  }
  if (ends.empty() || *rc::gen::arbitrary<bool>()) {
    return *of_any_size<std::uint64_t>(lowest, units_max);
  }
  const std::uint64_t end = *rc::gen::elementOf(ends);
  const std::uint64_t near = *rc::gen::element<std::uint64_t>(end - 1, end, end + 1);
  return std::max(near, lowest);
}

TEST(Price, HandComputed) {
  const PriceTerms terms = per_mib(100'000);  // 0.10 a MiB
  EXPECT_EQ(price_of(terms, 0)->micros, 0);
  EXPECT_EQ(price_of(terms, 1 << 10)->micros, 98);   // 97.65625
  EXPECT_EQ(price_of(terms, 2 << 10)->micros, 195);  // 195.3125
  EXPECT_EQ(price_of(terms, 1 << 20)->micros, 100'000);
  EXPECT_EQ(price_of(terms, 5'000'000 - 5'000'000 % 1024 + 1024)->micros, 476'855);  // 4883 KiB
}

TEST(Price, RoundsByItsRule) {
  PriceTerms terms;
  terms.amount = Money(1);
  terms.block = 2;
  terms.rounding = Rounding::half_away_from_zero;
  EXPECT_EQ(price_of(terms, 1)->micros, 1);
  EXPECT_EQ(price_of(terms, 3)->micros, 2);
  terms.rounding = Rounding::down;
  EXPECT_EQ(price_of(terms, 1)->micros, 0);
  terms.rounding = Rounding::up;
  EXPECT_EQ(price_of(terms, 3)->micros, 2);
  terms.block = 1000;
  EXPECT_EQ(price_of(terms, 1)->micros, 1);
}

TEST(Price, StepsAndMinimum) {
  PriceTerms terms;
  terms.step = 6;
  terms.minimum = 31;
  EXPECT_EQ(chargeable_units(terms, 0), 0u);
  EXPECT_EQ(chargeable_units(terms, 1), 36u);
  EXPECT_EQ(chargeable_units(terms, 36), 36u);
  EXPECT_EQ(chargeable_units(terms, 37), 42u);
}

TEST(Price, SaturatesAtTheEnds) {
  PriceTerms terms;
  terms.step = 1000;
  EXPECT_EQ(chargeable_units(terms, units_max), units_max - units_max % 1000);
  terms.amount = Money(micros_max);
  EXPECT_EQ(price_of(terms, 1)->micros, micros_max);
  EXPECT_FALSE(price_of(terms, 2));
  terms.block = units_max;
  EXPECT_EQ(price_of(terms, units_max)->micros, micros_max);
}

TEST(Price, AffordableAtTheEdges) {
  const PriceTerms terms = per_mib(100'000);
  EXPECT_EQ(affordable_units(terms, Money(0), units_max), 0u);
  EXPECT_EQ(affordable_units(terms, Money(97), units_max), 0u);
  EXPECT_EQ(affordable_units(terms, Money(98), units_max), 1024u);
  EXPECT_EQ(affordable_units(terms, Money(100'000), units_max), 1u << 20);
  EXPECT_EQ(affordable_units(terms, Money(100'000), 5000), 4096u);
  EXPECT_EQ(affordable_units(terms, Money(-1), units_max), 0u);
  EXPECT_EQ(affordable_units(per_mib(0), Money(-1), 5000), 4096u) << "free is free in debt too";
}

PriceTerms shaped(PriceShape shape) {  // else 1.00 a unit
  PriceTerms terms;
  terms.amount = Money(1'000'000);
  terms.shape = std::make_shared<const PriceShape>(std::move(shape));
  return terms;
}

TEST(Price, BandsActAtTheVeryUnit) {
  const PriceTerms terms = shaped({.bands = {{10, Money(3'000'000)}, {20, Money(2'000'000)}}});
  EXPECT_EQ(price_of(terms, 10)->micros, 30'000'000);
  EXPECT_EQ(price_of(terms, 11)->micros, 32'000'000);
  EXPECT_EQ(price_of(terms, 20)->micros, 50'000'000);
  EXPECT_EQ(price_of(terms, 21)->micros, 51'000'000);
  EXPECT_EQ(affordable_units(terms, Money(31'999'999), units_max), 10u);
  EXPECT_EQ(affordable_units(terms, Money(32'000'000), units_max), 11u);
  EXPECT_EQ(affordable_units(terms, Money(53'000'000), units_max), 23u);
}

TEST(Price, AFallingSlabIsPayableOnlyOverItsTop) {
  const PriceTerms terms = shaped({.bands = {{10, Money(3'000'000)}}, .is_slab = true});
  EXPECT_EQ(price_of(terms, 10)->micros, 30'000'000);
  EXPECT_EQ(price_of(terms, 11)->micros, 11'000'000);
  EXPECT_EQ(dearest_price(terms, 5, 11).micros, 30'000'000);
  EXPECT_EQ(dearest_price(terms, 11, 29).micros, 29'000'000);
  EXPECT_EQ(affordable_units(terms, Money(29'000'000), units_max), 9u)
      << "11 cost less, but nobody gets there without paying for 10";
  EXPECT_EQ(affordable_units(terms, Money(29'000'000), units_max, 10), 29u) << "they are paid for";
  EXPECT_EQ(affordable_units(terms, Money(30'000'000), units_max), 30u);
}

TEST(Price, ACapHoldsForEachStretch) {
  const PriceTerms terms = shaped({.cap_every = 100, .cap = Money(60'000'000)});
  EXPECT_EQ(price_of(terms, 60)->micros, 60'000'000);
  EXPECT_EQ(price_of(terms, 100)->micros, 60'000'000);
  EXPECT_EQ(price_of(terms, 101)->micros, 61'000'000);
  EXPECT_EQ(price_of(terms, 1000)->micros, 600'000'000);
  EXPECT_EQ(affordable_units(terms, Money(59'000'000), units_max), 59u);
  EXPECT_EQ(affordable_units(terms, Money(60'000'000), units_max), 100u);
  const PriceTerms whole = shaped({.cap_every = units_max, .cap = Money(60'000'000)});
  EXPECT_EQ(price_of(whole, units_max)->micros, 60'000'000);
  EXPECT_EQ(affordable_units(whole, Money(60'000'000), 12345), 12345u);
}

TEST(Price, BordersOfBands) {
  EXPECT_EQ(next_border(per_mib(100'000), 7), units_max) << "a straight line has none";
  const PriceTerms terms = shaped({.bands = {{10, Money(3'000'000)}, {20, Money(2'000'000)}}});
  EXPECT_EQ(next_border(terms, 0), 10u);
  EXPECT_EQ(next_border(terms, 9), 10u);
  EXPECT_EQ(next_border(terms, 10), 20u);
  EXPECT_EQ(next_border(terms, 20), units_max);
}

TEST(Price, BordersOfCaps) {
  const PriceTerms terms =
      shaped({.cap_every = 100, .cap = Money(60'000'000), .cap_in_all = Money(150'500'000)});
  EXPECT_EQ(next_border(terms, 0), 60u);
  EXPECT_EQ(next_border(terms, 60), 100u);
  EXPECT_EQ(next_border(terms, 100), 160u);
  EXPECT_EQ(next_border(terms, 200), 231u) << "120.00 before; the 31st unit reaches the cap in all";
  EXPECT_EQ(next_border(terms, 231), units_max) << "all that follows is free";
  const PriceTerms high = shaped({.cap_every = 100, .cap = Money(100'000'000)});
  EXPECT_EQ(next_border(high, 0), units_max) << "never below the price";
  const PriceTerms whole = shaped({.bands = {{10, Money(3'000'000)}, {90, Money(1'000'000)}},
                                   .cap_every = units_max,
                                   .cap = Money(60'000'000)});
  EXPECT_EQ(next_border(whole, 10), 40u);
  EXPECT_EQ(next_border(whole, 40), units_max);
}

TEST(Price, RoundingNamesAreReadBack) {
  for (Rounding rounding : {Rounding::half_away_from_zero, Rounding::up, Rounding::down}) {
    EXPECT_EQ(rounding_named(rounding_name(rounding)), rounding);
  }
  EXPECT_FALSE(rounding_named("sideways"));
}

RC_GTEST_PROP(PriceProperty, PriceIsTheModelsPrice, ()) {
  const PriceTerms terms = any_terms();
  const std::uint64_t units = any_units(terms);
  const Integer model = model_price(terms, units);
  const auto price = price_of(terms, units);
  RC_ASSERT(price.has_value() == (model <= micros_max));
  if (price) RC_ASSERT(Integer(price->micros) == model);
}

RC_GTEST_PROP(PriceProperty, ChargeableIsTheLeastWholeNumberOfSteps, ()) {
  const PriceTerms terms = any_terms();
  const std::uint64_t units = any_units(terms);
  const Integer counted =
      units == 0 ? Integer(0) : std::max(Integer(units), Integer(terms.minimum));
  const Integer steps = (counted + terms.step - 1) / terms.step;
  const Integer model = std::min(steps, Integer(units_max / terms.step)) * terms.step;
  RC_ASSERT(Integer(chargeable_units(terms, units)) == model);
}

RC_GTEST_PROP(PriceProperty, AffordableIsTheInverseOfPrice, ()) {
  const PriceTerms terms = any_terms();
  const Money budget(*of_any_size<std::int64_t>(0, micros_max));
  const std::uint64_t limit = *of_any_size<std::uint64_t>(0, units_max);
  const std::uint64_t passed =
      *rc::gen::oneOf(rc::gen::just<std::uint64_t>(0), rc::gen::just(any_units(terms)));
  const std::uint64_t units = affordable_units(terms, budget, limit, passed);
  RC_ASSERT(units % terms.step == 0u);
  RC_ASSERT(units <= limit);
  if (units > passed || passed == 0) {
    RC_ASSERT(model_dearest(terms, Integer(passed) + 1, units) <= budget.micros);
  }
  const Integer more = Integer(units) + terms.step;
  if (more <= limit) {
    RC_ASSERT(model_dearest(terms, std::min(Integer(passed) + 1, more), more) > budget.micros);
  }
}

RC_GTEST_PROP(PriceProperty, DearestIsTheModelsDearest, ()) {
  PriceTerms terms = any_terms();
  terms.step = 1;
  const std::uint64_t from = any_units(terms);
  const std::uint64_t to = any_units(terms, from);
  const Integer model = std::min(model_dearest(terms, from, to), Integer(micros_max));
  RC_ASSERT(Integer(dearest_price(terms, from, to).micros) == model);
}

RC_GTEST_PROP(PriceProperty, MoreUnitsNeverCostLessButUnderAFallingSlab, ()) {
  const PriceTerms terms = any_terms(false);
  const std::uint64_t some = any_units(terms);
  const std::uint64_t more = any_units(terms, some);
  RC_ASSERT(chargeable_units(terms, some) <= chargeable_units(terms, more));
  const auto price_of_some = price_of(terms, chargeable_units(terms, some));
  const auto price_of_more = price_of(terms, chargeable_units(terms, more));
  if (price_of_more) RC_ASSERT(price_of_some.value() <= price_of_more.value());
}

// What each unit costs is what the one before it does up to the border (the one that reaches a cap
// may cost less), and where there is none it is so without end.
// 4, 4, 4, 4, 4, 1, and again.
TEST(NextBorder, TheLastUnitOfAStretchMayBeTheOneThatReachesTheCap) {
  PriceShape shape;
  shape.cap_every = 6;
  shape.cap = Money(21);
  PriceTerms terms = shaped(std::move(shape));
  terms.amount = Money(4);
  EXPECT_EQ(next_border(terms, 0), 6u);
  EXPECT_EQ(next_border(terms, 6), 12u);
}

RC_GTEST_PROP(PriceProperty, NoUnitBeforeABorderHasAnotherPrice, ()) {
  constexpr std::uint64_t looked_at = 60;
  const auto few = [] { return *rc::gen::inRange<std::uint64_t>(1, 30); };
  const auto amount = [] { return Money(*rc::gen::inRange<std::int64_t>(0, 5)); };
  PriceShape shape;
  const int kind = *rc::gen::inRange(0, 4);
  if (kind < 3) {
    shape.bands = {{few(), amount()}};
    shape.bands.push_back({shape.bands[0].upto + few(), amount()});
    if (kind == 1) shape.cap_every = units_max;
  } else {
    shape.cap_every = few();
  }
  if (shape.cap_every > 0) shape.cap = Money(*rc::gen::inRange<std::int64_t>(1, 60));
  PriceTerms terms = shaped(std::move(shape));
  terms.amount = amount();
  const std::uint64_t priced = *rc::gen::inRange<std::uint64_t>(0, looked_at);
  const std::uint64_t border = next_border(terms, priced);
  RC_ASSERT(border > priced);
  const auto of_unit = [&](std::uint64_t unit) {
    return Integer(model_price(terms, unit) - model_price(terms, unit - 1));
  };
  const std::uint64_t last = std::min(border - 1, priced + looked_at);
  for (std::uint64_t unit = priced + 2; unit <= last; ++unit) {
    RC_ASSERT(of_unit(unit) == of_unit(priced + 1));
  }
}

RC_GTEST_PROP(PriceProperty, ALargerBudgetNeverBuysLess, ()) {
  const PriceTerms terms = any_terms();
  const std::int64_t some = *of_any_size<std::int64_t>(0, micros_max);
  const std::int64_t more = *of_any_size<std::int64_t>(some, micros_max);
  RC_ASSERT(affordable_units(terms, Money(some), units_max) <=
            affordable_units(terms, Money(more), units_max));
}

}  // namespace
}  // namespace farthing::tariffs
