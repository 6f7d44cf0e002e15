#include "engine/admin/places_json.h"
#include "engine/admin/routes.h"
#include "engine/admin/time_text.h"
#include "engine/admin/views.h"
#include "engine/archive.h"
#include "engine/attributes.h"
#include "engine/facts.h"
#include "engine/tariff_tests.h"
#include "engine/tariff_versions.h"
#include "engine/utf8.h"
#include "tariffs/explain.h"
#include "tariffs/filing_file.h"
#include "tariffs/instalments_file.h"
#include "tariffs/local_time.h"
#include "tariffs/tariff_file.h"
#include "tariffs/yaml_scalar.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

json::value group_json(const std::optional<RatingGroup>& group) {
  return group ? json::value(group->value) : json::value(nullptr);
}

// Amounts of bands are for as many units as the last one's.
void add_shape(const tariffs::PriceShape& shape, json::object& terms) {
  json::array bands;
  for (const tariffs::PriceBand& band : shape.bands) {
    bands.push_back({{"upto", band.upto}, {"amount", band.amount.to_string()}});
  }
  if (!bands.empty()) terms[shape.is_slab ? "slabs" : "tiers"] = std::move(bands);
  if (shape.cap_every == 0) return;
  if (shape.cap_in_all) terms["cap_in_all"] = shape.cap_in_all->to_string();
  const bool is_whole = shape.cap_every == std::numeric_limits<std::uint64_t>::max();
  terms["cap"] = {{"amount", shape.cap.to_string()},
                  {"every", is_whole ? json::value(nullptr) : json::value(shape.cap_every)}};
}

json::object terms_json(const tariffs::PriceTerms& terms, std::string_view currency) {
  json::object object = {{"amount", terms.amount.to_string()},
                         {"per", terms.block},
                         {"unit", tariffs::unit_name(terms.unit)},
                         {"step", terms.step},
                         {"minimum", terms.minimum},
                         {"setup", terms.setup.to_string()},
                         {"rounding", tariffs::rounding_name(terms.rounding)}};
  object["tax_rate"] = terms.tax ? json::value(terms.tax->to_string()) : json::value(nullptr);
  if (terms.shape != nullptr) add_shape(*terms.shape, object);
  object["text"] = tariffs::terms_text(terms, currency);
  return object;
}

json::array coverage_json(const tariffs::Tariff& tariff,
                          const std::vector<tariffs::Coverage>& coverage) {
  json::array covers;
  for (const tariffs::Coverage& covered : coverage) {
    covers.push_back({{"service", tariff.service_name(covered.service)},
                      {"rating_group", group_json(covered.rating_group)},
                      {"when", covered.situation.value == 0
                                   ? json::value(nullptr)
                                   : json::value(tariff.situation_name(covered.situation))}});
  }
  return covers;
}

// "segment=test"; null: it is for all.
json::value only_json(const tariffs::VersionedTariff& version) {
  if (!version.only) return nullptr;
  return json::value(version.only->name + "=" + version.only->value);
}

json::object summary_json(const tariffs::VersionedTariff& versioned, const TariffView& view) {
  const tariffs::Tariff& tariff = *versioned.tariff;
  const std::string& zone = tariff.time_zone();
  json::object summary = {
      {"version", versioned.version.value},
      {"name", tariff.name()},
      {"currency", tariff.currency()},
      {"time_zone", zone},
      {"valid_from", time_text(zone, versioned.valid_from)},
      {"valid_until", tariff.valid_until() ? json::value(time_text(zone, *tariff.valid_until()))
                                           : json::value(nullptr)},
      {"only", only_json(versioned)},
      {"in_force", &versioned == view.in_force()}};
  if (const auto& validity = tariff.top_up_validity()) {
    summary["validity"] = tariffs::validity_text(*validity);
  }
  return summary;
}

json::object offer_json(const tariffs::Offer& offer, const tariffs::Tariff& tariff) {
  json::array allowances;
  for (const tariffs::Allowance& allowance : offer.allowances) {
    json::array limits;
    for (const tariffs::SubLimit& limit : allowance.limits) {
      limits.push_back({{"when", tariff.situation_name(limit.situation)}, {"amount", limit.units}});
    }
    allowances.push_back({{"amount", allowance.units},
                          {"unit", tariffs::unit_name(allowance.unit)},
                          {"shared", allowance.is_shared},
                          {"priority", allowance.priority},
                          {"rollover_periods", allowance.rollover.periods},
                          {"limits", std::move(limits)},
                          {"covers", coverage_json(tariff, allowance.coverage)}});
  }
  json::object object = {{"offer", offer.name},
                         {"fee", offer.fee.to_string()},
                         {"allowances", std::move(allowances)},
                         {"covers", coverage_json(tariff, offer.coverage)},
                         {"sale", tariffs::sale_name(offer.sale)}};
  if (offer.filing) object["filing"] = tariffs::filing_text(*offer.filing);
  if (const auto& parts = offer.instalments) {
    object[parts->is_gift ? "gift" : "deposit"] = {
        {"amount", parts->amount.to_string()},
        {"instalments", parts->count},
        {"while", parts->asks_minimum ? "minimum_spend" : "paid"},
        {"early_end", parts->is_returned ? "returned" : "forfeited"},
        {"text", tariffs::instalments_text(*parts)}};
  }
  if (const auto& minimum = offer.minimum_spend) {
    object["minimum_spend"] = {{"amount", minimum->amount.to_string()},
                               {"counter", tariff.counters()[minimum->counter].name}};
  }
  if (!offer.renewal) {
    object["validity"] = tariffs::validity_text(offer);
    return object;
  }
  object["period"] = tariffs::period_text(offer.renewal->period);
  object["begins"] = offer.renewal->is_calendar ? "calendar" : "anniversary";
  object["unpaid"] = tariffs::unpaid_name(offer.renewal->unpaid);
  return object;
}

json::array adjustments_json(const tariffs::Tariff& tariff, bool are_discounts) {
  json::array adjustments;
  for (const tariffs::Adjustment& adjustment : tariff.adjustments()) {
    if (adjustment.is_discount != are_discounts) continue;
    const std::optional<tariffs::Percent>& percent = adjustment.percent;
    json::array covers = coverage_json(tariff, adjustment.coverage);
    adjustments.push_back(
        {{"name", adjustment.name},
         {"line", adjustment.line},
         {"text", tariffs::adjustment_text(adjustment)},
         {"percent", percent ? json::value(percent->to_string()) : json::value(nullptr)},
         {"amount", percent ? json::value(nullptr) : json::value(adjustment.amount.to_string())},
         {"per", adjustment.block == 0 ? json::value(nullptr) : json::value(adjustment.block)},
         {"where", adjustment.conditions_text},
         {"covers", std::move(covers)}});
  }
  return adjustments;
}

json::array situations_json(const tariffs::Tariff& tariff) {
  json::array situations;
  for (const tariffs::Situation& situation : tariff.situations()) {
    situations.push_back(
        {{"name", situation.name}, {"line", situation.line}, {"where", situation.conditions_text}});
  }
  return situations;
}

// When and by whom each version was loaded, and why. Where the entry is
// archived and not at hand, only when.
class Loadings {
 public:
  explicit Loadings(Api& api) : ledger_(api.store, archive_folder(api.store, api.archive_folder)) {}

  void take(Shard& shard) { loaded_ = shard.book().tariffs(); }
  void add(tariffs::TariffVersion version, std::string_view zone, json::object& object) {
    const auto loaded = std::ranges::find(loaded_, version, &TariffLoaded::version);
    if (loaded == loaded_.end()) return;
    object["loaded_at"] = time_text(zone, loaded->loaded_at);
    const auto found = find_loading(ledger_, *loaded);
    TariffLoadingNote note;
    if (found.has_value() && *found) note = **found;
    object["entry"] = note.entry.value == 0 ? json::value(nullptr) : json::value(note.entry.value);
    object["operator"] = text_or_null(note.operator_name);
    object["reason"] = text_or_null(note.reason);
  }

 private:
  static json::value text_or_null(std::string_view text) {
    return text.empty() ? json::value(nullptr) : json::value(utf8_text(text));
  }

  LedgerReader ledger_;
  std::vector<TariffLoaded> loaded_;
};

json::object tariff_json(const tariffs::VersionedTariff& versioned, const TariffView& view) {
  const tariffs::Tariff& tariff = *versioned.tariff;
  json::object object = summary_json(versioned, view);
  json::array services;
  for (const tariffs::Service& service : tariff.services()) {
    services.push_back({{"name", service.name},
                        {"context", service.context},
                        {"unit", tariffs::unit_name(service.unit)}});
  }
  json::array rules;
  for (const tariffs::Rule& rule : tariff.rules()) {
    rules.push_back(
        {{"rule", rule.name},
         {"service", tariff.service_name(rule.service)},
         {"rating_group", group_json(rule.rating_group)},
         {"subscription_required", rule.restrictions.needs_subscription},
         {"pass", rule.restrictions.pass},
         {"switches", json::value_from(rule.restrictions.switches)},
         {"restrictions", tariffs::restrictions_text(rule.restrictions)},
         {"price", rule.terms ? json::value(terms_json(*rule.terms, tariff.currency())) : nullptr},
         {"over", rule.over ? json::value(tariff.counters()[*rule.over].name) : nullptr},
         {"stop", rule.stop}});
  }
  json::array counters;
  for (const tariffs::CounterRule& counter : tariff.counters()) {
    counters.push_back({{"counter", counter.name},
                        {"unit", tariffs::unit_name(counter.unit)},
                        {"period", tariffs::period_name(counter.period)},
                        {"paid", counter.is_paid},
                        {"shared", counter.is_shared}});
  }
  json::array offers;
  for (const tariffs::Offer& offer : tariff.offers()) offers.push_back(offer_json(offer, tariff));
  object["services"] = std::move(services);
  object["rules"] = std::move(rules);
  object["discounts"] = adjustments_json(tariff, true);
  object["surcharges"] = adjustments_json(tariff, false);
  object["combine"] = tariffs::combine_name(tariff.combine());
  object["situations"] = situations_json(tariff);
  object["counters"] = std::move(counters);
  object["offers"] = std::move(offers);
  return object;
}

// `what`: "error", or "warning" where those are not to be.
Reply file_errors_reply(const std::vector<tariffs::FileError>& errors,
                        std::string_view what = "error") {
  const std::string message =
      fmt::format("{} {}{} in the tariff; nothing was loaded, and the one in force stays",
                  errors.size(), what, errors.size() == 1 ? "" : "s");
  return json_reply(
      {{"error",
        {{"code", "invalid_tariff"}, {"message", message}, {"errors", places_json(errors)}}}},
      422);
}

Visited visit_tariffs(Api& api, TariffView& view) {
  return api.shard.visit([&](Shard& shard) { view = view_tariffs(shard); });
}

Visited visit_tariffs(Api& api, TariffView& view, Loadings& loadings) {
  return api.shard.visit([&](Shard& shard) {
    view = view_tariffs(shard);
    loadings.take(shard);
  });
}

std::optional<Reply> wrong_reason(std::string_view reason) {
  if (auto wrong = check_note(Note{{}, reason, {}})) return refusal_reply(*wrong);
  return std::nullopt;
}

// What was loaded as the newest version, and how.
json::object loaded_json(const TariffView& view, Loadings& loadings) {
  const tariffs::VersionedTariff& version = view.history->versions().back();
  json::object object = summary_json(version, view);
  loadings.add(version.version, version.tariff->time_zone(), object);
  return object;
}

Reply no_version_reply(const HttpRequest& request) {
  return error_reply(404, "not_found",
                     fmt::format("there is no tariff version {}; see: farthing tariff list",
                                 request.arguments[0]));
}

std::string document_of(Api& api, const tariffs::VersionedTariff& version) {
  return api.store.document(tariff_document_key(version.version)).value_or("");
}

// What is warned of where a tariff says that it was valid before it was loaded.
tariffs::FileError is_past(std::string_view file, const tariffs::Tariff& tariff) {
  return {std::string(file), 0, 0,
          fmt::format("valid_from {} is past; it counts from the loading on",
                      tariffs::local_time_text(tariff.time_zone(), tariff.valid_from()))};
}

// Why a version cannot be made valid from now on for all; "": it can.
std::string wrong_validity(const TariffView& view, const tariffs::VersionedTariff& version) {
  const std::uint32_t number = version.version.value;
  const tariffs::VersionedTariff* const in_force = view.in_force();
  if (in_force != nullptr && in_force->version == version.version) {
    return fmt::format("version {} is in force", number);
  }
  const std::string& zone = version.tariff->time_zone();
  if (version.tariff->valid_from() > view.now) {
    return fmt::format(
        "version {} says that it is valid from {} on; load its file with "
        "another "
        "valid_from: farthing tariff show {} --save DIR",
        number, tariffs::local_time_text(zone, version.tariff->valid_from()), number);
  }
  if (version.valid_until && *version.valid_until <= view.now) {
    return fmt::format(
        "version {} says that it is valid until {}; load its file with another "
        "valid_until: farthing tariff show {} --save DIR",
        number, tariffs::local_time_text(zone, *version.valid_until), number);
  }
  return {};
}

// Why a rollback cannot be; "": it can.
std::string wrong_rollback(const TariffView& view, const tariffs::VersionedTariff& version) {
  const std::uint32_t number = version.version.value;
  if (version.only) {
    return fmt::format(
        "version {} is only for {}={}; to make it everybody's use: farthing tariff release {}",
        number, version.only->name, version.only->value, number);
  }
  return wrong_validity(view, version);
}

// Why a release cannot be, likewise.
std::string wrong_release(const TariffView& view, const tariffs::VersionedTariff& version) {
  if (version.only) return wrong_validity(view, version);
  return fmt::format(
      "version {} is for everybody already; to make it valid again use: farthing tariff rollback "
      "{}",
      version.version.value, version.version.value);
}

// What the request says of what is to be priced; the called number as the network says it, which
// `rating` keeps. Returns what is wrong with it; "": nothing.
std::string read_facts(const HttpRequest& request, const TariffView& view, RatingFacts& rating,
                       tariffs::Facts& facts) {
  const std::string_view called = request.query_value("called");
  const auto learn = [&rating](AttributeId id, std::string_view value) {
    if (!value.empty()) rating.learn({{static_cast<std::uint8_t>(id), value}});
  };
  learn(AttributeId::called_party, called);
  learn(AttributeId::calling_party, request.query_value("calling"));
  learn(AttributeId::routing_number, request.query_value("routing"));
  learn(AttributeId::common_groups, request.query_value("group"));
  facts = rating.at(view.now);
  if (!called.empty() && facts.called_number.empty() && facts.dialled_number.empty()) {
    return fmt::format("{} is no number, such as +49301234567, 110 or urn:service:sos",
                       tariffs::in_quotes(called));
  }
  if (const std::string_view leg = request.query_value("leg"); !leg.empty()) {
    const std::optional<tariffs::Leg> read = tariffs::parse_leg(leg);
    if (!read) {
      return fmt::format("{} is no leg; expected originating, terminating or forwarded",
                         tariffs::in_quotes(leg));
    }
    facts.leg = *read;
  }
  facts.access_point = request.query_value("apn");
  facts.serving_network = request.query_value("network");
  const auto rat = query_number(request, "rat", UINT64_MAX, UINT8_MAX);
  const bool has_rat = !request.query_value("rat").empty();
  if (has_rat && !rat) return "a RAT type is a number up to 255; 6 is EUTRAN";
  if (has_rat) facts.rat_type = static_cast<std::uint8_t>(*rat);
  const std::string_view at = request.query_value("at");
  if (at.empty()) return {};
  const auto time = tariffs::parse_local_time(view.time_zone(), at);
  if (!time.has_value()) {
    return fmt::format(
        "{} is no local time of {} that comes once, such as "
        "2026-12-01T20:00:00",
        tariffs::in_quotes(at), view.time_zone());
  }
  facts.time = *time;
  return {};
}

// What counters say: "data-month=1048576,spent=50000000", in units or
// millionths of the currency. Returns what is wrong with it; "": nothing.
std::string read_counted(std::string_view text, const tariffs::Tariff& tariff,
                         std::vector<std::uint64_t>& counted) {
  counted.assign(tariff.counters().size(), 0);
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    const std::string_view name = item.substr(0, item.find('='));
    const std::string_view value = item.substr(std::min(name.size() + 1, item.size()));
    const auto counter = std::ranges::find(tariff.counters(), name, &tariffs::CounterRule::name);
    if (counter == tariff.counters().end()) {
      return fmt::format("tariff {} has no counter {}; see: farthing tariff show", tariff.name(),
                         tariffs::in_quotes(name));
    }
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || number < 0) {
      return fmt::format("{} is no value of a counter", tariffs::in_quotes(value));
    }
    counted[static_cast<std::size_t>(counter - tariff.counters().begin())] =
        static_cast<std::uint64_t>(number);
  }
  return {};
}

// attr.segment=gold
std::string read_attributes(const HttpRequest& request, tariffs::SubscriberAttributes& attributes) {
  constexpr std::string_view prefix = "attr.";
  for (const auto& [key, value] : request.query) {
    if (!key.starts_with(prefix)) continue;
    const std::string name = key.substr(prefix.size());
    if (const auto wrong = wrong_attribute(name, value)) return *wrong;
    if (!tariffs::value_of(attributes, name).empty()) return name + " is there twice; give it once";
    attributes.push_back({name, value});
  }
  return {};
}

// segment=test, of whom a version is to be; nullopt: it is read, or not given.
std::optional<Reply> read_only(std::string_view text,
                               std::optional<tariffs::SubscriberAttribute>& only) {
  if (text.empty()) return std::nullopt;
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals + 1 == text.size()) {
    return error_reply(400, "invalid",
                       fmt::format("{} is no attribute with a value, such as segment=test",
                                   tariffs::in_quotes(text)));
  }
  only = {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
  if (const auto wrong = wrong_attribute(only->name, only->value)) {
    return error_reply(400, "invalid", *wrong);
  }
  return std::nullopt;
}

json::value tax_json(const tariffs::PricePiece& piece) {
  const tariffs::PriceTerms& terms = *piece.rule->terms;
  if (!terms.tax) return nullptr;
  return json::value(tariffs::tax_in(piece.total, *terms.tax, terms.rounding).to_string());
}

json::object price_json(const tariffs::VersionedTariff& version,
                        const tariffs::PriceBreakdown& price) {
  const tariffs::Tariff& tariff = *version.tariff;
  json::array pieces;
  for (const tariffs::PricePiece& piece : price.pieces) {
    json::array stretches;
    for (const auto& [from, to] : piece.stretches) {
      stretches.push_back(
          json::array{time_text(tariff.time_zone(), from), time_text(tariff.time_zone(), to)});
    }
    pieces.push_back({{"rule", piece.rule->name},
                      {"line", piece.rule->line},
                      {"units", piece.units},
                      {"units_charged", piece.chargeable},
                      {"amount", piece.total.to_string()},
                      {"setup", piece.setup.to_string()},
                      {"tax", tax_json(piece)},
                      {"price", terms_json(*piece.rule->terms, tariff.currency())},
                      {"times", std::move(stretches)}});
  }
  return {{"amount", price.total.to_string()},
          {"currency", tariff.currency()},
          {"units", price.units},
          {"units_charged", price.chargeable},
          {"unit", tariffs::unit_name(price.unit)},
          {"rule", price.pieces.front().rule->name},
          {"pieces", std::move(pieces)},
          {"explanation", tariffs::describe_price(tariff, price)},
          {"tariff", version.version.value},
          {"tariff_name", tariff.name()}};
}

// Makes a version that was loaded valid for all from now on, as a new version. `what` is done so,
// as the ledger says, and `wrong` why it cannot be.
Reply load_again(Api& api, const HttpRequest& request, std::string_view what,
                 std::string (*wrong)(const TariffView&, const tariffs::VersionedTariff&)) {
  BodyFields fields(request.body.empty() ? "{}" : request.body);
  const std::string said = fields.optional("reason");
  if (auto reply = fields.wrong()) return *reply;
  TariffView view;
  Loadings loadings(api);
  if (const Visited ran = visit_tariffs(api, view); !ran) return unavailable_reply(ran.why());
  const tariffs::VersionedTariff* const version = view.named(request.arguments[0]);
  if (version == nullptr) return no_version_reply(request);
  const std::string reason =
      fmt::format("{} of {}{}{}", what, version->version.value, said.empty() ? "" : ": ", said);
  if (auto reply = wrong_reason(reason)) return *reply;
  SourceDocument document(document_of(api, *version));
  std::string refused;
  const Visited ran = api.shard.visit([&](Shard& shard) {
    view = view_tariffs(shard);
    refused = wrong(view, *version);
    if (!refused.empty()) return;
    shard.enter_tariff(version->tariff, std::move(document),
                       Note{request.operator_name, reason, {}});
    view = view_tariffs(shard);
    loadings.take(shard);
  });
  if (!ran) return unavailable_reply(ran.why());
  if (!refused.empty()) return error_reply(422, "refused", refused);
  return json_reply(loaded_json(view, loadings), 201);
}

}  // namespace

Reply load_tariff(Api& api, const HttpRequest& request, Stream&) {
  const std::string_view name = request.query_value("file");
  const std::string_view file_name = name.empty() ? "tariff" : name;
  const auto source = tariffs::parse_source(request.body);
  if (!source.has_value()) {
    return file_errors_reply({{std::string(file_name), 0, 0, source.error().message}});
  }
  const tariffs::CheckedTariff checked = engine::check_tariff(file_name, *source);
  if (checked.tariff == nullptr) return file_errors_reply(checked.errors);
  const std::string reason(request.query_value("reason"));
  if (auto wrong = wrong_reason(reason)) return *wrong;
  const bool is_strict = !request.query_value("strict").empty();
  std::optional<tariffs::SubscriberAttribute> only;
  if (auto wrong = read_only(request.query_value("only"), only)) return *wrong;
  TariffView view;
  Loadings loadings(api);
  std::string currency;
  std::vector<tariffs::FileError> warnings = checked.warnings;
  SourceDocument document(std::string(request.body));
  const Visited ran = api.shard.visit([&](Shard& shard) {
    view = view_tariffs(shard);
    if (checked.tariff->valid_from() < view.now) {
      warnings.push_back(is_past(file_name, *checked.tariff));
    }
    if (!view.history->versions().empty()) currency = view.currency();
    if (!currency.empty() && currency != checked.tariff->currency()) return;
    currency.clear();
    if (is_strict && !warnings.empty()) return;
    shard.enter_tariff(checked.tariff, std::move(document), Note{request.operator_name, reason, {}},
                       only);
    view = view_tariffs(shard);
    loadings.take(shard);
  });
  if (!ran) return unavailable_reply(ran.why());
  if (!currency.empty()) {
    return error_reply(
        422, "refused",
        fmt::format("the accounts are kept in {}, and this tariff is in {}; load one "
                    "with currency: {}",
                    currency, checked.tariff->currency(), currency));
  }
  if (is_strict && !warnings.empty()) return file_errors_reply(warnings, "warning");
  json::object loaded = loaded_json(view, loadings);
  loaded["tests"] = checked.tariff->tests().size();
  loaded["warnings"] = places_json(warnings);
  return json_reply(std::move(loaded), 201);
}

Reply roll_back_tariff(Api& api, const HttpRequest& request, Stream&) {
  return load_again(api, request, "rollback", wrong_rollback);
}

Reply release_tariff(Api& api, const HttpRequest& request, Stream&) {
  return load_again(api, request, "release", wrong_release);
}

Reply list_tariffs(Api& api, const HttpRequest&, Stream&) {
  TariffView view;
  Loadings loadings(api);
  if (const Visited ran = visit_tariffs(api, view, loadings); !ran) {
    return unavailable_reply(ran.why());
  }
  json::array versions;
  for (const tariffs::VersionedTariff& version : view.history->versions()) {
    json::object object = summary_json(version, view);
    loadings.add(version.version, version.tariff->time_zone(), object);
    versions.push_back(std::move(object));
  }
  return json_reply({{"tariffs", std::move(versions)}});
}

Reply get_tariff(Api& api, const HttpRequest& request, Stream&) {
  TariffView view;
  Loadings loadings(api);
  if (const Visited ran = visit_tariffs(api, view, loadings); !ran) {
    return unavailable_reply(ran.why());
  }
  const tariffs::VersionedTariff* const version = view.named(request.arguments[0]);
  if (version == nullptr) return no_version_reply(request);
  json::object object = tariff_json(*version, view);
  const auto source = tariffs::parse_source(document_of(api, *version));
  if (!source.has_value()) return error_reply(500, "damaged", source.error().message);
  object["source"] = source->text;
  json::array tables;
  for (const tariffs::SourceTable& table : source->tables) {
    tables.push_back({{"name", table.name}, {"bytes", table.text.size()}});
  }
  object["tables"] = std::move(tables);
  loadings.add(version->version, version->tariff->time_zone(), object);
  return json_reply(object);
}

// The bytes that POST takes.
Reply get_tariff_source(Api& api, const HttpRequest& request, Stream&) {
  TariffView view;
  if (const Visited ran = visit_tariffs(api, view); !ran) return unavailable_reply(ran.why());
  const tariffs::VersionedTariff* const version = view.named(request.arguments[0]);
  if (version == nullptr) return no_version_reply(request);
  return {200, "application/octet-stream", document_of(api, *version)};
}

Reply get_price(Api& api, const HttpRequest& request, Stream&) {
  const auto units = query_number(request, "units", 0, INT64_MAX);
  const auto group = query_number(request, "rating_group", UINT64_MAX, UINT32_MAX);
  const std::string context(request.query_value("context"));
  const bool grouped = !request.query_value("rating_group").empty();
  if (!units || context.empty() || (grouped && !group)) {
    return error_reply(400, "invalid",
                       "a price is of a context (or service), units, and maybe "
                       "a rating_group: "
                       "?context=32251@3gpp.org&rating_group=10&units=1048576");
  }
  TariffView view;
  if (const Visited ran = visit_tariffs(api, view); !ran) return unavailable_reply(ran.why());
  RatingFacts rating;
  tariffs::Facts facts;
  if (const std::string wrong = read_facts(request, view, rating, facts); !wrong.empty()) {
    return error_reply(400, "invalid", wrong);
  }
  tariffs::SubscriberAttributes attributes;
  if (const std::string wrong = read_attributes(request, attributes); !wrong.empty()) {
    return error_reply(400, "invalid", wrong);
  }
  facts.subscriber = attributes;
  const tariffs::VersionedTariff* const version = view.history->at(*facts.time, attributes);
  if (version == nullptr) {
    return error_reply(422, "no_tariff",
                       "no tariff is in force; load one: farthing tariff load FILE");
  }
  const tariffs::Tariff& tariff = *version->tariff;
  std::vector<std::uint64_t> counted;
  if (const std::string wrong = read_counted(request.query_value("counted"), tariff, counted);
      !wrong.empty()) {
    return error_reply(400, "invalid", wrong);
  }
  facts.counted = counted;
  std::optional<RatingGroup> rating_group;
  if (grouped) rating_group = RatingGroup(static_cast<std::uint32_t>(*group));
  const tariffs::Service* const service = tariff.find_service(context);
  const auto price = tariffs::price_units(tariff, service == nullptr ? context : service->context,
                                          rating_group, *units, facts);
  if (!price.has_value()) {
    return error_reply(
        422, "no_price",
        fmt::format("tariff {} has no price for {}: {}; see: farthing tariff show", tariff.name(),
                    context, tariffs::price_failure_text(tariff, price.error())));
  }
  return json_reply(price_json(*version, *price));
}

}  // namespace farthing::engine::admin
