#include "engine/account.h"

#include "engine/base/hash.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace farthing::engine {

namespace {

constexpr std::array<std::pair<AccountKind, std::string_view>, 3> account_kinds = {{
    {AccountKind::prepaid, "prepaid"},
    {AccountKind::postpaid, "postpaid"},
    {AccountKind::hybrid, "hybrid"},
}};

}  // namespace

std::string_view state_name(Subscription::State state) {
  constexpr std::array<std::string_view, 4> names = {"waiting", "active", "unpaid", "ended"};
  return names[static_cast<std::size_t>(state)];
}

std::string_view kind_name(AccountKind kind) {
  for (const auto& [value, name] : account_kinds) {
    if (value == kind) return name;
  }
  return {};
}

std::optional<AccountKind> parse_account_kind(std::string_view text) {
  for (const auto& [value, name] : account_kinds) {
    if (name == text) return value;
  }
  return std::nullopt;
}

bool Bucket::covers(ServiceKey service, const std::optional<RatingGroup>& rating_group,
                    const tariffs::Situations& holding) const {
  return std::any_of(coverage.begin(), coverage.end(), [&](const tariffs::Coverage& covered) {
    return covered.covers(service, rating_group, holding);
  });
}

std::vector<Bucket::Limit> limits_of(const BucketOpening& opening) {
  std::vector<Bucket::Limit> limits;
  for (const tariffs::SubLimit& limit : opening.limits) {
    limits.push_back({limit.situation, static_cast<std::int64_t>(limit.units)});
  }
  return limits;
}

void Session::clear() {
  // Every container keeps its memory: sessions are pooled, and a warm server allocates nothing.
  number = {};
  key = {};
  account = nullptr;
  subscriber = {};
  last = {};
  id.clear();
  service_context.clear();
  attributes.clear();
  attributes_hash = 0;
  opened_at = heard_at = rated_at = {};
  validity_seconds = 0;
  segments.clear();
  grants.clear();
  holds.clear();
  counter_holds.clear();
  share_uses.clear();
  requests = {};
  request_count = 0;
  forgotten_number_max = -1;
  last_outcome.clear();
  account_previous = account_next = nullptr;
  is_changed = has_row = false;
}

const RememberedRequest* Session::find_request(const RequestKey& request, bool number_alone) const {
  const RememberedRequest* match = nullptr;
  const std::uint32_t kept = std::min<std::uint32_t>(request_count, remembered_max);
  for (std::uint32_t age = 1; age <= kept; ++age) {  // the newest first
    const std::size_t at = (request_count - age) % remembered_max;
    if (request_numbers[at] != request.number) continue;
    const RememberedRequest& remembered = requests[at];
    if (is_same_request(remembered.key, request, false)) return &remembered;
    if (match == nullptr && is_same_request(remembered.key, request, number_alone)) {
      match = &remembered;
    }
  }
  return match;
}

std::uint64_t request_content(const Account& account, const Entry& entry) {
  if (entry.state_change) {
    return state_content(account.subscriber(entry.state_change->number)->msisdn,
                         entry.state_change->state);
  }
  if (entry.kind == EntryKind::subscription_added) {
    const std::string_view offer = entry.subscription              ? entry.subscription->offer
                                   : entry.bucket_openings.empty() ? std::string_view()
                                                                   : entry.bucket_openings[0].offer;
    return purchase_content(entry.subscriber, offer);
  }
  return entry.terms ? terms_content(entry.kind, *entry.terms) : 0;
}

std::uint64_t purchase_content(SubscriberNumber subscriber, std::string_view offer) {
  return base::hash64(fmt::format("purchase {} {}", subscriber.value, offer));
}

std::uint64_t terms_content(EntryKind kind, const AccountTerms& terms) {
  const auto micros = [](Time time) { return time.time_since_epoch().count(); };
  switch (kind) {
    case EntryKind::validity_changed:
      return base::hash64(
          fmt::format("validity {} {}", micros(terms.valid_until), micros(terms.grace_until)));
    case EntryKind::credit_changed:
      return base::hash64(fmt::format("credit {} {}", terms.temporary_credit.micros,
                                      micros(terms.temporary_until)));
    case EntryKind::minimum_changed:
      return base::hash64(fmt::format("minimum {}", terms.minimum_balance.micros));
    case EntryKind::billing_day_changed:
      return base::hash64(fmt::format("billing day {}", terms.billing_day));
    default:
      return 0;
  }
}

std::uint64_t state_content(Identity msisdn, LifeState state) {
  return base::hash64(fmt::format("state {} {}", msisdn.bits(), state_name(state)));
}

bool is_same_request(const RequestKey& known, const RequestKey& request, bool number_alone) {
  return known.type == request.type && known.number == request.number &&
         known.sub_session == request.sub_session &&
         (number_alone || known.content == request.content ||
          known.end_to_end == request.end_to_end);
}

std::int64_t Account::limit_micros(Time at) const {
  const bool is_higher = at < terms.temporary_until;
  return credit_limit_micros + (is_higher ? terms.temporary_credit.micros : 0);
}

Money Account::available(Time now) const { return Money(main_micros + limit_micros(now)); }

Money Account::spendable(Time now) const {
  const Money left(available(now).micros - terms.minimum_balance.micros);
  return terms.validity(now) == Validity::valid ? left : std::min(left, Money());
}

const Subscriber* Account::subscriber(SubscriberNumber which) const {
  if (which.value == 0 || which.value > subscribers.size()) return nullptr;
  return &subscribers[which.value - 1u];
}

LifeState Account::state_of(SubscriberNumber which) const {
  const Subscriber* const found = subscriber(which);
  return found == nullptr ? LifeState::active : found->state;
}

const Subscription* Account::subscription(SubscriptionNumber which) const {
  const auto found = std::ranges::find(subscriptions, which, &Subscription::number);
  return found == subscriptions.end() ? nullptr : &*found;
}

bool Account::is_part(BucketNumber bucket) const {
  return std::ranges::any_of(subscriptions, [bucket](const Subscription& subscription) {
    return std::ranges::find(subscription.buckets, bucket) != subscription.buckets.end();
  });
}

const Payer* Account::payer(BucketNumber bucket) const {
  const auto found =
      std::ranges::find(payers, bucket, [](const Payer& payer) { return payer.terms.bucket; });
  return found == payers.end() ? nullptr : &*found;
}

void Account::find_due() {
  due_at = never;
  for (const Subscription& subscription : subscriptions) {
    due_at = std::min(due_at, subscription.next());
  }
  for (const SpendCommitment& commitment : commitments) {
    due_at = std::min(due_at, settles_at(commitment));
  }
  for (const InstalmentPlan& plan : plans) due_at = std::min(due_at, plan.due);
}

const Bucket* Account::bucket(BucketNumber which) const {
  auto found = std::find_if(buckets.begin(), buckets.end(),
                            [which](const Bucket& bucket) { return bucket.number == which; });
  return found == buckets.end() ? nullptr : &*found;
}

Bucket* Account::bucket(BucketNumber which) {
  return const_cast<Bucket*>(std::as_const(*this).bucket(which));
}

void Account::clear() {
  // Vectors and texts give their memory back: what the next account in this place needs is small.
  *this = Account();
}

}  // namespace farthing::engine
