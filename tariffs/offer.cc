#include "tariffs/offer.h"

#include <array>

namespace farthing::tariffs {

std::string_view unpaid_name(Unpaid unpaid) {
  constexpr std::array<std::string_view, 3> names = {"pay_as_you_go", "suspend", "end"};
  return names[static_cast<std::size_t>(unpaid)];
}

std::string_view sale_name(Sale sale) {
  constexpr std::array<std::string_view, 3> names = {"on_sale", "withdrawn", "ended"};
  return names[static_cast<std::size_t>(sale)];
}

}  // namespace farthing::tariffs
