#include "engine/expiry_wheel.h"

#include <algorithm>

namespace farthing::engine {

namespace {

constexpr Duration grace_after_start_max = std::chrono::minutes(10);

std::int64_t seconds_of(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace

Time ExpiryWheel::expiry_of(const Session& session) const {
  const Duration grace =
      std::min<Duration>(std::chrono::seconds(session.validity_seconds), grace_after_start_max);
  return std::max(session.deadline(), started_at_ + grace);
}

void ExpiryWheel::enter(Session& session) {
  // One second later than it expires, so that whatever is in a second that has begun is due. At
  // least the second that is looked at next: an expiry in the past is found at once.
  const std::int64_t second = std::max(seconds_of(expiry_of(session)) + 1, at_s_);
  enter_slot(session, second % seconds);
}

void ExpiryWheel::enter_slot(Session& session, std::int64_t slot) {
  session.wheel_slot = slot;
  Session*& head = slots_[static_cast<std::size_t>(session.wheel_slot)];
  session.wheel_previous = nullptr;
  session.wheel_next = head;
  if (head != nullptr) head->wheel_previous = &session;
  head = &session;
}

void ExpiryWheel::leave(Session& session) {
  if (session.wheel_previous != nullptr) {
    session.wheel_previous->wheel_next = session.wheel_next;
  } else {
    slots_[static_cast<std::size_t>(session.wheel_slot)] = session.wheel_next;
  }
  if (session.wheel_next != nullptr) session.wheel_next->wheel_previous = session.wheel_previous;
  session.wheel_previous = session.wheel_next = nullptr;
  session.wheel_slot = -1;
}

const Session* ExpiryWheel::next_expired(Time now) {
  const std::int64_t now_s = seconds_of(now);
  at_s_ = std::max(at_s_, now_s - seconds + 1);  // one round sees every session
  while (true) {
    while (Session* const due = slots_[due_slot]) {
      if (expiry_of(*due) <= now) return due;
      leave(*due);  // heard of since it was found due
      enter(*due);
    }
    if (at_s_ > now_s) return nullptr;
    sweep(at_s_ % seconds, now);
    ++at_s_;
  }
}

// Looks at each session of a slot once: those that are due, and those that have become due later.
void ExpiryWheel::sweep(std::int64_t slot, Time now) {
  for (Session* at = slots_[static_cast<std::size_t>(slot)]; at != nullptr;) {
    Session* const next = at->wheel_next;
    const Time expiry = expiry_of(*at);
    if (expiry <= now) {
      leave(*at);
      enter_slot(*at, due_slot);
    } else if ((seconds_of(expiry) + 1) % seconds != slot) {
      leave(*at);
      enter(*at);
    }
    at = next;
  }
}

}  // namespace farthing::engine
