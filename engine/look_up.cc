#include "engine/look_up.h"

#include "engine/chosen.h"
#include "engine/permission.h"

#include <algorithm>

namespace farthing::engine {

namespace {

constexpr std::string_view same_account = "account";
constexpr std::string_view chosen_number = "chosen";

// Others are no attribute's, whoever has one of that name.
bool is_attribute(std::string_view name) { return name != same_account && name != chosen_number; }

bool is_of_party(const AttributeView& attribute) {
  switch (static_cast<AttributeId>(attribute.id)) {
    case AttributeId::called_party:
    case AttributeId::calling_party:
    case AttributeId::role_of_node:
    case AttributeId::recipient:
    case AttributeId::originator:
    case AttributeId::routing_number:
      return true;
    default:
      return false;
  }
}

}  // namespace

void LookUp::add(const tariffs::Tariff& tariff) {
  for (const std::string& name : tariff.groups_asked()) {
    const auto place = std::ranges::lower_bound(groups_asked_, name);
    if (place == groups_asked_.end() || *place != name) groups_asked_.insert(place, name);
  }
}

bool LookUp::begin(const SubscriberRef& who, const Session* session,
                   const tariffs::TariffHistory& tariffs, Time now, const Request& request) {
  other_.reset();
  needs_account_ = false;
  is_chosen_ = false;
  route_ = {};
  const bool has_ported = ported_ != nullptr && ported_->size() > 0;
  if ((groups_asked_.empty() && !has_ported) || request.attributes.empty()) return false;
  if (session != nullptr && !names_others(*session, request)) return false;
  const tariffs::VersionedTariff* const version =
      version_for(tariffs, *who.account, who.subscriber, now);
  if (version == nullptr) return false;
  RatingFacts facts;
  if (session != nullptr && decode_attributes(session->attributes, known_)) facts.learn(known_);
  facts.learn(request.attributes);
  if (const Subscriber* const own = who.account->subscriber(who.subscriber)) {
    facts.know(own->msisdn, own->attributes());
  }
  if (has_ported && !facts.knows_route()) look_up_route(*version->tariff, facts);
  if (!groups_asked_.empty()) find_other(who, tariffs, *version->tariff, now, facts);
  return true;
}

// Other parties than the session knows of.
bool LookUp::names_others(const Session& session, const Request& request) {
  if (session.attributes_hash == request.attributes_hash) return false;
  changed_attributes(session.attributes, request.attributes, changed_);
  return decode_attributes(changed_, known_) && std::ranges::any_of(known_, is_of_party);
}

void LookUp::look_up_route(const tariffs::Tariff& tariff, const RatingFacts& facts) {
  const std::string number = tariff.called_number(facts.at({}));
  if (!number.empty()) route_ = ported_->find(number);
}

void LookUp::find_other(const SubscriberRef& who, const tariffs::TariffHistory& tariffs,
                        const tariffs::Tariff& tariff, Time now, const RatingFacts& facts) {
  const auto is_asked = [this](std::string_view name) {
    return std::ranges::binary_search(groups_asked_, name);
  };
  const Subscriber* const own = who.account->subscriber(who.subscriber);
  if (own == nullptr) return;
  needs_account_ = std::ranges::any_of(own->attributes(), [&](const auto& attribute) {
    return is_attribute(attribute.name) && is_asked(attribute.name);
  });
  const bool asks_account = who.account->subscribers.size() > 1 && is_asked(same_account);
  const bool asks_chosen = own->chosen != nullptr && is_asked(chosen_number);
  if (!needs_account_ && !asks_account && !asks_chosen) return;
  const std::string number = tariff.other_party(facts.at({}));
  is_chosen_ = asks_chosen && is_chosen(*who.account, who.subscriber, tariffs, now, number);
  if (needs_account_ || asks_account) other_ = Identity::make(Identity::Kind::e164, number);
}

void LookUp::finish(const SubscriberRef& who, const std::optional<SubscriberRef>& other,
                    const Session* session, Request& request) {
  groups_.clear();
  if (is_chosen_) groups_ = chosen_number;
  const bool is_itself =
      other && other->account == who.account && other->subscriber == who.subscriber;
  if (other && !is_itself) {
    if (other->account == who.account) groups_ = is_chosen_ ? "account,chosen" : same_account;
    const auto theirs = other->account->subscriber(other->subscriber)->attributes();
    for (const auto& [name, value] : who.account->subscriber(who.subscriber)->attributes()) {
      if (!is_attribute(name) || tariffs::value_of(theirs, name) != value) continue;
      if (!groups_.empty()) groups_ += ',';
      groups_ += name;
    }
  }
  put(AttributeId::common_groups, groups_, session, request);
  put(AttributeId::ported_to, route_, session, request);
}

// The numbers of these attributes are the highest there are, so that the list stays sorted. Nothing
// is said only where something else was said before.
void LookUp::put(AttributeId id, std::string_view value, const Session* session, Request& request) {
  const auto number = static_cast<std::uint8_t>(id);
  const auto is_it = [number](const AttributeView& known) { return known.id == number; };
  if (std::ranges::any_of(request.attributes, is_it)) return;
  const bool was_said = value.empty() && session != nullptr &&
                        decode_attributes(session->attributes, known_) &&
                        std::ranges::any_of(known_, is_it);
  if (!value.empty() || was_said) request.attributes.push_back({number, value});
}

}  // namespace farthing::engine
