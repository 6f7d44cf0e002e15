#include "engine/records/assembler.h"

#include "engine/attributes.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace farthing::engine::records {

namespace {

template <class Number>
void add_saturating(Number& sum, Number more) {
  const Number end =
      more < 0 ? std::numeric_limits<Number>::min() : std::numeric_limits<Number>::max();
  if (__builtin_add_overflow(sum, more, &sum)) sum = end;
}

SegmentCharge& segment_of(ChargingRecord& record, std::uint16_t index) {
  if (record.segments.size() <= index) record.segments.resize(index + std::size_t{1});
  return record.segments[index];
}

std::int64_t& allowance_of(ChargingRecord& record, std::uint16_t segment, BucketNumber bucket) {
  auto place = std::ranges::lower_bound(
      record.allowances, std::pair(segment, bucket), {},
      [](const AllowanceUse& use) { return std::pair(use.segment, use.bucket); });
  if (place == record.allowances.end() || place->segment != segment || place->bucket != bucket) {
    place = record.allowances.insert(place, {segment, bucket, 0});
  }
  return place->units;
}

void add_leg(ChargingRecord& record, const Leg& leg) {
  const bool has_segment = leg.segment != Leg::no_segment;
  switch (leg.side) {
    case Side::revenue:
      add_saturating(record.charged_micros, leg.amount);
      if (has_segment) add_saturating(segment_of(record, leg.segment).charged_micros, leg.amount);
      break;
    case Side::overage:  // the world's side of it: what nobody paid is negative there
      add_saturating(record.overage_micros, -leg.amount);
      if (has_segment) add_saturating(segment_of(record, leg.segment).overage_micros, -leg.amount);
      break;
    case Side::bucket:
    case Side::bucket_reserved:
    case Side::lent:
      if (has_segment) {
        add_saturating(record.others_micros, -leg.amount);
        add_saturating(segment_of(record, leg.segment).others_micros, -leg.amount);
      }
      break;
    case Side::consumed:
      if (has_segment) {
        add_saturating(allowance_of(record, leg.segment, leg.bucket), leg.amount);
      }
      break;
    default:  // what is held, and the other side of the above
      break;
  }
}

// What every entry of a session or event adds to its record.
void add_entry(ChargingRecord& record, const Entry& entry, Sequence own, Time now) {
  record.kind = entry.kind;
  record.last = own;
  record.closed_at = now;
  if (entry.request) ++record.requests;
  for (const SegmentOpening& opening : entry.openings) {
    SegmentCharge& segment = segment_of(record, opening.index);
    segment.is_known = true;
    segment.rating_group = opening.rating_group;
    segment.service = opening.service;
    segment.version = opening.version;
    segment.rule = opening.rule;
    segment.unit = opening.terms.unit;
    segment.tax = opening.terms.tax;
    segment.rounding = opening.terms.rounding;
  }
  for (const SegmentUse& use : entry.uses) {
    add_saturating(segment_of(record, use.index).units, use.units);
  }
  if (entry.request && !entry.uses.empty()) {
    record.last_used_at = entry.request->rated_at;
    if (!record.first_used_at) record.first_used_at = record.last_used_at;
  }
  for (const Leg& leg : entry.legs) add_leg(record, leg);
}

void begin(ChargingRecord& record, const Entry& entry, Sequence own, Time now) {
  record.clear();
  record.account = entry.account;
  record.subscriber = entry.subscriber;
  record.session_id = entry.session_id;
  record.service_context = entry.service_context;
  record.attributes = entry.attributes;
  if (!entry.bucket_openings.empty()) record.offer = entry.bucket_openings.front().offer;
  if (entry.subscription) record.offer = entry.subscription->offer;
  if (entry.kind == EntryKind::spend_settled) {
    record.offer = describe(entry.commitment->commitment, "");  // in UTC
  }
  record.opened_at = now;
  record.first = own;
}

bool ends_session(EntryKind kind) {
  return kind == EntryKind::session_terminated || kind == EntryKind::session_expired ||
         kind == EntryKind::session_closed;
}

// Used something or was charged for something, all in one entry.
bool is_event(const Entry& entry) {
  return !entry.uses.empty() || std::ranges::any_of(entry.legs, [](const Leg& leg) {
    return leg.side == Side::revenue || leg.side == Side::overage;
  });
}

}  // namespace

void ChargingRecord::clear() {
  is_complete = true;
  session_id.clear();
  service_context.clear();
  attributes.clear();
  offer.clear();
  first_used_at.reset();
  last_used_at.reset();
  requests = 0;
  charged_micros = 0;
  overage_micros = 0;
  others_micros = 0;
  segments.clear();
  allowances.clear();
}

bool Assembler::add(const Entry& entry, Sequence own, Time now, ChargingRecord& closed) {
  if (!entry.session) {
    if (!is_event(entry)) return false;
    begin(closed, entry, own, now);
    add_entry(closed, entry, own, now);
    return true;
  }
  const bool opens = entry.session->session.value == 0;
  const std::uint64_t number = opens ? own.value : entry.session->session.value;
  OpenSession& session = session_of(number, entry, own, now);
  if (!entry.attributes.empty() && session.record.first != own) {
    merge_attributes(session.record.attributes, entry.attributes, merged_);
  }
  add_entry(session.record, entry, own, now);
  if (!ends_session(entry.kind)) return false;
  close(number, closed);
  return true;
}

// The open session that the entry is of; begun here where it opens, or was not seen before.
Assembler::OpenSession& Assembler::session_of(std::uint64_t number, const Entry& entry,
                                              Sequence own, Time now) {
  const auto [known, fresh] = sessions_.try_emplace(number, none);
  if (!fresh) return places_[known->second];
  if (free_places_.empty()) {
    free_places_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const std::uint32_t place = free_places_.back();
  free_places_.pop_back();
  known->second = place;
  OpenSession& session = places_[place];
  begin(session.record, entry, own, now);
  session.record.is_complete = number == own.value;
  session.previous = last_;
  session.next = none;
  (last_ == none ? first_ : places_[last_].next) = place;
  last_ = place;
  return session;
}

void Assembler::close(std::uint64_t number, ChargingRecord& closed) {
  const auto known = sessions_.find(number);
  const std::uint32_t place = known->second;
  OpenSession& session = places_[place];
  (session.previous == none ? first_ : places_[session.previous].next) = session.next;
  (session.next == none ? last_ : places_[session.next].previous) = session.previous;
  std::swap(session.record, closed);
  sessions_.erase(known);
  free_places_.push_back(place);
}

Sequence Assembler::oldest_needed() const {
  return first_ == none ? Sequence() : places_[first_].record.first;
}

}  // namespace farthing::engine::records
