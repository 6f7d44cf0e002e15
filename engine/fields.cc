#include "engine/fields.h"

#include "engine/account.h"

namespace farthing::engine {

using base::ByteReader;
using base::ByteWriter;

namespace {

// Beside the rounding: a shape follows the terms; a rate of tax does, behind the shape; situations
// do, behind both.
constexpr std::uint8_t has_shape = 0x80;
constexpr std::uint8_t has_tax = 0x40;
constexpr std::uint8_t has_situations = 0x20;
constexpr std::uint8_t has_paid_from = 0x10;

// Of a shape.
constexpr std::uint8_t shape_is_slab = 1;
constexpr std::uint8_t shape_has_cap_in_all = 2;

void write(ByteWriter& out, const tariffs::PriceShape& shape) {
  out.u8(static_cast<std::uint8_t>((shape.is_slab ? shape_is_slab : 0) |
                                   (shape.cap_in_all ? shape_has_cap_in_all : 0)));
  out.varint(shape.bands.size());
  for (const tariffs::PriceBand& band : shape.bands) {
    out.varint(band.upto);
    out.signed_varint(band.amount.micros);
  }
  out.varint(shape.cap_every);
  out.signed_varint(shape.cap.micros);
  if (shape.cap_in_all) out.signed_varint(shape.cap_in_all->micros);
}

bool read(ByteReader& in, std::shared_ptr<const tariffs::PriceShape>& read_shape) {
  tariffs::PriceShape shape;
  const std::uint8_t flags = in.u8();
  if (flags > (shape_is_slab | shape_has_cap_in_all)) return false;
  shape.is_slab = (flags & shape_is_slab) != 0;
  shape.bands.resize(in.count());
  for (tariffs::PriceBand& band : shape.bands) {
    band.upto = in.varint();
    band.amount = Money(in.signed_varint());
  }
  shape.cap_every = in.varint();
  shape.cap = Money(in.signed_varint());
  if (flags & shape_has_cap_in_all) shape.cap_in_all = Money(in.signed_varint());
  if (!in.ok() || !is_sound(shape)) return false;
  read_shape = std::make_shared<const tariffs::PriceShape>(std::move(shape));
  return true;
}

void write(ByteWriter& out, const tariffs::Situations& situations) {
  out.varint(situations.count());
  for (std::size_t i = 0; i < situations.count(); ++i) out.varint(situations.keys[i].value);
}

bool read(ByteReader& in, tariffs::Situations& situations) {
  const std::size_t count = in.count();
  if (count == 0 || count > tariffs::Situations::most) return false;
  for (std::size_t i = 0; i < count; ++i) {
    situations.keys[i] = tariffs::SituationKey(in.number<std::uint32_t>());
  }
  return in.ok() && situations.count() == count;
}

void write(ByteWriter& out, const storage::Hash& hash) {
  for (std::byte byte : hash) out.u8(static_cast<std::uint8_t>(byte));
}
void read(ByteReader& in, storage::Hash& hash) {
  for (std::byte& byte : hash) byte = static_cast<std::byte>(in.u8());
}

}  // namespace

std::uint64_t rating_group_code(const std::optional<RatingGroup>& group) {
  return group ? std::uint64_t{group->value} + 1 : 0;
}

namespace {

std::optional<RatingGroup> rating_group_of(std::uint64_t code) {
  if (code == 0) return std::nullopt;
  return RatingGroup(static_cast<std::uint32_t>(code - 1));
}

}  // namespace

std::optional<RatingGroup> read_rating_group(ByteReader& in) {
  return rating_group_of(in.varint());
}

std::size_t shape_size_bound(const tariffs::PriceTerms& terms) {
  if (terms.shape == nullptr) return 0;
  return (5 + 2 * terms.shape->bands.size()) * ByteWriter::varint_bytes_max;
}

void write(ByteWriter& out, const SegmentOpening& opening) {
  out.varint(opening.index);
  out.varint(rating_group_code(opening.rating_group));
  out.varint(opening.service.value);
  out.varint(opening.version.value);
  out.varint(opening.rule.value);
  const tariffs::PriceTerms& terms = opening.terms;
  out.u8(static_cast<std::uint8_t>(terms.unit));
  const bool is_in_situations = opening.situations.count() > 0;
  const bool is_of_one_side = terms.paid_from != tariffs::PaidFrom::either;
  out.u8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(terms.rounding) |
                                   (terms.shape ? has_shape : 0) | (terms.tax ? has_tax : 0) |
                                   (is_in_situations ? has_situations : 0) |
                                   (is_of_one_side ? has_paid_from : 0)));
  out.signed_varint(terms.amount.micros);
  out.varint(terms.block);
  out.varint(terms.step);
  out.varint(terms.minimum);
  out.signed_varint(terms.setup.micros);
  if (terms.shape) write(out, *terms.shape);
  if (terms.tax) out.varint(terms.tax->millionths);
  if (is_in_situations) write(out, opening.situations);
  if (is_of_one_side) out.u8(static_cast<std::uint8_t>(terms.paid_from));
  out.varint(opening.quota.maximum);
  out.varint(opening.quota.standard);
  out.varint(opening.quota.minimum);
  out.varint(static_cast<std::uint64_t>(opening.quota.validity.count()));
}

bool read(ByteReader& in, SegmentOpening& opening) {
  opening.index = in.number<std::uint16_t>();
  opening.rating_group = read_rating_group(in);
  opening.service = ServiceKey(in.number<std::uint32_t>());
  opening.version = tariffs::TariffVersion(in.number<std::uint32_t>());
  opening.rule = tariffs::RuleNumber(in.number<std::uint32_t>());
  tariffs::PriceTerms& terms = opening.terms;
  const std::uint8_t unit = in.u8();
  const std::uint8_t rounding_and_more = in.u8();
  const std::uint8_t rounding =
      rounding_and_more & ~(has_shape | has_tax | has_situations | has_paid_from);
  if (unit > static_cast<std::uint8_t>(Unit::money) ||
      rounding > static_cast<std::uint8_t>(tariffs::Rounding::down)) {
    return false;
  }
  terms.unit = static_cast<Unit>(unit);
  terms.rounding = static_cast<tariffs::Rounding>(rounding);
  terms.amount = Money(in.signed_varint());
  terms.block = in.varint();
  terms.step = in.varint();
  terms.minimum = in.varint();
  terms.setup = Money(in.signed_varint());
  terms.shape = nullptr;
  if ((rounding_and_more & has_shape) != 0 && !read(in, terms.shape)) return false;
  terms.tax.reset();
  if ((rounding_and_more & has_tax) != 0) {
    terms.tax = tariffs::Percent{in.number<std::uint32_t>()};
    if (terms.tax->millionths > tariffs::Percent::whole) return false;
  }
  opening.situations = {};
  if ((rounding_and_more & has_situations) != 0 && !read(in, opening.situations)) return false;
  terms.paid_from = tariffs::PaidFrom::either;
  if ((rounding_and_more & has_paid_from) != 0) {
    if (in.u8() != static_cast<std::uint8_t>(tariffs::PaidFrom::prepaid)) return false;
    terms.paid_from = tariffs::PaidFrom::prepaid;
  }
  opening.quota.maximum = in.varint();
  opening.quota.standard = in.varint();
  opening.quota.minimum = in.varint();
  opening.quota.validity = std::chrono::seconds(in.number<std::uint32_t>());
  return in.ok() && terms.block > 0 && terms.step > 0 && terms.amount.micros >= 0 &&
         terms.setup.micros >= 0;
}

namespace {

// In the byte that says a bucket's unit.
constexpr std::uint8_t priority_follows = 0x80;
constexpr std::uint8_t money_is_lent = 0x40;
constexpr std::uint8_t limits_follow = 0x20;  // behind the coverage

// Beside the code of a rating group: a situation follows it.
constexpr std::uint64_t situation_follows = std::uint64_t{1} << 33;

void write_coverage(ByteWriter& out, const std::vector<tariffs::Coverage>& coverage) {
  out.varint(coverage.size());
  for (const tariffs::Coverage& covered : coverage) {
    const bool has_situation = covered.situation.value != 0;
    out.varint(covered.service.value);
    out.varint(rating_group_code(covered.rating_group) | (has_situation ? situation_follows : 0));
    if (has_situation) out.varint(covered.situation.value);
  }
}

void read_coverage(ByteReader& in, std::vector<tariffs::Coverage>& coverage) {
  coverage.resize(in.count());
  for (tariffs::Coverage& covered : coverage) {
    covered.service = ServiceKey(in.number<std::uint32_t>());
    const std::uint64_t code = in.varint();
    covered.rating_group = rating_group_of(code & ~situation_follows);
    if ((code & situation_follows) == 0) continue;
    covered.situation = tariffs::SituationKey(in.number<std::uint32_t>());
  }
}

}  // namespace

void write(ByteWriter& out, const BucketOpening& bucket) {
  out.varint(bucket.number.value);
  out.varint(bucket.owner.value);
  out.text(bucket.offer);
  const bool has_priority = bucket.priority != tariffs::Allowance::priority_usual;
  out.u8(static_cast<std::uint8_t>(
      static_cast<unsigned>(bucket.unit) | (has_priority ? priority_follows : 0u) |
      (bucket.is_lent ? money_is_lent : 0u) | (bucket.limits.empty() ? 0u : limits_follow)));
  if (has_priority) out.u8(bucket.priority);
  out.signed_varint(micros_of(bucket.valid_from));
  out.signed_varint(micros_of(bucket.valid_to));
  write_coverage(out, bucket.coverage);
  if (bucket.limits.empty()) return;
  out.varint(bucket.limits.size());
  for (const tariffs::SubLimit& limit : bucket.limits) {
    out.varint(limit.situation.value);
    out.varint(limit.units);
  }
}

bool read(ByteReader& in, BucketOpening& bucket) {
  bucket.number = BucketNumber(in.number<std::uint32_t>());
  bucket.owner = SubscriberNumber(in.number<std::uint16_t>());
  bucket.offer = in.text();
  const std::uint8_t flags = in.u8();
  const std::uint8_t unit = flags & ~(priority_follows | money_is_lent | limits_follow);
  if (unit > static_cast<std::uint8_t>(Unit::money)) return false;
  bucket.unit = static_cast<Unit>(unit);
  bucket.is_lent = (flags & money_is_lent) != 0;
  bucket.priority = (flags & priority_follows) != 0 ? in.u8() : tariffs::Allowance::priority_usual;
  bucket.valid_from = time_of(in.signed_varint());
  bucket.valid_to = time_of(in.signed_varint());
  read_coverage(in, bucket.coverage);
  if ((flags & limits_follow) == 0) return in.ok();
  bucket.limits.resize(in.count());
  for (tariffs::SubLimit& limit : bucket.limits) {
    limit.situation = tariffs::SituationKey(in.number<std::uint32_t>());
    limit.units = in.varint();
    if (limit.situation.value == 0 || limit.units > std::uint64_t{INT64_MAX}) return false;
  }
  return in.ok() && bucket.limits.size() <= tariffs::Situations::most;
}

// --- Payers --------------------------------------------------------------------------------------

namespace {

// Beside the cap: the share, its rounding and the place follow.
constexpr std::uint64_t share_follows = std::uint64_t{1} << 63;

void write_span(ByteWriter& out, const tariffs::TimeSpan& span) {
  out.signed_varint(micros_of(span.from));
  out.signed_varint(micros_of(span.to));
}

tariffs::TimeSpan read_span(ByteReader& in) {
  const Time from = time_of(in.signed_varint());
  return {from, time_of(in.signed_varint())};
}

void write_limit(ByteWriter& out, const std::optional<Money>& limit, std::uint64_t flag) {
  out.varint((limit ? static_cast<std::uint64_t>(limit->micros) + 1 : 0) | flag);
}

// False: no such limit.
bool take_limit(std::uint64_t number, std::optional<Money>& limit) {
  limit.reset();
  if (number > 0) limit = Money(static_cast<std::int64_t>(number - 1));
  return !limit || limit->micros <= account_money_max.micros;
}

}  // namespace

void write(ByteWriter& out, const PayerChange& payer) {
  const bool has_more = payer.has_share() || payer.place != 0;
  out.varint(payer.bucket.value);
  out.varint(payer.account.value);
  write_limit(out, payer.cap, has_more ? share_follows : 0);
  write_span(out, payer.month);
  if (!has_more) return;
  out.varint(payer.share.millionths);
  out.u8(static_cast<std::uint8_t>(payer.rounding));
  out.u8(payer.place);
}

bool read(ByteReader& in, PayerChange& payer) {
  payer.bucket = BucketNumber(in.number<std::uint32_t>());
  payer.account = AccountNumber(in.varint());
  const std::uint64_t cap = in.varint();
  if (!take_limit(cap & ~share_follows, payer.cap)) return false;
  payer.month = read_span(in);
  payer.share = {tariffs::Percent::whole};
  payer.rounding = tariffs::Rounding::half_away_from_zero;
  payer.place = 0;
  if ((cap & share_follows) != 0) {
    payer.share.millionths = in.number<std::uint32_t>();
    const std::uint8_t rounding = in.u8();
    if (rounding > static_cast<std::uint8_t>(tariffs::Rounding::down)) return false;
    payer.rounding = static_cast<tariffs::Rounding>(rounding);
    payer.place = in.u8();
    if (payer.share.millionths == 0 || payer.share.millionths > tariffs::Percent::whole) {
      return false;
    }
  }
  return in.ok() && payer.account.value != 0;
}

bool read(ByteReader& in, FinalUnit& final_unit) {
  const std::uint8_t number = in.u8();
  final_unit = static_cast<FinalUnit>(number);
  return in.ok() && number <= static_cast<std::uint8_t>(FinalUnit::acts);
}

void write(ByteWriter& out, const ShareUse& use) {
  out.varint(use.segment);
  out.varint(use.bucket.value);
  out.signed_varint(use.fallen_micros);
  out.signed_varint(use.paid_micros);
}

bool read(ByteReader& in, ShareUse& use) {
  use.segment = in.number<std::uint16_t>();
  use.bucket = BucketNumber(in.number<std::uint32_t>());
  use.fallen_micros = in.signed_varint();
  use.paid_micros = in.signed_varint();
  return in.ok();
}

void write(ByteWriter& out, const PayerBudget& budget) {
  write_limit(out, budget.amount, 0);
  write_span(out, budget.month);
  out.signed_varint(budget.spent_micros);
  out.signed_varint(budget.held_micros);
}

bool read(ByteReader& in, PayerBudget& budget) {
  if (!take_limit(in.varint(), budget.amount)) return false;
  budget.month = read_span(in);
  budget.spent_micros = in.signed_varint();
  budget.held_micros = in.signed_varint();
  return in.ok() && budget.held_micros >= 0;
}

// --- Ceilings ------------------------------------------------------------------------------------

std::size_t size_bound(const ChosenList& chosen) {
  std::size_t bound = 5 * ByteWriter::varint_bytes_max;
  for (const std::string& number : chosen.numbers) {
    bound += number.size() + ByteWriter::varint_bytes_max;
  }
  return bound;
}

void write(ByteWriter& out, const ChosenList& chosen) {
  out.varint(chosen.owner.value);
  out.varint(chosen.numbers.size());
  for (const std::string& number : chosen.numbers) out.text(number);
  out.signed_varint(micros_of(chosen.month.from));
  out.signed_varint(micros_of(chosen.month.to));
  out.varint(chosen.given_up);
}

bool read(ByteReader& in, ChosenList& chosen) {
  chosen.owner = SubscriberNumber(in.number<std::uint16_t>());
  chosen.numbers.resize(in.count());
  for (std::string& number : chosen.numbers) {
    number = in.text();
    if (!Identity::make(Identity::Kind::e164, number)) return false;
  }
  chosen.month.from = time_of(in.signed_varint());
  chosen.month.to = time_of(in.signed_varint());
  chosen.given_up = in.number<std::uint32_t>();
  return in.ok() && chosen.owner.value != 0;
}

std::size_t size_bound(const OwnCeiling& ceiling) {
  return ceiling.name.size() + 12 * ByteWriter::varint_bytes_max;
}

void write(ByteWriter& out, const OwnCeiling& ceiling) {
  out.varint(ceiling.owner.value);
  out.text(ceiling.name);
  out.u8(static_cast<std::uint8_t>(ceiling.unit));
  out.u8(ceiling.lowered ? 1 : 0);
  if (ceiling.lowered) out.varint(*ceiling.lowered);
  for (const CeilingPeriod& period : ceiling.periods) {
    out.signed_varint(micros_of(period.span.from));
    out.signed_varint(micros_of(period.span.to));
    out.varint(period.raised);
    out.u8(period.is_lifted ? 1 : 0);
  }
}

bool read(ByteReader& in, OwnCeiling& ceiling) {
  ceiling.owner = SubscriberNumber(in.number<std::uint16_t>());
  ceiling.name = in.text();
  const std::uint8_t unit = in.u8();
  const std::uint8_t has_lowered = in.u8();
  if (unit > static_cast<std::uint8_t>(Unit::money) || has_lowered > 1) return false;
  ceiling.unit = static_cast<Unit>(unit);
  ceiling.lowered.reset();
  if (has_lowered != 0) ceiling.lowered = in.varint();
  for (CeilingPeriod& period : ceiling.periods) {
    period.span.from = time_of(in.signed_varint());
    period.span.to = time_of(in.signed_varint());
    period.raised = in.varint();
    const std::uint8_t is_lifted = in.u8();
    if (is_lifted > 1) return false;
    period.is_lifted = is_lifted != 0;
  }
  return in.ok() && !ceiling.name.empty();
}

// --- Terms of accounts ---------------------------------------------------------------------------

// Beside the minimum balance: the day with which billing months begin follows.
constexpr std::uint64_t has_billing_day = std::uint64_t{1} << 63;

void write(ByteWriter& out, const AccountTerms& terms) {
  out.signed_varint(micros_of(terms.valid_until));
  out.signed_varint(micros_of(terms.grace_until));
  out.varint(static_cast<std::uint64_t>(terms.temporary_credit.micros));
  out.signed_varint(micros_of(terms.temporary_until));
  const bool has_day = terms.billing_day != tariffs::billing_day_usual;
  out.varint(static_cast<std::uint64_t>(terms.minimum_balance.micros) |
             (has_day ? has_billing_day : 0));
  if (has_day) out.u8(terms.billing_day);
}

bool read(ByteReader& in, AccountTerms& terms) {
  terms.valid_until = time_of(in.signed_varint());
  terms.grace_until = time_of(in.signed_varint());
  const std::uint64_t credit = in.varint();
  terms.temporary_until = time_of(in.signed_varint());
  const std::uint64_t minimum_and_more = in.varint();
  const std::uint64_t minimum = minimum_and_more & ~has_billing_day;
  terms.billing_day = tariffs::billing_day_usual;
  if ((minimum_and_more & has_billing_day) != 0) {
    terms.billing_day = in.u8();
    if (terms.billing_day < 2 || terms.billing_day > tariffs::billing_day_last) return false;
  }
  constexpr auto most = static_cast<std::uint64_t>(account_money_max.micros);
  if (credit > most || minimum > most || terms.grace_until < terms.valid_until) return false;
  terms.temporary_credit = Money(static_cast<std::int64_t>(credit));
  terms.minimum_balance = Money(static_cast<std::int64_t>(minimum));
  return in.ok();
}

// --- Minimum spend -------------------------------------------------------------------------------

std::size_t size_bound(const SpendCommitment& commitment) {
  return commitment.offer.size() + 10 * ByteWriter::varint_bytes_max;
}

void write(ByteWriter& out, const SpendCommitment& commitment) {
  out.varint(commitment.subscription.value);
  out.varint(commitment.owner.value);
  out.text(commitment.offer);
  out.varint(static_cast<std::uint64_t>(commitment.minimum.micros));
  out.u64_fixed(commitment.counter.value);
  out.varint(commitment.counted.value);
  out.signed_varint(micros_of(commitment.span.from));
  out.signed_varint(micros_of(commitment.span.to));
  out.varint(static_cast<std::uint64_t>(commitment.before.micros));
}

bool read(ByteReader& in, SpendCommitment& commitment) {
  commitment.subscription = SubscriptionNumber(in.number<std::uint32_t>());
  commitment.owner = SubscriberNumber(in.number<std::uint16_t>());
  commitment.offer = in.text();
  const std::uint64_t minimum = in.varint();
  commitment.counter = tariffs::CounterKey(in.u64_fixed());
  commitment.counted = SubscriberNumber(in.number<std::uint16_t>());
  commitment.span.from = time_of(in.signed_varint());
  commitment.span.to = time_of(in.signed_varint());
  const std::uint64_t before = in.varint();
  constexpr auto most = std::uint64_t{INT64_MAX};
  constexpr Time last = Time::max() - std::chrono::days(1);  // it is settled a day later
  if (minimum == 0 || minimum > most || before > most || commitment.span.to > last) return false;
  commitment.minimum = Money(static_cast<std::int64_t>(minimum));
  commitment.before = Money(static_cast<std::int64_t>(before));
  return in.ok() && commitment.span.from < commitment.span.to && !commitment.offer.empty();
}

// --- Instalments ---------------------------------------------------------------------------------

namespace {

constexpr std::uint8_t plan_is_gift = 1;
constexpr std::uint8_t plan_is_returned = 2;
constexpr std::uint8_t plan_asks_minimum = 4;

}  // namespace

std::size_t size_bound(const InstalmentPlan& plan) {
  return plan.offer.size() + 8 * ByteWriter::varint_bytes_max;
}

void write(ByteWriter& out, const InstalmentPlan& plan) {
  out.varint(plan.subscription.value);
  out.varint(plan.owner.value);
  out.text(plan.offer);
  out.u8(static_cast<std::uint8_t>((plan.is_gift ? plan_is_gift : 0) |
                                   (plan.is_returned ? plan_is_returned : 0) |
                                   (plan.asks_minimum ? plan_asks_minimum : 0)));
  out.varint(static_cast<std::uint64_t>(plan.amount.micros));
  out.varint(plan.count);
  out.varint(plan.credited);
  out.signed_varint(micros_of(plan.due));
}

bool read(ByteReader& in, InstalmentPlan& plan) {
  plan.subscription = SubscriptionNumber(in.number<std::uint32_t>());
  plan.owner = SubscriberNumber(in.number<std::uint16_t>());
  plan.offer = in.text();
  const std::uint8_t flags = in.u8();
  if (flags > (plan_is_gift | plan_is_returned | plan_asks_minimum)) return false;
  plan.is_gift = (flags & plan_is_gift) != 0;
  plan.is_returned = (flags & plan_is_returned) != 0;
  plan.asks_minimum = (flags & plan_asks_minimum) != 0;
  const std::uint64_t amount = in.varint();
  plan.count = in.number<std::uint16_t>();
  plan.credited = in.number<std::uint16_t>();
  plan.due = time_of(in.signed_varint());
  constexpr auto most = static_cast<std::uint64_t>(account_money_max.micros);
  if (amount == 0 || amount > most || plan.credited > plan.count) return false;
  plan.amount = Money(static_cast<std::int64_t>(amount));
  return in.ok() && plan.count > 0 && !plan.offer.empty();
}

// --- Subscriptions -------------------------------------------------------------------------------

std::size_t size_bound(const Subscription& subscription) {
  return subscription.offer.size() +
         (16 + subscription.buckets.size() + 3 * subscription.coverage.size()) *
             ByteWriter::varint_bytes_max;
}

void write(ByteWriter& out, const Subscription& subscription) {
  out.varint(subscription.number.value);
  out.varint(subscription.owner.value);
  out.u8(static_cast<std::uint8_t>(subscription.state));
  out.u8(subscription.renews ? 1 : 0);
  out.u8(static_cast<std::uint8_t>(subscription.unpaid));
  out.text(subscription.offer);
  out.varint(subscription.version.value);
  out.signed_varint(micros_of(subscription.begun_at));
  out.signed_varint(micros_of(subscription.anchor));
  out.varint(subscription.period);
  for (Time time :
       {subscription.valid_from, subscription.valid_to, subscription.due, subscription.sweep}) {
    out.signed_varint(micros_of(time));
  }
  out.varint(subscription.buckets.size());
  for (BucketNumber bucket : subscription.buckets) out.varint(bucket.value);
  write_coverage(out, subscription.coverage);
}

bool read(ByteReader& in, Subscription& subscription) {
  subscription.number = SubscriptionNumber(in.number<std::uint32_t>());
  subscription.owner = SubscriberNumber(in.number<std::uint16_t>());
  const std::uint8_t state = in.u8();
  const std::uint8_t renews = in.u8();
  const std::uint8_t unpaid = in.u8();
  if (state > static_cast<std::uint8_t>(Subscription::State::ended) || renews > 1 ||
      unpaid > static_cast<std::uint8_t>(tariffs::Unpaid::by_days)) {
    return false;
  }
  subscription.state = static_cast<Subscription::State>(state);
  subscription.renews = renews == 1;
  subscription.unpaid = static_cast<tariffs::Unpaid>(unpaid);
  subscription.offer = in.text();
  subscription.version = tariffs::TariffVersion(in.number<std::uint32_t>());
  subscription.begun_at = time_of(in.signed_varint());
  subscription.anchor = time_of(in.signed_varint());
  subscription.period = in.number<std::uint32_t>();
  for (Time* time :
       {&subscription.valid_from, &subscription.valid_to, &subscription.due, &subscription.sweep}) {
    *time = time_of(in.signed_varint());
  }
  subscription.buckets.resize(in.count());
  for (BucketNumber& bucket : subscription.buckets) {
    bucket = BucketNumber(in.number<std::uint32_t>());
  }
  read_coverage(in, subscription.coverage);
  return in.ok() && subscription.number.value != 0;
}

void write(ByteWriter& out, const CounterOpening& counter) {
  out.varint(counter.number.value);
  out.varint(counter.owner.value);
  out.u8(static_cast<std::uint8_t>(counter.unit));
  out.u64_fixed(counter.key.value);
  out.text(counter.name);
  out.signed_varint(micros_of(counter.span.from));
  out.signed_varint(micros_of(counter.span.to));
}

bool read(ByteReader& in, CounterOpening& counter) {
  counter.number = CounterNumber(in.number<std::uint32_t>());
  counter.owner = SubscriberNumber(in.number<std::uint16_t>());
  const std::uint8_t unit = in.u8();
  if (unit > static_cast<std::uint8_t>(Unit::money)) return false;
  counter.unit = static_cast<Unit>(unit);
  counter.key = tariffs::CounterKey(in.u64_fixed());
  counter.name = in.text();
  counter.span.from = time_of(in.signed_varint());
  counter.span.to = time_of(in.signed_varint());
  return in.ok() && counter.span.from < counter.span.to;
}

std::size_t size_bound(const ProfileChange& change) {
  std::size_t bound = 3 * ByteWriter::varint_bytes_max;
  for (const auto& [name, value] : change.attributes) {
    bound += name.size() + value.size() + 2 * ByteWriter::varint_bytes_max;
  }
  for (const auto& [name, is_on] : change.switches) {
    bound += name.size() + ByteWriter::varint_bytes_max + 1;
  }
  return bound;
}

void write(ByteWriter& out, const ProfileChange& change) {
  out.varint(change.number.value);
  out.varint(change.attributes.size());
  for (const auto& [name, value] : change.attributes) {
    out.text(name);
    out.text(value);
  }
  out.varint(change.switches.size());
  for (const auto& [name, is_on] : change.switches) {
    out.text(name);
    out.u8(is_on ? 1 : 0);
  }
}

bool read(ByteReader& in, ProfileChange& change) {
  change.number = SubscriberNumber(in.number<std::uint16_t>());
  change.attributes.resize(in.count());
  for (auto& [name, value] : change.attributes) {
    name = in.text();
    value = in.text();
  }
  change.switches.resize(in.count());
  for (auto& [name, is_on] : change.switches) {
    name = in.text();
    is_on = in.u8() != 0;
  }
  return in.ok();
}

void write(ByteWriter& out, const LedgerCut& cut) {
  out.varint(cut.end.last.value);
  out.signed_varint(micros_of(cut.end.now));
  write(out, cut.end.hash);
  write(out, cut.opening);
  out.varint(cut.sums.size());
  for (base::Int128 sum : cut.sums) {
    out.u64_fixed(static_cast<std::uint64_t>(sum));
    out.u64_fixed(static_cast<std::uint64_t>(static_cast<base::Uint128>(sum) >> 64));
  }
}

bool read(ByteReader& in, LedgerCut& cut) {
  cut.end.last = Sequence(in.varint());
  cut.end.now = time_of(in.signed_varint());
  read(in, cut.end.hash);
  read(in, cut.opening);
  const std::uint64_t sides = in.varint();  // fewer, before there were all of them
  if (sides > cut.sums.size()) return false;
  cut.sums = {};
  for (std::uint64_t i = 0; i < sides; ++i) {
    const base::Uint128 low = in.u64_fixed();
    cut.sums[i] = static_cast<base::Int128>(low | static_cast<base::Uint128>(in.u64_fixed()) << 64);
  }
  return in.ok();
}

}  // namespace farthing::engine
