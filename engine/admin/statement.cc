#include "engine/admin/statement.h"

#include "engine/admin/views.h"
#include "engine/entry_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace farthing::engine::admin {

namespace {

// What is known of a session besides its entry at hand.
struct SessionFacts {
  std::string id;
  std::map<std::uint16_t, SegmentOpening> segments;
};

class StatementReader {
 public:
  StatementReader(const storage::LedgerStore& store, const std::filesystem::path& archive,
                  const tariffs::TariffHistory& tariffs)
      : entries_(store, archive), others_(store, archive), tariffs_(tariffs) {}

  base::Result<Statement, storage::StoreError> read(const StatementQuery& query);

 private:
  base::Result<void, storage::StoreError> add_rows(const Entry& entry, Sequence own, Money balance);
  base::Result<const SegmentOpening*, storage::StoreError> segment(const Entry& entry, Sequence own,
                                                                   std::uint16_t index);
  base::Result<const SessionFacts*, storage::StoreError> session(const Entry& entry, Sequence own);
  void learn(SessionFacts& facts, const Entry& entry);

  EntryReader entries_;
  EntryReader others_;
  const tariffs::TariffHistory& tariffs_;
  std::map<std::uint64_t, SessionFacts> sessions_;
  std::vector<StatementRow> rows_;  // the newest first
};

bool is_archived(const storage::StoreError& error) {
  return error.code == storage::StoreError::Code::archived;
}

std::uint64_t granted_to(BucketNumber bucket, const Entry& entry) {
  std::int64_t units = 0;
  for (const Leg& leg : entry.legs) {
    const bool is_free = leg.side == Side::allowance || leg.side == Side::bucket;
    if (is_free && leg.bucket == bucket) units += leg.amount;
  }
  return static_cast<std::uint64_t>(units);
}

// Of an entry that used nothing.
StatementRow row_without_use(const Entry& entry, StatementRow row) {
  row.overage = Money(-sum_of(entry, Side::overage));
  row.amount =
      Money(sum_of(entry, Side::main) + sum_of(entry, Side::reserved) - row.overage.micros);
  if (!entry.bucket_openings.empty()) {
    const BucketOpening& bucket = entry.bucket_openings.front();
    row.rule = bucket.offer;
    if (!bucket.is_lent) {
      row.unit = bucket.unit;
      row.units = granted_to(bucket.number, entry);
    }
  }
  if (entry.subscription) {
    row.rule = entry.subscription->offer;
    row.tariff = entry.subscription->version;
  }
  if (entry.kind == EntryKind::spend_settled) {
    row.rule = describe(entry.commitment->commitment, "");  // in UTC
  }
  if (entry.kind == EntryKind::instalment_credited) row.rule = describe(*entry.plan);
  if (entry.payment) row.rule = fmt::format("paid for entry {}", entry.payment->entry.value);
  if (entry.profile_change) row.rule = describe_change(*entry.profile_change);
  if (entry.state_change) row.rule = state_name(entry.state_change->state);
  if (entry.terms) row.rule = describe(*entry.terms, "");  // in UTC
  if (!entry.ceilings.empty() && !entry.subscription) row.rule = entry.ceilings.front().name;
  if (entry.rated_again) {
    row.rule = fmt::format("rerated: entry {}", entry.rated_again->entry.value);
    row.rating_group = entry.rated_again->rating_group;
  }
  return row;
}

base::Result<Statement, storage::StoreError> StatementReader::read(const StatementQuery& query) {
  Sequence at = query.newest;
  std::int64_t balance = query.balance.micros;
  std::size_t taken = 0;
  Statement statement;
  while (at.value != 0) {
    const auto read = entries_.read(at);
    if (!read.has_value() && is_archived(read.error())) {
      statement.missing = read.error().message;
      break;
    }
    if (!read.has_value()) return read.error();
    const Entry& entry = **read;
    if (query.before.value == 0 || at < query.before) {
      if (taken == query.entries_max) {
        statement.next_before = Sequence(at.value + 1);
        break;
      }
      ++taken;
      const auto added = add_rows(entry, at, Money(balance));
      if (!added.has_value()) return added.error();
    }
    balance -= sum_of(entry, Side::main) + sum_of(entry, Side::reserved);
    at = entry.previous;
  }
  statement.rows.assign(std::make_move_iterator(rows_.rbegin()),
                        std::make_move_iterator(rows_.rend()));
  return statement;
}

// The rows of one entry, last one first; `balance` is that after the entry.
base::Result<void, storage::StoreError> StatementReader::add_rows(const Entry& entry, Sequence own,
                                                                  Money balance) {
  StatementRow common;
  common.sequence = own;
  common.time = entries_.time();
  common.kind = entry.kind;
  common.balance = balance;
  if (entry.note) {
    common.operator_name = entry.note->operator_name;
    common.reason = entry.note->reason;
    common.request_id = entry.note->request_id;
  }
  if (!entry.session_id.empty()) common.session = entry.session_id;
  if (entry.session && entry.session_id.empty()) {
    const auto facts = session(entry, own);
    if (!facts.has_value()) return facts.error();
    common.session = (*facts)->id;
  }

  std::map<std::uint16_t, std::uint64_t> used;
  for (const SegmentUse& use : entry.uses) {
    std::uint64_t& units = used[use.index];
    if (__builtin_add_overflow(units, use.units, &units)) units = UINT64_MAX;
  }
  if (used.empty()) {
    rows_.push_back(row_without_use(entry, std::move(common)));
    return {};
  }
  for (auto use = used.rbegin(); use != used.rend(); ++use) {
    const auto opening = segment(entry, own, use->first);
    if (!opening.has_value()) return opening.error();
    StatementRow row = common;
    row.units = use->second;
    if (*opening != nullptr) {
      const SegmentOpening& terms = **opening;
      row.rating_group = terms.rating_group;
      row.service = service_name(tariffs_, terms.version, terms.service);
      row.unit = terms.terms.unit;
      row.rule = rule_name(tariffs_, terms.version, terms.rule);
      row.tariff = terms.version;
    }
    for (const Leg& leg : entry.legs) {
      if (leg.segment != use->first) continue;
      if (leg.side == Side::revenue) row.amount.micros -= leg.amount;
      if (leg.side == Side::overage) row.overage.micros -= leg.amount;
      if (is_bucket_money(leg.side)) row.others.micros -= leg.amount;
    }
    if (*opening != nullptr && (*opening)->terms.tax) {
      row.tax_rate = (*opening)->terms.tax;
      row.tax = tariffs::tax_in(row.amount, *row.tax_rate, (*opening)->terms.rounding);
    }
    common.balance.micros -= row.amount.micros + row.overage.micros + row.others.micros;
    rows_.push_back(std::move(row));
  }
  return {};
}

void StatementReader::learn(SessionFacts& facts, const Entry& entry) {
  if (!entry.session_id.empty()) facts.id = entry.session_id;
  for (const SegmentOpening& opening : entry.openings) facts.segments[opening.index] = opening;
}

// The session's facts with what its first entry says: its id, and mostly all its segments.
base::Result<const SessionFacts*, storage::StoreError> StatementReader::session(const Entry& entry,
                                                                                Sequence own) {
  const std::uint64_t number =
      entry.session->session.value == 0 ? own.value : entry.session->session.value;
  const auto [place, fresh] = sessions_.try_emplace(number);
  if (fresh) {
    const auto first = others_.read(Sequence(number));
    if (!first.has_value() && !is_archived(first.error())) return first.error();
    if (first.has_value()) learn(place->second, **first);
  }
  learn(place->second, entry);
  return &place->second;
}

// The segment as it was opened: in this entry, or in an earlier one of its session.
base::Result<const SegmentOpening*, storage::StoreError> StatementReader::segment(
    const Entry& entry, Sequence own, std::uint16_t index) {
  for (const SegmentOpening& opening : entry.openings) {
    if (opening.index == index) return &opening;
  }
  if (!entry.session) return nullptr;
  const auto known = session(entry, own);
  if (!known.has_value()) return known.error();
  SessionFacts& facts = sessions_[entry.session->session.value];
  for (Sequence at = entry.session->previous; !facts.segments.contains(index) && at.value != 0;) {
    const auto earlier = others_.read(at);
    if (!earlier.has_value() && is_archived(earlier.error())) break;
    if (!earlier.has_value()) return earlier.error();
    learn(facts, **earlier);
    at = (*earlier)->session ? (*earlier)->session->previous : Sequence();
  }
  const auto found = facts.segments.find(index);
  return found == facts.segments.end() ? nullptr : &found->second;
}

}  // namespace

base::Result<Statement, storage::StoreError> read_statement(const storage::LedgerStore& store,
                                                            const std::filesystem::path& archive,
                                                            const tariffs::TariffHistory& tariffs,
                                                            const StatementQuery& query) {
  return StatementReader(store, archive, tariffs).read(query);
}

}  // namespace farthing::engine::admin
