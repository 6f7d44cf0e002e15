#include "tariffs/demo_tariff.h"
#include "tariffs/tariff_file.h"

#include <gtest/gtest.h>

namespace farthing::tariffs {
namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;

class DemoTariff : public testing::Test {
 protected:
  void SetUp() override {
    auto compiled = compile_tariff("demo.yaml", demo_tariff_text());
    if (!compiled) {
      for (const FileError& error : compiled.error()) ADD_FAILURE() << to_string(error);
    }
    ASSERT_TRUE(compiled.has_value());
    tariff_ = *compiled;
  }

  const Rule* rule(std::string_view context, std::optional<std::uint32_t> rating_group) const {
    std::optional<RatingGroup> group;
    if (rating_group) group = RatingGroup(*rating_group);
    return tariff_->find(context, group);
  }

  // What units cost, in micros; -1 where the rule has no price.
  std::int64_t price(std::string_view context, std::optional<std::uint32_t> rating_group,
                     std::uint64_t units) const {
    const Rule* found = rule(context, rating_group);
    if (found == nullptr || !found->terms) return -1;
    return price_of(*found->terms, chargeable_units(*found->terms, units))->micros;
  }

  std::shared_ptr<const Tariff> tariff_;
};

TEST_F(DemoTariff, SaysWhoseItIs) {
  EXPECT_EQ(tariff_->name(), "demo-cn");
  EXPECT_EQ(tariff_->currency(), "CNY");
  EXPECT_EQ(tariff_->currency_code(), 156u);
  EXPECT_EQ(tariff_->time_zone(), "Asia/Shanghai");
  EXPECT_EQ(tariff_->valid_from().time_since_epoch(), std::chrono::seconds(1'577'808'000));
  EXPECT_FALSE(tariff_->valid_until());
}

// Computed by hand: units up to whole KiB, times micros, divided by 1,048,576, half up.
TEST_F(DemoTariff, PricesOfData) {
  EXPECT_EQ(price("32251@3gpp.org", 10, 1), 98);  // 1 KiB: 97.65625
  EXPECT_EQ(price("32251@3gpp.org", 10, kib), 98);
  EXPECT_EQ(price("32251@3gpp.org", 10, kib + 1), 195);  // 2 KiB: 195.3125
  EXPECT_EQ(price("32251@3gpp.org", 10, mib), 100'000);
  EXPECT_EQ(price("32251@3gpp.org", 10, 1'000'000), 95'410);  // 977 KiB: 95410.15625
  EXPECT_EQ(price("32251@3gpp.org", 20, kib), 49);            // 48.828125
  EXPECT_EQ(price("32251@3gpp.org", 20, 10 * mib), 500'000);
  EXPECT_EQ(price("32251@3gpp.org", std::nullopt, kib), 78);  // 78.125
  EXPECT_EQ(price("32251@3gpp.org", std::nullopt, mib), 80'000);
  EXPECT_EQ(price("32251@3gpp.org", 0, mib), 80'000);
  EXPECT_EQ(price("32251@3gpp.org", 4'294'967'295, mib), 80'000);
  EXPECT_EQ(price("32251@3gpp.org", 99, mib), -1);
  EXPECT_EQ(price("32251@3gpp.org", 10, 0), 0);
}

TEST_F(DemoTariff, PricesOfVoiceAndMessages) {
  EXPECT_EQ(price("32260@3gpp.org", std::nullopt, 1), 2500);
  EXPECT_EQ(price("32260@3gpp.org", 7, 61), 152'500);
  EXPECT_EQ(price("ext.mnc.mcc.release.32260@3gpp.org", 0, 60), 150'000);
  EXPECT_EQ(price("32274@3gpp.org", std::nullopt, 1), 100'000);
  EXPECT_EQ(price("32274@3gpp.org", 3, 3), 300'000);
  EXPECT_EQ(rule("32270@3gpp.org", std::nullopt), nullptr);
}

TEST_F(DemoTariff, Grants) {
  const Rule* data = rule("32251@3gpp.org", 10);
  EXPECT_EQ(data->quota.maximum, 100 * mib);
  EXPECT_EQ(data->quota.standard, 10 * mib);
  EXPECT_EQ(data->quota.minimum, kib);
  EXPECT_EQ(data->quota.validity, std::chrono::seconds(3600));
  EXPECT_EQ(rule("32251@3gpp.org", 99)->quota.maximum, 100 * mib);
  const Rule* voice = rule("32260@3gpp.org", std::nullopt);
  EXPECT_EQ(voice->quota.maximum, 3600u);
  EXPECT_EQ(voice->quota.standard, 300u);
  const Rule* messages = rule("32274@3gpp.org", std::nullopt);
  EXPECT_EQ(messages->quota.maximum, 10u);
  EXPECT_EQ(messages->quota.standard, 1u);
}

TEST_F(DemoTariff, RulesSayWhatTheyAreFor) {
  const Rule* data = rule("32251@3gpp.org", 10);
  EXPECT_EQ(data->name, "data/10");
  EXPECT_EQ(data->service, service_key("data"));
  EXPECT_EQ(data->rating_group, RatingGroup(10));
  EXPECT_GT(data->line, 20u);
  EXPECT_EQ(rule("32251@3gpp.org", 11)->name, "data/*");
  EXPECT_EQ(tariff_->rules().size(), 6u);
  EXPECT_EQ(tariff_->service_name(data->service), "data");
  EXPECT_EQ(tariff_->find_service("voice")->unit, Unit::seconds);
}

TEST_F(DemoTariff, HasTheBundle) {
  const Offer* bundle = tariff_->find_offer("bundle-1g");
  ASSERT_NE(bundle, nullptr);
  EXPECT_EQ(bundle->fee, Money(0));
  ASSERT_EQ(bundle->allowances.size(), 1u);
  EXPECT_EQ(bundle->allowances[0].unit, Unit::octets);
  EXPECT_EQ(bundle->allowances[0].units, 1024 * mib);
  EXPECT_EQ(bundle->validity, std::chrono::hours(24 * 30));
  EXPECT_EQ(bundle->coverage, (std::vector<Coverage>{{service_key("data"), RatingGroup(10)}}));
}

}  // namespace
}  // namespace farthing::tariffs
