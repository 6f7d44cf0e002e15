#include "tariffs/price.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <boost/multiprecision/cpp_int.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>

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

Integer model_price(const PriceTerms& terms, std::uint64_t units) {
  const Rational exact = Rational(Integer(terms.amount.micros) * units, Integer(terms.block));
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

PriceTerms any_terms() {
  PriceTerms terms;
  terms.rounding = *rc::gen::element(Rounding::half_away_from_zero, Rounding::up, Rounding::down);
  terms.amount = Money(*of_any_size<std::int64_t>(0, micros_max));
  terms.block = *of_any_size<std::uint64_t>(1, units_max);
  terms.step =
      *rc::gen::oneOf(rc::gen::just<std::uint64_t>(1), of_any_size<std::uint64_t>(1, units_max));
  terms.minimum =
      *rc::gen::oneOf(rc::gen::just<std::uint64_t>(0), of_any_size<std::uint64_t>(0, units_max));
  return terms;
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

TEST(Price, RoundingNamesAreReadBack) {
  for (Rounding rounding : {Rounding::half_away_from_zero, Rounding::up, Rounding::down}) {
    EXPECT_EQ(rounding_named(rounding_name(rounding)), rounding);
  }
  EXPECT_FALSE(rounding_named("sideways"));
}

RC_GTEST_PROP(PriceProperty, PriceIsTheModelsPrice, ()) {
  const PriceTerms terms = any_terms();
  const std::uint64_t units = *of_any_size<std::uint64_t>(0, units_max);
  const Integer model = model_price(terms, units);
  const auto price = price_of(terms, units);
  RC_ASSERT(price.has_value() == (model <= micros_max));
  if (price) RC_ASSERT(Integer(price->micros) == model);
}

RC_GTEST_PROP(PriceProperty, ChargeableIsTheLeastWholeNumberOfSteps, ()) {
  const PriceTerms terms = any_terms();
  const std::uint64_t units = *of_any_size<std::uint64_t>(0, units_max);
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
  const std::uint64_t units = affordable_units(terms, budget, limit);
  RC_ASSERT(units % terms.step == 0u);
  RC_ASSERT(units <= limit);
  RC_ASSERT(model_price(terms, units) <= budget.micros);
  if (Integer(units) + terms.step <= limit) {
    RC_ASSERT(model_price(terms, units + terms.step) > budget.micros);
  }
}

RC_GTEST_PROP(PriceProperty, MoreUnitsNeverCostLess, ()) {
  const PriceTerms terms = any_terms();
  const std::uint64_t some = *of_any_size<std::uint64_t>(0, units_max);
  const std::uint64_t more = *of_any_size<std::uint64_t>(some, units_max);
  RC_ASSERT(chargeable_units(terms, some) <= chargeable_units(terms, more));
  const auto price_of_some = price_of(terms, chargeable_units(terms, some));
  const auto price_of_more = price_of(terms, chargeable_units(terms, more));
  if (price_of_more) RC_ASSERT(price_of_some.value() <= price_of_more.value());
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
