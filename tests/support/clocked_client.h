// A client with one session of one service, and the clock under which it uses it: what a session
// costs by time, network and counters is asked of it, for properties.
#pragma once

#include "engine/attributes.h"
#include "engine/operations.h"
#include "tariffs/tariff_file.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <rapidcheck.h>

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace farthing::test {

class ClockedClient {
 public:
  // `source`: the canonical bytes of a tariff, compiled once for all that are given the same.
  ClockedClient(const std::string& source, base::Time start, std::string_view context)
      : context_(context) {
    static std::map<std::string, std::shared_ptr<const tariffs::Tariff>> compiled;
    std::shared_ptr<const tariffs::Tariff>& tariff = compiled[source];
    if (tariff == nullptr) {
      const auto made = tariffs::compile_tariff("model.yaml", source);
      if (!made.has_value()) throw std::runtime_error(to_string(made.error().front()));
      tariff = *made;
    }
    engine_.shard().enter_tariff(tariff, source);
    go_to(start);
  }

  void go_to(base::Time then) {
    engine_.sync();  // a batch keeps its time
    engine_.advance(then - engine_.now());
  }
  base::Time now() const { return engine_.now(); }
  TestEngine& engine() { return engine_; }

  // Reports what was used since the last report, and asks for more.
  const engine::ServiceAnswer& ask(engine::RequestType type, engine::AttributeId attribute,
                                   std::string_view value,
                                   const std::optional<engine::UsedUnits>& used) {
    request_.clear();
    request_.key = {type, number_, 0, number_ + 7u, number_ + 100u};
    ++number_;
    request_.session_id = "s";
    request_.service_context = context_;
    request_.identities = {*engine::parse_msisdn(anna)};
    request_.event_time = now();
    request_.attributes.push_back({static_cast<std::uint8_t>(attribute), value});
    engine::ServiceRequest& service = request_.add_service();
    service.used = used;
    if (type != engine::RequestType::termination) service.requested.emplace();
    engine_.handle(request_);
    return engine_.shard().answer().services[0];
  }

  // What the account was charged, paid or not. REQUIRES: the session has ended.
  std::int64_t charged() {
    const engine::Account& account = *engine_.shard().book().find_account(anna);
    RC_ASSERT(account.reserved_micros == 0);
    RC_ASSERT(broken_invariant(engine_.shard().book()) == "");
    return 100'000'000 - account.main_micros + account.overage_micros;
  }

 private:
  static constexpr std::string_view anna = "8613800138000";  // 100.00

  TestEngine engine_;
  engine::Request request_;
  std::string_view context_;
  std::uint32_t number_ = 0;
};

}  // namespace farthing::test
