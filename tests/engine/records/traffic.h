// Traffic for tests of records: sessions and events of every kind over the demo's subscribers, from
// a seed, and what their ledger says by itself.
#pragma once

#include "tests/support/test_engine.h"

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace farthing::test {

class Traffic {
 public:
  explicit Traffic(unsigned seed);

  // So many steps; each is one request, subscription, expiry or closing. Everything is durable.
  void run(int steps);
  // One request of a data session or, with type event, of a message.
  void request(engine::RequestType type, const std::string& session, const std::string& msisdn,
               std::uint64_t used, std::uint64_t asked);

  TestEngine& engine() { return engine_; }
  const storage::MemoryStore& store() { return engine_.store(); }

 private:
  struct OpenSession {
    std::string id;
    std::string msisdn;
  };

  TestEngine engine_;
  std::mt19937 random_;
  std::vector<OpenSession> open_;
  std::uint32_t number_ = 0;
};

// What an account was charged, by the legs of all its entries.
struct Charged {
  std::int64_t charged_micros = 0;
  std::int64_t overage_micros = 0;

  friend bool operator==(const Charged&, const Charged&) = default;
};

struct LedgerSums {
  std::map<std::uint64_t, Charged> accounts;
  std::set<std::uint64_t> closings;  // entries that must have a record: closed sessions and events
  std::map<std::uint64_t, Charged> open;  // by account: of sessions that are still open
};

LedgerSums ledger_sums(const storage::LedgerStore& store);

}  // namespace farthing::test
