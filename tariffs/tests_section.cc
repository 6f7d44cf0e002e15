#include "tariffs/tests_section.h"

#include "tariffs/tariff.h"
#include "tariffs/tariff_values.h"
#include "tariffs/yaml_reader.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace farthing::tariffs {
namespace {

constexpr std::size_t tests_max = 1000;
constexpr std::size_t uses_max = 1000;
constexpr std::size_t subscriptions_max = 100;
constexpr std::size_t payers_max = 4;
constexpr std::size_t payer_services_max = 16;
constexpr std::size_t name_bytes_max = 200;
constexpr Money plenty{1'000'000 * Money::micros_per_unit};
// By TestRefusal.
constexpr std::array<std::string_view, 3> refusal_names = {"balance", "no-price", "denied"};

class Reader {
 public:
  Reader(const TariffParts& parts, const std::set<ServiceKey>& without_unit, FileErrors& errors)
      : parts_(parts), without_unit_(without_unit), errors_(errors) {}

  TariffTest read(const YamlNode& node);

 private:
  void read_name(YamlMap& map, TariffTest& test);
  const Service* read_service(YamlMap& map, TariffTest& test);
  std::optional<RatingGroup> read_any_group(const YamlNode& node, const Service& service);
  void read_times_and_uses(YamlMap& map, TariffTest& test);
  std::optional<base::Time> read_valid_time(const YamlNode& node);
  void read_uses(const YamlNode& node, TariffTest& test);
  TariffTest::Use read_use(const YamlNode& node, const TariffTest& test);
  void read_network(YamlMap& map, TariffTest& test);
  std::string read_groups(const YamlNode& node);
  void read_account(YamlMap& map, TariffTest& test);
  void read_payers(const YamlNode& node, TariffTest& test);
  TariffTest::Payer read_payer(const YamlNode& node);
  const Offer* read_offer(const YamlNode& name);
  void read_expected(const YamlNode& node, TariffTest& test);
  void read_allowances(const YamlNode& node, TariffTest& test);
  std::optional<std::uint64_t> read_service_units(const YamlNode& node, const TariffTest& test,
                                                  std::uint64_t lowest);

  const TariffParts& parts_;
  const std::set<ServiceKey>& without_unit_;
  FileErrors& errors_;
  bool has_unit_ = false;  // that of the test at hand is known
};

TariffTest Reader::read(const YamlNode& node) {
  YamlMap map(node, "a test", errors_);
  TariffTest test;
  test.position = node.position;
  read_name(map, test);
  const Service* const service = read_service(map, test);
  const YamlNode* const group = map.find("rating_group");
  if (group != nullptr && service != nullptr) {
    test.rating_group = read_any_group(*group, *service);
  }
  read_times_and_uses(map, test);
  read_network(map, test);
  read_account(map, test);
  if (const YamlNode* expected = map.require("expect", "what it must come to")) {
    read_expected(*expected, test);
  }
  map.finish();
  return test;
}

void Reader::read_name(YamlMap& map, TariffTest& test) {
  constexpr std::string_view form = "what it is about, in at most 200 bytes";
  const YamlNode* const name = map.require("name", form);
  if (name == nullptr) return;
  test.name = read_text(*name, errors_, form).value_or("");
  if (test.name.size() > name_bytes_max) {
    errors_.add(name->position, "the name is too long", form);
  }
}

const Service* Reader::read_service(YamlMap& map, TariffTest& test) {
  constexpr std::string_view form = "the name of a service";
  has_unit_ = false;
  const YamlNode* const node = map.require("service", form);
  const std::optional<std::string> name = node ? read_text(*node, errors_, form) : std::nullopt;
  if (!name) return nullptr;
  std::vector<std::string_view> names;
  for (const Service& service : parts_.services) {
    names.push_back(service.name);
    if (service.name != *name) continue;
    test.context = service.context;
    test.unit = service.unit;
    has_unit_ = !without_unit_.contains(service.key);
    return &service;
  }
  errors_.add(node->position,
              fmt::format("unknown service {}{}", in_quotes(*name), did_you_mean(*name, names)),
              fmt::format("one of {}", fmt::join(names, ", ")));
  return nullptr;
}

// The network may send numbers that the file does not declare.
std::optional<RatingGroup> Reader::read_any_group(const YamlNode& node, const Service& service) {
  const std::optional<Quantity> number = parse_quantity(node.text);
  if (!number || !number->unit.empty()) return read_group(node, errors_, service);
  const std::optional<std::uint64_t> group =
      read_integer(node, errors_, 0, std::numeric_limits<std::uint32_t>::max());
  if (!group) return std::nullopt;
  return RatingGroup(static_cast<std::uint32_t>(*group));
}

void Reader::read_times_and_uses(YamlMap& map, TariffTest& test) {
  test.at = parts_.valid_from;
  if (const YamlNode* node = map.find("at")) {
    test.at = read_valid_time(*node).value_or(test.at);
  }
  if (const YamlNode* node = map.require("use", "how much is used, or a list of reports")) {
    read_uses(*node, test);
  }
}

std::optional<base::Time> Reader::read_valid_time(const YamlNode& node) {
  const std::optional<base::Time> time = read_time(node, errors_, parts_.time_zone);
  if (!time) return std::nullopt;
  if (*time >= parts_.valid_from && (!parts_.valid_until || *time < *parts_.valid_until)) {
    return time;
  }
  errors_.add(node.position, "the tariff is not valid at that time",
              "a time from valid_from to before valid_until");
  return std::nullopt;
}

void Reader::read_uses(const YamlNode& node, TariffTest& test) {
  if (node.kind != YamlNode::Kind::sequence) {
    test.uses.push_back(read_use(node, test));
    return;
  }
  if (!check_count(node, errors_, "reports", 1, uses_max)) return;
  for (const YamlNode& item : node.items) test.uses.push_back(read_use(item, test));
}

TariffTest::Use Reader::read_use(const YamlNode& node, const TariffTest& test) {
  TariffTest::Use use;
  if (node.kind != YamlNode::Kind::map) {
    use.units = read_service_units(node, test, 1).value_or(0);
    return use;
  }
  YamlMap map(node, "a report", errors_);
  if (const YamlNode* units = map.require("units", "how much is used")) {
    use.units = read_service_units(*units, test, 1).value_or(0);
  }
  if (const YamlNode* at = map.find("at")) {
    use.at = read_valid_time(*at);
    base::Time before = test.at;
    for (const TariffTest::Use& earlier : test.uses) before = earlier.at.value_or(before);
    if (use.at && *use.at < before) {
      errors_.add(at->position, "the report is earlier than what is before it", "a later time");
    }
  }
  map.finish();
  return use;
}

// Nothing, and no error of its own, where the test's service is not known.
std::optional<std::uint64_t> Reader::read_service_units(const YamlNode& node,
                                                        const TariffTest& test,
                                                        std::uint64_t lowest) {
  if (!has_unit_) return std::nullopt;
  return read_units(node, errors_, test.unit, lowest);
}

// What the request says of the network and of the other party, in the bytes of the wire.
void Reader::read_network(YamlMap& map, TariffTest& test) {
  struct Key {
    std::string_view name;
    std::string_view form;
    std::string* text;
  };
  const std::array keys = {Key{"called", "a number such as +8613800138000", &test.called},
                           Key{"calling", "a number such as +8613800138000", &test.calling},
                           Key{"routing_number", "a number such as D123", &test.routing_number},
                           Key{"apn", "an APN or DNN", &test.access_point},
                           Key{"serving_network", "MCC and MNC", &test.serving_network}};
  for (const Key& key : keys) {
    const YamlNode* const node = map.find(key.name);
    if (node == nullptr) continue;
    *key.text = read_text(*node, errors_, key.form).value_or("");
    if (key.text->size() > name_bytes_max) errors_.add(node->position, "too long", key.form);
  }
  if (const YamlNode* node = map.find("group")) test.common_groups = read_groups(*node);
  if (const YamlNode* node = map.find("leg")) {
    const std::optional<std::size_t> choice = read_choice(
        *node, errors_,
        {leg_name(Leg::originating), leg_name(Leg::terminating), leg_name(Leg::forwarded)});
    if (choice) test.leg = static_cast<Leg>(*choice);
  }
  if (const YamlNode* node = map.find("rat_type")) {
    const std::optional<std::uint64_t> number = read_integer(*node, errors_, 0, 255);
    if (number) test.rat_type = static_cast<std::uint8_t>(*number);
  }
}

// One name or a list of them, as a request's attribute has them.
std::string Reader::read_groups(const YamlNode& node) {
  std::string names;
  const bool is_list = node.kind == YamlNode::Kind::sequence;
  if (is_list && !check_count(node, errors_, "groups", 1, subscriber_attributes_max)) return names;
  for (const YamlNode& item : is_list ? std::span(node.items) : std::span(&node, 1)) {
    const std::string name = read_text(item, errors_, label_form).value_or("");
    if (!name.empty() && !is_label(name)) {
      errors_.add(item.position, fmt::format("{} is no group", in_quotes(name)), label_form);
    }
    names += (names.empty() ? "" : ",") + name;
  }
  return names;
}

void Reader::read_account(YamlMap& map, TariffTest& test) {
  if (const YamlNode* node = map.find("subscriber")) {
    test.attributes = read_attributes(*node, errors_);
  }
  if (const YamlNode* node = map.find("switched_off")) {
    test.switched_off = read_switches(*node, errors_);
  }
  test.balance = plenty;
  if (const YamlNode* node = map.find("balance")) {
    test.balance = read_money(*node, errors_).value_or(plenty);
  }
  if (const YamlNode* node = map.find("credit_limit")) {
    test.credit_limit = read_money(*node, errors_).value_or(Money());
  }
  if (const YamlNode* node = map.find("payers")) read_payers(*node, test);
  const YamlNode* const node = map.find("subscriptions");
  if (node == nullptr) return;
  if (!check_kind(*node, YamlNode::Kind::sequence, errors_, "a list of offers")) return;
  if (!check_count(*node, errors_, "subscriptions", 0, subscriptions_max)) return;
  for (const YamlNode& item : node->items) {
    if (const Offer* offer = read_offer(item)) test.subscriptions.push_back(offer->name);
  }
}

void Reader::read_payers(const YamlNode& node, TariffTest& test) {
  if (!check_kind(node, YamlNode::Kind::sequence, errors_, "a list of payers")) return;
  if (!check_count(node, errors_, "payers", 0, payers_max)) return;
  for (const YamlNode& item : node.items) test.payers.push_back(read_payer(item));
}

// Whether there are such services, who plays the test says.
TariffTest::Payer Reader::read_payer(const YamlNode& node) {
  constexpr std::string_view form = "a list of services, such as data or data/10";
  YamlMap map(node, "a payer", errors_);
  TariffTest::Payer payer;
  const YamlNode* const services = map.require("services", form);
  if (services != nullptr && check_kind(*services, YamlNode::Kind::sequence, errors_, form) &&
      check_count(*services, errors_, "services", 1, payer_services_max)) {
    for (const YamlNode& item : services->items) {
      if (auto name = read_text(item, errors_, form)) payer.services.push_back(std::move(*name));
    }
  }
  payer.balance = plenty;
  if (const YamlNode* balance = map.find("balance")) {
    payer.balance = read_money(*balance, errors_).value_or(plenty);
  }
  if (const YamlNode* cap = map.find("cap")) payer.cap = read_money(*cap, errors_);
  if (const YamlNode* share = map.find("share")) {
    payer.share = read_percent(*share, errors_).value_or(payer.share);
    if (payer.share.millionths == 0)
      errors_.add(share->position, "a share of nothing", "above 0 %");
  }
  map.finish();
  return payer;
}

const Offer* Reader::read_offer(const YamlNode& node) {
  const std::optional<std::string> name = read_text(node, errors_, "the name of an offer");
  if (!name) return nullptr;
  std::vector<std::string_view> names;
  for (const Offer& offer : parts_.offers) {
    if (offer.name == *name) return &offer;
    names.push_back(offer.name);
  }
  errors_.add(node.position,
              fmt::format("unknown offer {}{}", in_quotes(*name), did_you_mean(*name, names)),
              "the name of an offer of this file");
  return nullptr;
}

void Reader::read_expected(const YamlNode& node, TariffTest& test) {
  YamlMap map(node, "what a test expects", errors_);
  if (const YamlNode* amount = map.find("amount")) {
    const std::optional<Money> money = read_money(*amount, errors_);
    if (money) test.amount = {*money, amount->position};
  }
  if (const YamlNode* balance = map.find("balance")) {
    const std::optional<Money> money = read_money(*balance, errors_);
    if (money) test.balance_left = {*money, balance->position};
  }
  if (const YamlNode* served = map.find("served")) {
    const std::optional<std::uint64_t> units = read_service_units(*served, test, 0);
    if (units) test.served = {*units, served->position};
  }
  if (const YamlNode* refused = map.find("refused")) {
    const std::optional<std::size_t> choice =
        read_choice(*refused, errors_, {refusal_names.begin(), refusal_names.end()});
    if (choice) test.refused = {static_cast<TestRefusal>(*choice), refused->position};
  }
  if (const YamlNode* allowances = map.find("allowances")) read_allowances(*allowances, test);
  map.finish();
  if (node.kind == YamlNode::Kind::empty ||
      (node.kind == YamlNode::Kind::map && node.entries.empty())) {
    errors_.add(node.position, "the test expects nothing",
                "amount, balance, served, refused or allowances");
  }
}

void Reader::read_allowances(const YamlNode& node, TariffTest& test) {
  if (!check_kind(node, YamlNode::Kind::map, errors_, "what is left, by the name of the offer")) {
    return;
  }
  for (const YamlEntry& entry : node.entries) {
    YamlNode name;
    name.kind = YamlNode::Kind::scalar;
    name.position = entry.key_position;
    name.text = entry.key;
    const Offer* const offer = read_offer(name);
    if (offer == nullptr) continue;  // it has an error of its own
    if (offer->allowances.empty()) {
      if (!offer->renewal) continue;  // likewise
      errors_.add(entry.key_position,
                  fmt::format("the offer {} brings nothing to use", in_quotes(offer->name)),
                  "an offer with an allowance");
      continue;
    }
    if (std::ranges::find(test.subscriptions, offer->name) == test.subscriptions.end()) {
      errors_.add(entry.key_position,
                  fmt::format("the offer {} is not held in this test", in_quotes(offer->name)),
                  "one of its subscriptions");
      continue;
    }
    // Of several allowances, what is left of those in the first one's unit.
    const Unit unit = offer->allowances.front().unit;
    const std::optional<std::uint64_t> units = read_units(entry.value, errors_, unit, 0);
    if (units) test.allowances.push_back({{offer->name, unit, *units}, entry.key_position});
  }
}

}  // namespace

std::string_view refusal_name(TestRefusal refusal) {
  return refusal_names[static_cast<std::size_t>(refusal)];
}

std::vector<TariffTest> read_tests(const YamlNode& node, const TariffParts& parts,
                                   const std::set<ServiceKey>& without_unit, FileErrors& errors) {
  std::vector<TariffTest> tests;
  if (!check_kind(node, YamlNode::Kind::sequence, errors, "a list of tests")) return tests;
  if (!check_count(node, errors, "tests", 0, tests_max)) return tests;
  Reader reader(parts, without_unit, errors);
  for (const YamlNode& item : node.items) tests.push_back(reader.read(item));
  return tests;
}

}  // namespace farthing::tariffs
