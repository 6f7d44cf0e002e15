// A session's money and units against arithmetic of its own: four rating groups, a bundle over one
// of them, top-ups between the reports, and a balance that may run out.
#include "engine/operations.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <ostream>

namespace farthing::engine {
namespace {

using test::TestEngine;

constexpr std::string_view user = "8613800138003";  // 10.00, and 1 GiB for rating group 10

struct GroupModel {
  std::optional<std::uint32_t> number;
  std::int64_t micros_per_mib;
  bool in_bundle;
  std::int64_t used = 0;
  std::int64_t from_bundle = 0;
  std::int64_t charged = 0;

  std::int64_t steps() const { return (used + 1023) / 1024; }
};

// The demo's prices, written down again: steps of 1 KiB, rounded half up to a millionth.
struct Model {
  std::array<GroupModel, 4> groups = {{
      {10, 100'000, true},
      {20, 50'000, false},
      {7, 80'000, false},
      {std::nullopt, 80'000, false},
  }};
  std::int64_t balance = 10'000'000;
  std::int64_t overage = 0;
  std::int64_t bundle_steps = 1024 * 1024;

  void use(GroupModel& group, std::int64_t octets) {
    const std::int64_t before = group.steps();
    group.used += octets;
    if (group.in_bundle) {
      const std::int64_t eaten = std::min(group.steps() - before, bundle_steps);
      bundle_steps -= eaten;
      group.from_bundle += eaten;
    }
    const std::int64_t owed =
        ((group.steps() - group.from_bundle) * group.micros_per_mib * 2 + 1024) / 2048;
    const std::int64_t due = owed - group.charged;
    const std::int64_t paid = std::min(due, balance);
    group.charged += due;
    balance -= paid;
    overage += due - paid;
  }
};

// What happens between two requests, and what the next one reports and asks for.
struct Step {
  std::array<std::uint32_t, 4> used;
  std::array<std::uint32_t, 4> asked;
  std::uint32_t top_up;
  bool crash;
};

void showValue(const Step& step, std::ostream& out) {
  for (std::size_t i = 0; i < step.used.size(); ++i) {
    out << step.used[i] << " used, " << step.asked[i] << " asked; ";
  }
  out << "top-up " << step.top_up << (step.crash ? ", crash" : "");
}

rc::Gen<Step> any_step() {
  const auto octets = rc::gen::map(
      rc::gen::pair(rc::gen::inRange(0, 4), rc::gen::inRange<std::uint32_t>(0, 1u << 30)),
      [](std::pair<int, std::uint32_t> drawn) {
        constexpr std::array<int, 4> shifts = {31, 20, 8, 2};
        return drawn.second >> shifts[static_cast<std::size_t>(drawn.first)];
      });
  return rc::gen::build<Step>(
      rc::gen::set(&Step::used, rc::gen::container<std::array<std::uint32_t, 4>>(octets)),
      rc::gen::set(&Step::asked, rc::gen::container<std::array<std::uint32_t, 4>>(octets)),
      rc::gen::set(&Step::top_up, rc::gen::inRange<std::uint32_t>(0, 3'000'000)),
      rc::gen::set(&Step::crash,
                   rc::gen::map(rc::gen::inRange(0, 4), [](int n) { return n == 0; })));
}

RC_GTEST_PROP(Charging, MoneyAndUnitsAreThoseOfTheModel, ()) {
  const auto steps = *rc::gen::container<std::vector<Step>>(any_step());
  TestEngine engine;
  Model model;
  Request request;
  std::uint32_t number = 0;
  auto begin = [&](RequestType type) {
    request.clear();
    request.key = {type, number, 0, number + 1000u, number + 5000u};
    ++number;
    request.session_id = "s";
    request.service_context = "32251@3gpp.org";
    request.identities = {*parse_msisdn(user)};
  };
  begin(RequestType::initial);
  engine.shard().handle(request);

  for (const Step& step : steps) {
    if (step.top_up > 0) {
      RC_ASSERT(top_up(engine.shard(), user, Money(step.top_up), {"a", "b", ""}).has_value());
      model.balance += step.top_up;
    }
    begin(RequestType::update);
    for (std::size_t i = 0; i < model.groups.size(); ++i) {
      ServiceRequest& service = request.add_service();
      if (model.groups[i].number) service.rating_group = RatingGroup(*model.groups[i].number);
      service.used.emplace().octets = step.used[i];
      if (step.asked[i] > 0) service.requested.emplace().total_octets = step.asked[i];
      model.use(model.groups[i], step.used[i]);
    }
    engine.shard().handle(request);
    if (step.crash) {
      engine.sync();
      engine.crash_and_restart();
    }
    const Account& account = *engine.shard().book().find_account(user);
    RC_ASSERT(test::broken_invariant(engine.shard().book()) == "");
    RC_ASSERT(account.balance().micros == model.balance);
    RC_ASSERT(account.overage_micros == model.overage);
    const Bucket& bucket = account.buckets.front();
    RC_ASSERT(bucket.remaining + bucket.reserved == model.bundle_steps * 1024);
    for (std::size_t i = 0; i < account.sessions->segments.size(); ++i) {
      RC_ASSERT(account.sessions->segments[i].charged_micros == model.groups[i].charged);
    }
  }
  begin(RequestType::termination);
  engine.shard().handle(request);
  const Account& account = *engine.shard().book().find_account(user);
  RC_ASSERT(account.reserved_micros == 0);
  RC_ASSERT(account.main_micros == model.balance);
  RC_ASSERT(account.buckets.front().remaining == model.bundle_steps * 1024);
}

}  // namespace
}  // namespace farthing::engine
