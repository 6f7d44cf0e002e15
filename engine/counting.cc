#include "engine/counting.h"

#include "engine/base/wide.h"

#include <algorithm>
#include <utility>

namespace farthing::engine {

namespace {

constexpr auto by_place = [](const CounterHold& hold) {
  return std::pair(hold.segment, hold.counter);
};

bool fits(base::Int128 value) { return value >= 0 && value <= INT64_MAX; }

// Whether what the changes make of the counter is in range; `seen` counts the changes of it.
bool fits_after(const Entry& entry, CounterNumber number, base::Int128 value, base::Int128 held,
                std::size_t& seen) {
  for (const CounterChange& change : entry.counter_changes) {
    if (change.counter != number) continue;
    ++seen;
    value += change.counted;
    held += change.held;
  }
  return fits(value) && fits(held);
}

// Whether the opening makes an end of the counter. One that the tariff does not have any more goes
// when no usage of it can come.
bool ends(const CounterOpening& opening, const Counter& counter) {
  const Duration since = opening.span.from - counter.span.to;
  return counter.owner == opening.owner && counter.held == 0 &&
         since > (counter.key == opening.key ? Duration(0) : counters_kept);
}

}  // namespace

const char* check_counters(const Entry& entry, const Account* account, const Session* session) {
  if (entry.counter_openings.empty() && entry.counter_changes.empty()) return nullptr;
  if (account == nullptr) return "it counts for no account";
  std::size_t seen = 0;
  bool fit = true;
  for (const Counter& counter : account->counters) {
    fit = fit && fits_after(entry, counter.number, counter.value, counter.held, seen);
  }
  std::uint32_t number = account->counter_count;
  for (const CounterOpening& opening : entry.counter_openings) {
    if (opening.number.value != ++number) return "its counters are out of order";
    fit = fit && fits_after(entry, opening.number, 0, 0, seen);
  }
  if (!fit) return "it leaves a counter out of range";
  if (seen != entry.counter_changes.size()) return "it counts on an unknown counter";
  const std::size_t segments =
      (session == nullptr ? 0 : session->segments.size()) + entry.openings.size();
  for (const CounterChange& change : entry.counter_changes) {
    if (change.segment >= segments) return "it counts usage of an unknown price segment";
  }
  return nullptr;
}

void count(Account& account, const Entry& entry) {
  for (const CounterOpening& opening : entry.counter_openings) {
    account.counter_count = opening.number.value;
    account.counters.push_back({opening.number, opening.owner, opening.unit, opening.key,
                                std::string(opening.name), opening.span});
  }
  for (const CounterChange& change : entry.counter_changes) {
    const auto counter = std::ranges::find(account.counters, change.counter, &Counter::number);
    counter->value += change.counted;
    counter->held += change.held;
  }
  for (const CounterOpening& opening : entry.counter_openings) {
    std::erase_if(account.counters,
                  [&opening](const Counter& counter) { return ends(opening, counter); });
  }
}

void hold_counted(Session& session, const Entry& entry) {
  for (const CounterChange& change : entry.counter_changes) {
    if (change.held == 0) continue;
    const auto place = std::pair(change.segment, change.counter);
    auto hold = std::ranges::lower_bound(session.counter_holds, place, {}, by_place);
    if (hold == session.counter_holds.end() || by_place(*hold) != place) {
      hold = session.counter_holds.insert(hold, {change.segment, change.counter, 0});
    }
    hold->units += change.held;
  }
  std::erase_if(session.counter_holds, [](const CounterHold& hold) { return hold.units == 0; });
}

}  // namespace farthing::engine
