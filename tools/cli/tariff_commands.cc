#include "tools/cli/commands.h"

#include "engine/admin/http.h"
#include "tariffs/explain.h"
#include "tariffs/file_error.h"
#include "tariffs/source_files.h"
#include "tariffs/yaml_scalar.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace farthing::tools {

namespace json = boost::json;
using engine::admin::encode_url;

namespace {

struct Given {
  std::string file, version = "current", folder, context, units;
  std::string called, calling, routing, group, leg, apn, network, at, reason, only;
  bool strict = false;
  std::vector<std::string> counted;
  std::vector<std::string> subscriber;  // "segment=gold"
  std::optional<std::uint32_t> rating_group, rat;
};

std::string warning_text(const json::value& place) {
  if (field(place, "line") == "0") {
    return fmt::format("{}: warning: {}", field(place, "file"), field(place, "message"));
  }
  return fmt::format("{}:{}:{}: warning: {}", field(place, "file"), field(place, "line"),
                     field(place, "column"), field(place, "message"));
}

void tell_loaded(const Context& context, const json::value& tariff) {
  const std::string only = field(tariff, "only");
  context.out() << fmt::format(
      "tariff {} loaded as version {}, {} {}{}{}\n", field(tariff, "name"),
      field(tariff, "version"),
      field(tariff, "in_force") == "true" ? "in force since" : "valid from",
      field(tariff, "valid_from"), only.empty() ? "" : ", only for ", only);
}

int load_file(const Context& context, const Given& given) {
  auto source = read_tariff(given.file);
  if (!source.has_value()) return context.fail(source.error().exit_code, source.error().message);
  const std::string target =
      fmt::format("/v1/tariffs?file={}&reason={}{}", encode_url(given.file),
                  encode_url(given.reason), given.strict ? "&strict=1" : "") +
      (given.only.empty() ? "" : "&only=" + encode_url(given.only));
  return context.send("POST", target, tariffs::canonical_bytes(std::move(*source)),
                      [&context](const json::value& tariff) {
                        for (const json::value& place : tariff.at("warnings").as_array()) {
                          context.tell(warning_text(place));
                        }
                        tell_loaded(context, tariff);
                      });
}

// `how`: rollback or release.
int load_again(const Context& context, const Given& given, std::string_view how) {
  return context.send("POST", fmt::format("/v1/tariffs/{}/{}", encode_url(given.version), how),
                      json_body({{"reason", given.reason}}),
                      [&context](const json::value& tariff) { tell_loaded(context, tariff); });
}

void list_versions(const Context& context, const json::value& answer) {
  Table table({{"version", true},
               {"name"},
               {"currency"},
               {"valid_from"},
               {"valid_until"},
               {"only"},
               {"in_force"},
               {"loaded_at"},
               {"operator"},
               {"reason"}});
  for (const json::value& tariff : answer.at("tariffs").as_array()) {
    table.add({field(tariff, "version"), field(tariff, "name"), field(tariff, "currency"),
               field(tariff, "valid_from"), field(tariff, "valid_until"), field(tariff, "only"),
               field(tariff, "in_force") == "true" ? "yes" : "", field(tariff, "loaded_at"),
               field(tariff, "operator"), field(tariff, "reason")});
  }
  context.print(table);
}

void show_counters(const Context& context, const json::array& counters) {
  if (counters.empty()) return;
  context.out() << '\n';
  Table table({{"counter"}, {"unit"}, {"period"}, {"counts"}, {"of"}});
  for (const json::value& counter : counters) {
    table.add({field(counter, "counter"), field(counter, "unit"), field(counter, "period"),
               field(counter, "paid") == "true" ? "what no allowance pays" : "everything",
               field(counter, "shared") == "true" ? "the account" : "each subscriber"});
  }
  context.print(table);
}

void show_rules(const Context& context, const json::array& rules) {
  const bool have_tax = std::ranges::any_of(
      rules, [](const json::value& rule) { return !field(rule.at("price"), "tax_rate").empty(); });
  std::vector<Column> columns = {{"rule"},       {"amount", true},  {"per", true},  {"unit"},
                                 {"step", true}, {"minimum", true}, {"setup", true}};
  if (have_tax) columns.push_back({"tax_%", true});
  Table table(columns);
  for (const json::value& rule : rules) {
    const json::value& price = rule.at("price");
    std::vector<std::string> row = {
        field(rule, "rule"),  price.is_null() ? "no price" : field(price, "amount"),
        field(price, "per"),  field(price, "unit"),
        field(price, "step"), field(price, "minimum"),
        field(price, "setup")};
    if (have_tax) row.push_back(field(price, "tax_rate"));
    table.add(row);
  }
  context.print(table);
}

void show_adjustments(const Context& context, const json::value& tariff) {
  for (const std::string_view kind : {"discounts", "surcharges"}) {
    const json::array& adjustments = tariff.at(kind).as_array();
    if (adjustments.empty()) continue;
    context.out() << fmt::format("\n{}{}:\n", kind,
                                 kind == "discounts" && adjustments.size() > 1
                                     ? fmt::format(" ({})", field(tariff, "combine"))
                                     : "");
    for (const json::value& adjustment : adjustments) {
      const std::string where = field(adjustment, "where");
      context.out() << fmt::format("{}{}{}\n", field(adjustment, "text"),
                                   where.empty() ? "" : ", where ", where.substr(!where.empty()));
    }
  }
}

void show_situations(const Context& context, const json::value& tariff) {
  const json::array& situations = tariff.at("situations").as_array();
  if (!situations.empty()) context.out() << "\nsituations:\n";
  for (const json::value& situation : situations) {
    context.out() << fmt::format("{}: where {}\n", field(situation, "name"),
                                 field(situation, "where").substr(1));
  }
}

void show_version(const Context& context, const json::value& tariff) {
  context.out() << fmt::format("tariff {}, version {}, {}, valid from {}\n", field(tariff, "name"),
                               field(tariff, "version"), field(tariff, "currency"),
                               field(tariff, "valid_from"));
  const std::string author = field(tariff, "operator");
  const std::string reason = field(tariff, "reason");
  context.out() << fmt::format("loaded {}{}{}{}\n\n", field(tariff, "loaded_at"),
                               author.empty() ? "" : " by " + author, reason.empty() ? "" : ": ",
                               reason);
  if (const std::string validity = field(tariff, "validity"); !validity.empty()) {
    context.out() << fmt::format("a top-up extends the validity of prepaid accounts by {}\n\n",
                                 validity);
  }
  show_rules(context, tariff.at("rules").as_array());
  for (const json::value& rule : tariff.at("rules").as_array()) {
    const json::value& price = rule.at("price");
    if (price.is_null()) continue;
    if (const std::string asks = field(rule, "restrictions"); !asks.empty()) {
      context.out() << fmt::format("{}: {}\n", field(rule, "rule"), asks);
    }
    const json::object& terms = price.as_object();
    if (!terms.contains("tiers") && !terms.contains("slabs") && !terms.contains("cap")) continue;
    const bool goes_by_counter = !rule.at("over").is_null();
    context.out() << fmt::format("{}: {}{}\n", field(rule, "rule"), field(price, "text"),
                                 goes_by_counter ? ", by counter " + field(rule, "over") : "");
  }
  show_adjustments(context, tariff);
  show_situations(context, tariff);
  show_counters(context, tariff.at("counters").as_array());
  const json::array& offers = tariff.at("offers").as_array();
  if (offers.empty()) return;
  context.out() << '\n';
  Table table({{"offer"}, {"fee", true}, {"brings"}, {"lasts"}});
  for (const json::value& offer : offers) {
    std::string brings;
    for (const json::value& allowance : offer.at("allowances").as_array()) {
      const auto unit = tariffs::unit_named(field(allowance, "unit"));
      const auto amount = allowance.at("amount").to_number<std::uint64_t>();
      brings += (brings.empty() ? "" : ", ") +
                tariffs::units_text(unit.value_or(tariffs::Unit::events), amount);
    }
    const bool renews = offer.as_object().contains("period");
    table.add({field(offer, "offer"), field(offer, "fee"), brings,
               renews ? "each " + field(offer, "period") : field(offer, "validity")});
  }
  context.print(table);
  for (const json::value& offer : offers) {
    if (const json::value* const filing = offer.as_object().if_contains("filing")) {
      context.out() << fmt::format("{}: filing {}\n", field(offer, "offer"), filing->as_string());
    }
    for (const char* what : {"deposit", "gift"}) {
      const json::value* const parts = offer.as_object().if_contains(what);
      if (parts == nullptr) continue;
      context.out() << fmt::format("{}: {} {}\n", field(offer, "offer"), what,
                                   field(*parts, "text"));
    }
    const json::value* const minimum = offer.as_object().if_contains("minimum_spend");
    if (minimum == nullptr) continue;
    context.out() << fmt::format("{}: minimum spend {} by counter {}\n", field(offer, "offer"),
                                 field(*minimum, "amount"), field(*minimum, "counter"));
  }
}

// Writes what a version was made from, so that it can be changed and loaded again.
int save_version(const Context& context, const Given& given) {
  const auto answer = context.fetch("/v1/tariffs/" + encode_url(given.version) + "/source");
  if (!answer.has_value()) return context.fail(answer.error().exit_code, answer.error().message);
  if (answer->status >= 400) return context.refused(answer->body);
  const auto source = tariffs::parse_source(answer->body);
  if (!source.has_value()) return context.fail(exit_refused, source.error().message);
  const auto written = tariffs::write_source(given.folder, *source);
  if (!written.has_value()) return context.fail(exit_refused, written.error().message);
  if (context.json) {
    context.out() << json::serialize(json::object{{"file", given.folder + "/tariff.yaml"}}) << '\n';
  } else {
    context.out() << fmt::format(
        "{}/tariff.yaml, and {} beside it\n", given.folder,
        source->tables.size() == 1 ? "1 table" : fmt::format("{} tables", source->tables.size()));
  }
  return exit_done;
}

// "1048576", "100MiB", "2min": a number of the service's unit.
std::optional<std::uint64_t> parse_units(std::string_view text) {
  struct Word {
    std::string_view name;
    std::uint64_t factor;
  };
  constexpr std::array<Word, 10> words = {{{"", 1},
                                           {"B", 1},
                                           {"KiB", 1ull << 10},
                                           {"MiB", 1ull << 20},
                                           {"GiB", 1ull << 30},
                                           {"TiB", 1ull << 40},
                                           {"s", 1},
                                           {"min", 60},
                                           {"h", 3600},
                                           {"d", 86'400}}};
  const auto quantity = tariffs::parse_quantity(text);
  if (!quantity) return std::nullopt;
  for (const Word& word : words) {
    std::uint64_t units = 0;
    if (word.name != quantity->unit) continue;
    if (__builtin_mul_overflow(quantity->number, word.factor, &units)) return std::nullopt;
    return units;
  }
  return std::nullopt;
}

// "data-month=9GiB", "spent=50.00", as the server takes them: the counter's unit, or millionths.
std::optional<std::string> parse_counted(std::string_view text) {
  const std::size_t at = text.find('=');
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view value = text.substr(at + 1);
  std::optional<std::uint64_t> number = parse_units(value);
  if (value.find('.') != std::string_view::npos) {
    const std::optional<tariffs::Money> money = tariffs::Money::parse(value);
    if (money && money->micros >= 0) number = static_cast<std::uint64_t>(money->micros);
  }
  if (!number) return std::nullopt;
  return fmt::format("{}={}", text.substr(0, at), *number);
}

int show_price(const Context& context, const Given& given) {
  const auto units = parse_units(given.units);
  if (!units) {
    return context.fail(exit_usage,
                        fmt::format("{} is no number of units, such as 10, 100MiB or 2min",
                                    tariffs::in_quotes(given.units)));
  }
  std::string target =
      fmt::format("/v1/tariffs/price?context={}&units={}", encode_url(given.context), *units);
  if (given.rating_group) target += fmt::format("&rating_group={}", *given.rating_group);
  if (given.rat) target += fmt::format("&rat={}", *given.rat);
  const std::pair<std::string_view, const std::string&> texts[] = {
      {"called", given.called},   {"calling", given.calling},
      {"routing", given.routing}, {"group", given.group},
      {"leg", given.leg},         {"apn", given.apn},
      {"network", given.network}, {"at", given.at}};
  for (const auto& [name, text] : texts) {
    if (!text.empty()) target += fmt::format("&{}={}", name, encode_url(text));
  }
  std::string counted;
  for (const std::string& text : given.counted) {
    const std::optional<std::string> parsed = parse_counted(text);
    if (!parsed) {
      return context.fail(exit_usage, fmt::format("{} is no counter and value, such as "
                                                  "data-month=9GiB or spent=50.00",
                                                  tariffs::in_quotes(text)));
    }
    counted += (counted.empty() ? "" : ",") + *parsed;
  }
  if (!counted.empty()) target += "&counted=" + encode_url(counted);
  for (const std::string& attribute : given.subscriber) {
    const std::size_t equals = attribute.find('=');
    if (equals == std::string::npos || equals + 1 == attribute.size()) {
      return context.fail(exit_usage, fmt::format("{} is no attribute with a value: segment=gold",
                                                  tariffs::in_quotes(attribute)));
    }
    target += fmt::format("&attr.{}={}", encode_url(attribute.substr(0, equals)),
                          encode_url(attribute.substr(equals + 1)));
  }
  return context.get(target, [&context](const json::value& price) {
    const std::size_t pieces = price.at("pieces").as_array().size();
    context.out() << fmt::format(
        "{} {} for {} {} (charged as {}) by {} of tariff {}, version {}\n\n{}",
        field(price, "amount"), field(price, "currency"), field(price, "units"),
        field(price, "unit"), field(price, "units_charged"),
        pieces == 1 ? "rule " + field(price, "rule") : fmt::format("{} rules", pieces),
        field(price, "tariff_name"), field(price, "tariff"), field(price, "explanation"));
  });
}

void add_loading(CLI::App& group, Context& context, const std::shared_ptr<Given>& given) {
  CLI::App* const load = add_command(
      group, context, "load",
      "Loads a tariff: in force from its valid_from, never from before now. One that is past is\n"
      "warned of, and counts from now on",
      "farthing tariff load new.yaml --reason \"June prices\"\n"
      "  farthing tariff load new.yaml --strict\n"
      "  farthing tariff load new.yaml --only segment=test",
      [&context, given] { return load_file(context, *given); });
  add_argument(load, "FILE", given->file,
               "The tariff file, beside which its tables are; - is standard input");
  add_text_option(load, "--reason", given->reason, "Stands in the ledger")->type_name("TEXT");
  load->add_flag("--strict", given->strict,
                 "Load nothing where there is any warning, a valid_from that is past included");

  add_text_option(
      load, "--only", given->only,
      "Only for subscribers of whom this is said, to try it: their charges are marked.\n"
      "To make it everybody's: farthing tariff release")
      ->type_name("NAME=VALUE");

  CLI::App* const release = add_command(
      group, context, "release",
      "Makes a version that is only for some subscribers everybody's from now on, as a new version",
      "farthing tariff release 3 --reason \"tried since Monday\"",
      [&context, given] { return load_again(context, *given, "release"); });
  add_argument(release, "VERSION", given->version, "Its number");
  add_text_option(release, "--reason", given->reason,
                  "Stands in the ledger, behind \"release of 3\"")
      ->type_name("TEXT");

  CLI::App* const rollback = add_command(
      group, context, "rollback",
      "Makes an earlier version valid from now on, as a new version; what was charged stays",
      "farthing tariff rollback 3 --reason \"June prices were wrong\"",
      [&context, given] { return load_again(context, *given, "rollback"); });
  add_argument(rollback, "VERSION", given->version, "Its number");
  add_text_option(rollback, "--reason", given->reason,
                  "Stands in the ledger, behind \"rollback of 3\"")
      ->type_name("TEXT");
}

}  // namespace

base::Result<tariffs::TariffSource, Problem> read_tariff(const std::string& path) {
  auto text = read_file(path);
  if (!text.has_value()) return text.error();
  auto source = tariffs::with_tables(path, std::move(*text));
  if (!source.has_value()) return Problem{exit_refused, source.error().message};
  return std::move(*source);
}

void add_tariff_commands(CLI::App& app, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const group = add_group(app, "tariff", "Tariffs: what things cost");

  add_tariff_check(*group, context);
  add_tariff_diff(*group, context);
  add_tariff_simulate(*group, context);
  add_tariff_rerate(*group, context);
  add_loading(*group, context, given);
  add_command(*group, context, "list", "Lists the versions loaded", "farthing tariff list",
              [&context] {
                return context.get("/v1/tariffs", [&context](const json::value& answer) {
                  list_versions(context, answer);
                });
              });

  CLI::App* const show =
      add_command(*group, context, "show", "Shows a version's prices and offers",
                  "farthing tariff show 2", [&context, given] {
                    if (!given->folder.empty()) return save_version(context, *given);
                    return context.get(
                        "/v1/tariffs/" + encode_url(given->version),
                        [&context](const json::value& tariff) { show_version(context, tariff); });
                  });
  show->add_option("VERSION", given->version, "Its number; default: the one in force")
      ->type_name("");
  show->add_option("--save", given->folder,
                   "Write its file and tables into this new folder instead, ready to be loaded")
      ->type_name("DIR");

  CLI::App* const price = add_command(*group, context, "price",
                                      "Says what something would cost and why, allowances aside",
                                      "farthing tariff price data 100MiB --rating-group 10",
                                      [&context, given] { return show_price(context, *given); });
  add_argument(price, "SERVICE", given->context, "A service's name or Service-Context-Id");
  add_argument(price, "UNITS", given->units, "How much: 10, 100MiB, 2min");
  add_text_option(price, "--called", given->called,
                  "The called number, as the network says it: +49301234, 110, tel:...");
  add_text_option(price, "--calling", given->calling, "The calling number, likewise");
  add_text_option(price, "--routing", given->routing,
                  "Where the called number is routed that was ported: D123");
  add_text_option(price, "--group", given->group,
                  "What the other party is of, as the subscriber is: family, or account,family");
  add_text_option(price, "--leg", given->leg,
                  "originating (the default), terminating or forwarded");
  add_text_option(price, "--apn", given->apn, "The access point");
  price->add_option("--rat", given->rat, "The radio access: a number of 3GPP-RAT-Type")
      ->type_name("N");
  add_text_option(price, "--network", given->network, "The serving network: MCC and MNC, 46000");
  price
      ->add_option("--subscriber", given->subscriber,
                   "What is said of the subscriber: segment=gold; may be given several times")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  add_text_option(price, "--at", given->at,
                  "When it begins, in the tariff's local time: 2026-12-01T20:00:00; default: now");
  price->add_option("--counted", given->counted,
                    "What a counter says before: data-month=9GiB, or spent=50.00; repeatable");
  price->add_option("--rating-group", given->rating_group, "The rating group, where there is one")
      ->type_name("N");
}

}  // namespace farthing::tools
