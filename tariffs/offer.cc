#include "tariffs/offer.h"

#include "tariffs/yaml_scalar.h"

#include <array>

namespace farthing::tariffs {

std::string_view unpaid_name(Unpaid unpaid) {
  constexpr std::array<std::string_view, 4> names = {"pay_as_you_go", "suspend", "end", "by_days"};
  return names[static_cast<std::size_t>(unpaid)];
}

std::string_view sale_name(Sale sale) {
  constexpr std::array<std::string_view, 3> names = {"on_sale", "withdrawn", "ended"};
  return names[static_cast<std::size_t>(sale)];
}

std::string validity_text(const Offer& offer) {
  if (!offer.ends_with) return duration_text(offer.validity);
  return "the rest of the " + period_text({*offer.ends_with, 1});
}

}  // namespace farthing::tariffs
