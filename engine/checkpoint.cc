#include "engine/checkpoint.h"

#include "engine/fields.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace farthing::engine {

namespace {

using base::ByteReader;
using base::ByteWriter;

constexpr std::uint8_t row_format = 1;
constexpr std::size_t number_bytes = ByteWriter::varint_bytes_max;

// Appends to `out` what `write` puts down, of at most `bound` bytes.
template <class Write>
void append(std::string& out, std::size_t bound, Write&& write_fields) {
  const std::size_t before = out.size();
  out.resize(before + bound);
  ByteWriter writer(out.data() + before);
  write_fields(writer);
  out.resize(static_cast<std::size_t>(writer.position() - out.data()));
}

std::size_t bound_of(const Bucket& bucket) {
  return bucket.offer.size() +
         (11 + 3 * bucket.coverage.size() + 2 * bucket.limits.size()) * number_bytes;
}

void write_bucket(ByteWriter& out, const Bucket& bucket) {
  BucketOpening opening{bucket.number,     bucket.owner,    bucket.offer,    bucket.unit,
                        bucket.valid_from, bucket.valid_to, bucket.coverage, bucket.priority};
  for (const Bucket::Limit& limit : bucket.limits) {
    opening.limits.push_back({limit.situation, static_cast<std::uint64_t>(limit.remaining)});
  }
  opening.is_lent = bucket.is_lent;
  write(out, opening);
  out.signed_varint(bucket.remaining);
  out.signed_varint(bucket.reserved);
}

bool read_bucket(ByteReader& in, Bucket& bucket) {
  BucketOpening opening;
  if (!read(in, opening)) return false;
  bucket = {opening.number,
            opening.owner,
            opening.unit,
            std::string(opening.offer),
            opening.valid_from,
            opening.valid_to,
            0,
            0,
            opening.coverage,
            opening.priority,
            limits_of(opening),
            opening.is_lent};
  bucket.remaining = in.signed_varint();
  bucket.reserved = in.signed_varint();
  return in.ok() && bucket.remaining >= 0 && bucket.reserved >= 0;
}

void write_counter(ByteWriter& out, const Counter& counter) {
  write(out, CounterOpening{counter.number, counter.owner, counter.unit, counter.key, counter.name,
                            counter.span});
  out.signed_varint(counter.value);
  out.signed_varint(counter.held);
}

bool read_counter(ByteReader& in, Counter& counter) {
  CounterOpening opening;
  if (!read(in, opening)) return false;
  counter = {opening.number, opening.owner, opening.unit, opening.key, std::string(opening.name),
             opening.span};
  counter.value = in.signed_varint();
  counter.held = in.signed_varint();
  return in.ok() && counter.value >= 0 && counter.held >= 0;
}

// A subscriber's flags: its state (the lowest bit of it, the others behind has_profile). Their
// numbers stand in rows; where there were but two states, they were 0 and 1.
constexpr unsigned state_low = 1;
constexpr unsigned has_profile = 2;
constexpr unsigned state_high_shift = 1;
constexpr unsigned has_chosen = 0x80;

void write_subscriber(ByteWriter& out, const Subscriber& subscriber) {
  out.u64_fixed(subscriber.msisdn.bits());
  out.u64_fixed(subscriber.imsi.bits());
  const auto state = static_cast<unsigned>(subscriber.state);
  out.u8(static_cast<std::uint8_t>((state & state_low) | (state & ~state_low) << state_high_shift |
                                   (subscriber.profile != nullptr ? has_profile : 0) |
                                   (subscriber.chosen != nullptr ? has_chosen : 0)));
  if (subscriber.profile != nullptr) write(out, change_to(*subscriber.profile, {}));
  if (subscriber.chosen != nullptr) write(out, *subscriber.chosen);
}

bool read_subscriber(ByteReader& in, Subscriber& subscriber) {
  subscriber.msisdn = Identity::from_bits(in.u64_fixed());
  subscriber.imsi = Identity::from_bits(in.u64_fixed());
  const unsigned flags = in.u8();
  const unsigned state =
      (flags & state_low) | (flags & ~(state_low | has_profile | has_chosen)) >> state_high_shift;
  if (state > static_cast<unsigned>(LifeState::terminated)) return false;
  subscriber.state = static_cast<LifeState>(state);
  subscriber.profile = nullptr;
  subscriber.chosen = nullptr;
  if ((flags & has_profile) != 0) {
    ProfileChange profile;
    if (!read(in, profile)) return false;
    subscriber.profile = change_profile(nullptr, profile);
    if (wrong_with(subscriber.profile.get()) != nullptr) return false;
  }
  if ((flags & has_chosen) != 0) {
    ChosenList chosen;
    if (!read(in, chosen)) return false;
    subscriber.chosen = std::make_shared<const ChosenList>(std::move(chosen));
  }
  return in.ok();
}

void write_segment(ByteWriter& out, const Segment& segment, std::uint16_t index) {
  write(out, SegmentOpening{index, segment.rating_group, segment.service, segment.version,
                            segment.rule, segment.terms, segment.quota, segment.situations});
  out.varint(segment.used);
  out.signed_varint(segment.consumed_units);
  out.signed_varint(segment.charged_micros);
  out.signed_varint(segment.reserved_micros);
}

bool read_segment(ByteReader& in, Segment& segment, std::uint16_t index) {
  SegmentOpening opening;
  if (!read(in, opening) || opening.index != index) return false;
  segment.rating_group = opening.rating_group;
  segment.service = opening.service;
  segment.version = opening.version;
  segment.rule = opening.rule;
  segment.terms = opening.terms;
  segment.quota = opening.quota;
  segment.situations = opening.situations;
  segment.used = in.varint();
  segment.consumed_units = in.signed_varint();
  segment.charged_micros = in.signed_varint();
  segment.reserved_micros = in.signed_varint();
  return in.ok();
}

void write_request(ByteWriter& out, const RememberedRequest& request) {
  out.u8(static_cast<std::uint8_t>(request.key.type));
  out.varint(request.key.number);
  out.varint(request.key.sub_session);
  out.u64_fixed(request.key.content);
  out.varint(request.key.end_to_end);
  out.varint(request.sequence.value);
}

bool read_request(ByteReader& in, RememberedRequest& request) {
  const std::uint8_t type = in.u8();
  if (type < 1 || type > static_cast<std::uint8_t>(RequestType::event)) return false;
  request.key.type = static_cast<RequestType>(type);
  request.key.number = in.number<std::uint32_t>();
  request.key.sub_session = in.varint();
  request.key.content = in.u64_fixed();
  request.key.end_to_end = in.number<std::uint32_t>();
  request.sequence = Sequence(in.varint());
  return in.ok();
}

// The remembered requests in the order of the ring's age, oldest first: what a row says must not
// depend on where the ring began.
void write_requests(ByteWriter& out, const Session& session) {
  const std::uint32_t kept =
      std::min<std::uint32_t>(session.request_count, Session::remembered_max);
  out.varint(session.request_count);
  for (std::uint32_t i = session.request_count - kept; i != session.request_count; ++i) {
    write_request(out, session.requests[i % Session::remembered_max]);
  }
  out.signed_varint(session.forgotten_number_max);
  out.text(session.last_outcome);
}

bool read_requests(ByteReader& in, Session& session) {
  session.request_count = in.number<std::uint32_t>();
  const std::uint32_t kept =
      std::min<std::uint32_t>(session.request_count, Session::remembered_max);
  for (std::uint32_t i = session.request_count - kept; i != session.request_count; ++i) {
    RememberedRequest& request = session.requests[i % Session::remembered_max];
    if (!read_request(in, request)) return false;
    session.request_numbers[i % Session::remembered_max] = request.key.number;
  }
  session.forgotten_number_max = in.signed_varint();
  session.last_outcome = in.text();
  return in.ok();
}

std::string key_of_text(char kind, std::string_view text) {
  std::string key(1, kind);
  key.append(text);
  return key;
}

bool is_row(ByteReader& in) { return in.u8() == row_format && in.ok(); }

bool is_whole(const ByteReader& in) { return in.ok() && in.at_end(); }

}  // namespace

// --- Keys ----------------------------------------------------------------------------------------

NumberKey number_key(std::uint64_t number) {
  static_assert(std::endian::native == std::endian::little);
  return std::bit_cast<NumberKey>(__builtin_bswap64(number));
}

std::optional<std::uint64_t> read_number_key(std::string_view key) {
  NumberKey bytes;
  if (key.size() != bytes.size()) return std::nullopt;
  std::memcpy(bytes.data(), key.data(), bytes.size());
  return __builtin_bswap64(std::bit_cast<std::uint64_t>(bytes));
}

std::string index_key(Identity identity) {
  return key_of_text('i', view(number_key(identity.bits())));
}
std::string index_key_of_name(std::string_view name) { return key_of_text('n', name); }
std::string index_key_of_request(std::string_view id) { return key_of_text('r', id); }
std::string index_key_of_due(AccountNumber account) {
  return key_of_text(index_keys_of_dues.front(), view(number_key(account.value)));
}

// --- Accounts ------------------------------------------------------------------------------------

namespace {

// What stands behind the terms says by its number what it is, that of its section in entries.
constexpr std::uint8_t part_commitments = 31;
constexpr std::uint8_t part_plans = 33;
constexpr std::uint8_t part_budget = 36;

template <class T>
void write_part(ByteWriter& to, std::uint8_t part, const std::vector<T>& list) {
  if (list.empty()) return;
  to.u8(part);
  to.varint(list.size());
  for (const T& item : list) write(to, item);
}

template <class T>
bool read_part(ByteReader& in, std::vector<T>& list) {
  list.resize(in.count());
  return !list.empty() && std::ranges::all_of(list, [&in](T& item) { return read(in, item); });
}

bool has_parts(const Account& account) {
  return !account.commitments.empty() || !account.plans.empty() || account.budget;
}

void write_parts(ByteWriter& to, const Account& account) {
  write_part(to, part_commitments, account.commitments);
  write_part(to, part_plans, account.plans);
  if (!account.budget) return;
  to.u8(part_budget);
  write(to, *account.budget);
}

bool read_part(ByteReader& in, std::uint8_t part, Account& account) {
  switch (part) {
    case part_commitments:
      return read_part(in, account.commitments);
    case part_plans:
      return read_part(in, account.plans);
    case part_budget:
      return read(in, account.budget.emplace()) && account.budget->amount;
    default:
      return false;
  }
}

// Each at most once, in the order of their numbers.
bool read_parts(ByteReader& in, Account& account) {
  std::uint8_t last = 0;
  while (in.ok() && !in.at_end()) {
    const std::uint8_t part = in.u8();
    if (part <= std::exchange(last, part) || !read_part(in, part, account)) return false;
  }
  account.find_due();
  return in.ok();
}

}  // namespace

void encode_account(const Account& account, std::string& out) {
  std::size_t bound = 24 * number_bytes + account.name.size() +
                      account.subscribers.size() * (2 * sizeof(std::uint64_t) + 1);
  for (const Bucket& bucket : account.buckets) bound += bound_of(bucket);
  for (const Counter& counter : account.counters) bound += counter.name.size() + 10 * number_bytes;
  for (const Subscription& subscription : account.subscriptions) bound += size_bound(subscription);
  bound += account.payers.size() * 10 * number_bytes;
  for (const OwnCeiling& ceiling : account.ceilings) bound += size_bound(ceiling);
  for (const SpendCommitment& commitment : account.commitments) bound += size_bound(commitment);
  for (const InstalmentPlan& plan : account.plans) bound += size_bound(plan);
  for (const Subscriber& subscriber : account.subscribers) {
    if (subscriber.profile != nullptr) bound += size_bound(change_to(*subscriber.profile, {}));
    if (subscriber.chosen != nullptr) bound += size_bound(*subscriber.chosen);
  }
  append(out, bound, [&account](ByteWriter& to) {
    to.u8(row_format);
    to.varint(account.last.value);
    to.u8(static_cast<std::uint8_t>(account.kind));
    to.text(account.name);
    to.signed_varint(account.main_micros);
    to.signed_varint(account.reserved_micros);
    to.signed_varint(account.overage_micros);
    to.signed_varint(account.credit_limit_micros);
    to.varint(account.bucket_count);
    to.varint(account.subscribers.size());
    for (const Subscriber& subscriber : account.subscribers) write_subscriber(to, subscriber);
    to.varint(account.buckets.size());
    for (const Bucket& bucket : account.buckets) write_bucket(to, bucket);
    // As rows were before there were counters, subscriptions that renew, payers, ceilings, and
    // terms.
    const bool has_terms = has_parts(account) || !(account.terms == AccountTerms());
    const bool has_ceilings = has_terms || !account.ceilings.empty();
    const bool has_payers = has_ceilings || !account.payers.empty();
    const bool has_subscriptions = has_payers || !account.subscriptions.empty();
    if (account.counter_count == 0 && !has_subscriptions) return;
    to.varint(account.counter_count);
    to.varint(account.counters.size());
    for (const Counter& counter : account.counters) write_counter(to, counter);
    if (!has_subscriptions) return;
    to.varint(account.subscriptions.size());
    for (const Subscription& subscription : account.subscriptions) write(to, subscription);
    if (!has_payers) return;
    to.varint(account.payers.size());
    for (const Payer& payer : account.payers) {
      write(to, payer.terms);
      to.signed_varint(payer.spent_micros);
    }
    if (!has_ceilings) return;
    to.varint(account.ceilings.size());
    for (const OwnCeiling& ceiling : account.ceilings) write(to, ceiling);
    if (has_terms) write(to, account.terms);
    write_parts(to, account);
  });
}

bool decode_account(std::string_view row, Account& account) {
  ByteReader in(row);
  if (!is_row(in)) return false;
  account.last = Sequence(in.varint());
  const std::uint8_t kind = in.u8();
  if (kind > static_cast<std::uint8_t>(AccountKind::hybrid)) return false;
  account.kind = static_cast<AccountKind>(kind);
  account.name = in.text();
  account.main_micros = in.signed_varint();
  account.reserved_micros = in.signed_varint();
  account.overage_micros = in.signed_varint();
  account.credit_limit_micros = in.signed_varint();
  account.bucket_count = in.number<std::uint32_t>();
  account.subscribers.resize(in.count());
  for (Subscriber& subscriber : account.subscribers) {
    if (!read_subscriber(in, subscriber)) return false;
  }
  account.buckets.resize(in.count());
  for (Bucket& bucket : account.buckets) {
    if (!read_bucket(in, bucket)) return false;
  }
  if (in.ok() && !in.at_end()) {
    account.counter_count = in.number<std::uint32_t>();
    account.counters.resize(in.count());
    for (Counter& counter : account.counters) {
      if (!read_counter(in, counter)) return false;
    }
  }
  if (in.ok() && !in.at_end()) {
    account.subscriptions.resize(in.count());
    for (Subscription& subscription : account.subscriptions) {
      if (!read(in, subscription)) return false;
    }
    account.find_due();
  }
  if (in.ok() && !in.at_end()) {
    account.payers.resize(in.count());
    for (Payer& payer : account.payers) {
      if (!read(in, payer.terms)) return false;
      payer.spent_micros = in.signed_varint();
    }
  }
  if (in.ok() && !in.at_end()) {
    account.ceilings.resize(in.count());
    for (OwnCeiling& ceiling : account.ceilings) {
      if (!read(in, ceiling)) return false;
    }
  }
  if (in.ok() && !in.at_end() && !read(in, account.terms)) return false;
  if (in.ok() && !in.at_end() && !read_parts(in, account)) return false;
  return is_whole(in) && account.last.value != 0 && !account.name.empty();
}

// --- Sessions ------------------------------------------------------------------------------------

void encode_session(const Session& session, std::string& out) {
  std::size_t bound =
      (24 + session.segments.size() * 29 + session.grants.size() * 3 + session.holds.size() * 3 +
       session.counter_holds.size() * 3 + session.share_uses.size() * 4 + session.grants.size() +
       Session::remembered_max * 6) *
          number_bytes +
      session.id.size() + session.service_context.size() + session.attributes.size() +
      session.last_outcome.size();
  for (const Segment& segment : session.segments) {
    bound += shape_size_bound(segment.terms) + number_bytes;
  }
  append(out, bound, [&session](ByteWriter& to) {
    to.u8(row_format);
    to.varint(session.last.value);
    to.varint(session.account->number.value);
    to.varint(session.subscriber.value);
    to.text(session.id);
    to.text(session.service_context);
    to.text(session.attributes);
    to.signed_varint(micros_of(session.opened_at));
    to.signed_varint(micros_of(session.heard_at));
    to.signed_varint(micros_of(session.rated_at));
    to.varint(session.validity_seconds);
    to.varint(session.segments.size());
    for (std::uint16_t i = 0; i < session.segments.size(); ++i) {
      write_segment(to, session.segments[i], i);
    }
    to.varint(session.grants.size());
    for (const HeldGrant& grant : session.grants) {
      to.varint(grant.segment);
      to.varint(grant.services);
      to.varint(grant.units);
    }
    to.varint(session.holds.size());
    for (const BucketHold& hold : session.holds) {
      to.varint(hold.segment);
      to.varint(hold.bucket.value);
      to.signed_varint(hold.units);
    }
    write_requests(to, session);
    // As rows were before there were counters, buckets of money, payers' shares, and final units.
    const bool has_final_units = std::ranges::any_of(
        session.grants, [](const HeldGrant& grant) { return grant.final_unit != FinalUnit::none; });
    const bool has_bucket_money = std::ranges::any_of(
        session.segments, [](const Segment& segment) { return segment.bucket_micros != 0; });
    const bool has_shares = !session.share_uses.empty() || has_final_units;
    if (session.counter_holds.empty() && !has_bucket_money && !has_shares) return;
    to.varint(session.counter_holds.size());
    for (const CounterHold& hold : session.counter_holds) {
      to.varint(hold.segment);
      to.varint(hold.counter.value);
      to.signed_varint(hold.units);
    }
    if (!has_bucket_money && !has_shares) return;
    for (const Segment& segment : session.segments) to.signed_varint(segment.bucket_micros);
    if (!has_shares) return;
    to.varint(session.share_uses.size());
    for (const ShareUse& use : session.share_uses) write(to, use);
    if (!has_final_units) return;
    for (const HeldGrant& grant : session.grants)
      to.u8(static_cast<std::uint8_t>(grant.final_unit));
  });
}

bool decode_session(std::string_view row, Session& session, AccountNumber& account) {
  ByteReader in(row);
  if (!is_row(in)) return false;
  session.last = Sequence(in.varint());
  account = AccountNumber(in.varint());
  session.subscriber = SubscriberNumber(in.number<std::uint16_t>());
  session.id = in.text();
  session.service_context = in.text();
  session.attributes = in.text();
  session.opened_at = time_of(in.signed_varint());
  session.heard_at = time_of(in.signed_varint());
  session.rated_at = time_of(in.signed_varint());
  session.validity_seconds = in.number<std::uint32_t>();
  const std::size_t segments = in.count();
  if (segments >= Leg::no_segment) return false;
  session.segments.resize(segments);
  for (std::uint16_t i = 0; i < session.segments.size(); ++i) {
    if (!read_segment(in, session.segments[i], i)) return false;
  }
  session.grants.resize(in.count());
  for (HeldGrant& grant : session.grants) {
    grant.segment = in.number<std::uint16_t>();
    grant.services = in.number<std::uint32_t>();
    grant.units = in.varint();
    if (grant.segment >= session.segments.size()) return false;
  }
  session.holds.resize(in.count());
  for (BucketHold& hold : session.holds) {
    hold.segment = in.number<std::uint16_t>();
    hold.bucket = BucketNumber(in.number<std::uint32_t>());
    hold.units = in.signed_varint();
    if (hold.segment >= session.segments.size()) return false;
  }
  if (!read_requests(in, session)) return false;
  if (!in.at_end()) {
    session.counter_holds.resize(in.count());
    for (CounterHold& hold : session.counter_holds) {
      hold.segment = in.number<std::uint16_t>();
      hold.counter = CounterNumber(in.number<std::uint32_t>());
      hold.units = in.signed_varint();
      if (hold.segment >= session.segments.size()) return false;
    }
  }
  if (!in.at_end()) {
    for (Segment& segment : session.segments) segment.bucket_micros = in.signed_varint();
  }
  if (!in.at_end()) {
    session.share_uses.resize(in.count());
    for (ShareUse& use : session.share_uses) {
      if (!read(in, use) || use.segment >= session.segments.size()) return false;
    }
  }
  if (!in.at_end()) {
    for (HeldGrant& grant : session.grants) {
      if (!read(in, grant.final_unit)) return false;
    }
  }
  return is_whole(in) && session.last.value != 0 && !session.id.empty();
}

AccountNumber account_of_session(std::string_view row) {
  ByteReader in(row);
  if (!is_row(in)) return {};
  in.varint();
  const AccountNumber account(in.varint());
  return in.ok() ? account : AccountNumber();
}

// --- Index ---------------------------------------------------------------------------------------

std::string encode_index(const IndexRow& row) {
  std::string out;
  append(out, 2 * number_bytes, [&row](ByteWriter& to) {
    to.varint(row.account.value);
    to.varint(row.subscriber.value);
  });
  return out;
}

bool decode_index(std::string_view row, IndexRow& index) {
  ByteReader in(row);
  index.account = AccountNumber(in.varint());
  index.subscriber = SubscriberNumber(in.number<std::uint16_t>());
  return is_whole(in) && index.account.value != 0;
}

std::string encode_due(Time due) {
  std::string out;
  append(out, number_bytes, [due](ByteWriter& to) { to.signed_varint(micros_of(due)); });
  return out;
}

bool decode_due(std::string_view row, Time& due) {
  ByteReader in(row);
  due = time_of(in.signed_varint());
  return is_whole(in) && due != never;
}

std::string encode_admin_request(const AdminRequest& request) {
  std::string out;
  append(out, 5 * number_bytes, [&request](ByteWriter& to) {
    to.u8(static_cast<std::uint8_t>(request.kind));
    to.varint(request.account.value);
    to.signed_varint(request.amount.micros);
    to.varint(request.sequence.value);
    if (request.content != 0) to.u64_fixed(request.content);  // as rows were before
  });
  return out;
}

bool decode_admin_request(std::string_view row, AdminRequest& request) {
  ByteReader in(row);
  request.kind = static_cast<EntryKind>(in.u8());
  request.account = AccountNumber(in.varint());
  request.amount = Money(in.signed_varint());
  request.sequence = Sequence(in.varint());
  request.content = in.at_end() ? 0 : in.u64_fixed();
  return is_whole(in) && !kind_name(request.kind).empty();
}

// --- The book's own state ------------------------------------------------------------------------

TariffLoaded loaded_by(const TariffLoading& loading, Time at) {
  TariffLoaded loaded{loading.version, loading.source_hash, at};
  if (!loading.only_name.empty()) {
    loaded.only = {std::string(loading.only_name), std::string(loading.only_value)};
  }
  return loaded;
}

namespace {

// Behind what every book has, and only where there are any: versions for some subscribers.
void write_audiences(ByteWriter& to, const std::vector<TariffLoaded>& loaded) {
  const auto count = std::ranges::count_if(
      loaded, [](const TariffLoaded& tariff) { return tariff.only.has_value(); });
  if (count == 0) return;
  to.varint(static_cast<std::uint64_t>(count));
  for (const TariffLoaded& tariff : loaded) {
    if (!tariff.only) continue;
    to.varint(tariff.version.value);
    to.text(tariff.only->name);
    to.text(tariff.only->value);
  }
}

bool read_audiences(ByteReader& in, std::vector<TariffLoaded>& loaded) {
  if (in.at_end()) return true;
  for (std::size_t count = in.count(); count > 0; --count) {
    const tariffs::TariffVersion version(in.number<std::uint32_t>());
    const auto tariff = std::ranges::find(loaded, version, &TariffLoaded::version);
    if (tariff == loaded.end()) return false;
    tariffs::SubscriberAttribute& only = tariff->only.emplace();
    only.name = in.text();
    only.value = in.text();
  }
  return in.ok();
}

}  // namespace

std::string encode_book_state(const BookState& state) {
  std::string out;
  std::size_t bound = (9 + 4 * state.tariffs.size() + 3 * state.duplicates.size()) * number_bytes;
  for (const TariffLoaded& tariff : state.tariffs) {
    if (tariff.only)
      bound += tariff.only->name.size() + tariff.only->value.size() + 2 * number_bytes;
  }
  append(out, bound, [&state](ByteWriter& to) {
    to.u8(row_format);
    to.varint(state.account_count);
    to.u64_fixed(state.session_key_seed);
    to.signed_varint(micros_of(state.started_at));
    to.varint(state.tariffs.size());
    for (const TariffLoaded& tariff : state.tariffs) {
      to.varint(tariff.version.value);
      to.u64_fixed(tariff.source_hash);
      to.signed_varint(micros_of(tariff.loaded_at));
    }
    to.varint(state.duplicates.size());
    for (const DuplicateBucket& bucket : state.duplicates) {
      to.varint(bucket.number);
      to.signed_varint(micros_of(bucket.newest));
      to.varint(bucket.keys);
    }
    write_audiences(to, state.tariffs);
  });
  return out;
}

bool decode_book_state(std::string_view row, BookState& state) {
  ByteReader in(row);
  if (!is_row(in)) return false;
  state.account_count = in.varint();
  state.session_key_seed = in.u64_fixed();
  state.started_at = time_of(in.signed_varint());
  state.tariffs.resize(in.count());
  for (TariffLoaded& tariff : state.tariffs) {
    tariff.version = tariffs::TariffVersion(in.number<std::uint32_t>());
    tariff.source_hash = in.u64_fixed();
    tariff.loaded_at = time_of(in.signed_varint());
  }
  state.duplicates.resize(in.count());
  for (DuplicateBucket& bucket : state.duplicates) {
    bucket.number = in.number<std::uint32_t>();
    bucket.newest = time_of(in.signed_varint());
    bucket.keys = in.varint();
  }
  return read_audiences(in, state.tariffs) && is_whole(in);
}

}  // namespace farthing::engine
