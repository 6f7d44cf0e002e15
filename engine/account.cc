#include "engine/account.h"

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

bool Bucket::covers(ServiceKey service, const std::optional<RatingGroup>& rating_group) const {
  return std::any_of(coverage.begin(), coverage.end(), [&](const tariffs::Coverage& covered) {
    return covered.service == service &&
           (!covered.rating_group || covered.rating_group == rating_group);
  });
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
  for (RememberedOutcome& remembered : outcomes) {
    remembered.key = {};
    remembered.sequence = {};
    remembered.outcome.clear();
  }
  outcome_count = 0;
  account_previous = account_next = nullptr;
}

const RememberedOutcome* Session::find_outcome(const RequestKey& request, bool number_alone) const {
  const RememberedOutcome* match = nullptr;
  const std::uint32_t kept = std::min<std::uint32_t>(outcome_count, outcomes_max);
  for (std::uint32_t age = 1; age <= kept; ++age) {  // the newest first
    const std::size_t at = (outcome_count - age) % outcomes_max;
    if (outcome_numbers[at] != request.number) continue;
    const RememberedOutcome& remembered = outcomes[at];
    if (remembered.key.type != request.type || remembered.key.sub_session != request.sub_session)
      continue;
    if (remembered.key.content == request.content ||
        remembered.key.end_to_end == request.end_to_end) {
      return &remembered;
    }
    if (number_alone && match == nullptr) match = &remembered;
  }
  return match;
}

Money Account::available() const { return Money(main_micros + credit_limit_micros); }

const Subscriber* Account::subscriber(SubscriberNumber which) const {
  if (which.value == 0 || which.value > subscribers.size()) return nullptr;
  return &subscribers[which.value - 1u];
}

const Bucket* Account::bucket(BucketNumber which) const {
  auto found = std::find_if(buckets.begin(), buckets.end(),
                            [which](const Bucket& bucket) { return bucket.number == which; });
  return found == buckets.end() ? nullptr : &*found;
}

Bucket* Account::bucket(BucketNumber which) {
  return const_cast<Bucket*>(std::as_const(*this).bucket(which));
}

}  // namespace farthing::engine
