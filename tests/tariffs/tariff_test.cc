#include "tariffs/tariff.h"

#include <gtest/gtest.h>

namespace farthing::tariffs {
namespace {

base::Time at_second(int second) { return base::Time(std::chrono::seconds(second)); }

Rule rule(std::string_view service, std::optional<std::uint32_t> rating_group, std::string name) {
  Rule made;
  made.name = std::move(name);
  made.service = service_key(service);
  if (rating_group) made.rating_group = RatingGroup(*rating_group);
  return made;
}

Service service(std::string name, std::string context) {
  Service made;
  made.key = service_key(name);
  made.name = std::move(name);
  made.context = std::move(context);
  return made;
}

TariffParts two_services() {
  TariffParts parts;
  parts.services = {service("data", "32251@3gpp.org"), service("voice", "32260@3gpp.org"),
                    service("abroad", "roaming.32260@3gpp.org")};
  parts.rules = {rule("data", 20, "data/20"), rule("data", 10, "data/10"),
                 rule("data", std::nullopt, "data/*"), rule("voice", 7, "voice/7"),
                 rule("abroad", std::nullopt, "abroad/*")};
  parts.offers.resize(3);
  parts.offers[0].name = "gamma";
  parts.offers[1].name = "alpha";
  parts.offers[2].name = "beta";
  return parts;
}

std::string found(const Tariff& tariff, std::string_view context,
                  std::optional<std::uint32_t> rating_group) {
  std::optional<RatingGroup> group;
  if (rating_group) group = RatingGroup(*rating_group);
  const Rule* rule = tariff.find(context, group);
  return rule == nullptr ? "none" : rule->name;
}

TEST(Tariff, FindsTheGroupsRuleElseTheDefault) {
  const Tariff tariff(two_services());
  EXPECT_EQ(found(tariff, "32251@3gpp.org", 10), "data/10");
  EXPECT_EQ(found(tariff, "32251@3gpp.org", 20), "data/20");
  EXPECT_EQ(found(tariff, "32251@3gpp.org", 0), "data/*");
  EXPECT_EQ(found(tariff, "32251@3gpp.org", 15), "data/*");
  EXPECT_EQ(found(tariff, "32251@3gpp.org", std::nullopt), "data/*");
  EXPECT_EQ(found(tariff, "32260@3gpp.org", 7), "voice/7");
  EXPECT_EQ(found(tariff, "32260@3gpp.org", 8), "none");
  EXPECT_EQ(found(tariff, "32260@3gpp.org", std::nullopt), "none");
}

TEST(Tariff, ContextsMatchBySuffixAtADot) {
  const Tariff tariff(two_services());
  EXPECT_EQ(found(tariff, "ext.001.01.8.32251@3gpp.org", 10), "data/10");
  EXPECT_EQ(found(tariff, ".32251@3gpp.org", 10), "data/10");
  EXPECT_EQ(found(tariff, "132251@3gpp.org", 10), "none");
  EXPECT_EQ(found(tariff, "2251@3gpp.org", 10), "none");
  EXPECT_EQ(found(tariff, "3gpp.org", 10), "none");
  EXPECT_EQ(found(tariff, "", 10), "none");
  EXPECT_EQ(found(tariff, "32251@3gpp.org.", 10), "none");
  EXPECT_EQ(found(tariff, std::string_view("32251@3gpp.org\0", 15), 10), "none");
}

TEST(Tariff, TheLongestContextWins) {
  const Tariff tariff(two_services());
  EXPECT_EQ(found(tariff, "8.roaming.32260@3gpp.org", 7), "abroad/*");
  EXPECT_EQ(found(tariff, "8.xroaming.32260@3gpp.org", 7), "voice/7");
}

TEST(Tariff, FindsOffersAndServicesByName) {
  const Tariff tariff(two_services());
  for (const char* name : {"alpha", "beta", "gamma"}) {
    ASSERT_NE(tariff.find_offer(name), nullptr) << name;
    EXPECT_EQ(tariff.find_offer(name)->name, name);
  }
  EXPECT_EQ(tariff.find_offer("delta"), nullptr);
  EXPECT_EQ(tariff.find_offer(""), nullptr);
  EXPECT_EQ(tariff.find_service("voice")->context, "32260@3gpp.org");
  EXPECT_EQ(tariff.find_service("fax"), nullptr);
  EXPECT_EQ(tariff.service_name(service_key("voice")), "voice");
  EXPECT_EQ(tariff.service_name(service_key("fax")), "");
}

TEST(Tariff, RulesAreNumberedByPlace) {
  const Tariff tariff(two_services());
  for (const Rule& rule : tariff.rules()) {
    EXPECT_EQ(&tariff.rules()[tariff.number_of(rule).value], &rule);
  }
}

std::shared_ptr<const Tariff> valid(int from_second, std::optional<int> until_second) {
  TariffParts parts;
  parts.valid_from = at_second(from_second);
  if (until_second) parts.valid_until = at_second(*until_second);
  return std::make_shared<Tariff>(std::move(parts));
}

std::uint32_t version_at(const TariffHistory& history, int second) {
  const VersionedTariff* version = history.at(at_second(second));
  return version == nullptr ? 0 : version->version.value;
}

TEST(TariffHistory, TheLastLoadedThatCoversTheTimeIsInForce) {
  auto history = std::make_shared<const TariffHistory>();
  EXPECT_EQ(version_at(*history, 0), 0u);
  history = history->with(valid(100, std::nullopt), at_second(50));
  history = history->with(valid(200, 300), at_second(60));
  history = history->with(valid(10, std::nullopt), at_second(250));

  EXPECT_EQ(version_at(*history, 99), 0u);
  EXPECT_EQ(version_at(*history, 100), 1u);
  EXPECT_EQ(version_at(*history, 199), 1u);
  EXPECT_EQ(version_at(*history, 200), 2u);
  EXPECT_EQ(version_at(*history, 249), 2u) << "a version is not in force before it was loaded";
  EXPECT_EQ(version_at(*history, 250), 3u);
  EXPECT_EQ(version_at(*history, 300), 3u);
}

TEST(TariffHistory, AnEndedVersionGivesWayToTheOneBefore) {
  auto history = std::make_shared<const TariffHistory>();
  history = history->with(valid(0, std::nullopt), at_second(0));
  history = history->with(valid(10, 20), at_second(0));
  EXPECT_EQ(version_at(*history, 19), 2u);
  EXPECT_EQ(version_at(*history, 20), 1u);
}

TEST(TariffHistory, AnOlderHistoryStaysAsItWas) {
  const TariffHistory empty;
  const auto one = empty.with(valid(0, std::nullopt), at_second(0));
  const auto two = one->with(valid(0, std::nullopt), at_second(0));
  EXPECT_EQ(empty.versions().size(), 0u);
  EXPECT_EQ(one->versions().size(), 1u);
  EXPECT_EQ(two->versions().size(), 2u);
  EXPECT_EQ(two->find(TariffVersion(2))->version.value, 2u);
  EXPECT_EQ(one->find(TariffVersion(2)), nullptr);
  EXPECT_EQ(one->find(TariffVersion(0)), nullptr);
  EXPECT_EQ(one->find(TariffVersion(1))->tariff, two->find(TariffVersion(1))->tariff);
}

}  // namespace
}  // namespace farthing::tariffs
