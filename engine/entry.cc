#include "engine/entry.h"

#include "engine/base/assert.h"
#include "engine/base/bytes.h"
#include "engine/base/wide.h"
#include "engine/fields.h"

#include <algorithm>
#include <array>

namespace farthing::engine {

namespace {

using base::ByteReader;
using base::ByteWriter;

// Bits of the section mask. The numbers stand in the ledger.
enum Section : std::uint64_t {
  section_session = 1u << 0,
  section_session_id = 1u << 1,
  section_request = 1u << 2,
  section_attributes = 1u << 3,
  section_openings = 1u << 4,
  section_uses = 1u << 5,
  section_legs = 1u << 6,
  section_grants = 1u << 7,
  section_validity = 1u << 8,
  section_outcome = 1u << 9,
  section_account_opening = 1u << 10,
  section_subscriber_opening = 1u << 11,
  section_state_change = 1u << 12,
  section_note = 1u << 13,
  section_bucket_opening = 1u << 14,
  section_bucket_closing = 1u << 15,
  section_tariff = 1u << 16,
  section_cut = 1u << 17,
  section_counters = 1u << 18,
  section_thresholds = 1u << 19,
  section_profile = 1u << 20,
  section_subscription = 1u << 21,
  section_more_buckets = 1u << 22,
  section_payers = 1u << 23,
  section_payment = 1u << 24,
  section_limits = 1u << 25,
  section_rated_again = 1u << 26,
  section_tariff_only = 1u << 27,
  section_ceilings = 1u << 28,
  section_terms = 1u << 29,
  section_numbers = 1u << 30,
  section_commitment = std::uint64_t{1} << 31,
  section_chosen = std::uint64_t{1} << 32,
  section_plan = std::uint64_t{1} << 33,
  section_shares = std::uint64_t{1} << 35,
  section_budget = std::uint64_t{1} << 36,
  section_final_units = std::uint64_t{1} << 37,
};
constexpr std::uint64_t sections_known =
    ((std::uint64_t{1} << 34) - 1) | section_shares | section_budget | section_final_units;

bool has_final_units(const Entry& entry) {
  return std::ranges::any_of(
      entry.grants, [](const GrantChange& grant) { return grant.final_unit != FinalUnit::none; });
}

std::uint64_t sections_of(const Entry& entry) {
  std::uint64_t mask = 0;
  if (entry.session) mask |= section_session;
  if (!entry.session_id.empty()) mask |= section_session_id;
  if (entry.request) mask |= section_request;
  if (!entry.attributes.empty()) mask |= section_attributes;
  if (!entry.openings.empty()) mask |= section_openings;
  if (!entry.uses.empty()) mask |= section_uses;
  if (!entry.legs.empty()) mask |= section_legs;
  if (!entry.grants.empty()) mask |= section_grants;
  if (has_final_units(entry)) mask |= section_final_units;
  if (entry.validity_seconds) mask |= section_validity;
  if (!entry.outcome.empty()) mask |= section_outcome;
  if (entry.account_opening) mask |= section_account_opening;
  if (entry.subscriber_opening) mask |= section_subscriber_opening;
  if (entry.state_change) mask |= section_state_change;
  if (entry.note) mask |= section_note;
  if (!entry.bucket_openings.empty()) mask |= section_bucket_opening;
  if (!entry.bucket_closings.empty()) mask |= section_bucket_closing;
  if (entry.tariff) mask |= section_tariff;
  if (entry.cut) mask |= section_cut;
  if (!entry.counter_openings.empty() || !entry.counter_changes.empty()) mask |= section_counters;
  if (!entry.thresholds.empty()) mask |= section_thresholds;
  if (entry.profile_change) mask |= section_profile;
  if (entry.subscription) mask |= section_subscription;
  if (entry.bucket_openings.size() > 1 || entry.bucket_closings.size() > 1 ||
      !entry.bucket_extensions.empty()) {
    mask |= section_more_buckets;
  }
  if (!entry.payers.empty()) mask |= section_payers;
  if (!entry.ceilings.empty()) mask |= section_ceilings;
  if (entry.payment) mask |= section_payment;
  if (!entry.limit_changes.empty()) mask |= section_limits;
  if (entry.rated_again) mask |= section_rated_again;
  if (entry.tariff && !entry.tariff->only_name.empty()) mask |= section_tariff_only;
  if (entry.terms) mask |= section_terms;
  if (entry.numbers) mask |= section_numbers;
  if (entry.chosen) mask |= section_chosen;
  if (!entry.share_uses.empty()) mask |= section_shares;
  if (entry.budget) mask |= section_budget;
  if (entry.commitment) mask |= section_commitment;
  if (entry.plan) mask |= section_plan;
  return mask;
}

// More bytes than the entry can take encoded.
std::size_t size_bound(const Entry& entry) {
  constexpr std::size_t number = ByteWriter::varint_bytes_max;
  std::size_t bound = 45 * number;
  bound += entry.session_id.size() + entry.service_context.size() + entry.attributes.size() +
           entry.outcome.size();
  for (const SegmentOpening& opening : entry.openings) {
    bound += 22 * number + shape_size_bound(opening.terms);
  }
  bound += entry.uses.size() * 2 * number + entry.legs.size() * 4 * number +
           entry.grants.size() * 4 * number;
  bound += entry.counter_changes.size() * 4 * number + entry.thresholds.size() * 2 * number;
  for (const CounterOpening& opening : entry.counter_openings) {
    bound += opening.name.size() + 7 * number;
  }
  if (entry.account_opening) bound += entry.account_opening->name.size() + 3 * number;
  if (entry.note) {
    bound += entry.note->operator_name.size() + entry.note->reason.size() +
             entry.note->request_id.size() + 3 * number;
  }
  for (const BucketOpening& opening : entry.bucket_openings) {
    bound += opening.offer.size() +
             (9 + 3 * opening.coverage.size() + 2 * opening.limits.size()) * number;
  }
  bound += (entry.bucket_closings.size() + 2 * entry.bucket_extensions.size() +
            3 * entry.limit_changes.size()) *
           number;
  if (entry.subscription) bound += size_bound(*entry.subscription);
  bound += (entry.payers.size() * 9 + entry.share_uses.size() * 4) * number;
  for (const OwnCeiling& ceiling : entry.ceilings) bound += size_bound(ceiling);
  if (entry.commitment) bound += size_bound(entry.commitment->commitment) + 1;
  if (entry.plan) bound += size_bound(*entry.plan);
  if (entry.cut) bound += cut_size_bound;
  if (entry.tariff) bound += entry.tariff->only_name.size() + entry.tariff->only_value.size();
  if (entry.profile_change) bound += size_bound(*entry.profile_change);
  if (entry.chosen) bound += size_bound(*entry.chosen);
  return bound;
}

void write(ByteWriter& out, const Leg& leg) {
  out.u8(static_cast<std::uint8_t>(leg.side));
  out.varint(leg.segment == Leg::no_segment ? 0 : leg.segment + 1u);
  if (names_bucket(leg.side)) out.varint(leg.bucket.value);
  out.signed_varint(leg.amount);
}

bool read(ByteReader& in, Leg& leg) {
  const std::uint8_t side = in.u8();
  if (side >= side_count) return false;
  leg.side = static_cast<Side>(side);
  const auto segment = in.number<std::uint16_t>();
  leg.segment = segment == 0 ? Leg::no_segment : static_cast<std::uint16_t>(segment - 1);
  leg.bucket = names_bucket(leg.side) ? BucketNumber(in.number<std::uint32_t>()) : BucketNumber();
  leg.amount = in.signed_varint();
  return in.ok();
}

void write_request(ByteWriter& out, const RequestSection& request) {
  out.u8(static_cast<std::uint8_t>(static_cast<unsigned>(request.key.type) |
                                   (request.server_time_used ? 0x80u : 0u)));
  out.varint(request.key.number);
  out.varint(request.key.sub_session);
  out.u64_fixed(request.key.content);
  out.varint(request.key.end_to_end);
  out.signed_varint(micros_of(request.rated_at));
}

bool read_request(ByteReader& in, RequestSection& request) {
  const std::uint8_t flags = in.u8();
  const std::uint8_t type = flags & 0x7f;
  if (type < 1 || type > 4) return false;
  request.key.type = static_cast<RequestType>(type);
  request.server_time_used = (flags & 0x80) != 0;
  request.key.number = in.number<std::uint32_t>();
  request.key.sub_session = in.varint();
  request.key.content = in.u64_fixed();
  request.key.end_to_end = in.number<std::uint32_t>();
  request.rated_at = time_of(in.signed_varint());
  return in.ok();
}

// Links are written as distances back from the entry itself: short, and 0 means none.
void write_link(ByteWriter& out, Sequence own, std::uint64_t target) {
  out.varint(target == 0 ? 0 : own.value - target);
}
std::uint64_t read_link(ByteReader& in, Sequence own) {
  const std::uint64_t distance = in.varint();
  return distance == 0 || distance >= own.value ? 0 : own.value - distance;
}

void write(ByteWriter& out, Sequence own, const RatedAgain& again) {
  write_link(out, own, again.entry.value);
  out.varint(rating_group_code(again.rating_group));
  out.u64_fixed(again.number);
}

bool read(ByteReader& in, Sequence own, RatedAgain& again) {
  again.entry = Sequence(read_link(in, own));
  again.rating_group = read_rating_group(in);
  again.number = in.u64_fixed();
  return in.ok() && again.entry.value != 0;
}

void write_counters(ByteWriter& out, const Entry& entry, std::uint64_t mask) {
  if (mask & section_counters) {
    out.varint(entry.counter_openings.size());
    for (const CounterOpening& opening : entry.counter_openings) write(out, opening);
    out.varint(entry.counter_changes.size());
    for (const CounterChange& change : entry.counter_changes) {
      out.varint(change.counter.value);
      out.varint(change.segment);
      out.signed_varint(change.counted);
      out.signed_varint(change.held);
    }
  }
  if (mask & section_thresholds) {
    out.varint(entry.thresholds.size());
    for (const ThresholdReached& reached : entry.thresholds) {
      out.varint(reached.counter.value);
      out.varint(reached.threshold);
    }
  }
}

void write_more_buckets(ByteWriter& out, const Entry& entry) {
  out.varint(entry.bucket_openings.empty() ? 0 : entry.bucket_openings.size() - 1);
  for (std::size_t i = 1; i < entry.bucket_openings.size(); ++i) {
    write(out, entry.bucket_openings[i]);
  }
  out.varint(entry.bucket_closings.empty() ? 0 : entry.bucket_closings.size() - 1);
  for (std::size_t i = 1; i < entry.bucket_closings.size(); ++i) {
    out.varint(entry.bucket_closings[i].value);
  }
  out.varint(entry.bucket_extensions.size());
  for (const BucketExtension& extension : entry.bucket_extensions) {
    out.varint(extension.number.value);
    out.signed_varint(micros_of(extension.valid_to));
  }
}

bool read_more_buckets(ByteReader& in, Entry& entry) {
  for (std::size_t more = in.count(); more > 0; --more) {
    if (!read(in, entry.bucket_openings.emplace_back())) return false;
  }
  for (std::size_t more = in.count(); more > 0; --more) {
    entry.bucket_closings.emplace_back(in.number<std::uint32_t>());
  }
  entry.bucket_extensions.resize(in.count());
  for (BucketExtension& extension : entry.bucket_extensions) {
    extension.number = BucketNumber(in.number<std::uint32_t>());
    extension.valid_to = time_of(in.signed_varint());
  }
  return in.ok();
}

void write_limits(ByteWriter& out, const Entry& entry) {
  out.varint(entry.limit_changes.size());
  for (const LimitChange& change : entry.limit_changes) {
    out.varint(change.bucket.value);
    out.u8(change.limit);
    out.signed_varint(change.units);
  }
}

bool read_limits(ByteReader& in, Entry& entry) {
  entry.limit_changes.resize(in.count());
  for (LimitChange& change : entry.limit_changes) {
    change.bucket = BucketNumber(in.number<std::uint32_t>());
    change.limit = in.u8();
    change.units = in.signed_varint();
  }
  return in.ok();
}

void write_administration(ByteWriter& out, const Entry& entry) {
  if (entry.account_opening) {
    out.text(entry.account_opening->name);
    out.u8(entry.account_opening->kind);
    out.signed_varint(entry.account_opening->credit_limit.micros);
  }
  if (entry.subscriber_opening) {
    out.varint(entry.subscriber_opening->number.value);
    out.varint(entry.subscriber_opening->msisdn.bits());
    out.varint(entry.subscriber_opening->imsi.bits());
  }
  if (entry.state_change) {
    out.varint(entry.state_change->number.value);
    out.u8(static_cast<std::uint8_t>(entry.state_change->state));
  }
  if (entry.note) {
    out.text(entry.note->operator_name);
    out.text(entry.note->reason);
    out.text(entry.note->request_id);
  }
  // The first of each; the others stand behind, in a section of their own.
  if (!entry.bucket_openings.empty()) write(out, entry.bucket_openings.front());
  if (!entry.bucket_closings.empty()) out.varint(entry.bucket_closings.front().value);
  if (entry.tariff) {
    out.varint(entry.tariff->version.value);
    out.u64_fixed(entry.tariff->source_hash);
  }
  if (entry.cut) write(out, *entry.cut);
}

bool read_administration(ByteReader& in, std::uint64_t mask, Entry& entry) {
  if (mask & section_account_opening) {
    AccountOpening& opening = entry.account_opening.emplace();
    opening.name = in.text();
    opening.kind = in.u8();
    opening.credit_limit = Money(in.signed_varint());
  }
  if (mask & section_subscriber_opening) {
    SubscriberOpening& opening = entry.subscriber_opening.emplace();
    opening.number = SubscriberNumber(in.number<std::uint16_t>());
    opening.msisdn = Identity::from_bits(in.varint());
    opening.imsi = Identity::from_bits(in.varint());
  }
  if (mask & section_state_change) {
    StateChange& change = entry.state_change.emplace();
    change.number = SubscriberNumber(in.number<std::uint16_t>());
    const std::uint8_t state = in.u8();
    if (state > static_cast<std::uint8_t>(LifeState::terminated)) return false;
    change.state = static_cast<LifeState>(state);
  }
  if (mask & section_note) {
    Note& note = entry.note.emplace();
    note.operator_name = in.text();
    note.reason = in.text();
    note.request_id = in.text();
  }
  if (mask & section_bucket_opening && !read(in, entry.bucket_openings.emplace_back())) {
    return false;
  }
  if (mask & section_bucket_closing) {
    entry.bucket_closings.emplace_back(in.number<std::uint32_t>());
  }
  if (mask & section_tariff) {
    TariffLoading& tariff = entry.tariff.emplace();
    tariff.version = tariffs::TariffVersion(in.number<std::uint32_t>());
    tariff.source_hash = in.u64_fixed();
  }
  if (mask & section_cut && !read(in, entry.cut.emplace())) return false;
  return in.ok();
}

template <class T, class ReadItem>
bool read_list(ByteReader& in, std::vector<T>& list, ReadItem read_item) {
  list.resize(in.count());
  return std::all_of(list.begin(), list.end(), [&](T& item) { return read_item(in, item); });
}

bool read_counters(ByteReader& in, std::uint64_t mask, Entry& entry) {
  if (mask & section_counters) {
    if (!read_list(in, entry.counter_openings,
                   [](ByteReader& r, CounterOpening& opening) { return read(r, opening); })) {
      return false;
    }
    if (!read_list(in, entry.counter_changes, [](ByteReader& r, CounterChange& change) {
          change.counter = CounterNumber(r.number<std::uint32_t>());
          change.segment = r.number<std::uint16_t>();
          change.counted = r.signed_varint();
          change.held = r.signed_varint();
          return r.ok();
        })) {
      return false;
    }
  }
  return (mask & section_thresholds) == 0 ||
         read_list(in, entry.thresholds, [](ByteReader& r, ThresholdReached& reached) {
           reached.counter = CounterNumber(r.number<std::uint32_t>());
           reached.threshold = r.varint();
           return r.ok();
         });
}

bool read_charging(ByteReader& in, std::uint64_t mask, Entry& entry) {
  if (mask & section_attributes) entry.attributes = in.text();
  if (mask & section_openings &&
      !read_list(in, entry.openings, [](ByteReader& r, SegmentOpening& o) { return read(r, o); })) {
    return false;
  }
  if (mask & section_uses && !read_list(in, entry.uses, [](ByteReader& r, SegmentUse& use) {
        use.index = r.number<std::uint16_t>();
        use.units = r.varint();
        return r.ok();
      })) {
    return false;
  }
  if (mask & section_legs &&
      !read_list(in, entry.legs, [](ByteReader& r, Leg& leg) { return read(r, leg); })) {
    return false;
  }
  if (mask & section_grants && !read_list(in, entry.grants, [](ByteReader& r, GrantChange& grant) {
        grant.segment = r.number<std::uint16_t>();
        grant.services = r.number<std::uint32_t>();
        grant.units = r.varint();
        return r.ok();
      })) {
    return false;
  }
  if (mask & section_validity) entry.validity_seconds = in.number<std::uint32_t>();
  if (mask & section_outcome) entry.outcome = in.text();
  return in.ok();
}

// What accounts and subscribers are after the entry, and whose it is besides.
void write_changes(ByteWriter& writer, Sequence own, const Entry& entry, std::uint64_t mask) {
  if (entry.profile_change) write(writer, *entry.profile_change);
  if (entry.subscription) write(writer, *entry.subscription);
  if (mask & section_more_buckets) write_more_buckets(writer, entry);
  if (mask & section_payers) {
    writer.varint(entry.payers.size());
    for (const PayerChange& payer : entry.payers) write(writer, payer);
  }
  if (entry.payment) {
    writer.varint(entry.payment->member.value);
    write_link(writer, own, entry.payment->entry.value);
  }
  if (mask & section_limits) write_limits(writer, entry);
  if (entry.rated_again) write(writer, own, *entry.rated_again);
  if (mask & section_tariff_only) {
    writer.text(entry.tariff->only_name);
    writer.text(entry.tariff->only_value);
  }
  if (mask & section_ceilings) {
    writer.varint(entry.ceilings.size());
    for (const OwnCeiling& ceiling : entry.ceilings) write(writer, ceiling);
  }
  if (entry.terms) write(writer, *entry.terms);
  if (entry.numbers) {
    writer.varint(entry.numbers->count);
    writer.u64_fixed(entry.numbers->source_hash);
  }
  if (entry.commitment) {
    writer.u8(entry.commitment->is_settled ? 1 : 0);
    write(writer, entry.commitment->commitment);
  }
  if (entry.chosen) write(writer, *entry.chosen);
  if (entry.plan) write(writer, *entry.plan);
  if (mask & section_shares) {
    writer.varint(entry.share_uses.size());
    for (const ShareUse& use : entry.share_uses) write(writer, use);
  }
  if (entry.budget) write(writer, *entry.budget);
  if (mask & section_final_units) {
    for (const GrantChange& grant : entry.grants) {
      writer.u8(static_cast<std::uint8_t>(grant.final_unit));
    }
  }
}

bool read_changes(ByteReader& in, std::uint64_t mask, Sequence own, Entry& entry) {
  if (mask & section_profile && !read(in, entry.profile_change.emplace())) return false;
  if (mask & section_subscription && !read(in, entry.subscription.emplace())) return false;
  if (mask & section_more_buckets && !read_more_buckets(in, entry)) return false;
  if (mask & section_payers && !read_list(in, entry.payers, [](ByteReader& r, PayerChange& payer) {
        return read(r, payer);
      })) {
    return false;
  }
  if (mask & section_payment) {
    Payment& payment = entry.payment.emplace();
    payment.member = AccountNumber(in.varint());
    payment.entry = Sequence(read_link(in, own));
  }
  if (mask & section_limits && !read_limits(in, entry)) return false;
  if (mask & section_rated_again && !read(in, own, entry.rated_again.emplace())) return false;
  if (mask & section_tariff_only) {
    if (!entry.tariff) return false;
    entry.tariff->only_name = in.text();
    entry.tariff->only_value = in.text();
    if (entry.tariff->only_name.empty()) return false;
  }
  if (mask & section_ceilings &&
      !read_list(in, entry.ceilings,
                 [](ByteReader& r, OwnCeiling& ceiling) { return read(r, ceiling); })) {
    return false;
  }
  if (mask & section_terms && !read(in, entry.terms.emplace())) return false;
  if (mask & section_numbers) {
    NumbersLoading& numbers = entry.numbers.emplace();
    numbers.count = in.varint();
    numbers.source_hash = in.u64_fixed();
  }
  if (mask & section_commitment) {
    CommitmentChange& change = entry.commitment.emplace();
    const std::uint8_t is_settled = in.u8();
    change.is_settled = is_settled == 1;
    if (is_settled > 1 || !read(in, change.commitment)) return false;
  }
  if (mask & section_chosen && !read(in, entry.chosen.emplace())) return false;
  if (mask & section_plan && !read(in, entry.plan.emplace())) return false;
  if (mask & section_shares &&
      !read_list(in, entry.share_uses, [](ByteReader& r, ShareUse& use) { return read(r, use); })) {
    return false;
  }
  if (mask & section_budget && !read(in, entry.budget.emplace())) return false;
  if (mask & section_final_units) {
    for (GrantChange& grant : entry.grants) {
      if (!read(in, grant.final_unit)) return false;
    }
  }
  return in.ok();
}

constexpr std::array<std::pair<EntryKind, std::string_view>, 34> kind_names = {{
    {EntryKind::server_started, "server_started"},
    {EntryKind::tariff_loaded, "tariff_loaded"},
    {EntryKind::account_created, "account_created"},
    {EntryKind::subscriber_added, "subscriber_added"},
    {EntryKind::subscriber_changed, "subscriber_changed"},
    {EntryKind::top_up, "top_up"},
    {EntryKind::adjustment, "adjustment"},
    {EntryKind::subscription_added, "subscription_added"},
    {EntryKind::subscription_ended, "subscription_ended"},
    {EntryKind::session_opened, "session_opened"},
    {EntryKind::session_updated, "session_updated"},
    {EntryKind::session_terminated, "session_terminated"},
    {EntryKind::session_expired, "session_expired"},
    {EntryKind::session_closed, "session_closed"},
    {EntryKind::event_debited, "event_debited"},
    {EntryKind::event_refunded, "event_refunded"},
    {EntryKind::request_refused, "request_refused"},
    {EntryKind::ledger_cut, "ledger_cut"},
    {EntryKind::subscription_renewed, "subscription_renewed"},
    {EntryKind::subscription_unpaid, "subscription_unpaid"},
    {EntryKind::subscription_changed, "subscription_changed"},
    {EntryKind::allowance_expired, "allowance_expired"},
    {EntryKind::payer_changed, "payer_changed"},
    {EntryKind::paid_for_other, "paid_for_other"},
    {EntryKind::ceiling_changed, "ceiling_changed"},
    {EntryKind::numbers_loaded, "numbers_loaded"},
    {EntryKind::chosen_changed, "chosen_changed"},
    {EntryKind::validity_changed, "validity_changed"},
    {EntryKind::credit_changed, "credit_changed"},
    {EntryKind::minimum_changed, "minimum_changed"},
    {EntryKind::billing_day_changed, "billing_day_changed"},
    {EntryKind::spend_settled, "spend_settled"},
    {EntryKind::instalment_credited, "instalment_credited"},
    {EntryKind::payer_budget_changed, "payer_budget_changed"},
}};

}  // namespace

std::string_view kind_name(EntryKind kind) {
  for (const auto& [value, name] : kind_names) {
    if (value == kind) return name;
  }
  return {};
}

std::uint32_t service_identifiers_key(const std::vector<ServiceIdentifier>& identifiers) {
  if (identifiers.empty()) return 0;
  std::uint64_t sum = 0;  // of hashes (splitmix64's finish): a set has no order
  for (ServiceIdentifier identifier : identifiers) {
    std::uint64_t x = identifier.value + 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    sum += x ^ (x >> 31);
  }
  const auto key = static_cast<std::uint32_t>(sum >> 32);
  return key == 0 ? 1 : key;
}

void Entry::clear() {
  kind = EntryKind::request_refused;
  account = {};
  subscriber = {};
  previous = {};
  session.reset();
  session_id = {};
  service_context = {};
  request.reset();
  attributes = {};
  openings.clear();
  uses.clear();
  legs.clear();
  grants.clear();
  counter_openings.clear();
  counter_changes.clear();
  thresholds.clear();
  validity_seconds.reset();
  outcome = {};
  account_opening.reset();
  terms.reset();
  subscriber_opening.reset();
  state_change.reset();
  note.reset();
  bucket_openings.clear();
  bucket_closings.clear();
  bucket_extensions.clear();
  limit_changes.clear();
  subscription.reset();
  payers.clear();
  share_uses.clear();
  budget.reset();
  ceilings.clear();
  commitment.reset();
  plan.reset();
  payment.reset();
  tariff.reset();
  numbers.reset();
  chosen.reset();
  cut.reset();
  profile_change.reset();
  rated_again.reset();
}

void encode_entry(const Entry& entry, Sequence own, std::string& out) {
  const std::size_t begin = out.size();
  out.resize(begin + size_bound(entry));
  ByteWriter writer(out.data() + begin);
  const std::uint64_t mask = sections_of(entry);
  writer.u8(static_cast<std::uint8_t>(entry.kind));
  writer.varint(mask);
  writer.varint(entry.account.value);
  writer.varint(entry.subscriber.value);
  write_link(writer, own, entry.previous.value);
  if (entry.session) {
    write_link(writer, own, entry.session->session.value);
    write_link(writer, own, entry.session->previous.value);
  }
  if (mask & section_session_id) {
    writer.text(entry.session_id);
    writer.text(entry.service_context);
  }
  if (entry.request) write_request(writer, *entry.request);
  if (mask & section_attributes) writer.text(entry.attributes);
  if (mask & section_openings) {
    writer.varint(entry.openings.size());
    for (const SegmentOpening& opening : entry.openings) write(writer, opening);
  }
  if (mask & section_uses) {
    writer.varint(entry.uses.size());
    for (const SegmentUse& use : entry.uses) {
      writer.varint(use.index);
      writer.varint(use.units);
    }
  }
  if (mask & section_legs) {
    writer.varint(entry.legs.size());
    for (const Leg& leg : entry.legs) write(writer, leg);
  }
  if (mask & section_grants) {
    writer.varint(entry.grants.size());
    for (const GrantChange& grant : entry.grants) {
      writer.varint(grant.segment);
      writer.varint(grant.services);
      writer.varint(grant.units);
    }
  }
  if (entry.validity_seconds) writer.varint(*entry.validity_seconds);
  if (mask & section_outcome) writer.text(entry.outcome);
  write_administration(writer, entry);
  write_counters(writer, entry, mask);
  write_changes(writer, own, entry, mask);
  const auto size = static_cast<std::size_t>(writer.position() - out.data());
  FARTHING_ASSERT(size <= out.size());
  out.resize(size);
}

bool decode_entry(std::string_view& body, Sequence own, Entry& entry) {
  entry.clear();
  ByteReader in(body);
  const std::uint8_t kind = in.u8();
  entry.kind = static_cast<EntryKind>(kind);
  if (kind_name(entry.kind).empty()) return false;
  const std::uint64_t mask = in.varint();
  if ((mask & ~sections_known) != 0) return false;
  entry.account = AccountNumber(in.varint());
  entry.subscriber = SubscriberNumber(in.number<std::uint16_t>());
  entry.previous = Sequence(read_link(in, own));
  if (mask & section_session) {
    SessionLink& link = entry.session.emplace();
    link.session = SessionNumber(read_link(in, own));
    link.previous = Sequence(read_link(in, own));
  }
  if (mask & section_session_id) {
    entry.session_id = in.text();
    entry.service_context = in.text();
  }
  if (mask & section_request && !read_request(in, entry.request.emplace())) return false;
  if (!read_charging(in, mask, entry) || !read_administration(in, mask, entry) ||
      !read_counters(in, mask, entry)) {
    return false;
  }
  if (!read_changes(in, mask, own, entry)) return false;
  body.remove_prefix(static_cast<std::size_t>(in.position() - body.data()));
  return true;
}

std::int64_t sum_of(const Entry& entry, Side side) {
  std::int64_t sum = 0;
  for (const Leg& leg : entry.legs) {
    if (leg.side == side) sum += leg.amount;
  }
  return sum;
}

bool is_balanced(const Entry& entry) {
  base::Int128 money = 0;
  base::Int128 units = 0;  // of the bucket at hand
  BucketNumber bucket;
  for (const Leg& leg : entry.legs) {
    if (!is_units(leg.side)) {
      money += leg.amount;
      continue;
    }
    if (leg.bucket != bucket && units != 0) return false;
    bucket = leg.bucket;
    units += leg.amount;
  }
  return money == 0 && units == 0;
}

}  // namespace farthing::engine
