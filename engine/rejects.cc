#include "engine/rejects.h"

#include "engine/attributes.h"
#include "engine/entry.h"
#include "engine/outcome.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

namespace farthing::engine {
namespace {

constexpr std::uint64_t records_between_progress = 1024;

// The first digits of "+49301234567", "tel:+49301234567" or "sip:+49301234567@ims".
std::string_view digits_of(std::string_view number, std::size_t most) {
  for (std::string_view scheme : {"tel:", "sip:", "sips:"}) {
    if (number.starts_with(scheme)) number.remove_prefix(scheme.size());
  }
  if (number.starts_with('+')) number.remove_prefix(1);
  const std::size_t digits = std::min(number.find_first_not_of("0123456789"), number.size());
  return number.substr(0, std::min(digits, most));
}

std::string unreadable(Sequence own) {
  return fmt::format("ledger entry {} is not readable; run: farthing ledger verify", own.value);
}

class Search {
 public:
  Search(LedgerReader& ledger, const RejectQuestion& question,
         const std::function<bool(Sequence)>& goes_on)
      : ledger_(ledger), question_(question), goes_on_(goes_on) {}

  base::Result<Rejects, std::string> run(Sequence first);

 private:
  // What is known of a session or an event: whose it is and what for.
  struct Origin {
    std::string session_id;
    std::string service_context;
    std::string called;
  };
  using Key =
      std::tuple<Outcome, std::string, std::optional<RatingGroup>, std::string, std::string>;

  bool read(const storage::Record& record);
  bool take(const Entry& entry, Sequence own, Time now);
  bool find_origin(const Entry& entry, Sequence own, Origin& origin);
  void note_origin(const Entry& entry, Origin& origin);
  void add(const Origin& origin, Outcome outcome, const std::optional<RatingGroup>& group,
           Sequence own, Time now);

  LedgerReader& ledger_;
  const RejectQuestion& question_;
  const std::function<bool(Sequence)>& goes_on_;
  Entry entry_;
  Entry opening_;
  Answer answer_;
  std::vector<AttributeView> attributes_;
  std::string buffer_;
  std::map<Key, RejectGroup> groups_;
  Rejects rejects_;
  std::string wrong_;
  std::uint64_t records_ = 0;
};

base::Result<Rejects, std::string> Search::run(Sequence first) {
  const auto from = ledger_.first_at(question_.since.value_or(Time::min()), first);
  if (!from.has_value()) return from.error().message;
  if (*from <= ledger_.store().end().last) {
    const auto scanned =
        ledger_.scan(*from, [this](const storage::Record& record) { return read(record); });
    if (!scanned.has_value()) return scanned.error().message;
  }
  if (!wrong_.empty()) return wrong_;
  for (auto& [key, group] : groups_) rejects_.groups.push_back(std::move(group));
  std::ranges::stable_sort(rejects_.groups, std::ranges::greater(), &RejectGroup::count);
  return std::move(rejects_);
}

bool Search::read(const storage::Record& record) {
  const Time now = record.header.now;
  if (question_.until && now >= *question_.until) return false;
  std::string_view body = record.body;
  Sequence own = record.header.first;
  for (std::uint32_t i = 0; i < record.header.count; ++i, ++own.value) {
    if (!decode_entry(body, own, entry_)) {
      wrong_ = unreadable(own);
      return false;
    }
    const bool counts = !question_.since || now >= *question_.since;
    if (counts && !entry_.outcome.empty() && !take(entry_, own, now)) return false;
  }
  if (++records_ % records_between_progress == 0 && !goes_on_(own)) {
    wrong_ = "stopped before the end";
    return false;
  }
  return true;
}

bool Search::take(const Entry& entry, Sequence own, Time now) {
  if (!decode_outcome(entry.outcome, answer_)) {
    wrong_ = unreadable(own);
    return false;
  }
  const auto services = std::span(answer_.services).first(answer_.service_count);
  const bool refuses = reject_code(answer_.outcome) != 0 ||
                       std::ranges::any_of(services, [](const ServiceAnswer& service) {
                         return reject_code(service.outcome) != 0;
                       });
  if (!refuses) return true;
  Origin origin;
  if (!find_origin(entry, own, origin)) return false;
  // Where the command is refused for one of its services, that one says more.
  bool is_told = false;
  for (const ServiceAnswer& service : services) {
    if (reject_code(service.outcome) == 0) continue;
    add(origin, service.outcome, service.rating_group, own, now);
    is_told = true;
  }
  if (!is_told) add(origin, answer_.outcome, {}, own, now);
  return true;
}

// A session's first entry says where it comes from; so do events and refused requests.
bool Search::find_origin(const Entry& entry, Sequence own, Origin& origin) {
  note_origin(entry, origin);
  if (!entry.session || entry.session->session.value == 0) return true;
  const Sequence opened(entry.session->session.value);
  const auto record = ledger_.read(opened, buffer_);
  if (!record.has_value()) {
    // Archived away: it is counted with what is known.
    if (record.error().code == storage::StoreError::Code::archived) return true;
    wrong_ = record.error().message;
    return false;
  }
  std::string_view body = record->body;
  for (Sequence at = record->header.first; at <= opened; ++at.value) {
    if (!decode_entry(body, at, opening_)) {
      wrong_ = unreadable(own);
      return false;
    }
  }
  note_origin(opening_, origin);
  return true;
}

// What the origin does not know yet; what came later is newer.
void Search::note_origin(const Entry& entry, Origin& origin) {
  if (origin.session_id.empty()) origin.session_id = entry.session_id;
  if (origin.service_context.empty()) origin.service_context = entry.service_context;
  if (!origin.called.empty() || !decode_attributes(entry.attributes, attributes_)) return;
  for (const AttributeView& attribute : attributes_) {
    if (attribute.id == static_cast<std::uint8_t>(AttributeId::called_party)) {
      origin.called = attribute.value;
    }
  }
}

void Search::add(const Origin& origin, Outcome outcome, const std::optional<RatingGroup>& group,
                 Sequence own, Time now) {
  ++rejects_.count;
  const std::string prefix(digits_of(origin.called, question_.prefix_digits));
  const std::string peer = origin.session_id.substr(0, origin.session_id.find(';'));
  Key key{outcome, origin.service_context, group, prefix, peer};
  auto found = groups_.find(key);
  if (found == groups_.end()) {
    if (groups_.size() == reject_groups_max) {
      ++rejects_.left_out;
      return;
    }
    RejectGroup made{outcome, origin.service_context, group, prefix, peer, 0, now, now, own};
    found = groups_.emplace(std::move(key), std::move(made)).first;
  }
  RejectGroup& known = found->second;
  ++known.count;
  known.last = now;
  known.newest = own;
}

}  // namespace

std::uint32_t reject_code(Outcome outcome) {
  switch (outcome) {
    case Outcome::service_denied:
      return 4010;
    case Outcome::credit_limit_reached:
      return 4012;
    case Outcome::rating_failed:
      return 5031;
    default:
      return 0;
  }
}

base::Result<Rejects, std::string> find_rejects(LedgerReader& ledger, Sequence first,
                                                const RejectQuestion& question,
                                                const std::function<bool(Sequence)>& goes_on) {
  return Search(ledger, question, goes_on).run(first);
}

}  // namespace farthing::engine
