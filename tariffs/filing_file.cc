#include "tariffs/filing_file.h"

#include "tariffs/local_time.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

namespace farthing::tariffs {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr std::size_t number_bytes_max = 64;
constexpr std::string_view date_form = "a day such as 2026-01-01";

std::string text_of(sys_days day) {
  return date_text(static_cast<std::int32_t>(day.time_since_epoch().count()));
}

sys_days local_day(std::string_view zone, base::Time time) {
  constexpr std::size_t date_chars = 10;
  const std::string text = local_time_text(zone, time).substr(0, date_chars);
  return sys_days(days(parse_date(text).value_or(0)));
}

std::optional<sys_days> read_date(const YamlNode& node, FileErrors& errors) {
  const std::optional<std::string> text = read_text(node, errors, date_form);
  if (!text) return std::nullopt;
  const std::optional<std::int32_t> day = parse_date(*text);
  if (!day) {
    errors.add(node.position, fmt::format("{} is no day", in_quotes(*text)), date_form);
    return std::nullopt;
  }
  return sys_days(days(*day));
}

}  // namespace

SaleDays sale_days(std::string_view zone, base::Time from, std::optional<base::Time> until) {
  SaleDays days{local_day(zone, from), std::nullopt};
  if (until) days.until = local_day(zone, *until - base::Duration(1));
  return days;
}

bool read_filing_rule(YamlMap& file, FileErrors& errors) {
  const YamlNode* const node = file.find("filing");
  return node != nullptr && read_choice(*node, errors, {"required"}).has_value();
}

std::optional<Filing> read_filing(YamlMap& offer, FileErrors& errors) {
  const YamlNode* const node = offer.find("filing");
  if (node == nullptr) return std::nullopt;
  YamlMap map(*node, "the filing", errors);
  Filing filing;
  constexpr std::string_view number_form = "the number under which it was filed";
  if (const YamlNode* number = map.require("number", number_form)) {
    filing.number = read_text(*number, errors, number_form).value_or("-");
    if (filing.number.empty() || filing.number.size() > number_bytes_max) {
      errors.add(number->position,
                 fmt::format("a filing has a number of 1 to {} bytes", number_bytes_max),
                 number_form);
    }
  }
  const YamlNode* const from = map.require("from", "the first day on which it may be sold");
  const YamlNode* const until = map.find("until");
  map.finish();
  const std::optional<sys_days> first = from == nullptr ? std::nullopt : read_date(*from, errors);
  if (until != nullptr) filing.until = read_date(*until, errors);
  filing.from = first.value_or(sys_days());
  if (first && filing.until && *filing.until < filing.from) {
    errors.add(until->position, "it ends before it begins",
               "a day that is not before its \"from\"");
  }
  return filing;
}

void check_filings(std::span<const PlacedOffer> offers, FileErrors& errors) {
  for (const PlacedOffer& placed : offers) {
    if (placed.offer.filing) continue;
    errors.add(placed.position,
               fmt::format("offer {} has no filing, and the tariff requires one",
                           in_quotes(placed.offer.name)),
               "filing: {number: ..., from: 2026-01-01} in the offer");
  }
}

void warn_of_filings(std::span<const PlacedOffer> offers, const SaleDays& days,
                     FileErrors& warnings) {
  for (const PlacedOffer& placed : offers) {
    const Offer& offer = placed.offer;
    if (!offer.filing || offer.sale != Sale::on_sale) continue;
    const Filing& filing = *offer.filing;
    if (days.from < filing.from) {
      warnings.add(placed.position,
                   fmt::format("offer {} is on sale from {} on, and filed from {} on",
                               in_quotes(offer.name), text_of(days.from), text_of(filing.from)),
                   "a valid_from of the tariff that is not before it");
    }
    if (filing.until && (!days.until || *days.until > *filing.until)) {
      warnings.add(placed.position,
                   fmt::format("offer {} is on sale {}, and filed until {}", in_quotes(offer.name),
                               days.until ? "until " + text_of(*days.until) : "without an end",
                               text_of(*filing.until)),
                   "a valid_until of the tariff that is not after it, or sale: withdrawn");
    }
  }
}

std::string filing_text(const Filing& filing) {
  return fmt::format("{} from {}{}", filing.number, text_of(filing.from),
                     filing.until ? " to " + text_of(*filing.until) : "");
}

}  // namespace farthing::tariffs
