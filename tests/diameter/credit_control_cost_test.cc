// What a request costs from its bytes to its answer's: no memory once warm, and no more than in
// proportion to its size. It counts allocations, so it is a program of its own: it replaces
// operator new.
#include "diameter/credit_control.h"
#include "diameter/writer.h"
#include "engine/operations.h"
#include "storage/null_store.h"
#include "tariffs/tariff_file.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

namespace {
std::size_t allocations = 0;
}

// Not inlined, lest the compiler sees a new that is freed.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace farthing::diameter {
namespace {

using engine::RequestType;

constexpr std::string_view tariff_head = R"(
tariff: cost
currency: CNY
time_zone: Asia/Shanghai
valid_from: 2020-01-01T00:00:00
offers:
  - {name: all, allowance: 10 GiB, validity: 30 d, covers: [{service: data}]}
calendars:
  office: {default: off-peak, classes: {peak: [{days: mon-fri, from: 08:00, to: 20:00}]}}
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB, minimum: 1 KiB, until_border: true, sharing: 2,
            by_balance: [{below: 100000.00, maximum: 50 MiB}], reports: {every: 10 s},
            holding_time: 10 min, threshold: 20 %}
    prices:
)";
constexpr std::string_view conditional_prices = R"(
      - {default: true, apn: ims, amount: 0.01, per: 1 MiB, step: 1 KiB}
      - {default: true, serving_network: 262, time: peak, amount: 0.20, per: 1 MiB, step: 1 KiB}
      - {default: true, time: off-peak, amount: 0.05, per: 1 MiB, step: 1 KiB}
)";
constexpr std::string_view last_price = R"(
      - {default: true, amount: 0.10, per: 1 MiB, step: 1 KiB}
)";

constexpr std::string_view msisdn = "8613800138000";

// With prices that have conditions, and without any.
class CreditControlCost : public testing::TestWithParam<bool> {
 protected:
  CreditControlCost() {
    options_.book.duplicates.bytes_max = 1u << 20;
    shard_ = std::make_unique<engine::Shard>(store_, options_, [this] { return now_; });
    EXPECT_TRUE(shard_->recover([](engine::Sequence) {}).has_value());
    std::string source(tariff_head);
    if (GetParam()) source += conditional_prices;
    source += last_price;
    auto tariff = tariffs::compile_tariff("cost.yaml", source);
    EXPECT_TRUE(tariff.has_value());
    shard_->enter_tariff(*tariff, source);
    const engine::Note note{"test", "cost", ""};
    using engine::AccountKind;
    EXPECT_TRUE(engine::create_account(*shard_, "a", AccountKind::prepaid, {}, note).has_value());
    EXPECT_TRUE(engine::add_subscriber(*shard_, msisdn, "a", "", note).has_value());
    EXPECT_TRUE(engine::top_up(*shard_, "a", engine::Money(1'000'000'000'000), note).has_value());
    EXPECT_TRUE(engine::add_subscription(*shard_, msisdn, "all", note).has_value());
    sync();
    control_ = std::make_unique<CreditControl>(Identity{"ocs.example", "example", 1}, *shard_);
  }

  void sync() {
    shard_->end_turn();
    if (!shard_->idle()) shard_->durable(store_.end().last);
  }

  // A request of `services` rating groups, each reporting and asking; `number` makes its content.
  void write(RequestType type, std::uint32_t number, std::uint32_t services,
             std::string_view place) {
    frame_.clear();
    Writer writer(frame_);
    writer.begin(
        Header{0xc0, command::credit_control, application::credit_control, number, number});
    writer.put_text(AvpId::session_id, session_id_);
    writer.put_text(AvpId::origin_host, "pgw.example");
    writer.put_text(AvpId::origin_realm, "example");
    writer.put_text(AvpId::destination_realm, "example");
    writer.put_text(AvpId::service_context_id, "32251@3gpp.org");
    writer.put_u32(AvpId::cc_request_type, static_cast<std::uint32_t>(type));
    writer.put_u32(AvpId::cc_request_number, number);
    writer.begin_group(AvpId::subscription_id);
    writer.put_u32(AvpId::subscription_id_type, 0);
    writer.put_text(AvpId::subscription_id_data, msisdn);
    writer.end_group();
    for (std::uint32_t i = 0; i < services; ++i) {
      writer.begin_group(AvpId::multiple_services_credit_control);
      if (type != RequestType::initial) {
        writer.begin_group(AvpId::used_service_unit);
        writer.put_u64(AvpId::cc_total_octets, 10 + number);
        writer.end_group();
      }
      writer.put_u32(AvpId::rating_group, i * 7919 % 100'000);
      writer.begin_group(AvpId::requested_service_unit);
      writer.end_group();
      writer.end_group();
    }
    writer.begin_group(AvpId::service_information);
    writer.begin_group(AvpId::ps_information);
    writer.put_text(AvpId::tgpp_user_location_info, place);
    writer.put_text(AvpId::called_station_id, "internet");
    writer.put_text(AvpId::tgpp_sgsn_mcc_mnc, place == "here" ? "46000" : "26201");
    writer.end_group();
    writer.end_group();
    writer.finish();
  }

  void handle() {
    answer_.clear();
    ASSERT_TRUE(decode(frame_.bytes(), message_).has_value());
    control_->decide(message_);
    control_->write(message_, answer_);
  }

  // Of a message with so many new rating groups, the least of several runs.
  std::chrono::nanoseconds least_cost(std::uint32_t services) {
    auto least = std::chrono::nanoseconds::max();
    for (int run = 0; run < 9; ++run) {
      session_id_ = "session" + std::to_string(services) + "-" + std::to_string(run);
      write(RequestType::initial, 0, services, "here");
      handle();
      write(RequestType::update, 1, services, "here");
      const auto begin = std::chrono::steady_clock::now();
      handle();
      least = std::min<std::chrono::nanoseconds>(least, std::chrono::steady_clock::now() - begin);
      EXPECT_EQ(shard_->answer().service_count, services);
      write(RequestType::termination, 2, 0, "here");
      handle();
      sync();
    }
    return least;
  }

  base::Time now_ = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);
  storage::NullStore store_;
  engine::ShardOptions options_;
  std::unique_ptr<engine::Shard> shard_;
  std::unique_ptr<CreditControl> control_;
  std::string session_id_ = "session";
  Message message_;
  Buffer frame_;
  Buffer answer_;
};

TEST_P(CreditControlCost, AnUpdateAllocatesNothingOnceWarm) {
  constexpr std::array<std::string_view, 3> places = {"here", "there and back", "elsewhere"};
  write(RequestType::initial, 0, 3, places[0]);
  handle();
  std::size_t counted = 0;
  std::uint32_t number = 0;
  for (int round = 0; round < 60; ++round) {
    now_ += std::chrono::seconds(1);
    for (std::string_view place : places) {
      write(RequestType::update, ++number, 3, place);
      const std::size_t before = allocations;
      handle();
      handle();  // and its duplicate
      if (round >= 30) counted += allocations - before;
    }
    sync();
  }
  EXPECT_EQ(counted, 0u);
  EXPECT_EQ(shard_->metrics().duplicates.value(), number);
}

TEST_P(CreditControlCost, AMessageOfHundredsOfServicesCostsInProportion) {
  const auto few = least_cost(50);
  const auto many = least_cost(400);  // 2,000 AVPs
  std::printf("50 services: %lld us, 400 services: %lld us\n",
              static_cast<long long>(few.count() / 1000),
              static_cast<long long>(many.count() / 1000));
  EXPECT_LT(many.count(), few.count() * 8 * 4);  // the square would be 64 times
}

INSTANTIATE_TEST_SUITE_P(Prices, CreditControlCost, testing::Bool(),
                         [](const auto& given) { return given.param ? "Conditional" : "Plain"; });

}  // namespace
}  // namespace farthing::diameter
