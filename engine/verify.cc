#include "engine/verify.h"

#include "engine/base/hash.h"
#include "engine/numbers_document.h"
#include "engine/opening.h"
#include "engine/tariff_versions.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace farthing::engine {

namespace {

constexpr std::uint64_t records_between_progress = 1024;

constexpr std::array<std::string_view, side_count> side_names = {"main",
                                                                 "reserved",
                                                                 "allowance",
                                                                 "allowance_reserved",
                                                                 "revenue",
                                                                 "overage",
                                                                 "top_up",
                                                                 "adjustment",
                                                                 "granted",
                                                                 "consumed",
                                                                 "expired",
                                                                 "bucket",
                                                                 "bucket_reserved",
                                                                 "gift",
                                                                 "lent",
                                                                 "deposit"};

// The fold needs no memory of old answers.
BookOptions book_options() {
  BookOptions options;
  options.duplicates.window = Duration(0);
  return options;
}

// What an account's state says, in words.
class TextSink {
 public:
  void enter(std::string_view name, std::uint64_t number) {
    prefix_ = fmt::format("{} {}: ", name, number);
  }
  void add(std::string_view name, std::uint64_t value) { put(name, fmt::format("{}", value)); }
  void add_text(std::string_view name, std::string_view text) { put(name, std::string(text)); }
  void add_money(std::string_view name, std::int64_t micros) {
    put(name, Money(micros).to_string());
  }
  StateInWords take() { return std::move(values_); }

 private:
  void put(std::string_view name, std::string value) {
    values_.emplace_back(fmt::format("{}{}", prefix_, name), std::move(value));
  }

  std::string prefix_;
  StateInWords values_;
};

std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }
std::uint64_t micros_of(Time time) { return bits(time.time_since_epoch().count()); }

void walk_session(const Session& session, TextSink& sink) {
  sink.enter("session", session.number.value);
  sink.add_text("id", session.id);
  sink.add("subscriber", session.subscriber.value);
  sink.add("last entry", session.last.value);
  sink.add_text("attributes", session.attributes);
  sink.add("opened at", micros_of(session.opened_at));
  sink.add("heard at", micros_of(session.heard_at));
  sink.add("rated at", micros_of(session.rated_at));
  sink.add("validity", session.validity_seconds);
  for (const Segment& segment : session.segments) {
    sink.add("segment's rule", segment.rule.value);
    sink.add("segment's tariff", segment.version.value);
    sink.add("segment's use", segment.used);
    sink.add("segment's allowance", bits(segment.consumed_units));
    sink.add_money("segment's charge", segment.charged_micros);
    sink.add_money("segment's reservation", segment.reserved_micros);
    sink.add_money("segment's charge on buckets", segment.bucket_micros);
  }
  for (const HeldGrant& grant : session.grants) {
    sink.add("grant's segment", grant.segment);
    sink.add("grant's services", grant.services);
    sink.add("grant", grant.units);
    if (grant.final_unit != FinalUnit::none) {
      sink.add("grant's end", static_cast<std::uint64_t>(grant.final_unit));
    }
  }
  for (const BucketHold& hold : session.holds) {
    sink.add("hold's segment", hold.segment);
    sink.add("hold's bucket", hold.bucket.value);
    sink.add("hold", bits(hold.units));
  }
  for (const CounterHold& hold : session.counter_holds) {
    sink.add("hold's segment", hold.segment);
    sink.add("hold's counter", hold.counter.value);
    sink.add("hold", bits(hold.units));
  }
  for (const ShareUse& use : session.share_uses) {
    sink.add("share's segment", use.segment);
    sink.add("share's bucket", use.bucket.value);
    sink.add_money("fell to a share", use.fallen_micros);
    sink.add_money("paid of a share", use.paid_micros);
  }
  sink.add("requests remembered", session.request_count);
  sink.add("last answer's hash", base::hash64(session.last_outcome));
}

void walk_plans(const Account& account, TextSink& sink) {
  for (const InstalmentPlan& plan : account.plans) {
    sink.enter("instalments", plan.subscription.value);
    sink.add("owner", plan.owner.value);
    sink.add_text("what", describe(plan));
    sink.add("asks minimum", plan.asks_minimum ? 1 : 0);
    sink.add("is returned", plan.is_returned ? 1 : 0);
    sink.add("due", micros_of(plan.due));
  }
}

void walk_payers(const Account& account, TextSink& sink) {
  for (const Payer& payer : account.payers) {
    sink.enter("payer", payer.terms.bucket.value);
    sink.add("account", payer.terms.account.value);
    sink.add("has a cap", payer.terms.cap ? 1 : 0);
    sink.add_money("cap", payer.terms.cap.value_or(Money()).micros);
    sink.add("month from", micros_of(payer.terms.month.from));
    sink.add_money("spent", payer.spent_micros);
    sink.add("share", payer.terms.share.millionths);
    sink.add("rounding", static_cast<std::uint64_t>(payer.terms.rounding));
    sink.add("place", payer.terms.place);
  }
  if (account.budget) {
    sink.enter("budget for others", 0);
    sink.add_money("amount", account.budget->amount->micros);
    sink.add("month from", micros_of(account.budget->month.from));
    sink.add_money("spent", account.budget->spent_micros);
    sink.add_money("held", account.budget->held_micros);
  }
}

void walk_possessions(const Account& account, TextSink& sink) {
  for (const Bucket& bucket : account.buckets) {
    sink.enter("bucket", bucket.number.value);
    sink.add("owner", bucket.owner.value);
    sink.add_text("offer", bucket.offer);
    sink.add("valid to", micros_of(bucket.valid_to));
    sink.add("remaining", bits(bucket.remaining));
    sink.add("reserved", bits(bucket.reserved));
  }
  for (const Subscription& subscription : account.subscriptions) {
    sink.enter("subscription", subscription.number.value);
    sink.add("owner", subscription.owner.value);
    sink.add_text("offer", subscription.offer);
    sink.add_text("state", state_name(subscription.state));
    sink.add("tariff", subscription.version.value);
    sink.add("valid to", micros_of(subscription.valid_to));
    sink.add("due", micros_of(subscription.due));
    sink.add("sweep", micros_of(subscription.sweep));
    sink.add("buckets", subscription.buckets.size());
  }
  walk_payers(account, sink);
  for (const OwnCeiling& ceiling : account.ceilings) {
    sink.enter("ceiling", ceiling.owner.value);
    sink.add_text("name", ceiling.name);
    sink.add("has one of its own", ceiling.lowered ? 1 : 0);
    sink.add("lowered", ceiling.lowered.value_or(0));
    sink.add("unit", static_cast<std::uint64_t>(ceiling.unit));
    for (const CeilingPeriod& period : ceiling.periods) {
      sink.add("from", micros_of(period.span.from));
      sink.add("to", micros_of(period.span.to));
      sink.add("raised", period.raised);
      sink.add("is lifted", period.is_lifted ? 1 : 0);
    }
  }
  for (const SpendCommitment& commitment : account.commitments) {
    sink.enter("minimum spend", commitment.subscription.value);
    sink.add("owner", commitment.owner.value);
    sink.add_text("offer", commitment.offer);
    sink.add_money("minimum", commitment.minimum.micros);
    sink.add("counter's key", commitment.counter.value);
    sink.add("counter's owner", commitment.counted.value);
    sink.add("from", micros_of(commitment.span.from));
    sink.add("to", micros_of(commitment.span.to));
    sink.add_money("before", commitment.before.micros);
  }
  walk_plans(account, sink);
  for (const Counter& counter : account.counters) {
    sink.enter("counter", counter.number.value);
    sink.add("owner", counter.owner.value);
    sink.add_text("name", counter.name);
    sink.add("key", counter.key.value);
    sink.add("from", micros_of(counter.span.from));
    sink.add("to", micros_of(counter.span.to));
    sink.add("value", bits(counter.value));
    sink.add("held", bits(counter.held));
  }
}

void walk_account(const Account& account, TextSink& sink) {
  sink.add_text("name", account.name);
  sink.add("kind", static_cast<std::uint64_t>(account.kind));
  sink.add_money("main", account.main_micros);
  sink.add_money("reserved", account.reserved_micros);
  sink.add_money("overage", account.overage_micros);
  sink.add_money("credit limit", account.credit_limit_micros);
  sink.add("valid until", micros_of(account.terms.valid_until));
  sink.add("grace until", micros_of(account.terms.grace_until));
  sink.add_money("temporary credit", account.terms.temporary_credit.micros);
  sink.add("temporary until", micros_of(account.terms.temporary_until));
  sink.add_money("minimum balance", account.terms.minimum_balance.micros);
  sink.add("billing day", account.terms.billing_day);
  sink.add("last entry", account.last.value);
  sink.add("buckets ever", account.bucket_count);
  sink.add("counters ever", account.counter_count);
  sink.add("open sessions", account.session_count);
  for (std::size_t i = 0; i < account.subscribers.size(); ++i) {
    sink.enter("subscriber", i + 1);
    sink.add("MSISDN", account.subscribers[i].msisdn.bits());
    sink.add("IMSI", account.subscribers[i].imsi.bits());
    sink.add_text("state", state_name(account.subscribers[i].state));
    if (const ChosenList* const chosen = account.subscribers[i].chosen.get()) {
      for (const std::string& number : chosen->numbers) sink.add_text("chosen", number);
      sink.add("month of changes", micros_of(chosen->month.from));
      sink.add("given up in it", chosen->given_up);
    }
    if (const Profile* const profile = account.subscribers[i].profile.get()) {
      sink.add_text("profile", describe_change(change_to(*profile, {})));
    }
  }
  walk_possessions(account, sink);
  std::vector<const Session*> sessions;  // their order in the account's list says nothing
  for (const Session* at = account.sessions; at != nullptr; at = at->account_next) {
    sessions.push_back(at);
  }
  std::ranges::sort(sessions, {}, [](const Session* session) { return session->number; });
  for (const Session* session : sessions) walk_session(*session, sink);
}

// Nothing is reserved but for the grants of open sessions.
bool holds_what_sessions_hold(const Account& account) {
  base::Int128 money = account.reserved_micros;
  base::Int128 units = 0;
  for (const Bucket& bucket : account.buckets) units += bucket.reserved;
  base::Int128 counted = 0;
  for (const Counter& counter : account.counters) counted += counter.held;
  for (const Session* at = account.sessions; at != nullptr; at = at->account_next) {
    for (const Segment& segment : at->segments) money -= segment.reserved_micros;
    for (const BucketHold& hold : at->holds) units -= hold.units;
    for (const CounterHold& hold : at->counter_holds) counted -= hold.units;
  }
  return money == 0 && units == 0 && counted == 0;
}

}  // namespace

std::string_view side_name(Side side) { return side_names[static_cast<std::size_t>(side)]; }

Verifier::Verifier(const storage::LedgerStore& store, std::filesystem::path archive, Scan scan)
    : store_(store),
      reader_(store, std::move(archive)),
      scan_(std::move(scan)),
      book_(book_options()) {}

base::Result<void, VerifyError> Verifier::begin() {
  const storage::LedgerEnd begin = store_.begin();
  if (begin.last.value == 0) return {};
  const std::string name = opening_file_name(begin.last);
  const std::filesystem::path& folder = reader_.archive();
  if (folder.empty() || !std::filesystem::exists(folder / name)) {
    return VerifyError{
        {},
        fmt::format("the ledger begins after entry {} with the opening balances in {}, which is "
                    "{}; bring the file back, or name the folder of the archive",
                    begin.last.value, folder.empty() ? name : (folder / name).string(),
                    folder.empty() ? "in a folder that nobody has named" : "not there")};
  }
  const auto opening = read_opening(folder, begin.last, book_);
  if (!opening.has_value()) return VerifyError{begin.last, opening.error().message};
  const auto said = store_.document(cut_document_key(begin.last));
  if (opening->end.last != begin.last || opening->end.hash != begin.hash ||
      opening->end.now != begin.now || !said || encode_cut(*opening) != *said) {
    return VerifyError{begin.last,
                       fmt::format("{} is not the file with whose balances the ledger begins after "
                                   "entry {}; restore it from a copy",
                                   (folder / name).string(), begin.last.value)};
  }
  opening_ = *opening;
  sums_ = opening->sums;
  if (rows_ == nullptr) return {};
  if (auto error = rows_->begun(book_)) return *error;
  return {};
}

base::Result<void, VerifyError> Verifier::read_rows() {
  auto rows = RowCheck::read(store_);
  if (!rows.has_value()) return rows.error();
  rows_ = std::move(*rows);
  if (rows_ != nullptr) book_.set_session_key_seed(rows_->session_key_seed());
  return {};
}

base::Result<void, VerifyError> Verifier::fold_to(Sequence until, const Progress& progress) {
  if (book_.last() >= until) return {};
  VerifyError wrong;
  // From the last record folded, so that its link to the next one is checked too; the first one
  // after opening balances is checked here.
  const bool is_first = opening_ && opening_->end.last == book_.last();
  const Sequence from(is_first ? book_.last().value + 1
                               : std::max<std::uint64_t>(book_.last().value, 1));
  const Visitor visitor = [&](const storage::Record& record) {
    if (is_first && record.header.first == from && record.header.previous != opening_->end.hash) {
      wrong = {from, fmt::format("ledger entry {}: its record does not follow the one with which "
                                 "the opening balances end (hash chain)",
                                 from.value)};
      return false;
    }
    if (auto error = fold_record(record, until)) {
      wrong = std::move(*error);
      return false;
    }
    if (records_ % records_between_progress == 0 && !progress(book_.last())) {
      wrong = {{}, "stopped before the end"};
      return false;
    }
    return book_.last() < until;
  };
  const auto scanned = scan_ ? scan_(from, visitor) : reader_.scan(from, visitor);
  if (!scanned.has_value()) return VerifyError{scanned.error().sequence, scanned.error().message};
  if (!wrong.message.empty()) return wrong;
  if (book_.last() < until) {
    return VerifyError{book_.last(), fmt::format("the ledger ends at entry {}, before entry {}",
                                                 book_.last().value, until.value)};
  }
  return {};
}

std::optional<VerifyError> Verifier::fold_record(const storage::Record& record, Sequence until) {
  auto wrong = [](Sequence own, std::string_view why) {
    return VerifyError{own, fmt::format("ledger entry {}: {}", own.value, why)};
  };
  std::string_view body = record.body;
  Sequence own = record.header.first;
  if (own > book_.last()) ++records_;
  for (std::uint32_t i = 0; i < record.header.count; ++i, ++own.value) {
    if (!decode_entry(body, own, entry_))
      return wrong(own, "its bytes are no entry of this format");
    if (own <= book_.last()) continue;
    if (own > until) return std::nullopt;
    if (const char* why = book_.apply(entry_, own, record.header.now)) return wrong(own, why);
    for (const Leg& leg : entry_.legs) sums_[static_cast<std::size_t>(leg.side)] += leg.amount;
    if (entry_.cut) {
      if (auto error = check_cut(*entry_.cut, own)) return error;
    }
    if (entry_.numbers) numbers_ = entry_.numbers;
    if (rows_ == nullptr) continue;
    if (auto error = rows_->folded(book_, entry_, own)) return error;
  }
  if (body.empty()) return std::nullopt;
  return wrong(own, "there are bytes behind its record's last entry");
}

// What grants hold of a payer's money is what its budget says.
std::optional<VerifyError> Verifier::check_budgets() const {
  boost::unordered_flat_map<AccountNumber, std::int64_t> held;
  book_.accounts().for_each([&held](const Account& account) {
    for (const Payer& payer : account.payers) {
      held[payer.terms.account] += account.bucket(payer.terms.bucket)->reserved;
    }
  });
  std::optional<VerifyError> wrong;
  book_.accounts().for_each([&](const Account& account) {
    if (wrong || !account.budget) return;
    const auto found = held.find(account.number);
    if (account.budget->held_micros == (found == held.end() ? 0 : found->second)) return;
    wrong = {account.last,
             fmt::format("account {}: what its budget for others says is held is not what those "
                         "hold of its money",
                         account.name)};
  });
  return wrong;
}

base::Result<void, VerifyError> Verifier::check_sums() const {
  base::Int128 money = 0;
  base::Int128 units = 0;
  for (std::size_t i = 0; i < side_count; ++i) {
    (is_units(static_cast<Side>(i)) ? units : money) += sums_[i];
  }
  if (money != 0 || units != 0)
    return VerifyError{{}, "the legs of all entries do not add up to zero"};

  SideSums held{};
  auto at = [&held](Side side) -> base::Int128& { return held[static_cast<std::size_t>(side)]; };
  std::optional<VerifyError> wrong;
  book_.accounts().for_each([&](const Account& account) {
    at(Side::main) += account.main_micros;
    at(Side::reserved) += account.reserved_micros;
    at(Side::overage) -= account.overage_micros;
    for (const Bucket& bucket : account.buckets) {
      const BucketSides sides = sides_of(bucket.unit);
      at(sides.free) += bucket.remaining;
      at(sides.held) += bucket.reserved;
    }
    for (const InstalmentPlan& plan : account.plans) at(Side::deposit) += plan.left().micros;
    if (!wrong && !holds_what_sessions_hold(account)) {
      wrong = {account.last, fmt::format("account {}: what is reserved of it is not what its open "
                                         "sessions hold",
                                         account.name)};
    }
  });
  if (wrong) return *wrong;
  if (auto error = check_budgets()) return *error;
  for (Side side :
       {Side::main, Side::reserved, Side::overage, Side::allowance, Side::allowance_reserved,
        Side::bucket, Side::bucket_reserved, Side::lent, Side::deposit}) {
    if (at(side) == sums_[static_cast<std::size_t>(side)]) continue;
    return VerifyError{{},
                       fmt::format("the accounts together do not hold what their entries moved "
                                   "({})",
                                   side_name(side))};
  }
  for (const TariffLoaded& loaded : book_.tariffs()) {
    const auto source = store_.document(tariff_document_key(loaded.version));
    if (!source || base::hash64(*source) != loaded.source_hash) {
      return VerifyError{{},
                         fmt::format("the source of tariff version {} is {}", loaded.version.value,
                                     source ? "not the one loaded" : "missing")};
    }
  }
  return check_numbers();
}

// Of several tables the store keeps the last: there may be a later one where the ledger goes on.
base::Result<void, VerifyError> Verifier::check_numbers() const {
  if (!numbers_ || book_.last() != store_.end().last) return {};
  const auto source = store_.document(numbers_document_key);
  if (source && base::hash64(*source) == numbers_->source_hash) return {};
  return VerifyError{
      {},
      fmt::format("the table of ported numbers is {}; load it again: farthing numbers load FILE",
                  source ? "not the one loaded" : "missing")};
}

// What an entry says of the opening balances that the fold began with.
std::optional<VerifyError> Verifier::check_cut(const LedgerCut& cut, Sequence own) {
  if (cut.end.last >= own) {
    return VerifyError{own,
                       fmt::format("ledger entry {}: it cuts the ledger after itself", own.value)};
  }
  if (!opening_ || cut.end.last != opening_->end.last) return std::nullopt;
  is_opening_named_ = true;
  if (encode_cut(cut) == encode_cut(*opening_)) return std::nullopt;
  return VerifyError{
      own, fmt::format("ledger entry {}: the opening balances that it names are not "
                       "those in {}; restore that file from a copy",
                       own.value, (reader_.archive() / opening_file_name(cut.end.last)).string())};
}

base::Result<void, VerifyError> Verifier::check_end() const {
  if (opening_ && !is_opening_named_) {
    return VerifyError{opening_->end.last,
                       fmt::format("no entry of the ledger names the opening balances after entry "
                                   "{} with which it begins",
                                   opening_->end.last.value)};
  }
  if (rows_ == nullptr) return {};
  if (auto error = rows_->finish(book_)) return *error;
  return {};
}

std::uint64_t account_fingerprint(const Account& account) {
  std::string row;
  encode_account(account, row);
  std::uint64_t fingerprint = base::hash64(row);
  for (const Session* at = account.sessions; at != nullptr; at = at->account_next) {
    row.clear();
    encode_session(*at, row);
    fingerprint += base::hash64(row, at->number.value);  // in any order
  }
  return fingerprint;
}

StateInWords account_state(const Account& account) {
  TextSink sink;
  walk_account(account, sink);
  return sink.take();
}

StateInWords session_state(const Session& session) {
  TextSink sink;
  walk_session(session, sink);
  return sink.take();
}

std::string first_difference(const StateInWords& expected, const StateInWords& actual) {
  for (std::size_t i = 0; i < std::min(expected.size(), actual.size()); ++i) {
    if (expected[i] == actual[i]) continue;
    if (expected[i].first != actual[i].first) {
      return fmt::format("it has {} where {} belongs", actual[i].first, expected[i].first);
    }
    return fmt::format("{} is {}, not {}", actual[i].first, actual[i].second, expected[i].second);
  }
  if (expected.size() == actual.size()) return {};
  return expected.size() < actual.size()
             ? fmt::format("{} is too much", actual[expected.size()].first)
             : fmt::format("{} is missing", expected[actual.size()].first);
}

}  // namespace farthing::engine
