// What was refused, from a ledger with refusals of every kind.
#include "engine/rejects.h"

#include "engine/attributes.h"
#include "tests/support/requests.h"
#include "tests/support/test_engine.h"

#include <gtest/gtest.h>

#include <string>

namespace farthing::engine {
namespace {

class RejectsTest : public testing::Test {
 protected:
  // An initial request for so much of a rating group.
  Outcome ask(std::string_view session, std::string_view msisdn, std::uint32_t group,
              std::string_view called = {}, std::uint32_t number = 0) {
    Request request = test::request_of(number == 0 ? RequestType::initial : RequestType::update,
                                       number, session, msisdn);
    if (!called.empty()) {
      request.attributes.push_back({static_cast<std::uint8_t>(AttributeId::called_party), called});
    }
    test::use(request, 0, 1 << 20);
    request.services[0].rating_group = RatingGroup(group);
    engine_.handle(request);
    const Answer& answer = engine_.shard().answer();
    return answer.service_count > 0 ? answer.services[0].outcome : answer.outcome;
  }

  Rejects find(const RejectQuestion& question = {}) {
    engine_.sync();
    LedgerReader ledger(engine_.store(), {});
    const auto found = find_rejects(ledger, Sequence(1), question, [](Sequence) { return true; });
    EXPECT_TRUE(found.has_value()) << found.error();
    return *found;
  }

  test::TestEngine engine_;
};

TEST_F(RejectsTest, AreCountedByWhatTheyHaveInCommon) {
  EXPECT_EQ(ask("pgw.a;1", "8613800138000", 99), Outcome::rating_failed);
  EXPECT_EQ(ask("pgw.a;2", "8613800138003", 99), Outcome::rating_failed);
  EXPECT_EQ(ask("pgw.b;1", "8613800138000", 99), Outcome::rating_failed);
  EXPECT_EQ(ask("pgw.a;3", "8613800138008", 10), Outcome::credit_limit_reached);
  EXPECT_EQ(ask("pgw.a;4", "8613800138009", 10), Outcome::service_denied);
  EXPECT_EQ(ask("pgw.a;5", "8613800138000", 10), Outcome::success);
  EXPECT_EQ(ask("pgw.a;6", "8613800999999", 10), Outcome::user_unknown);

  const Rejects rejects = find();
  EXPECT_EQ(rejects.count, 5u) << "whom nobody knows is not in the ledger";
  EXPECT_EQ(rejects.left_out, 0u);
  ASSERT_EQ(rejects.groups.size(), 4u);
  const RejectGroup& first = rejects.groups[0];
  EXPECT_EQ(first.outcome, Outcome::rating_failed);
  EXPECT_EQ(first.count, 2u);
  EXPECT_EQ(first.peer, "pgw.a");
  EXPECT_EQ(first.rating_group, RatingGroup(99));
  EXPECT_EQ(first.service_context, "32251@3gpp.org");
  EXPECT_EQ(first.prefix, "");
  EXPECT_EQ(reject_code(first.outcome), 5031u);
  EXPECT_EQ(rejects.groups[1].outcome, Outcome::service_denied);
  EXPECT_FALSE(rejects.groups[1].rating_group) << "the subscriber is barred, whatever the group";
}

TEST_F(RejectsTest, TheCalledNumberIsThatOfTheSession) {
  EXPECT_EQ(ask("as.a;1", "8613800138000", 99, "tel:+4930123456"), Outcome::rating_failed);
  EXPECT_EQ(ask("as.a;2", "8613800138000", 10, "sip:+8610123@ims.example"), Outcome::success);
  EXPECT_EQ(ask("as.a;2", "8613800138000", 99, {}, 1), Outcome::rating_failed);
  EXPECT_EQ(ask("as.a;2", "8613800138000", 99, {}, 2), Outcome::rating_failed);

  RejectQuestion question;
  question.prefix_digits = 2;
  const Rejects rejects = find(question);
  ASSERT_EQ(rejects.groups.size(), 2u);
  EXPECT_EQ(rejects.groups[0].prefix, "86");
  EXPECT_EQ(rejects.groups[0].count, 2u);
  EXPECT_EQ(rejects.groups[0].peer, "as.a");
  EXPECT_EQ(rejects.groups[0].service_context, "32251@3gpp.org");
  EXPECT_EQ(rejects.groups[1].prefix, "49");
}

TEST_F(RejectsTest, AreOfASpanOfTime) {
  const Time begin = engine_.now();
  for (int hour = 0; hour < 24; ++hour) {
    ask("pgw.a;" + std::to_string(hour), "8613800138000", 99);
    engine_.sync();
    engine_.advance(std::chrono::hours(1));
  }
  RejectQuestion question;
  question.since = begin + std::chrono::hours(5);
  question.until = begin + std::chrono::hours(8);
  const Rejects rejects = find(question);
  ASSERT_EQ(rejects.groups.size(), 1u);
  EXPECT_EQ(rejects.groups[0].count, 3u);
  EXPECT_EQ(rejects.groups[0].first, begin + std::chrono::hours(5));
  EXPECT_EQ(rejects.groups[0].last, begin + std::chrono::hours(7));
  question.since = begin + std::chrono::hours(48);
  question.until.reset();
  EXPECT_EQ(find(question).count, 0u);
}

}  // namespace
}  // namespace farthing::engine
