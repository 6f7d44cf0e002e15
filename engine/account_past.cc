#include "engine/account_past.h"

#include <fmt/format.h>

#include <utility>

namespace farthing::engine {

namespace {

constexpr std::uint64_t entries_between_progress = 4096;
constexpr AccountNumber only_account(1);

}  // namespace

// The newest first.
base::Result<std::vector<Sequence>, std::string> AccountPast::find_entries(
    Sequence newest, const Progress& progress) {
  std::vector<Sequence> entries;
  for (Sequence at = newest; at.value != 0;) {
    const auto read = reader_.read(at);
    if (!read.has_value()) return read.error().message;
    entries.push_back(at);
    at = (*read)->previous;
    const bool is_time = entries.size() % entries_between_progress == 0;
    if (is_time && !progress(newest.value - at.value, newest.value)) {
      return std::string("stopped before the end");
    }
  }
  return entries;
}

base::Result<void, std::string> AccountPast::visit(Sequence newest, const Visitor& visitor,
                                                   const Progress& progress) {
  const auto entries = find_entries(newest, progress);
  if (!entries.has_value()) return entries.error();
  std::uint64_t folded = 0;
  for (auto own = entries->rbegin(); own != entries->rend(); ++own) {
    const auto read = reader_.read(*own);
    if (!read.has_value()) return read.error().message;
    const Entry& entry = **read;
    Moment moment{entry, *own, reader_.time(), book_.account(only_account), nullptr};
    if (entry.session && entry.session->session.value != 0) {
      const auto found = sessions_.find(entry.session->session.value);
      if (found != sessions_.end()) moment.session = book_.find_session(found->second);
    }
    visitor(moment);
    if (const char* wrong = fold(moment)) {
      return fmt::format("ledger entry {}: {}; run: farthing ledger verify", own->value, wrong);
    }
    if (++folded % entries_between_progress == 0 && !progress(folded, entries->size())) {
      return std::string("stopped before the end");
    }
  }
  return {};
}

// nullptr: done; else what is wrong with the entry.
const char* AccountPast::fold(const Moment& moment) {
  renumbered_ = moment.entry;
  const Sequence own(book_.last().value + 1);
  renumbered_.account = only_account;
  renumbered_.previous = moment.account == nullptr ? Sequence() : moment.account->last;
  if (moment.entry.session) {
    const std::uint64_t number = moment.entry.session->session.value;
    if (number == 0) {
      sessions_[moment.own.value] = SessionNumber(own.value);
    } else if (moment.session == nullptr) {
      return "it continues a session that is not open";
    } else {
      renumbered_.session = SessionLink{moment.session->number, moment.session->last};
    }
  }
  const char* const wrong = book_.apply(renumbered_, own, moment.now);
  const bool is_over =
      moment.session != nullptr && book_.find_session(renumbered_.session->session) == nullptr;
  if (is_over) sessions_.erase(moment.entry.session->session.value);
  return wrong;
}

}  // namespace farthing::engine
