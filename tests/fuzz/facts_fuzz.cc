// What requests say beside their units, from the octets of attributes to the price that wins:
// numbers are read as they may be read, a price goes on winning until the moment that is named as
// the next change, and what the ledger keeps of attributes is what came.
//
// Input: a Service-Context-Id, a rating group, a time, then attributes; each text with an octet of
// its size before it.
#include "engine/attributes.h"
#include "engine/base/assert.h"
#include "engine/facts.h"
#include "engine/operations.h"
#include "tariffs/tariff_file.h"
#include "tests/fuzz/input.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace farthing::engine {
namespace {

constexpr std::size_t attributes_max = 32;
constexpr Time begin = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);

std::string read_file(const std::string& name) {
  std::ifstream file(std::string(FARTHING_SAMPLES) + "/" + name);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::shared_ptr<const tariffs::Tariff> compile(const std::string& name) {
  tariffs::TariffSource source{read_file(name), {}};
  for (const std::string& table : tariffs::table_files(source.text)) {
    source.tables.push_back({table, read_file(table)});
  }
  auto tariff = tariffs::compile_tariff(name, source);
  if (tariff.has_error()) test::expect_sound(tariffs::to_string(tariff.error().front()));
  return *tariff;
}

// Those whose prices have conditions on what comes with a request.
const std::vector<std::shared_ptr<const tariffs::Tariff>>& tariffs_asked() {
  static const std::vector<std::shared_ptr<const tariffs::Tariff>> compiled = {
      compile("zones-and-times.yaml"), compile("discounts.yaml"), compile("night-data.yaml"),
      compile("family-network.yaml"), compile("roam-like-at-home.yaml")};
  return compiled;
}

bool are_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

void check_numbers(const tariffs::Facts& facts) {
  for (const std::string_view number : {facts.called_number, facts.calling_number,
                                        facts.recipient_number, facts.originator_number}) {
    FARTHING_ASSERT(are_digits(number) && number.size() <= tariffs::e164_digits_max);
    FARTHING_ASSERT(!number.starts_with('0'));
  }
  FARTHING_ASSERT(facts.called_number.empty() || facts.dialled_number.empty() ||
                  !are_digits(facts.dialled_number));
  FARTHING_ASSERT(are_digits(facts.dialled_calling));
  FARTHING_ASSERT(facts.routing_number.substr(std::min<std::size_t>(facts.routing_number.size(), 1))
                      .find_first_not_of("0123456789ABCDEF") == std::string_view::npos);
}

void check_prices(const tariffs::Tariff& tariff, std::string_view context,
                  std::optional<RatingGroup> group, tariffs::Facts facts) {
  const std::string called = tariff.called_number(facts);
  FARTHING_ASSERT(are_digits(called) && called.size() <= tariffs::e164_digits_max);
  const tariffs::PriceList* const prices = tariff.prices(context, group);
  const tariffs::Rule* const rule = tariff.find(context, group, facts);
  FARTHING_ASSERT(prices != nullptr || rule == nullptr);
  if (prices == nullptr) return;
  FARTHING_ASSERT(prices->find(facts) == rule);
  const Time from = *facts.time;
  const auto change = prices->next_change(facts);
  if (change) {
    FARTHING_ASSERT(*change > from);
    for (const Time at : {from + (*change - from) / 2, *change - base::Duration(1)}) {
      facts.time = at;
      FARTHING_ASSERT(prices->find(facts) == rule);
    }
  }
  Time reached = from;
  const Time to = from + std::chrono::hours(48);
  prices->split(facts, from, to, 100, [&](const tariffs::Rule* part, Time first, Time last) {
    FARTHING_ASSERT(first == reached && last > first);
    FARTHING_ASSERT(first != from || part == rule);
    reached = last;
  });
  FARTHING_ASSERT(reached == to);
}

// Attributes written as the ledger keeps them and read again.
void check_encoding(const std::vector<AttributeView>& attributes) {
  std::string encoded;
  changed_attributes("", attributes, encoded);
  std::vector<AttributeView> read;
  FARTHING_ASSERT(decode_attributes(encoded, read));
  FARTHING_ASSERT(read.size() == attributes.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    FARTHING_ASSERT(read[i].id == attributes[i].id && read[i].value == attributes[i].value);
  }
  std::string changed;
  changed_attributes(encoded, attributes, changed);
  FARTHING_ASSERT(changed.empty());
}

void check_identity(std::string_view text) {
  const auto msisdn = parse_msisdn(text);
  if (!msisdn) return;
  const std::string digits = msisdn->digits();
  FARTHING_ASSERT(text == digits || text == "+" + digits);
  FARTHING_ASSERT(Identity::make(Identity::Kind::e164, digits) == msisdn);
  FARTHING_ASSERT(Identity::from_bits(msisdn->bits()) == *msisdn);
}

void play(test::FuzzInput input) {
  const std::string_view context = input.text(input.octet());
  const std::uint32_t drawn = input.octet();
  const auto group = drawn < 128 ? std::optional(RatingGroup(drawn)) : std::nullopt;
  const Time at = begin + std::chrono::minutes(input.u16() * 8);
  std::vector<AttributeView> attributes;
  while (!input.is_empty() && attributes.size() < attributes_max) {
    const std::uint8_t id = input.octet();
    attributes.push_back({id, input.text(input.octet())});
    check_identity(attributes.back().value);
  }
  std::vector<AttributeView> decoded;
  if (!attributes.empty()) decode_attributes(attributes.back().value, decoded);

  sort_attributes(attributes);
  check_encoding(attributes);
  RatingFacts known;
  known.learn(attributes);
  if (const auto msisdn = parse_msisdn("8613800138000")) known.know(*msisdn, {});
  const tariffs::Facts facts = known.at(at);
  check_numbers(facts);
  for (const auto& tariff : tariffs_asked()) check_prices(*tariff, context, group, facts);
}

}  // namespace
}  // namespace farthing::engine

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  farthing::engine::play(farthing::test::FuzzInput({data, size}));
  return 0;
}
