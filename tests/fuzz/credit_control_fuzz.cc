// Credit control from the octets of requests to those of answers, over a real engine in memory:
// every answer is a sound message, a repeated request gets the same one, and after each the
// accounts add up; at the end the ledger, folded again, gives what the engine holds.
//
// Input: requests, one behind the other. Of each the Hop-by-Hop Identifier, which means nothing to
// credit control, says what happens before it comes and what its client can do (Meanwhile).
#include "diameter/credit_control.h"
#include "engine/base/assert.h"
#include "engine/operations.h"
#include "tariffs/tariff_file.h"
#include "tests/fuzz/input.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <array>
#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace farthing::diameter {
namespace {

constexpr std::size_t requests_max = 24;
constexpr int recoveries_max = 2;  // and proofs: each takes as long as many requests
constexpr std::size_t answer_size_bytes_max = 1u << 20;

// What prices can do, in the currency of the demo's accounts.
constexpr std::array samples = {"demo.yaml",     "quotas.yaml",     "discounts.yaml",
                                "counters.yaml", "offers.yaml",     "tiers-and-caps.yaml",
                                "deposit.yaml",  "top-up-page.yaml"};

struct Sample {
  std::string source;
  std::shared_ptr<const tariffs::Tariff> tariff;
};

// Compiled once, as that takes longer than all else.
const Sample& sample(std::size_t n) {
  static const auto all = [] {
    std::array<Sample, samples.size()> read;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      std::ifstream file(std::string(FARTHING_SAMPLES) + "/" + samples[i]);
      read[i].source = std::string(std::istreambuf_iterator<char>(file), {});
      auto tariff = tariffs::compile_tariff(samples[i], read[i].source);
      if (tariff.has_error()) test::expect_sound(tariff.error().front().message);
      read[i].tariff = *tariff;
    }
    return read;
  }();
  return all[n % all.size()];
}

constexpr std::array accounts = {"8613800138000", "8613800138001", "8613800138002", "491700000001"};
const engine::Note note{"fuzz", "", ""};

void must(const engine::Operation& done) {
  if (done.has_error()) test::expect_sound(done.error().message);
}

// As the demo's, but with nothing that takes long to compile.
void enter_accounts(engine::Shard& shard) {
  using engine::AccountKind;
  using engine::Money;
  shard.enter_tariff(sample(0).tariff, sample(0).source);
  constexpr std::array kinds = {AccountKind::prepaid, AccountKind::prepaid, AccountKind::postpaid,
                                AccountKind::hybrid};
  constexpr std::array<std::int64_t, 4> balances = {100'000'000, 500'000, 0, 10'000'000};
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    const Money limit(kinds[i] == AccountKind::prepaid ? 0 : 50'000'000);
    must(engine::create_account(shard, accounts[i], kinds[i], limit, note));
    must(engine::add_subscriber(shard, accounts[i], accounts[i], "", note));
    if (balances[i] > 0) must(engine::top_up(shard, accounts[i], Money(balances[i]), note));
  }
}

// What the Hop-by-Hop Identifier of a request says.
struct Meanwhile {
  enum class What { nothing, synced, ticked, restarted, written_back, topped_up, bought, loaded };

  explicit Meanwhile(std::uint32_t number)
      : passed(std::chrono::seconds((number & 0xff) < 0xc0 ? number & 0xff
                                                           : ((number & 0xff) - 0xbf) * 1200)),
        what(static_cast<What>(number >> 8 & 7)),
        to(number >> 12 & 15) {
    profile.final_units = (number & 1u << 16) != 0 ? PeerProfile::FinalUnits::terminate
                                                   : PeerProfile::FinalUnits::any;
    profile.tariff_change = static_cast<PeerProfile::TariffChange>((number >> 17 & 3) % 3);
    profile.rating_groups = (number & 1u << 19) != 0 ? PeerProfile::RatingGroups::strict
                                                     : PeerProfile::RatingGroups::lenient;
    profile.free_service = (number & 1u << 20) != 0
                               ? PeerProfile::FreeService::credit_control_not_applicable
                               : PeerProfile::FreeService::success;
    profile.qos_final_unit = (number & 1u << 21) != 0;
    via = (number & 1u << 22) != 0 ? "agent.example" : "";
  }

  base::Duration passed;
  What what;
  std::uint32_t to;  // whom, or which
  PeerProfile profile;
  std::string_view via;
};

class World {
 public:
  World() : engine_(options(), enter_accounts) { serve(); }

  void play(Bytes requests) {
    for (std::size_t n = 0; n < requests_max && requests.size() >= header_size_bytes; ++n) {
      const auto size = frame_size(requests.data(), 0xffffff);
      // What is no whole message any more is made one.
      const std::size_t part =
          size.has_value() && *size <= requests.size() ? *size : requests.size() & ~std::size_t{3};
      frame_.assign(requests.begin(), requests.begin() + static_cast<std::ptrdiff_t>(part));
      requests = requests.subspan(part);
      frame_[0] = 1;
      store_u24(&frame_[1], static_cast<std::uint32_t>(part));
      const Meanwhile meanwhile(load_u32(&frame_[12]));
      pass(meanwhile);
      ask(meanwhile);
    }
    engine_.sync();
    test::expect_sound(test::recovery_difference(engine_.shard()));
  }

 private:
  static engine::ShardOptions options() {
    engine::ShardOptions options;
    options.accounts_memory_bytes = 1;  // whoever may be evicted is
    return options;
  }

  void serve() { control_.emplace(Identity{"ocs.example", "example", 1}, engine_.shard()); }

  void pass(const Meanwhile& meanwhile) {
    using What = Meanwhile::What;
    engine_.advance(meanwhile.passed);
    const char* const account = accounts[meanwhile.to % accounts.size()];
    switch (meanwhile.what) {
      case What::nothing:
        return;
      case What::synced:
        return engine_.sync();
      case What::ticked:
        for (int i = 0; i < 100 && engine_.shard().tick(); ++i) engine_.sync();
        break;
      case What::restarted:
        // Recovery compiles all tariffs anew.
        if (engine_.shard().tariffs().versions().size() > 1 || --recoveries_ < 0) return;
        engine_.sync();
        engine_.crash_and_restart();
        serve();
        break;
      case What::written_back:
        engine_.checkpoint();
        if (--recoveries_ >= 0) test::expect_sound(test::proof_failure(engine_.store()));
        break;
      case What::topped_up:
        when_here(account, [account](engine::Shard& shard) {
          (void)engine::top_up(shard, account, engine::Money(1'000'000), note);
        });
        break;
      case What::bought:
        when_here(account, [&](engine::Shard& shard) {
          const auto& versions = shard.tariffs().versions();
          const auto& offers = versions.back().tariff->offers();
          if (offers.empty()) return;
          (void)engine::add_subscription(shard, account, offers[meanwhile.to % offers.size()].name,
                                         note);
        });
        break;
      case What::loaded:
        const Sample& loaded = sample(meanwhile.to);
        engine_.shard().enter_tariff(loaded.tariff, loaded.source);
        break;
    }
    test::expect_sound(test::broken_invariant(engine_.shard().book()));
  }

  // Operations want the accounts in memory.
  void when_here(const char* account, const std::function<void(engine::Shard&)>& work) {
    bool is_done = false;
    engine::Needs needs;
    needs.identities.push_back(*engine::parse_msisdn(account));
    engine_.shard().when_here(std::move(needs), [&](std::string_view error) {
      if (error.empty()) work(engine_.shard());
      is_done = true;
    });
    while (!is_done) {
      engine_.sync();
      if (!engine_.store().read_next()) break;
    }
    FARTHING_ASSERT(is_done);
  }

  // The answer's octets.
  std::string answer(const Meanwhile& meanwhile) {
    answer_.clear();
    const auto decoded = decode(frame_, request_);
    FARTHING_ASSERT(decoded.has_value() || !decoded.error().is_fatal());
    if (decoded.has_error()) {
      write_error_answer(answer_, request_, {"ocs.example", "example", 1}, decoded.error().code,
                         decoded.error().failed_avp);
    } else {
      engine_.decide([&] { return control_->decide(request_, meanwhile.profile, meanwhile.via); });
      control_->write(request_, answer_);
    }
    return {reinterpret_cast<const char*>(answer_.data()), answer_.size()};
  }

  void ask(const Meanwhile& meanwhile) {
    if ((frame_[4] & command_flag::request) == 0) return;  // it would not come to credit control
    const engine::Sequence before = engine_.shard().book().last();
    const std::string first = answer(meanwhile);
    test::expect_sound(test::broken_invariant(engine_.shard().book()));
    FARTHING_ASSERT(first.size() <= answer_size_bytes_max);
    const Header asked = request_.header();
    // A refused request's Session-Id and Proxy-Info go back as they came, sound or not.
    const bool is_sound = decode(frame_, request_).has_value();
    const auto read = decode(answer_.bytes(), request_);
    FARTHING_ASSERT(read.has_value() || (!is_sound && !read.error().is_fatal()));
    FARTHING_ASSERT(!request_.header().is_request());
    FARTHING_ASSERT(request_.header().hop_by_hop == asked.hop_by_hop);
    FARTHING_ASSERT(request_.header().end_to_end == asked.end_to_end);
    FARTHING_ASSERT(request_.header().command == asked.command);
    FARTHING_ASSERT(request_.find(AvpId::result_code) != nullptr);
    const engine::Sequence entered = engine_.shard().book().last();
    if (entered == before) return;
    FARTHING_ASSERT(answer(meanwhile) == first);
    FARTHING_ASSERT(engine_.shard().book().last() == entered);
  }

  test::TestEngine engine_;
  std::optional<CreditControl> control_;
  int recoveries_ = recoveries_max;
  std::vector<std::uint8_t> frame_;
  Message request_;
  Buffer answer_;
};

}  // namespace
}  // namespace farthing::diameter

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto world = std::make_unique<farthing::diameter::World>();
  world->play({data, size});
  return 0;
}
