#include "engine/account_table.h"

#include "engine/base/assert.h"

namespace farthing::engine {

namespace {

// A place in an index of half-full groups of fifteen, with its share of their heads.
constexpr std::size_t place_bytes(std::size_t value_bytes) { return 3 * (value_bytes + 1) / 2; }
constexpr std::size_t nobody_max = 50'000;
constexpr std::size_t small_text_bytes = 15;      // held inside the string itself
constexpr std::size_t small_account_bytes = 450;  // one subscriber with two identities, no bucket

std::size_t text_bytes(const std::string& text) {
  return text.capacity() > small_text_bytes ? text.capacity() + 1 : 0;
}

std::size_t chosen_bytes(const ChosenList& chosen) {
  return sizeof(ChosenList) + 2 * sizeof(void*) + chosen.numbers.capacity() * sizeof(std::string);
}

std::size_t profile_bytes(const Profile& profile) {
  std::size_t bytes = sizeof(Profile) + 2 * sizeof(void*);
  bytes += profile.attributes.capacity() * sizeof(tariffs::SubscriberAttribute);
  for (const auto& [name, value] : profile.attributes)
    bytes += text_bytes(name) + text_bytes(value);
  bytes += profile.switched_off.capacity() * sizeof(std::string);
  for (const std::string& name : profile.switched_off) bytes += text_bytes(name);
  return bytes;
}

std::uint32_t estimate_bytes(const Account& account) {
  std::size_t bytes = sizeof(Account) + text_bytes(account.name);
  bytes += place_bytes(16) + place_bytes(24);  // by number, by name
  bytes += account.subscribers.capacity() * sizeof(Subscriber) +
           account.subscribers.size() * 2 * place_bytes(24);
  for (const Subscriber& subscriber : account.subscribers) {
    if (subscriber.profile != nullptr) bytes += profile_bytes(*subscriber.profile);
    if (subscriber.chosen != nullptr) bytes += chosen_bytes(*subscriber.chosen);
  }
  bytes += account.buckets.capacity() * sizeof(Bucket);
  for (const Bucket& bucket : account.buckets) {
    bytes += text_bytes(bucket.offer) + bucket.coverage.capacity() * sizeof(tariffs::Coverage) +
             bucket.limits.capacity() * sizeof(Bucket::Limit);
  }
  bytes += account.subscriptions.capacity() * sizeof(Subscription);
  for (const Subscription& subscription : account.subscriptions) {
    bytes += text_bytes(subscription.offer) +
             subscription.buckets.capacity() * sizeof(BucketNumber) +
             subscription.coverage.capacity() * sizeof(tariffs::Coverage);
  }
  bytes += account.ceilings.capacity() * sizeof(OwnCeiling);
  for (const OwnCeiling& ceiling : account.ceilings) bytes += text_bytes(ceiling.name);
  bytes += account.commitments.capacity() * sizeof(SpendCommitment);
  for (const SpendCommitment& commitment : account.commitments) {
    bytes += text_bytes(commitment.offer);
  }
  bytes += account.plans.capacity() * sizeof(InstalmentPlan);
  for (const InstalmentPlan& plan : account.plans) bytes += text_bytes(plan.offer);
  bytes += account.counters.capacity() * sizeof(Counter);
  for (const Counter& counter : account.counters) bytes += text_bytes(counter.name);
  return static_cast<std::uint32_t>(bytes);
}

}  // namespace

AccountTable::AccountTable(std::uint64_t memory_bytes) {
  const std::uint64_t accounts = memory_bytes / small_account_bytes;
  if (accounts == 0) return;
  by_number_.reserve(accounts);
  by_name_.reserve(accounts);
  by_identity_.reserve(2 * accounts);
}

Account& AccountTable::add(AccountNumber number) {
  if (free_.empty()) free_.push_back(&memory_.emplace_back());
  Account& account = *free_.back();
  const bool fresh = by_number_.emplace(number.value, &account).second;
  FARTHING_ASSERT(fresh && number.value != 0);
  free_.pop_back();
  account.number = number;
  account.is_touched = true;
  resized(account);
  return account;
}

void AccountTable::index(Account& account) {
  by_name_.emplace(account.name, &account);
  for (std::size_t i = 1; i <= account.subscribers.size(); ++i) {
    index_subscriber(account, SubscriberNumber(static_cast<std::uint16_t>(i)));
  }
  resized(account);
}

void AccountTable::index_subscriber(Account& account, SubscriberNumber number) {
  const Subscriber& subscriber = *account.subscriber(number);
  if (subscriber.state == LifeState::terminated) return;
  for (Identity identity : {subscriber.msisdn, subscriber.imsi}) {
    if (identity.kind() == Identity::Kind::none) continue;
    by_identity_.insert_or_assign(identity, SubscriberRef{&account, number});
    nobody_.erase(identity);
  }
}

void AccountTable::forget_subscriber(const Account& account, SubscriberNumber number) {
  const Subscriber& subscriber = *account.subscriber(number);
  for (Identity identity : {subscriber.msisdn, subscriber.imsi}) {
    const auto found = by_identity_.find(identity);  // may be another's by now
    if (found == by_identity_.end() || found->second.account != &account ||
        found->second.subscriber != number) {
      continue;
    }
    by_identity_.erase(found);
  }
}

void AccountTable::resized(Account& account) {
  const std::uint32_t bytes = estimate_bytes(account);
  memory_bytes_ += bytes;
  memory_bytes_ -= account.memory_bytes;
  account.memory_bytes = bytes;
}

Account* AccountTable::find(AccountNumber number) {
  const auto found = by_number_.find(number.value);
  if (found == by_number_.end()) return nullptr;
  found->second->is_touched = true;
  return found->second;
}

Account* AccountTable::find(std::string_view name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  found->second->is_touched = true;
  return found->second;
}

std::optional<SubscriberRef> AccountTable::find(Identity identity) {
  const auto found = by_identity_.find(identity);
  if (found == by_identity_.end()) return std::nullopt;
  const_cast<Account*>(found->second.account)->is_touched = true;
  return found->second;
}

void AccountTable::note_nobody(Identity identity) {
  if (nobody_.size() >= nobody_max) nobody_.clear();
  nobody_.insert(identity);
}

std::size_t AccountTable::evict(std::size_t steps, std::uint64_t round_written,
                                std::uint64_t stamp_before) {
  std::size_t evicted = 0;
  for (; steps > 0 && !memory_.empty(); --steps) {
    if (hand_ >= memory_.size()) hand_ = 0;
    Account& account = memory_[hand_++];
    if (account.number.value == 0) continue;
    if (account.is_touched) {
      account.is_touched = false;
      continue;
    }
    if (account.is_changed || account.is_pinned || account.session_count > 0 ||
        account.written_round > round_written || account.stamp >= stamp_before) {
      continue;
    }
    drop(account);
    ++evicted;
  }
  return evicted;
}

void AccountTable::drop(Account& account) {
  for (std::size_t i = 1; i <= account.subscribers.size(); ++i) {
    forget_subscriber(account, SubscriberNumber(static_cast<std::uint16_t>(i)));
  }
  by_name_.erase(account.name);
  by_number_.erase(account.number.value);
  memory_bytes_ -= account.memory_bytes;
  account.clear();
  free_.push_back(&account);
}

}  // namespace farthing::engine
