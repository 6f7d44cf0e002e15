// The directory of open sessions, against a map.
#include "engine/session_directory.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <utility>
#include <vector>

namespace farthing::engine {
namespace {

// Few homes and few lower halves, so that places collide, in runs that cross the array's end.
SessionId128 crowded_key(std::mt19937_64& random) {
  const std::uint64_t low = random() % 2 == 0 ? random() % 8 : ~std::uint64_t{0} - random() % 8;
  return {low, random() % 8};
}

TEST(SessionDirectoryTest, FindsWhatIsInItAndNothingElse) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    SessionDirectory directory;
    std::deque<Session> memory;
    std::map<std::pair<std::uint64_t, std::uint64_t>, Session*> model;
    for (int step = 0; step < 2000; ++step) {
      const SessionId128 key = crowded_key(random);
      const auto known = model.find({key.low, key.high});
      ASSERT_EQ(directory.find(key), known == model.end() ? nullptr : known->second);
      if (known == model.end()) {
        Session& session = memory.emplace_back();
        session.key = key;
        directory.insert(session);
        model.emplace(std::pair(key.low, key.high), &session);
      } else if (random() % 2 == 0) {
        directory.erase(*known->second);
        model.erase(known);
      }
      ASSERT_EQ(directory.size(), model.size());
    }
    for (const auto& [key, session] : model) EXPECT_EQ(directory.find(session->key), session);
  }
}

TEST(SessionDirectoryTest, AHintIsTheSessionUnlessLowerHalvesAreEqual) {
  std::mt19937_64 random(1);
  SessionDirectory directory(100);
  std::vector<Session> sessions(10'000);
  for (Session& session : sessions) {
    session.key = {random(), random()};
    directory.insert(session);
  }
  for (const Session& session : sessions) {
    directory.prefetch(session.key);
    EXPECT_EQ(directory.hint(session.key), &session);
  }
  EXPECT_EQ(directory.hint({random(), random()}), nullptr);
}

}  // namespace
}  // namespace farthing::engine
