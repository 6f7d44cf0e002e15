#include "tariffs/price_file.h"

#include "tariffs/tariff_values.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

namespace farthing::tariffs {
namespace {

constexpr std::uint64_t units_max = std::numeric_limits<std::uint64_t>::max();
constexpr std::string_view per_form = "the number of units that the amount is for";

// A band as it is written: with a block of its own.
struct Band {
  FilePosition position;
  std::uint64_t upto = units_max;
  Money amount;
  std::uint64_t per = 1;
};

class PriceReader {
 public:
  PriceReader(YamlMap& map, Unit unit, FileErrors& errors)
      : map_(map), errors_(errors), errors_before_(errors.count()) {
    terms_.unit = unit;
  }

  std::optional<FilePrice> read() {
    read_rest();
    read_bands();
    read_first();
    read_cap();
    if (errors_.count() == errors_before_) use_one_block();
    if (errors_.count() != errors_before_) return std::nullopt;
    return FilePrice{shaped(terms_, priced_), continued()};
  }

 private:
  void read_rest() {
    if (const YamlNode* node = map_.find("step")) {
      terms_.step = read_units(*node, errors_, terms_.unit, 1).value_or(1);
    }
    if (const YamlNode* node = map_.find("minimum")) {
      terms_.minimum = read_units(*node, errors_, terms_.unit, 0).value_or(0);
    }
    if (const YamlNode* node = map_.find("setup")) {
      terms_.setup = read_money(*node, errors_).value_or(Money());
    }
    if (const YamlNode* node = map_.find("rounding")) {
      constexpr Rounding roundings[] = {Rounding::half_away_from_zero, Rounding::up,
                                        Rounding::down};
      std::vector<std::string_view> names;
      for (Rounding rounding : roundings) names.push_back(rounding_name(rounding));
      terms_.rounding = roundings[read_choice(*node, errors_, names).value_or(0)];
    }
  }

  std::uint64_t read_block(const YamlNode& node) {
    return read_units(node, errors_, terms_.unit, 1).value_or(1);
  }

  void read_bands() {
    const YamlNode* const tiers = map_.find("tiers");
    const YamlNode* const slabs = map_.find("slabs");
    const std::string_view key = slabs != nullptr ? "slabs" : "tiers";
    if (tiers == nullptr && slabs == nullptr) {
      Band& all = bands_.emplace_back();
      all.position = map_.key_position("amount");
      if (const YamlNode* amount = map_.require("amount", money_form)) {
        all.amount = read_money(*amount, errors_).value_or(Money());
      }
      if (const YamlNode* per = map_.require("per", per_form)) all.per = read_block(*per);
      return;
    }
    if (map_.find("amount") != nullptr || (tiers != nullptr && slabs != nullptr)) {
      errors_.add(map_.key_position(key),
                  fmt::format("the price has {} beside other amounts", in_quotes(key)),
                  "one of amount, tiers and slabs");
    }
    std::optional<std::uint64_t> per;  // of those that have none of their own
    if (const YamlNode* node = map_.find("per")) per = read_block(*node);
    shape_.is_slab = slabs != nullptr;
    const YamlNode& list = slabs != nullptr ? *slabs : *tiers;
    if (!check_kind(list, YamlNode::Kind::sequence, errors_,
                    "a list of amounts, each up to a number of units") ||
        !check_count(list, errors_, key, 1, PriceShape::bands_max)) {
      return;
    }
    for (const YamlNode& node : list.items) read_band(node, per, &node == &list.items.back());
  }

  void read_band(const YamlNode& node, std::optional<std::uint64_t> per, bool is_last) {
    YamlMap map(node, shape_.is_slab ? "the slab" : "the tier", errors_);
    Band band;
    band.position = node.position;
    if (const YamlNode* amount = map.require("amount", money_form)) {
      band.amount = read_money(*amount, errors_).value_or(Money());
    }
    if (const YamlNode* own = map.find("per")) {
      band.per = read_block(*own);
    } else if (per) {
      band.per = *per;
    } else {
      map.require("per", per_form);
    }
    const YamlNode* const upto = map.find("upto");
    if (is_last && upto != nullptr) {
      errors_.add(upto->position, "the last one ends", "a last one without \"upto\"");
    } else if (!is_last && upto == nullptr) {
      map.require("upto", "the number of units at which it ends; only the last has no end");
    } else if (upto != nullptr) {
      band.upto = read_block(*upto);
      if (!bands_.empty() && band.upto <= bands_.back().upto) {
        errors_.add(upto->position, "it ends before it begins",
                    fmt::format("more than {}", in_quotes(upto_text_)));
      }
      upto_text_ = upto->text;
    }
    map.finish();
    bands_.push_back(band);
  }

  // A first block is charged whole, whatever is used of it.
  void read_first() {
    const YamlNode* const node = map_.find("first");
    if (node == nullptr) return;
    YamlMap map(*node, "the first block", errors_);
    Band band;
    band.position = node->position;
    if (const YamlNode* units = map.require("units", "how many units it has")) {
      band.upto = band.per = read_block(*units);
    }
    if (const YamlNode* amount = map.require("amount", money_form)) {
      band.amount = read_money(*amount, errors_).value_or(Money());
    }
    map.finish();
    if (shape_.is_slab) {
      errors_.add(map_.key_position("first"), "a first block does not go with slabs", "tiers");
    } else if (!bands_.empty() && band.upto >= bands_.front().upto) {
      errors_.add(node->position, "the first block ends behind the first tier",
                  "a first tier that ends later");
    }
    terms_.minimum = std::max(terms_.minimum, band.upto);
    bands_.insert(bands_.begin(), band);
    has_first_ = true;
  }

  // One cap, or one for each stretch of units and another in all.
  void read_cap() {
    const YamlNode* const node = map_.find("cap");
    if (node == nullptr) return;
    if (node->kind != YamlNode::Kind::sequence) return read_cap(*node);
    if (!check_count(*node, errors_, "caps", 1, 2)) return;
    for (const YamlNode& item : node->items) read_cap(item);
  }

  void read_cap(const YamlNode& node) {
    YamlMap map(node, "the cap", errors_);
    Money cap;
    if (const YamlNode* amount = map.require("amount", "the most that it ever costs")) {
      cap = read_money(*amount, errors_).value_or(Money());
    }
    const YamlNode* const every = map.find("every");
    const std::uint64_t cap_every = every != nullptr ? read_block(*every) : units_max;
    map.finish();
    if (every != nullptr && bands_.size() > 1) {
      errors_.add(every->position, "a cap for each stretch of units needs one amount for all",
                  "a cap without \"every\", or a price without tiers, slabs and first");
    }
    const bool is_first = shape_.cap_every == 0;
    if (!is_first && (every != nullptr) == (shape_.cap_every != units_max)) {
      errors_.add(node.position, "these are two caps of one kind",
                  "one with \"every\" and one without");
      return;
    }
    if (is_first || every != nullptr) {
      if (!is_first) shape_.cap_in_all = shape_.cap;
      shape_.cap_every = cap_every;
      shape_.cap = cap;
    } else {
      shape_.cap_in_all = cap;
    }
  }

  // Exact sums need one block for all: the least that is a multiple of each.
  void use_one_block() {
    std::uint64_t block = 1;
    for (Band& band : bands_) {
      std::uint64_t common = 0;
      if (__builtin_mul_overflow(block, band.per / std::gcd(block, band.per), &common)) {
        return refuse_block(band);
      }
      block = common;
    }
    for (Band& band : bands_) {
      std::int64_t amount = 0;
      if (__builtin_mul_overflow(static_cast<std::uint64_t>(band.amount.micros), block / band.per,
                                 &amount)) {
        return refuse_block(band);
      }
      priced_.push_back({band.upto, Money(amount)});
    }
    terms_.block = block;
  }

  PriceTerms shaped(PriceTerms terms, std::vector<PriceBand> bands) const {
    terms.amount = bands.back().amount;
    bands.pop_back();
    PriceShape shape = shape_;
    shape.bands = std::move(bands);
    if (shape != PriceShape()) terms.shape = std::make_shared<const PriceShape>(std::move(shape));
    return terms;
  }

  PriceTerms continued() const {
    PriceTerms terms = terms_;
    terms.setup = Money();
    terms.minimum = 0;
    return shaped(std::move(terms), {priced_.begin() + (has_first_ ? 1 : 0), priced_.end()});
  }

  void refuse_block(const Band& band) {
    errors_.add(band.position, "these amounts are too large to be counted exactly together",
                "the same \"per\" for all");
  }

  YamlMap& map_;
  FileErrors& errors_;
  const std::size_t errors_before_;
  PriceTerms terms_;
  PriceShape shape_;  // but for its bands
  std::vector<Band> bands_;
  std::vector<PriceBand> priced_;  // the same in one block, the last without an end
  bool has_first_ = false;
  std::string upto_text_;
};

}  // namespace

std::optional<FilePrice> compile_price(YamlMap& price, Unit unit, FileErrors& errors) {
  return PriceReader(price, unit, errors).read();
}

}  // namespace farthing::tariffs
