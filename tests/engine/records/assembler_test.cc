// The fold of the ledger into charging data records: one a closed session or event, and together
// what every account was charged.
#include "engine/records/assembler.h"

#include "tests/engine/records/traffic.h"
#include "tests/support/ledger_sums.h"

#include <gtest/gtest.h>

namespace farthing::engine::records {
namespace {

using test::Charged;
using test::LedgerSums;
using test::Traffic;

// The records of the entries from `from` on.
std::vector<ChargingRecord> records_of(const storage::LedgerStore& store, Assembler& assembler,
                                       std::uint64_t from = 1) {
  std::vector<ChargingRecord> records;
  Entry entry;
  ChargingRecord closed;
  const auto scanned = store.scan(Sequence(from), [&](const storage::Record& record) {
    std::string_view body = record.body;
    Sequence own = record.header.first;
    for (std::uint32_t i = 0; i < record.header.count; ++i, ++own.value) {
      EXPECT_TRUE(decode_entry(body, own, entry));
      if (own.value < from) continue;
      if (assembler.add(entry, own, record.header.now, closed)) records.push_back(closed);
    }
    return true;
  });
  EXPECT_TRUE(scanned.has_value());
  return records;
}

class AssemblerTest : public testing::TestWithParam<unsigned> {
 protected:
  AssemblerTest() : traffic_(GetParam()) { traffic_.run(2000); }

  Traffic traffic_;
};

TEST_P(AssemblerTest, gives_one_record_for_each_closing_and_charges_what_the_ledger_did) {
  const LedgerSums sums = test::ledger_sums(traffic_.store());
  Assembler assembler;
  std::set<std::uint64_t> closings;
  std::map<std::uint64_t, Charged> accounts = sums.open;
  for (const ChargingRecord& record : records_of(traffic_.store(), assembler)) {
    EXPECT_TRUE(record.is_complete);
    EXPECT_TRUE(closings.insert(record.last.value).second);
    accounts[record.account.value].charged_micros += record.charged_micros;
    accounts[record.account.value].overage_micros += record.overage_micros;
    Charged segments;
    for (const SegmentCharge& segment : record.segments) {
      EXPECT_TRUE(segment.is_known);
      segments.charged_micros += segment.charged_micros;
      segments.overage_micros += segment.overage_micros;
    }
    if (record.kind == EntryKind::subscription_added) continue;
    EXPECT_EQ(segments, (Charged{record.charged_micros, record.overage_micros}));
  }
  EXPECT_EQ(closings, sums.closings);
  EXPECT_GT(closings.size(), 200u);
  for (const auto& [account, charged] : sums.accounts) {
    EXPECT_EQ(accounts[account], charged) << "account " << account;
  }
  EXPECT_EQ(assembler.open_sessions(), traffic_.engine().shard().book().session_count());
}

TEST_P(AssemblerTest, needs_no_entry_before_the_oldest_needed) {
  const std::uint64_t end = traffic_.store().end().last.value;
  for (std::uint64_t cut = 500; cut < end; cut += 311) {
    Assembler whole;
    std::vector<ChargingRecord> expected;
    Assembler first_part;
    Sequence oldest;
    Entry entry;
    ChargingRecord closed;
    ASSERT_TRUE(traffic_.store()
                    .scan(Sequence(1),
                          [&](const storage::Record& record) {
                            std::string_view body = record.body;
                            Sequence own = record.header.first;
                            for (std::uint32_t i = 0; i < record.header.count; ++i, ++own.value) {
                              EXPECT_TRUE(decode_entry(body, own, entry));
                              if (whole.add(entry, own, record.header.now, closed) &&
                                  own.value > cut) {
                                expected.push_back(closed);
                              }
                              if (own.value == cut) oldest = whole.oldest_needed();
                            }
                            return true;
                          })
                    .has_value());
    Assembler again;
    std::size_t next = 0;
    for (const ChargingRecord& record :
         records_of(traffic_.store(), again, oldest.value == 0 ? cut + 1 : oldest.value)) {
      if (record.last.value <= cut) continue;
      ASSERT_LT(next, expected.size());
      EXPECT_TRUE(record.is_complete);
      EXPECT_EQ(record.last, expected[next].last);
      EXPECT_EQ(record.first, expected[next].first);
      EXPECT_EQ(record.session_id, expected[next].session_id);
      EXPECT_EQ(record.charged_micros, expected[next].charged_micros);
      EXPECT_EQ(record.attributes, expected[next].attributes);
      EXPECT_EQ(record.requests, expected[next].requests);
      ++next;
    }
    EXPECT_EQ(next, expected.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, AssemblerTest, testing::Values(1u, 2u, 3u));

TEST(Assembler, says_what_a_session_was) {
  Traffic traffic(1);
  const Time begin = traffic.engine().now();
  traffic.request(RequestType::initial, "gw;1", "8613800138003", 0, 1 << 20);
  traffic.engine().sync();
  traffic.engine().advance(std::chrono::minutes(1));
  traffic.request(RequestType::update, "gw;1", "8613800138003", 3 << 20, 1 << 20);
  traffic.engine().sync();
  traffic.engine().advance(std::chrono::minutes(2));
  traffic.request(RequestType::termination, "gw;1", "8613800138003", 1 << 20, 0);
  traffic.engine().sync();
  Assembler assembler;
  const auto records = records_of(traffic.store(), assembler);
  ASSERT_EQ(records.size(), 1u);
  const ChargingRecord& record = records[0];
  EXPECT_EQ(record.kind, EntryKind::session_terminated);
  EXPECT_EQ(record.session_id, "gw;1");
  EXPECT_EQ(record.service_context, "32251@3gpp.org");
  EXPECT_EQ(record.opened_at, begin);
  EXPECT_EQ(record.first_used_at, begin + std::chrono::minutes(1));
  EXPECT_EQ(record.last_used_at, begin + std::chrono::minutes(3));
  EXPECT_EQ(record.closed_at, begin + std::chrono::minutes(3));
  EXPECT_EQ(record.requests, 3u);
  std::uint64_t units = 0;
  for (const SegmentCharge& segment : record.segments) units += segment.units;
  EXPECT_EQ(units, 4u << 20);
}

TEST(Assembler, marks_a_session_whose_beginning_it_did_not_see) {
  Traffic traffic(1);
  traffic.request(RequestType::initial, "gw;1", "8613800138000", 0, 1 << 20);
  traffic.engine().sync();
  const std::uint64_t opening = traffic.store().end().last.value;
  traffic.request(RequestType::update, "gw;1", "8613800138000", 1 << 20, 1 << 20);
  traffic.request(RequestType::termination, "gw;1", "8613800138000", 1 << 20, 0);
  traffic.engine().sync();
  Assembler assembler;
  const auto records = records_of(traffic.store(), assembler, opening + 1);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_FALSE(records[0].is_complete);
  EXPECT_EQ(records[0].requests, 2u);
  EXPECT_NE(records[0].charged_micros, 0);
  EXPECT_EQ(assembler.oldest_needed(), Sequence(0));
}

}  // namespace
}  // namespace farthing::engine::records
