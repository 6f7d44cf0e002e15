#include "engine/simulate.h"

#include "engine/base/assert.h"
#include "engine/tariff_versions.h"
#include "tariffs/local_time.h"
#include "tariffs/tariff_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

namespace farthing::engine {

namespace {

constexpr std::uint64_t records_between_progress = 256;

// What is wrong with the ledger.
std::string damaged(std::string_view why) {
  return fmt::format("{}; run: farthing ledger verify", why);
}

std::string utc(Time time) { return tariffs::local_time_text("UTC", time); }

base::Uint128 units_of(const std::vector<SegmentUse>& uses) {
  base::Uint128 sum = 0;
  for (const SegmentUse& use : uses) sum += use.units;
  return sum;
}

// Whether all that the session holds is of this rating group.
bool holds_only(const Session& session, const RatingGroup& group) {
  return !session.grants.empty() &&
         std::ranges::all_of(session.grants, [&](const HeldGrant& grant) {
           const Segment& segment = session.segments[grant.segment];
           return segment.rating_group == group && segment.terms.unit != Unit::money;
         });
}

}  // namespace

TariffSimulation::TariffSimulation(const storage::LedgerStore& store, std::filesystem::path archive,
                                   const SimulationSpan& span,
                                   std::shared_ptr<const tariffs::Tariff> tariff)
    : store_(store),
      reader_(store, archive),
      span_(span),
      tariff_(std::move(tariff)),
      verifier_(store, std::move(archive)),
      book_(verifier_.book_to_change()),
      history_(std::make_shared<tariffs::TariffHistory>()) {}

base::Result<void, std::string> TariffSimulation::run(const Progress& progress) {
  FARTHING_ASSERT(book_.last().value == 0);
  if (auto chosen = choose_entries(); !chosen.has_value()) return chosen;
  if (auto folded = fold(progress); !folded.has_value()) return folded;
  if (auto recalled = recall_tariffs(); !recalled.has_value()) return recalled;
  return simulate(progress);
}

// --- Before the span -----------------------------------------------------------------------------

// Which entries are of the span, and where the fold can begin.
base::Result<void, std::string> TariffSimulation::choose_entries() {
  if (span_.from >= span_.to) {
    return fmt::format("the span ends at {}, not after it begins ({})", utc(span_.to),
                       utc(span_.from));
  }
  const storage::LedgerEnd begin = store_.begin();
  is_from_opening_ = begin.last.value > 0 && begin.now < span_.from;
  if (begin.last.value > 0 && !is_from_opening_) {
    const auto beginning = reader_.beginning();
    if (!beginning.has_value()) return beginning.error().message;
    if (beginning->first.value > 1) {
      return fmt::format("what was before {} cannot be simulated: {}; or let the span begin later",
                         utc(begin.now + Duration(1)), beginning->missing);
    }
  }
  const auto first =
      reader_.first_at(span_.from, Sequence(is_from_opening_ ? begin.last.value + 1 : 1));
  if (!first.has_value()) return first.error().message;
  const auto end = reader_.first_at(span_.to, *first);
  if (!end.has_value()) return end.error().message;
  first_ = *first;
  end_ = *end;
  return {};
}

base::Result<void, std::string> TariffSimulation::fold(const Progress& progress) {
  if (is_from_opening_) {
    if (const auto begun = verifier_.begin(); !begun.has_value()) return begun.error().message;
  }
  const Sequence until(first_.value - 1);
  const auto folded =
      verifier_.fold_to(until, [&](Sequence at) { return progress("reading", at, until); });
  if (!folded.has_value()) return folded.error().message;
  for (std::size_t place = 0; place < book_.session_places(); ++place) {
    const Session* const session = book_.session_at(place);
    if (session != nullptr) past_.emplace(session->number.value, PastSession(*session));
  }
  accounts_.resize(book_.account_count());
  return {};
}

base::Result<void, std::string> TariffSimulation::recall_tariffs() {
  auto recalled = engine::recall_tariffs(store_, book_.tariffs());
  if (!recalled.has_value()) return recalled.error();
  history_ = std::move(*recalled);
  if (tariff_ == nullptr) return {};
  const std::string known = ledger_currency();
  if (!known.empty() && known != tariff_->currency()) {
    return fmt::format("tariff {} is in {}, and the accounts are in {}; simulate one in {}",
                       tariff_->name(), tariff_->currency(), known, known);
  }
  history_ = history_->with_valid_from(tariff_, span_.from);
  return {};
}

// All tariffs of a ledger are in one; the first may have been loaded in the span. "": there is
// none.
std::string TariffSimulation::ledger_currency() const {
  if (!history_->versions().empty()) return std::string(currency());
  const auto source = store_.document(tariff_document_key(tariffs::TariffVersion(1)));
  if (!source) return {};
  const auto compiled = tariffs::compile_tariff("tariff", *source);
  return compiled.has_value() ? (*compiled)->currency() : std::string();
}

// --- The span ------------------------------------------------------------------------------------

base::Result<void, std::string> TariffSimulation::simulate(const Progress& progress) {
  if (first_ >= end_) return {};
  std::optional<std::string> why;
  bool is_stopped = false;
  Sequence own;
  std::uint64_t records = 0;
  const auto scanned = reader_.scan(first_, [&](const storage::Record& record) {
    if (record.header.first >= end_) return false;
    why = simulate_record(record, own);
    if (++records % records_between_progress == 0) {
      is_stopped = !progress("charging again", own, Sequence(end_.value - 1));
    }
    return !why && !is_stopped;
  });
  if (!scanned.has_value()) return scanned.error().message;
  if (is_stopped) return std::string("stopped before the end");
  if (!why) return {};
  return fmt::format("the simulation cannot go on at ledger entry {}: {}", own.value, *why);
}

// nullopt: done; else why not, with the remedy. `own`: the entry that it came to.
std::optional<std::string> TariffSimulation::simulate_record(const storage::Record& record,
                                                             Sequence& own) {
  std::string_view body = record.body;
  own = record.header.first;
  for (std::uint32_t i = 0; i < record.header.count; ++i) {
    own = Sequence(record.header.first.value + i);
    if (!decode_entry(body, own, entry_)) return damaged("its bytes are no entry of this format");
    if (auto why = simulate_entry(own, record.header.now)) return why;
  }
  return std::nullopt;
}

std::optional<std::string> TariffSimulation::simulate_entry(Sequence own, Time now) {
  if (entry_.tariff) {
    if (auto why = take_tariff(now)) return why;
  }
  const Account* const account = book_.account(entry_.account);
  if (entry_.account.value > accounts_.size()) accounts_.resize(book_.account_count() + 1);
  if (account == nullptr) return apply(entry_, own, now, nullptr);  // it opens one, or is nobody's

  const Session* session = nullptr;
  if (entry_.session && entry_.session->session.value != 0) {
    session = book_.find_session(entry_.session->session);
  }
  const Entry* entry = &entry_;
  if (entry_.request && entry_.kind != EntryKind::request_refused) {
    entry = decide_again(*account, session, own, now);
    if (entry == nullptr) return damaged("the request that made it cannot be read back from it");
    if (entry_.kind == EntryKind::session_terminated) past_.erase(entry_.session->session.value);
  } else if (entry_.session) {
    entry = end_again(*account, session);
  } else if (entry_.rated_again && watch_) {
    entry = nothing(*account);
  } else if (!entry_.bucket_closings.empty() || !entry_.bucket_extensions.empty()) {
    entry = change_buckets(*account, now);
    if (entry == nullptr) return damaged("it ends an allowance that is not there");
  }
  if (entry == &entry_ || !entry_.session) add_fees(entry_);
  if (!ended_.empty()) entry = close_ended(*account, entry);
  if (entry_.payment || entry_.budget || !owed_.empty()) entry = settle(*account, entry);
  if (!account->payers.empty()) note_lent(*account, *entry);
  return apply(*entry, own, now, entry->session ? session : nullptr);
}

std::optional<std::string> TariffSimulation::apply(const Entry& entry, Sequence own, Time now,
                                                   const Session* session) {
  const char* const wrong = book_.apply(entry, own, now, session);
  if (wrong == nullptr) return std::nullopt;
  return damaged(wrong);
}

// Holds where the tariffs are to be those that were in force; else it is known by its names alone,
// as far as it is to be had.
std::optional<std::string> TariffSimulation::take_tariff(Time now) {
  const TariffLoaded loaded = loaded_by(*entry_.tariff, now);
  auto tariff = recall_tariff(store_, loaded);
  if (tariff_ != nullptr) {
    if (tariff.has_value()) passed_over_.push_back(std::move(*tariff));
    return std::nullopt;
  }
  if (!tariff.has_value()) return tariff.error();
  history_ = history_->with(std::move(*tariff), now, loaded.only);
  return std::nullopt;
}

// The segments of the session or event, those that the entry opens included.
PastSession* TariffSimulation::past_of(Sequence own) {
  if (!entry_.session) {
    past_event_ = {};
    return &past_event_;
  }
  const std::uint64_t number = entry_.session->session.value;
  if (number == 0) return &past_[own.value];
  const auto found = past_.find(number);
  return found == past_.end() ? nullptr : &found->second;
}

// nullptr: the entry does not say what is needed.
const Entry* TariffSimulation::decide_again(const Account& account, const Session* session,
                                            Sequence own, Time now) {
  PastSession* const past = past_of(own);
  if (past == nullptr) return nullptr;
  past->open_segments(entry_);
  if (!past_request_.read(entry_, *past, request_)) return nullptr;
  bool is_known = true;
  add(entry_, account, Which::was, [&](std::uint16_t index) {
    const PastSession::Segment* const segment = past->segment(index);
    is_known = is_known && segment != nullptr;
    return segment == nullptr ? ServiceName()
                              : ServiceName{segment->service, segment->rating_group};
  });
  if (!is_known) return nullptr;
  past->take_grants(entry_);

  ++counts_.requests;
  if (!entry_.uses.empty()) ++counts_.reports;
  const bool goes_on = entry_.session && entry_.session->session.value != 0;
  const bool is_late = entry_.kind == EntryKind::event_debited &&  // its session had ended
                       request_.key.type != RequestType::event;
  const bool begins = request_.key.type == RequestType::initial ||
                      request_.key.type == RequestType::event || is_late;
  ChargedAgain again{own, with_ends(account), entry_, *past};
  if (session == nullptr && (goes_on || !begins)) {
    if (!entry_.uses.empty()) ++counts_.without_session;
    if (watch_) watch_(again);
    return nothing(account);
  }
  if (session != nullptr) name_group(session);
  find_lendings(account, entry_.subscriber, book_, *history_, now, lendings_);
  const Situation situation{again.account, entry_.subscriber, session, *history_, now, lendings_};
  is_late ? decide_late(situation, request_, decision_) : decide(situation, request_, decision_);
  FARTHING_ASSERT(decision_.has_entry);
  const bool is_paid = count(decision_.entry);
  if (watch_) {
    if (!is_paid) decide_unpaid(again.account, now);
    again.decision = &decision_;
    watch_(again);
  }
  add(decision_.entry, account, Which::would_be, [this](std::uint16_t index) {
    const Segment& segment = decision_.worksheet.segment(index);
    return ServiceName{segment.service, segment.rating_group};
  });
  return &decision_.entry;
}

// The event at hand, as if its account could pay it.
void TariffSimulation::decide_unpaid(const Account& account, Time now) {
  if (&account != &account_) account_ = account;
  account_.credit_limit_micros = account_money_max.micros;
  account_.terms = {.billing_day = account.terms.billing_day};
  decide({account_, entry_.subscriber, nullptr, *history_, now, lendings_}, request_, decision_);
}

// A report without a rating group is of the one that it was of, should that not be plain.
void TariffSimulation::name_group(const Session* session) {
  const std::optional<RatingGroup>& group = past_request_.unnamed_group();
  if (!group || holds_only(*session, *group)) return;
  for (std::size_t i = 0; i < request_.service_count; ++i) {
    ServiceRequest& service = request_.services[i];
    if (!service.rating_group && service.used) service.rating_group = group;
  }
}

// The end of a session that no client asked for.
const Entry* TariffSimulation::end_again(const Account& account, const Session* session) {
  past_.erase(entry_.session->session.value);
  if (session == nullptr) return nothing(account);
  decide_end(*session, entry_.kind, decision_);
  return &decision_.entry;
}

// What is left of an allowance is what is left in the shadow. What sessions hold of it there their
// next reports may still use up; then it is closed. Of one that is rolled over no more expires than
// is left. nullptr: it closes one that is not there.
const Entry* TariffSimulation::change_buckets(const Account& account, Time now) {
  changed_ = entry_;
  changed_.legs.clear();
  changed_.bucket_closings.clear();
  const auto closes = [this](BucketNumber bucket) {
    return std::ranges::find(entry_.bucket_closings, bucket) != entry_.bucket_closings.end();
  };
  for (const Leg& leg : entry_.legs) {
    const Bucket* const bucket = names_bucket(leg.side) ? account.bucket(leg.bucket) : nullptr;
    if (bucket == nullptr) {
      changed_.legs.push_back(leg);
    } else if (leg.side == sides_of(bucket->unit).gone && !closes(leg.bucket)) {
      expire(*bucket, std::min(leg.amount, bucket->remaining));
    }
  }
  for (const BucketNumber closed : entry_.bucket_closings) {
    const Bucket* const bucket = account.bucket(closed);
    if (bucket == nullptr) return nullptr;
    expire(*bucket, bucket->remaining);
    if (bucket->reserved == 0) {
      changed_.bucket_closings.push_back(closed);
    } else {
      ended_[account.number].push_back({closed, now});
    }
  }
  return &changed_;
}

void TariffSimulation::expire(const Bucket& bucket, std::int64_t amount) {
  if (amount == 0) return;
  const BucketSides sides = sides_of(bucket.unit);
  changed_.legs.push_back({sides.free, Leg::no_segment, bucket.number, -amount});
  changed_.legs.push_back({sides.gone, Leg::no_segment, bucket.number, amount});
}

// The account as it is decided by: no allowance that was ended is good for anything after that.
const Account& TariffSimulation::with_ends(const Account& account) {
  const auto ended = ended_.find(account.number);
  if (ended == ended_.end()) return account;
  account_ = account;
  for (const auto& [number, at] : ended->second) {
    Bucket& bucket = *account_.bucket(number);
    bucket.valid_to = std::min(bucket.valid_to, at);
  }
  return account_;
}

// An allowance that was ended while sessions held units of it is closed by the entry that gives up
// the last of them.
const Entry* TariffSimulation::close_ended(const Account& account, const Entry* entry) {
  const auto ended = ended_.find(account.number);
  if (ended == ended_.end()) return entry;
  std::erase_if(ended->second, [&](const std::pair<BucketNumber, Time>& one) {
    const Bucket& bucket = *account.bucket(one.first);
    const BucketSides sides = sides_of(bucket.unit);
    std::int64_t held = bucket.reserved;
    std::int64_t left = bucket.remaining;
    for (const Leg& leg : entry->legs) {
      if (leg.bucket != bucket.number) continue;
      if (leg.side == sides.held) held += leg.amount;
      if (leg.side == sides.free) left += leg.amount;
    }
    if (held != 0) return false;
    if (entry != &changed_) changed_ = *entry;
    entry = &changed_;
    changed_.bucket_closings.push_back(bucket.number);
    expire(bucket, left);
    return true;
  });
  if (ended->second.empty()) ended_.erase(ended);
  return entry;
}

// What the shadow's decisions took from payers, or gave them back, is in the payer's next entry:
// its own one, which follows at once, where there was one.
void TariffSimulation::note_lent(const Account& account, const Entry& entry) {
  for (const Payer& payer : account.payers) {
    const LentMoney money = lent_by(entry, payer.terms.bucket);
    if (money.lent == 0 && money.held == 0) continue;
    const auto said = std::ranges::find(entry.payers, payer.terms.bucket, &PayerChange::bucket);
    Owed& owed = owed_[payer.terms.account];
    owed.lent += money.lent;
    owed.spent += money.lent - money.held;
    owed.held += money.held;
    owed.month = said == entry.payers.end() ? payer.terms.month : said->month;
  }
}

const Entry* TariffSimulation::settle(const Account& account, const Entry* entry) {
  Owed owed;
  if (const auto found = owed_.find(account.number); found != owed_.end()) {
    owed = found->second;
    owed_.erase(found);
  }
  const bool is_moved = owed.lent != 0 || owed.spent != 0 || owed.held != 0;
  if (!entry_.payment && !entry_.budget && !is_moved) return entry;
  if (entry != &changed_) changed_ = *entry;
  if (entry_.payment) changed_.legs.clear();
  changed_.budget = budget_after(account, owed);
  if (owed.lent != 0) {
    changed_.legs.push_back({Side::main, Leg::no_segment, {}, -owed.lent});
    changed_.legs.push_back({Side::lent, Leg::no_segment, {}, owed.lent});
  }
  return &changed_;
}

// Its amount is that of the entry where one was set.
std::optional<PayerBudget> TariffSimulation::budget_after(const Account& account,
                                                          const Owed& owed) const {
  const bool is_set = entry_.kind == EntryKind::payer_budget_changed;
  if (is_set && (!entry_.budget->amount || !account.budget)) {
    PayerBudget after = *entry_.budget;
    if (after.amount) after.held_micros = held_for_members(book_, account.number);
    return after;
  }
  if (!account.budget) return std::nullopt;
  PayerBudget after = spend(*account.budget, owed.spent, owed.held, owed.month);
  if (is_set) after.amount = entry_.budget->amount;
  return after;
}

// In the place of an entry that would not be there: the numbers of the others stay.
const Entry* TariffSimulation::nothing(const Account& account) {
  changed_.clear();
  changed_.kind = EntryKind::request_refused;
  changed_.account = account.number;
  changed_.previous = account.last;
  return &changed_;
}

// --- What came out -------------------------------------------------------------------------------

// Counts what was used and could not be charged. False: nobody could have paid it.
bool TariffSimulation::count(const Entry& decided) {
  if (entry_.uses.empty()) return true;
  if (units_of(decided.uses) == units_of(entry_.uses)) {
    const bool are_priced = std::ranges::all_of(decided.uses, [this](const SegmentUse& use) {
      return is_priced(decision_.worksheet.segment(use.index));
    });
    if (!are_priced) ++counts_.without_price;
    return true;
  }
  const Answer& answer = decision_.answer;
  const auto services = std::span(answer.services).first(answer.service_count);
  const bool is_unpaid = request_.key.type == RequestType::event &&
                         std::ranges::find(services, Outcome::credit_limit_reached,
                                           &ServiceAnswer::outcome) != services.end();
  ++(is_unpaid ? counts_.events_refused : counts_.without_price);
  return !is_unpaid;
}

bool TariffSimulation::is_priced(const Segment& segment) const {
  const tariffs::VersionedTariff* const versioned = history_->find(segment.version);
  if (versioned == nullptr || !versioned->tariff->has_conditions()) return true;
  return versioned->tariff->rules()[segment.rule.value].terms.has_value();
}

template <class FindService>
void TariffSimulation::add(const Entry& entry, const Account& account, Which which,
                           FindService find_service) {
  const auto charge = [which](SimulatedCharges& charges) -> base::Int128& {
    return which == Which::was ? charges.was : charges.would_be;
  };
  const auto overage = [which](SimulatedCharges& charges) -> base::Int128& {
    return which == Which::was ? charges.overage_was : charges.overage_would_be;
  };
  SimulatedCharges& row = accounts_[account.number.value - 1];
  for (const Leg& leg : entry.legs) {
    if (leg.side == Side::consumed) add_eaten(account, leg, which);
    if (leg.side != Side::revenue && leg.side != Side::overage) continue;
    SimulatedCharges& service = services_[find_service(leg.segment)];
    if (leg.side == Side::revenue) {
      charge(row) += leg.amount;
      charge(service) += leg.amount;
    } else {
      overage(row) -= leg.amount;
      overage(service) -= leg.amount;
    }
  }
}

void TariffSimulation::add_eaten(const Account& account, const Leg& leg, Which which) {
  const Bucket* const bucket = account.bucket(leg.bucket);
  if (bucket == nullptr) return;
  SimulatedOffer& offer = offers_[bucket->offer];
  offer.unit = bucket->unit;
  (which == Which::was ? offer.units_was : offer.units_would_be) += leg.amount;
}

void TariffSimulation::add_fees(const Entry& entry) {
  if (entry.bucket_openings.empty() && !entry.subscription && !entry.commitment) return;
  SimulatedOffer& offer =
      offers_[entry.subscription ? entry.subscription->offer
              : entry.commitment ? entry.commitment->commitment.offer
                                 : std::string(entry.bucket_openings.front().offer)];
  if (!entry.bucket_openings.empty()) offer.unit = entry.bucket_openings.front().unit;
  SimulatedCharges& row = accounts_[entry.account.value - 1];
  for (const Leg& leg : entry.legs) {
    if (leg.side != Side::revenue) continue;
    offer.fees += leg.amount;
    row.was += leg.amount;
    row.would_be += leg.amount;
  }
}

std::string_view TariffSimulation::service_name(ServiceKey service) const {
  const auto& versions = history_->versions();
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    const std::string_view name = version->tariff->service_name(service);
    if (!name.empty()) return name;
  }
  for (const auto& tariff : passed_over_) {
    const std::string_view name = tariff->service_name(service);
    if (!name.empty()) return name;
  }
  return {};
}

std::string_view TariffSimulation::currency() const {
  const auto& versions = history_->versions();
  return versions.empty() ? std::string_view() : versions.back().tariff->currency();
}

}  // namespace farthing::engine
