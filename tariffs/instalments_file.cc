#include "tariffs/instalments_file.h"

#include "tariffs/tariff_values.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

namespace farthing::tariffs {
namespace {

constexpr std::uint64_t instalments_max = 120;
constexpr Money amount_max{1'000'000'000'000'000};

Instalments read_terms(const YamlNode& node, bool is_gift, const Offer& offer, FileErrors& errors) {
  Instalments read;
  read.is_gift = is_gift;
  YamlMap map(node, is_gift ? "the gift" : "the deposit", errors);
  if (const YamlNode* amount = map.require("amount", "all instalments together")) {
    read.amount = read_money(*amount, errors).value_or(Money(1));
    if (read.amount.micros == 0) {
      errors.add(amount->position, "nothing cannot be credited", "more than 0");
    } else if (read.amount > amount_max) {
      errors.add(amount->position, fmt::format("{} is too much", in_quotes(amount->text)),
                 "at most 1000000000");
    }
  }
  if (const YamlNode* count = map.require("instalments", "in how many it is credited")) {
    read.count =
        static_cast<std::uint16_t>(read_integer(*count, errors, 1, instalments_max).value_or(1));
  }
  if (const YamlNode* condition = map.find("while")) {
    enum class While { paid, minimum_spend };
    read.asks_minimum = read_choice(*condition, errors, {"paid", "minimum_spend"}).value_or(0) ==
                        static_cast<std::size_t>(While::minimum_spend);
    if (read.asks_minimum && !offer.minimum_spend) {
      errors.add(condition->position, "the offer has no minimum spend", "minimum_spend beside it");
    }
  }
  if (const YamlNode* end = map.find("early_end")) {
    enum class End { forfeited, returned };
    read.is_returned = read_choice(*end, errors, {"forfeited", "returned"}).value_or(0) ==
                       static_cast<std::size_t>(End::returned);
    if (read.is_returned && is_gift) {
      errors.add(end->position, "a gift was nobody's who could have it back", "forfeited");
    }
  }
  map.finish();
  return read;
}

}  // namespace

std::optional<Instalments> read_instalments(YamlMap& map, const Offer& offer, FileErrors& errors) {
  const YamlNode* const deposit = map.find("deposit");
  const YamlNode* const gift = map.find("gift");
  const YamlNode* const node = deposit != nullptr ? deposit : gift;
  if (node == nullptr) return std::nullopt;
  if (deposit != nullptr && gift != nullptr) {
    errors.add(map.key_position("gift"), "there is a deposit already", "a deposit or a gift");
  }
  if (!offer.renewal) {
    errors.add(map.key_position(node == gift ? "gift" : "deposit"),
               "instalments come with periods, and there are none", "a period beside it");
  }
  return read_terms(*node, node == gift, offer, errors);
}

std::string instalments_text(const Instalments& instalments) {
  return fmt::format("{} in {} instalments{}, {} at an early end", instalments.amount.to_string(),
                     instalments.count,
                     instalments.asks_minimum ? " with periods of the minimum spend" : "",
                     instalments.is_returned ? "returned" : "forfeited");
}

}  // namespace farthing::tariffs
