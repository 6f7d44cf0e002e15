#include "diameter/peer_state.h"

#include <gtest/gtest.h>

namespace farthing::diameter {
namespace {

using namespace std::chrono_literals;

constexpr int events_count = static_cast<int>(PeerEvent::disconnected) + 1;

TEST(PeerState, OpensOnlyWithAnAcceptedCer) {
  for (int i = 0; i < events_count; ++i) {
    const PeerEvent event = static_cast<PeerEvent>(i);
    const PeerTransition step = transition(PeerState::wait_cer, event);
    EXPECT_EQ(step.next == PeerState::open, event == PeerEvent::cer_accepted) << i;
    EXPECT_NE(step.action, PeerAction::deliver);
  }
}

TEST(PeerState, DeliversRequestsOnlyWhileOpen) {
  for (const PeerState state :
       {PeerState::wait_cer, PeerState::closing, PeerState::draining, PeerState::closed}) {
    EXPECT_EQ(transition(state, PeerEvent::request).action, PeerAction::ignore);
  }
  EXPECT_EQ(transition(PeerState::open, PeerEvent::request),
            (PeerTransition{PeerAction::deliver, PeerState::open}));
}

TEST(PeerState, NeverComesBackFromTheEnd) {
  for (int i = 0; i < events_count; ++i) {
    const PeerEvent event = static_cast<PeerEvent>(i);
    EXPECT_EQ(transition(PeerState::closed, event),
              (PeerTransition{PeerAction::ignore, PeerState::closed}));
    const PeerState next = transition(PeerState::draining, event).next;
    EXPECT_TRUE(next == PeerState::draining || next == PeerState::closed);
    EXPECT_EQ(transition(PeerState::closing, event).next == PeerState::open, false);
  }
}

TEST(PeerState, EndsWithTheTransport) {
  for (const PeerState state : {PeerState::wait_cer, PeerState::open, PeerState::closing,
                                PeerState::draining, PeerState::closed}) {
    EXPECT_EQ(transition(state, PeerEvent::disconnected).next, PeerState::closed) << name(state);
  }
}

TEST(Watchdog, AsksThenSuspectsThenFails) {
  MonotonicTime now{};
  Watchdog watchdog;
  watchdog.start(now, 30s);
  EXPECT_EQ(watchdog.check(now + 29s, 30s), Watchdog::Verdict::nothing);
  now += 30s;
  EXPECT_EQ(watchdog.check(now, 30s), Watchdog::Verdict::send_dwr);
  now += 30s;
  EXPECT_EQ(watchdog.check(now, 30s), Watchdog::Verdict::nothing);
  EXPECT_TRUE(watchdog.is_suspect());
  now += 30s;
  EXPECT_EQ(watchdog.check(now, 30s), Watchdog::Verdict::failed);
}

TEST(Watchdog, IsCalmedByAnyTraffic) {
  MonotonicTime now{};
  Watchdog watchdog;
  watchdog.start(now, 30s);
  for (int i = 0; i < 100; ++i) {
    now += 29s;
    watchdog.on_message(now);
    EXPECT_EQ(watchdog.check(now, 30s), Watchdog::Verdict::nothing);
  }
}

TEST(Watchdog, RecoversFromSuspicion) {
  MonotonicTime now{};
  Watchdog watchdog;
  watchdog.start(now, 10s);
  EXPECT_EQ(watchdog.check(now += 10s, 10s), Watchdog::Verdict::send_dwr);
  EXPECT_EQ(watchdog.check(now += 10s, 10s), Watchdog::Verdict::nothing);
  ASSERT_TRUE(watchdog.is_suspect());
  watchdog.on_dwa(now += 1s);
  EXPECT_FALSE(watchdog.is_suspect());
  EXPECT_EQ(watchdog.check(now += 9s, 10s), Watchdog::Verdict::nothing);
  EXPECT_EQ(watchdog.check(now += 1s, 10s), Watchdog::Verdict::send_dwr);
}

TEST(Watchdog, TakesTheJitterOfEachInterval) {
  MonotonicTime now{};
  Watchdog watchdog;
  watchdog.start(now, 28s);
  EXPECT_EQ(watchdog.check(now += 28s, 32s), Watchdog::Verdict::send_dwr);
  EXPECT_EQ(watchdog.check(now + 31s, 28s), Watchdog::Verdict::nothing);
  EXPECT_FALSE(watchdog.is_suspect());
  EXPECT_EQ(watchdog.check(now + 32s, 28s), Watchdog::Verdict::nothing);
  EXPECT_TRUE(watchdog.is_suspect());
}

}  // namespace
}  // namespace farthing::diameter
