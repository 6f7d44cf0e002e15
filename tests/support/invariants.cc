#include "tests/support/invariants.h"

#include "engine/verify.h"

#include <fmt/format.h>

#include <map>

namespace farthing::test {

namespace {

using engine::Account;
using engine::Bucket;
using engine::Session;

struct Held {
  std::int64_t money = 0;
  std::map<std::uint32_t, std::int64_t> units;    // by bucket
  std::map<std::uint32_t, std::int64_t> counted;  // by counter
};

// Adds what the session holds to `held`.
std::string check_session(const Session& session, Held& held) {
  std::map<std::uint16_t, std::uint64_t> granted;
  for (const engine::HeldGrant& grant : session.grants) {
    // Of nothing: the service stays where its end led to, until it is granted units again.
    if (grant.units == 0 && grant.final_unit != engine::FinalUnit::acts) {
      return "a grant of nothing is held";
    }
    if (grant.units > 0) granted[grant.segment] += grant.units;
  }
  for (const engine::BucketHold& hold : session.holds) {
    if (hold.units <= 0) return "nothing, or less, of a bucket is held";
    if (!granted.contains(hold.segment)) return "units of a bucket are held for no grant";
    held.units[hold.bucket.value] += hold.units;
  }
  for (const engine::CounterHold& hold : session.counter_holds) {
    if (hold.units <= 0) return "nothing, or less, of a counter is held";
    if (!granted.contains(hold.segment)) return "units of a counter are held for no grant";
    held.counted[hold.counter.value] += hold.units;
  }
  for (std::uint16_t i = 0; i < session.segments.size(); ++i) {
    const engine::Segment& segment = session.segments[i];
    if (segment.reserved_micros < 0) return "a segment's reservation is negative";
    if (segment.reserved_micros > 0 && !granted.contains(i)) return "money is held for no grant";
    held.money += segment.reserved_micros;
  }
  return {};
}

std::string check_account(const Account& account) {
  const std::int64_t limit =
      account.credit_limit_micros + account.terms.temporary_credit.micros;  // a debt stays
  if (account.main_micros < -limit) return "it is below its limit";
  if (account.balance() > engine::account_money_max) return "its balance is over the maximum";
  if (account.overage_micros < 0) return "its overage is negative";
  Held held;
  std::uint32_t sessions = 0;
  for (const Session* at = account.sessions; at != nullptr; at = at->account_next, ++sessions) {
    if (at->account != &account) return "a session of another account is in its list";
    if (std::string wrong = check_session(*at, held); !wrong.empty()) return wrong;
  }
  if (sessions != account.session_count) return "its open sessions are miscounted";
  if (held.money != account.reserved_micros) return "its reservation is not what its sessions hold";
  for (const Bucket& bucket : account.buckets) {
    if (bucket.remaining < 0) return "a bucket is below zero";
    if (bucket.reserved != held.units[bucket.number.value]) {
      return "a bucket's reservation is not what sessions hold of it";
    }
  }
  for (const engine::Counter& counter : account.counters) {
    if (counter.value < 0) return "a counter is below zero";
    if (counter.held != held.counted[counter.number.value]) {
      return "what is held of a counter is not what sessions hold of it";
    }
  }
  return {};
}

}  // namespace

std::string broken_invariant(const engine::Book& book) {
  for (std::uint64_t n = 1; n <= book.account_count(); ++n) {
    const Account* const account = book.account(engine::AccountNumber(n));
    if (account == nullptr) continue;  // it is not in memory
    const std::string wrong = check_account(*account);
    if (!wrong.empty()) return fmt::format("account {}: {}", account->name, wrong);
  }
  return {};
}

std::string recovery_difference(const engine::Shard& shard) {
  engine::Verifier verifier(shard.store());
  const auto folded = verifier.fold_to(shard.book().last(), [](engine::Sequence) { return true; });
  if (!folded.has_value()) return folded.error().message;
  const auto sums = verifier.check_sums();
  if (!sums.has_value()) return sums.error().message;
  for (std::uint64_t n = 1; n <= shard.book().account_count(); ++n) {
    const engine::AccountNumber number(n);
    if (shard.book().account(number) == nullptr) continue;  // it is not in memory
    const std::string difference =
        engine::first_difference(engine::account_state(*verifier.book().account(number)),
                                 engine::account_state(*shard.book().account(number)));
    if (!difference.empty()) return fmt::format("account {}: {}", n, difference);
  }
  return {};
}

std::string proof_failure(const storage::LedgerStore& store) {
  engine::Verifier verifier(store);
  if (const auto rows = verifier.read_rows(); !rows.has_value()) return rows.error().message;
  const auto folded = verifier.fold_to(store.end().last, [](engine::Sequence) { return true; });
  if (!folded.has_value()) return folded.error().message;
  if (const auto sums = verifier.check_sums(); !sums.has_value()) return sums.error().message;
  const auto rows = verifier.check_end();
  return rows.has_value() ? "" : rows.error().message;
}

}  // namespace farthing::test
