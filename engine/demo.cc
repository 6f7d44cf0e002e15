#include "engine/demo.h"

#include "engine/base/assert.h"
#include "engine/operations.h"
#include "tariffs/demo_tariff.h"
#include "tariffs/tariff_file.h"

#include <array>

namespace farthing::engine {

namespace {

struct DemoSubscriber {
  std::string_view msisdn;  // and the account's name
  std::string_view imsi;
  AccountKind kind;
  std::string_view balance;
  std::string_view credit_limit;
  std::string_view offer;
  LifeState state;
};

constexpr std::array subscribers = {
    DemoSubscriber{"8613800138000", "460001234567890", AccountKind::prepaid, "100.00", "0", "",
                   LifeState::active},
    DemoSubscriber{"8613800138001", "", AccountKind::prepaid, "0.50", "0", "", LifeState::active},
    DemoSubscriber{"8613800138002", "", AccountKind::postpaid, "0", "200.00", "",
                   LifeState::active},
    DemoSubscriber{"8613800138003", "", AccountKind::prepaid, "10.00", "0", "bundle-1g",
                   LifeState::active},
    DemoSubscriber{"8613800138004", "", AccountKind::hybrid, "10.00", "50.00", "",
                   LifeState::active},
    DemoSubscriber{"8613800138008", "", AccountKind::prepaid, "0", "0", "", LifeState::active},
    DemoSubscriber{"8613800138009", "", AccountKind::prepaid, "100.00", "0", "",
                   LifeState::suspended},
    DemoSubscriber{"491700000001", "", AccountKind::prepaid, "100.00", "0", "", LifeState::active},
};

void must(const Operation& operation) { FARTHING_ASSERT(operation.has_value()); }

}  // namespace

void enter_demo(Shard& shard) {
  const std::string source(tariffs::demo_tariff_text());
  auto tariff = tariffs::compile_tariff("demo.yaml", source);
  FARTHING_ASSERT(tariff.has_value());
  shard.enter_tariff(*tariff, source);
  for (const DemoSubscriber& subscriber : subscribers) {
    const Note note{"demo", "demo data", ""};
    must(create_account(shard, subscriber.msisdn, subscriber.kind,
                        *Money::parse(subscriber.credit_limit), note));
    must(add_subscriber(shard, subscriber.msisdn, subscriber.msisdn, subscriber.imsi, note));
    const Money balance = *Money::parse(subscriber.balance);
    if (balance.micros > 0) must(top_up(shard, subscriber.msisdn, balance, note));
    if (!subscriber.offer.empty()) {
      must(add_subscription(shard, subscriber.msisdn, subscriber.offer, note));
    }
    if (subscriber.state != LifeState::active) {
      must(set_state(shard, subscriber.msisdn, subscriber.state, note));
    }
  }
}

}  // namespace farthing::engine
