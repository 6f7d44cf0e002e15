#include "engine/profile.h"

#include <algorithm>
#include <utility>

namespace farthing::engine {

namespace {

void set(tariffs::SubscriberAttributes& attributes, const ProfileChange::Attribute& change) {
  const auto place =
      std::ranges::lower_bound(attributes, change.name, {}, &tariffs::SubscriberAttribute::name);
  const bool is_there = place != attributes.end() && place->name == change.name;
  if (change.value.empty()) {
    if (is_there) attributes.erase(place);
  } else if (is_there) {
    place->value = change.value;
  } else {
    attributes.insert(place, {std::string(change.name), std::string(change.value)});
  }
}

void set(std::vector<std::string>& switched_off, const ProfileChange::Switch& change) {
  const auto place = std::ranges::lower_bound(switched_off, change.name);
  const bool is_off = place != switched_off.end() && *place == change.name;
  if (change.is_on == !is_off) return;
  if (is_off) {
    switched_off.erase(place);
  } else {
    switched_off.insert(place, std::string(change.name));
  }
}

}  // namespace

std::shared_ptr<const Profile> change_profile(const Profile* before, const ProfileChange& change) {
  Profile after = before == nullptr ? Profile() : *before;
  for (const ProfileChange::Attribute& one : change.attributes) set(after.attributes, one);
  for (const ProfileChange::Switch& one : change.switches) set(after.switched_off, one);
  if (after == Profile()) return nullptr;
  return std::make_shared<const Profile>(std::move(after));
}

ProfileChange change_to(const Profile& profile, SubscriberNumber number) {
  ProfileChange change;
  change.number = number;
  for (const auto& [name, value] : profile.attributes) change.attributes.push_back({name, value});
  for (const std::string& name : profile.switched_off) change.switches.push_back({name, false});
  return change;
}

const char* wrong_with(const Profile* profile) {
  if (profile == nullptr) return nullptr;
  if (profile->attributes.size() > Profile::attributes_max) return "it has too many attributes";
  if (profile->switched_off.size() > Profile::switched_off_max) {
    return "too many switches are off";
  }
  for (const auto& [name, value] : profile->attributes) {
    if (!tariffs::is_label(name)) return "the name of an attribute is none";
    if (!tariffs::is_attribute_value(value)) return "the value of an attribute is none";
  }
  for (const std::string& name : profile->switched_off) {
    if (!tariffs::is_label(name)) return "the name of a switch is none";
  }
  return nullptr;
}

std::string describe_change(const ProfileChange& change) {
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view what, std::string_view value) {
    if (!text.empty()) text += ", ";
    text.append(name).append(what).append(value);
  };
  for (const auto& [name, value] : change.attributes) add(name, "=", value);
  for (const auto& [name, is_on] : change.switches) add(name, " ", is_on ? "on" : "off");
  return text;
}

}  // namespace farthing::engine
