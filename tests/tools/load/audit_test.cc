#include "tools/load/audit.h"

#include "tools/load/price.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace farthing::load {
namespace {

TEST(Price, IsTheWholeSessionInStepsRoundedOnce) {
  EXPECT_EQ(session_charge(0), 0);
  EXPECT_EQ(session_charge(1), 98);  // one step: 97.65625
  EXPECT_EQ(session_charge(1024), 98);
  EXPECT_EQ(session_charge(1025), 195);        // two: 195.3125
  EXPECT_EQ(session_charge(16 * 1024), 1563);  // 1562.5, half away from zero
  EXPECT_EQ(session_charge(1 << 20), 100'000);
  EXPECT_EQ(session_charge(std::uint64_t{1} << 40), 104'857'600'000);
}

TEST(Audit, ReadsAmounts) {
  EXPECT_EQ(parse_amount("0"), 0);
  EXPECT_EQ(parse_amount("12.5"), 12'500'000);
  EXPECT_EQ(parse_amount("-0.000001"), -1);
  EXPECT_EQ(parse_amount("1000000.000000"), 1'000'000'000'000);
  for (const char* bad : {"", "-", "1.", ".5", "1.1234567", "1,5", "x", "1e3", "--1", "1.-5",
                          "99999999999999999999"}) {
    EXPECT_FALSE(parse_amount(bad).has_value()) << bad;
  }
}

TEST(Audit, FindsOurBalancesAmongOthers) {
  const std::string csv =
      "account,kind,currency,balance,reserved,available,overage\n"
      "8613800138000,prepaid,CNY,100.000000,0.000000,100.000000,0.000000\n"
      "family,postpaid,CNY,1.000000,0.000000,100.000000,0.000000\n"
      "8619900000001,prepaid,CNY,2.500000,0.000000,2.500000,0.000000\n"
      "8619900000000,prepaid,CNY,-1.000000,0.000000,0.000000,0.000000\n";
  const auto balances = parse_balances(csv, 8'619'900'000'000, 2);
  ASSERT_TRUE(balances.has_value());
  EXPECT_EQ(*balances, (std::vector<std::int64_t>{-1'000'000, 2'500'000}));
  EXPECT_FALSE(parse_balances(csv, 8'619'900'000'000, 3).has_value());
  EXPECT_FALSE(parse_balances("{}", 8'619'900'000'000, 0).has_value());
  EXPECT_FALSE(
      parse_balances(csv + "8619900000000,prepaid,CNY,?\n", 8'619'900'000'000, 2).has_value());
}

TEST(Audit, ImportsEachSubscriberOnce) {
  EXPECT_EQ(import_csv(8'619'900'000'009, 2, "10.00"),
            "msisdn,imsi,account,kind,balance,credit_limit\n"
            "8619900000009,460009900000009,,prepaid,10.00,\n"
            "8619900000010,460009900000010,,prepaid,10.00,\n");
}

TEST(Audit, NamesWhatDiffersAndForgivesWhatIsUncertain) {
  const std::vector<std::int64_t> before = {100, 100, 100};
  const std::vector<std::int64_t> after = {90, 95, 100};
  const std::vector<Charged> charged = {{10, 10}, {0, 5}, {0, 0}};
  const AuditReport right = audit(5, before, after, charged);
  EXPECT_TRUE(right.ok());
  EXPECT_EQ(right.uncertain, 1u);
  EXPECT_EQ(right.charged, 15);

  const AuditReport wrong = audit(5, before, {89, 94, 101}, charged);
  EXPECT_EQ(wrong.wrong, 3u);
  ASSERT_EQ(wrong.differences.size(), 3u);
  EXPECT_EQ(wrong.differences[0], "5: charged 0.000011, expected 0.000010");
  EXPECT_EQ(wrong.differences[1], "6: charged 0.000006, expected 0.000000 to 0.000005");
  EXPECT_EQ(wrong.differences[2], "7: charged -0.000001, expected 0.000000");
}

}  // namespace
}  // namespace farthing::load
