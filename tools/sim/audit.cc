#include "tools/sim/audit.h"

#include <utility>

namespace farthing::sim {

using engine::Entry;
using engine::EntryKind;
using engine::Leg;
using engine::Sequence;
using engine::Side;

void Audit::read_on(const storage::LedgerStore& store) {
  const auto scanned = store.scan(Sequence(next_), [this](const storage::Record& record) {
    std::string_view body = record.body;
    Sequence own = record.header.first;
    for (std::uint32_t i = 0; i < record.header.count; ++i, ++own.value) {
      if (!engine::decode_entry(body, own, entry_)) {
        findings_.add("ledger entry {} cannot be decoded", own.value);
        return false;
      }
      if (own.value == next_) read_entry(entry_, own);
    }
    return findings_.none();
  });
  if (!scanned.has_value()) findings_.add("the ledger cannot be read: {}", scanned.error().message);
}

void Audit::read_entry(const Entry& entry, Sequence own) {
  next_ = own.value + 1;
  if (entry.account.value == 0) return;
  if (entry.account_opening) {
    accounts_.emplace_back().name = entry.account_opening->name;
  }
  if (entry.account.value > accounts_.size()) {
    findings_.add("ledger entry {} is of no account", own.value);
    return;
  }
  Account& account = accounts_[entry.account.value - 1];
  follow_session(entry, own, account);
  add_legs(entry, own, account);
}

void Audit::follow_session(const Entry& entry, Sequence own, Account& account) {
  std::string id(entry.session_id);
  if (entry.session) {
    const std::uint64_t number =
        entry.session->session.value == 0 ? own.value : entry.session->session.value;
    if (number == own.value) {
      open_[number] = id;
      ++account.sight.sessions;
    }
    const auto found = open_.find(number);
    if (found == open_.end()) {
      findings_.add("ledger entry {} goes on with session {}, which has ended", own.value, number);
      return;
    }
    id = found->second;
    if (entry.kind == EntryKind::session_terminated || entry.kind == EntryKind::session_expired ||
        entry.kind == EntryKind::session_closed) {
      open_.erase(found);
      --account.sight.sessions;
    }
  }
  if (!entry.request) return;
  const engine::RequestKey& key = entry.request->key;
  if (!requests_
           .emplace(id, static_cast<std::uint8_t>(key.type), key.number, key.sub_session,
                    key.content)
           .second) {
    findings_.add("ledger entry {} is of a request that was entered before: {} number {}",
                  own.value, id, key.number);
  }
}

void Audit::add_legs(const Entry& entry, Sequence own, Account& account) {
  std::int64_t money = 0;
  std::map<std::uint32_t, std::int64_t> units;
  for (const Leg& leg : entry.legs) {
    if (engine::is_units(leg.side)) {
      units[leg.bucket.value] += leg.amount;
      AccountSight::Bucket& bucket = account.buckets[leg.bucket.value];
      bucket.number = leg.bucket.value;
      if (leg.side == Side::allowance) bucket.remaining += leg.amount;
      if (leg.side == Side::allowance_reserved) bucket.reserved += leg.amount;
      continue;
    }
    money += leg.amount;
    if (leg.side == Side::main || leg.side == Side::reserved) account.sight.balance += leg.amount;
    if (leg.side == Side::reserved) account.sight.reserved += leg.amount;
    if (leg.side == Side::overage) account.sight.overage -= leg.amount;
  }
  if (money != 0) findings_.add("the legs of ledger entry {} come to {}", own.value, money);
  for (const auto& [bucket, sum] : units) {
    if (sum == 0) continue;
    findings_.add("the legs of bucket {} in ledger entry {} come to {}", bucket, own.value, sum);
  }
  for (const engine::BucketNumber closed : entry.bucket_closings)
    account.buckets.erase(closed.value);
}

void Audit::compare(const Model& model) {
  if (model.accounts().size() != accounts_.size()) {
    findings_.add("the ledger has {} accounts, the model {}", accounts_.size(),
                  model.accounts().size());
    return;
  }
  for (std::size_t i = 0; i < accounts_.size(); ++i) {
    AccountSight sight = accounts_[i].sight;
    for (const auto& [number, bucket] : accounts_[i].buckets) sight.buckets.push_back(bucket);
    const AccountSight expected = model.sight(model.accounts()[i]);
    if (sight == expected) continue;
    findings_.add("the ledger has account {} with {}; it must be {}", accounts_[i].name,
                  to_string(sight), to_string(expected));
  }
}

}  // namespace farthing::sim
