#include "engine/entry.h"

#include "engine/outcome.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <memory>

namespace farthing::engine {
namespace {

Entry sample() {
  Entry entry;
  entry.kind = EntryKind::session_opened;
  entry.account = AccountNumber(7);
  entry.subscriber = SubscriberNumber(1);
  entry.previous = Sequence(90);
  entry.session = SessionLink{};
  entry.session_id = "smf.example;1;2";
  entry.service_context = "32251@3gpp.org";
  entry.request = RequestSection{{RequestType::initial, 0, 3, 0x1122334455667788u, 9},
                                 Time(Duration(1'780'000'000'000'000)),
                                 true};
  entry.attributes = "\x01\x02hi";
  entry.openings.push_back({});
  entry.openings[0].rating_group = RatingGroup(0);
  entry.openings[0].terms.amount = Money(100'000);
  entry.openings[0].terms.block = 1u << 20;
  entry.uses.push_back({0, UINT64_MAX});
  entry.legs = {{Side::reserved, 0, {}, 5},
                {Side::main, Leg::no_segment, {}, -5},
                {Side::allowance, 0, BucketNumber(3), -7},
                {Side::allowance_reserved, 0, BucketNumber(3), 7}};
  entry.grants.push_back({0, 12, 4096});
  entry.validity_seconds = 3600;
  entry.outcome = "answer";
  entry.note = Note{"anna", "because", "key-1"};
  return entry;
}

std::string encoded(const Entry& entry, Sequence own) {
  std::string bytes;
  encode_entry(entry, own, bytes);
  return bytes;
}

TEST(Entry, ComesBackAsItWas) {
  const std::string bytes = encoded(sample(), Sequence(100));
  std::string_view rest = bytes;
  Entry read;
  ASSERT_TRUE(decode_entry(rest, Sequence(100), read));
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(encoded(read, Sequence(100)), bytes);
  EXPECT_EQ(read.previous, Sequence(90));
  EXPECT_EQ(read.openings[0].rating_group, RatingGroup(0));
  EXPECT_EQ(read.uses[0].units, UINT64_MAX);
  EXPECT_EQ(read.legs, sample().legs);
  EXPECT_EQ(read.note->request_id, "key-1");
}

TEST(Entry, TaxStandsBehindTheTermsWhereThereIsSome) {
  const std::string without = encoded(sample(), Sequence(100));
  Entry taxed = sample();
  taxed.openings[0].terms.tax = tariffs::Percent{190'000};
  taxed.openings[0].terms.rounding = tariffs::Rounding::down;
  auto shape = std::make_shared<tariffs::PriceShape>();
  shape->bands = {{100, Money(7)}};
  taxed.openings[0].terms.shape = shape;
  const std::string bytes = encoded(taxed, Sequence(100));
  std::string_view rest = bytes;
  Entry read;
  ASSERT_TRUE(decode_entry(rest, Sequence(100), read));
  EXPECT_EQ(read.openings[0].terms, taxed.openings[0].terms);
  rest = without;
  ASSERT_TRUE(decode_entry(rest, Sequence(100), read)) << "into the same entry";
  EXPECT_EQ(read.openings[0].terms, sample().openings[0].terms);
  taxed.openings[0].terms.tax = tariffs::Percent{tariffs::Percent::whole + 1};
  const std::string beyond = encoded(taxed, Sequence(100));
  rest = beyond;
  EXPECT_FALSE(decode_entry(rest, Sequence(100), read));
}

TEST(Entry, SituationsStandWhereThereAreSome) {
  const std::string without = encoded(sample(), Sequence(100));
  Entry entry = sample();
  entry.openings[0].terms.tax = tariffs::Percent{190'000};
  entry.openings[0].situations.add(tariffs::situation_key("night"));
  entry.openings[0].situations.add(tariffs::situation_key("eu"));
  BucketOpening& bucket = entry.bucket_openings.emplace_back();
  bucket.coverage = {{ServiceKey(7), RatingGroup(UINT32_MAX), tariffs::situation_key("night")},
                     {ServiceKey(7), {}, {}},
                     {ServiceKey(8), {}, tariffs::situation_key("eu")}};
  bucket.limits = {{tariffs::situation_key("eu"), 37}};
  entry.limit_changes = {{BucketNumber(3), 1, -5}};
  const std::string bytes = encoded(entry, Sequence(100));
  std::string_view rest = bytes;
  Entry read;
  ASSERT_TRUE(decode_entry(rest, Sequence(100), read));
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(read.openings[0].situations, entry.openings[0].situations);
  EXPECT_EQ(read.openings[0].terms, entry.openings[0].terms);
  EXPECT_EQ(read.bucket_openings[0].coverage, bucket.coverage);
  EXPECT_EQ(read.bucket_openings[0].limits, bucket.limits);
  ASSERT_EQ(read.limit_changes.size(), 1u);
  EXPECT_EQ(read.limit_changes[0].units, -5);
  rest = without;
  ASSERT_TRUE(decode_entry(rest, Sequence(100), read)) << "into the same entry";
  EXPECT_EQ(read.openings[0].situations, tariffs::Situations());
}

TEST(Entry, ACutOfTheLedgerComesBackAsItWas) {
  Entry entry;
  entry.kind = EntryKind::ledger_cut;
  LedgerCut& cut = entry.cut.emplace();
  cut.end = {Sequence(99), Time(Duration(-5)), {}};
  cut.end.hash.fill(std::byte{0xfe});
  cut.opening.fill(std::byte{0x17});
  cut.sums[0] = static_cast<base::Int128>(INT64_MIN) * 1000;
  cut.sums[10] = static_cast<base::Int128>(INT64_MAX) * 1000;
  const std::string bytes = encoded(entry, Sequence(1000));
  std::string_view rest = bytes;
  Entry read;
  ASSERT_TRUE(decode_entry(rest, Sequence(1000), read));
  EXPECT_TRUE(rest.empty());
  ASSERT_TRUE(read.cut.has_value());
  EXPECT_EQ(read.cut->end.last, cut.end.last);
  EXPECT_EQ(read.cut->end.now, cut.end.now);
  EXPECT_EQ(read.cut->end.hash, cut.end.hash);
  EXPECT_EQ(read.cut->opening, cut.opening);
  EXPECT_TRUE(read.cut->sums == cut.sums);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    rest = std::string_view(bytes).substr(0, size);
    EXPECT_FALSE(decode_entry(rest, Sequence(1000), read)) << size;
  }
}

TEST(Entry, PortedAndChosenNumbersComeBackAsTheyWere) {
  Entry entry;
  entry.kind = EntryKind::chosen_changed;
  entry.numbers = NumbersLoading{1'000'000, 0xfedcba9876543210};
  entry.chosen = ChosenList{SubscriberNumber(3),
                            {"8613800138001", "49301234"},
                            {Time(Duration(5)), Time(Duration(7))},
                            2};
  const std::string bytes = encoded(entry, Sequence(1000));
  std::string_view rest = bytes;
  Entry read;
  ASSERT_TRUE(decode_entry(rest, Sequence(1000), read));
  EXPECT_TRUE(rest.empty());
  ASSERT_TRUE(read.numbers.has_value());
  EXPECT_EQ(read.numbers->count, entry.numbers->count);
  EXPECT_EQ(read.numbers->source_hash, entry.numbers->source_hash);
  EXPECT_EQ(read.chosen, entry.chosen);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    rest = std::string_view(bytes).substr(0, size);
    EXPECT_FALSE(decode_entry(rest, Sequence(1000), read)) << size;
  }
  entry.chosen->numbers[1] = "no number";
  const std::string broken = encoded(entry, Sequence(1000));
  rest = broken;
  EXPECT_FALSE(decode_entry(rest, Sequence(1000), read));
}

TEST(Entry, SharesAndBudgetsComeBackAsTheyWere) {
  Entry entry;
  entry.kind = EntryKind::payer_budget_changed;
  PayerChange plain{BucketNumber(3), AccountNumber(7), Money(5), {Time(Duration(5)), Time()}};
  PayerChange share = plain;
  share.cap.reset();
  share.share = {333'333};
  share.rounding = tariffs::Rounding::up;
  share.place = 2;
  entry.payers = {plain, share};
  entry.share_uses = {{1, BucketNumber(3), 100, 33}, {2, BucketNumber(4), -5, -2}};
  entry.budget = PayerBudget{Money(500), {Time(Duration(5)), Time(Duration(7))}, -3, 9};
  const std::string bytes = encoded(entry, Sequence(1000));
  std::string_view rest = bytes;
  Entry read;
  ASSERT_TRUE(decode_entry(rest, Sequence(1000), read));
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(read.payers, entry.payers);
  ASSERT_EQ(read.share_uses.size(), 2u);
  EXPECT_EQ(read.share_uses[1].fallen_micros, -5);
  EXPECT_EQ(read.share_uses[1].paid_micros, -2);
  EXPECT_EQ(read.budget, entry.budget);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    rest = std::string_view(bytes).substr(0, size);
    EXPECT_FALSE(decode_entry(rest, Sequence(1000), read)) << size;
  }
  for (const std::uint32_t millionths : {0u, 1'000'001u}) {
    entry.payers[1].share = {millionths};
    const std::string broken = encoded(entry, Sequence(1000));
    rest = broken;
    EXPECT_FALSE(decode_entry(rest, Sequence(1000), read)) << millionths;
  }
}

TEST(Entry, TheSideThatPaysStandsBehindTheTerms) {
  Entry entry = sample();
  const std::string before = encoded(entry, Sequence(100));
  entry.openings[0].terms.paid_from = tariffs::PaidFrom::prepaid;
  const std::string bytes = encoded(entry, Sequence(100));
  EXPECT_EQ(bytes.size(), before.size() + 1);
  std::string_view rest = bytes;
  Entry read;
  ASSERT_TRUE(decode_entry(rest, Sequence(100), read));
  EXPECT_EQ(read.openings[0].terms, entry.openings[0].terms);
}

TEST(Entry, KnowsWhenItsLegsDoNotAddUp) {
  Entry entry = sample();
  EXPECT_TRUE(is_balanced(entry));
  entry.legs[2].amount = -8;
  EXPECT_FALSE(is_balanced(entry));
  entry = sample();
  entry.legs[0].amount = 6;
  EXPECT_FALSE(is_balanced(entry));
}

TEST(Entry, EveryCutIsRefused) {
  const std::string bytes = encoded(sample(), Sequence(100));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view cut(bytes.data(), size);
    Entry read;
    EXPECT_FALSE(decode_entry(cut, Sequence(100), read)) << size;
  }
}

RC_GTEST_PROP(Entry, HostileBytesAreSurvived, (std::vector<std::uint8_t> noise)) {
  std::string bytes = encoded(sample(), Sequence(100));
  for (std::size_t i = 0; i + 1 < noise.size(); i += 2) {
    bytes[noise[i] % bytes.size()] = static_cast<char>(noise[i + 1]);
  }
  std::string_view rest = bytes;
  Entry read;
  if (decode_entry(rest, Sequence(100), read)) static_cast<void>(encoded(read, Sequence(100)));
}

RC_GTEST_PROP(Outcome, ComesBackAsItWas,
              (std::uint64_t amount, std::uint32_t group, bool final_unit,
               std::uint32_t threshold)) {
  Answer answer;
  answer.cost = Money(-3);
  answer.services.reserve(2);
  ServiceAnswer& service = answer.add_service();
  service.rating_group = RatingGroup(group);
  service.service_identifiers = {ServiceIdentifier(group), ServiceIdentifier(1)};
  service.grant = Grant{Unit::octets, amount, amount / 2, true};
  service.validity_seconds = 17;
  service.final_unit = final_unit;
  service.threshold = threshold;
  if (!final_unit) service.holding_seconds = threshold / 2;
  answer.add_service().outcome = Outcome::rating_failed;
  std::string bytes, again;
  encode_outcome(answer, bytes);
  Answer read;
  RC_ASSERT(decode_outcome(bytes, read));
  RC_ASSERT(read.services[0].threshold == threshold);
  RC_ASSERT(read.services[0].holding_seconds == service.holding_seconds);
  encode_outcome(read, again);
  RC_ASSERT(again == bytes);
  RC_ASSERT(!decode_outcome(std::string_view(bytes).substr(0, bytes.size() - 1), read));
}

}  // namespace
}  // namespace farthing::engine
