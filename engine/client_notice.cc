#include "engine/client_notice.h"

#include "engine/attributes.h"
#include "engine/permission.h"

#include <algorithm>
#include <array>

namespace farthing::engine {

namespace {

// What may give credit to who had none, or end what a subscriber uses.
constexpr std::array kinds = {
    EntryKind::subscriber_changed,   EntryKind::top_up,
    EntryKind::adjustment,           EntryKind::subscription_added,
    EntryKind::subscription_renewed, EntryKind::instalment_credited,
    EntryKind::credit_changed,       EntryKind::minimum_changed,
    EntryKind::validity_changed,     EntryKind::ceiling_changed,
    EntryKind::payer_changed,
};

ClientNotice notice_of(const Session& session, ClientNotice::Kind kind) {
  ClientNotice notice;
  notice.kind = kind;
  notice.session_id = session.id;
  std::vector<AttributeView> attributes;
  if (!decode_attributes(session.attributes, attributes)) return notice;
  for (const AttributeView& attribute : attributes) {
    if (attribute.id == static_cast<std::uint8_t>(AttributeId::origin_host)) {
      notice.origin_host = attribute.value;
    }
    if (attribute.id == static_cast<std::uint8_t>(AttributeId::origin_realm)) {
      notice.origin_realm = attribute.value;
    }
    if (attribute.id == static_cast<std::uint8_t>(AttributeId::via)) notice.via = attribute.value;
  }
  return notice;
}

// Whether the session has a service at its last grant; if it is of one rating group, of which.
bool stands_at_end(const Session& session, std::optional<RatingGroup>& only) {
  bool is_first = true;
  bool is_one = true;
  for (const HeldGrant& grant : session.grants) {
    if (grant.final_unit == FinalUnit::none) continue;
    const std::optional<RatingGroup>& group = session.segments[grant.segment].rating_group;
    is_one = is_one && (is_first || group == only);
    if (is_first) only = group;
    is_first = false;
  }
  if (!is_one) only.reset();
  return !is_first;
}

}  // namespace

bool may_concern_clients(const Entry& entry) {
  return entry.account.value != 0 && std::ranges::find(kinds, entry.kind) != kinds.end();
}

bool is_of_client(const Session& session, std::string_view origin_host) {
  std::vector<AttributeView> attributes;
  if (!decode_attributes(session.attributes, attributes)) return false;
  return std::ranges::any_of(attributes, [origin_host](const AttributeView& attribute) {
    return attribute.id == static_cast<std::uint8_t>(AttributeId::origin_host) &&
           attribute.value == origin_host;
  });
}

void find_notices(const Entry& entry, const Account& account, std::vector<ClientNotice>& notices) {
  if (account.sessions == nullptr || !may_concern_clients(entry)) return;
  const bool ends = entry.state_change && is_suspended(entry.state_change->state, true);
  for (const Session* session = account.sessions; session != nullptr;
       session = session->account_next) {
    if (ends) {
      if (session->subscriber != entry.state_change->number) continue;
      notices.push_back(notice_of(*session, ClientNotice::Kind::end));
      continue;
    }
    std::optional<RatingGroup> only;
    if (!stands_at_end(*session, only)) continue;
    notices.push_back(notice_of(*session, ClientNotice::Kind::ask_again));
    notices.back().rating_group = only;
  }
}

}  // namespace farthing::engine
