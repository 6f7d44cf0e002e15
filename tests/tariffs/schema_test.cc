// The JSON schema for editors, docs/tariff.schema.json, names the keys that the compiler knows and
// no others. (That it is a schema, and that samples keep it, is for validate_samples to say.)
#include "tariffs/tariff_file.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

namespace farthing::tariffs {
namespace {

namespace json = boost::json;

using Keys = std::set<std::string, std::less<>>;

// A key that nobody knows in each kind of map that there is.
constexpr std::string_view spoilt = R"(zzz: 1
tariff: small
currency: EUR
time_zone: Europe/Berlin
valid_from: 2026-01-01T00:00:00
services:
  data:
    zzz: 1
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 1 MiB, by_balance: [{below: 1.00, maximum: 1 KiB, zzz: 1}],
            reports: {every: 1 s, zzz: 1}, zzz: 1}
    at_end: {action: redirect, address: "https://top.example/", zzz: 1}
    prices:
      - {default: true, counted: {used: {from: 1 B, zzz: 1}}, stop: true, price: free}
      - {default: true, time: day, tiers: [{amount: 1.00, per: 1 MiB, zzz: 1}]}
      - default: true
        time: night
        first: {units: 1 MiB, amount: 1.00, zzz: 1}
        cap: {amount: 1.00, zzz: 1}
        amount: 1.00
        per: 1 MiB
      - {default: true, amount: 1.00, per: 1 MiB, zzz: 1}
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 1 h, time_quota: {mechanism: discrete, interval: 1 s, zzz: 1}}
    prices: [{default: true, amount: 1.00, per: 1 min}]
tables: {zzz: 1}
numbers: {country_code: 49, zzz: 1}
counters:
  used: {unit: octets, period: day, covers: [{service: data}], zzz: 1}
  bill: {unit: money, period: month}
ceilings:
  top: {counter: used, at: 1 GiB, zzz: 1}
discounts: {off: {percent: 1, zzz: 1}}
surcharges: {more: {amount: 1.00, per: session, zzz: 1}}
situations: {dark: {time: night, zzz: 1}}
calendars:
  days: {default: night, classes: {day: [{days: all, from: 08:00, to: 20:00, zzz: 1}]}, zzz: 1}
offers:
  - {name: pack, allowance: 2 MiB, validity: 30 d, covers: [{service: data, zzz: 1}], zzz: 1}
  - name: plan
    period: month
    chosen_numbers: {most: 1, zzz: 1}
    begins: calendar
    first_period: prorated
    proration: {zzz: 1}
    minimum_spend: {amount: 1.00, counter: bill, zzz: 1}
    deposit: {amount: 1.00, instalments: 2, zzz: 1}
    filing: {number: "1", from: 2026-01-01, zzz: 1}
    allowances:
      - {amount: 1 MiB, covers: [{service: data}], rollover: {periods: 1, zzz: 1}, zzz: 1}
      - {amount: 2 MiB, covers: [{service: data}], limits: [{when: dark, amount: 1 MiB, zzz: 1}]}
tests:
  - {name: one, service: data, use: [{units: 1 B, zzz: 1}], expect: {amount: 0, zzz: 1},
     payers: [{services: [data], zzz: 1}], zzz: 1}
)";

// What a map is called in messages, and where the schema has it.
const std::map<std::string, std::string, std::less<>> definitions = {
    {"the tariff", ""},
    {"service \"data\"", "service"},
    {"the grant of service \"data\"", "grant"},
    {"the sizes by balance", "grant_sizes"},
    {"reports", "frequent_reports"},
    {"a price of service \"data\"", "price"},
    {"the tier", "band"},
    {"the first block", "first"},
    {"the cap", "cap"},
    {"the range of counter \"used\"", "counted"},
    {"counter \"used\"", "counter"},
    {"ceiling \"top\"", "ceiling"},
    {"discount \"off\"", "discount"},
    {"surcharge \"more\"", "surcharge"},
    {"situation \"dark\"", "situation"},
    {"the tables", "tables"},
    {"the numbers", "numbers"},
    {"calendar \"days\"", "calendar"},
    {"a range of time", "range"},
    {"an offer", "offer"},
    {"an allowance", "allowance"},
    {"a rollover", "rollover"},
    {"the chosen numbers", "chosen_numbers"},
    {"a limit", "limit"},
    {"the proration", "proration"},
    {"the minimum spend", "minimum_spend"},
    {"the deposit", "instalments"},
    {"the filing", "filing"},
    {"at_end", "at_end"},
    {"time_quota", "time_quota"},
    {"what is covered", "coverage"},
    {"a test", "test"},
    {"a report", "report"},
    {"a payer", "payer"},
    {"what a test expects", "expected"}};

// By definition: what the message about the unknown key says that there could be.
std::map<std::string, Keys> keys_of_compiler() {
  constexpr std::string_view begin = "unknown key \"zzz\" in ";
  constexpr std::string_view middle = "; expected ";
  std::map<std::string, Keys> keys;
  for (const FileError& error : check_tariff("t.yaml", {std::string(spoilt), {}}).errors) {
    const std::string_view message = error.message;
    const std::size_t at = message.find(middle);
    if (!message.starts_with(begin) || at == std::string_view::npos) {
      ADD_FAILURE() << to_string(error);
      continue;
    }
    const std::string_view what = message.substr(begin.size(), at - begin.size());
    const auto definition = definitions.find(what);
    if (definition == definitions.end()) {
      ADD_FAILURE() << "the schema has nothing for " << what;
      continue;
    }
    std::istringstream list{std::string(message.substr(at + middle.size()))};
    for (std::string key; list >> key;) {
      if (key.ends_with(',')) key.pop_back();
      keys[definition->second].insert(key);
    }
  }
  return keys;
}

std::map<std::string, Keys> keys_of_schema() {
  std::ifstream file(FARTHING_TARIFF_SCHEMA);
  std::stringstream text;
  text << file.rdbuf();
  const json::value schema = json::parse(text.str());
  std::map<std::string, Keys> keys;
  const auto take = [&keys](const std::string& name, const json::object& object) {
    const json::value* const properties = object.if_contains("properties");
    if (properties == nullptr) return;
    EXPECT_FALSE(object.at("additionalProperties").as_bool()) << name;
    for (const auto& [key, value] : properties->as_object()) keys[name].insert(key);
  };
  take("", schema.as_object());
  for (const auto& [name, value] : schema.at("definitions").as_object()) {
    take(name, value.as_object());
  }
  return keys;
}

TEST(TariffSchema, HasTheKeysOfTheCompiler) {
  const std::map<std::string, Keys> compiler = keys_of_compiler();
  EXPECT_EQ(compiler.size(), definitions.size());
  EXPECT_EQ(keys_of_schema(), compiler);
}

}  // namespace
}  // namespace farthing::tariffs
