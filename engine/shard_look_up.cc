// What a request needs of others than its subscriber: accounts that pay for it, the party at the
// other end, ported numbers.
#include "engine/base/hash.h"
#include "engine/numbers_document.h"
#include "engine/shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace farthing::engine {

// Why there is no deciding yet; nullopt: everybody is here, what was due of the account is done,
// and what was looked up is in the request.
std::optional<Shard::Hold> Shard::wait_for_others(const SubscriberRef& who, const Session* session,
                                                  const SessionId128& key, Request& request) {
  std::optional<Identity> other;
  Found found = who.account->payers.empty() ? Found::yes : find_payers(*who.account);
  if (found == Found::yes) {
    // What is due comes first: a subscription's next period brings its chosen numbers, too.
    if (who.account->due_at <= now()) renew(*who.account);
    found = look_up(who, session, request);
    if (found == Found::missing) other = look_up_.other();
  }
  if (found == Found::missing) return ask(request, key, std::nullopt, who.account, other);
  if (found == Found::yes) return std::nullopt;
  refuse(Outcome::unable_to_comply);
  return Hold::ready;
}

// Whether those that pay for the account are here; from now on they stay.
Shard::Found Shard::find_payers(const Account& account) const {
  for (const Payer& payer : account.payers) {
    if (book_.pin(payer.terms.account)) continue;
    const bool was_asked =
        answered_ != nullptr && std::ranges::find(answered_->needs.numbers, payer.terms.account) !=
                                    answered_->needs.numbers.end();
    return was_asked ? Found::unreadable : Found::missing;
  }
  return Found::yes;
}

Shard::Found Shard::look_up(const SubscriberRef& who, const Session* session, Request& request) {
  if (!look_up_.begin(who, session, *tariffs_, now(), request)) return Found::yes;
  std::optional<SubscriberRef> other;
  if (const std::optional<Identity>& identity = look_up_.other()) {
    other = book_.find_subscriber(*identity);
    if (!other && look_up_.needs_account() && may_be_elsewhere(*identity)) {
      if (!was_asked(*identity)) return Found::missing;
      if (!answered_->error.empty()) return Found::unreadable;
    }
  }
  look_up_.finish(who, other, session, request);
  return Found::yes;
}

Sequence Shard::enter_numbers(std::shared_ptr<const tariffs::PortedNumbers> numbers,
                              SourceDocument document, const Note& note) {
  Entry entry;
  entry.kind = EntryKind::numbers_loaded;
  if (!note.operator_name.empty() || !note.reason.empty()) entry.note = note;
  entry.numbers = NumbersLoading{numbers->size(), document.hash};
  look_up_.set_ported(std::move(numbers));
  documents_.push_back({std::string(numbers_document_key), std::move(document.source)});
  return enter(entry);
}

base::Result<void, RecoveryError> Shard::recover_numbers() {
  auto recalled = recall_numbers(store_);
  if (!recalled.has_value()) return RecoveryError{{}, recalled.error()};
  look_up_.set_ported(std::move(*recalled));
  return {};
}

}  // namespace farthing::engine
