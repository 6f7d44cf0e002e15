// Clients of a few accounts that have little money, several sessions each, for some hours: usage
// as varied as tariffs allow, from a seed.
#pragma once

#include "tariffs/tariff_source.h"
#include "tests/support/test_engine.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::test {

// Zones, times of day, tiers, slabs, caps, steps, minimums, set-ups, allowances; with counters, if
// those are asked for, also prices that go by them and one that stops.
class Crowd {
 public:
  Crowd(std::uint32_t seed, bool is_counted);

  // What it is charged by.
  static tariffs::TariffSource source(bool is_counted);
  void live(int steps);
  TestEngine& engine() { return engine_; }

 private:
  struct Client {
    std::string id;
    std::string_view msisdn;
    bool is_voice = false;
    std::uint32_t next = 0;
    struct Use {
      std::optional<std::uint32_t> group;
      std::optional<std::uint32_t> identifier;
      std::uint64_t granted = 0;
    };
    std::vector<Use> uses;
  };

  std::uint32_t below(std::uint64_t end) { return static_cast<std::uint32_t>(random_() % end); }
  std::string_view msisdn();
  void begin();
  void go_on(engine::RequestType type);
  void send(std::size_t place, engine::RequestType type);
  void report(engine::ServiceRequest& service, const Client& client, std::uint64_t granted);
  void ask(engine::ServiceRequest& service, const Client& client);

  std::mt19937 random_;
  const bool is_counted_;
  TestEngine engine_;
  std::vector<Client> open_;
  int clients_ = 0;
};

}  // namespace farthing::test
