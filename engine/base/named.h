// Named<Tag, Rep>: an integer that cannot be passed where another kind of integer is meant.
//
//   using AccountNumber = base::Named<struct AccountNumberTag, std::uint64_t>;
//
// No arithmetic: what is counted and added up (money, units) has types of its own.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace farthing::base {

template <class Tag, class Rep>
struct Named {
  Rep value{};

  constexpr Named() = default;
  constexpr explicit Named(Rep v) : value(v) {}
  friend constexpr auto operator<=>(const Named&, const Named&) = default;
};

template <class Tag, class Rep>
std::size_t hash_value(const Named<Tag, Rep>& named) {
  return std::hash<Rep>{}(named.value);
}

}  // namespace farthing::base
