// Traffic for tests of records: sessions and events of every kind over the demo's subscribers, from
// a seed.
#pragma once

#include "tests/support/test_engine.h"

#include <cstdint>
#include <random>
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

}  // namespace farthing::test
