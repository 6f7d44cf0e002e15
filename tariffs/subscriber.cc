#include "tariffs/subscriber.h"

#include "tariffs/plain_text.h"
#include "tariffs/tariff_values.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

namespace farthing::tariffs {

constexpr std::string_view label_form = "a name of 1 to 32 letters from a to z and '_'";
constexpr std::string_view attribute_form = "a value of 1 to 64 bytes of text";

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= label_bytes_max &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

bool is_attribute_value(std::string_view text) {
  if (text.empty() || text.size() > attribute_bytes_max) return false;
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    if (bytes == 0 || text[0] == '\t' || text[0] == '\n' || text[0] == '\r') return false;
    text.remove_prefix(bytes);
  }
  return true;
}

namespace {

constexpr std::array<std::string_view, life_states> life_state_names = {
    "active", "suspended", "suspended-outgoing", "idle", "terminated"};

}  // namespace

std::string_view state_name(LifeState state) {
  return life_state_names[static_cast<std::size_t>(state)];
}

std::optional<LifeState> parse_life_state(std::string_view text) {
  const auto found = std::ranges::find(life_state_names, text);
  if (found == life_state_names.end()) return std::nullopt;
  return static_cast<LifeState>(found - life_state_names.begin());
}

std::string_view value_of(std::span<const SubscriberAttribute> attributes, std::string_view name) {
  const auto found = std::ranges::find(attributes, name, &SubscriberAttribute::name);
  return found == attributes.end() ? std::string_view() : std::string_view(found->value);
}

std::vector<std::string> read_switches(const YamlNode& node, FileErrors& errors) {
  std::vector<std::string> switches;
  const bool is_list = node.kind == YamlNode::Kind::sequence;
  if (is_list && !check_count(node, errors, "switches", 1, switched_off_max)) return switches;
  for (const YamlNode& item : is_list ? std::span(node.items) : std::span(&node, 1)) {
    std::optional<std::string> name = read_text(item, errors, label_form);
    if (!name) continue;
    if (!is_label(*name)) {
      errors.add(item.position, fmt::format("{} is no switch", in_quotes(*name)), label_form);
    } else if (std::ranges::find(switches, *name) != switches.end()) {
      errors.add(item.position, fmt::format("{} is there twice", in_quotes(*name)), "each once");
    } else {
      switches.push_back(std::move(*name));
    }
  }
  std::ranges::sort(switches);
  return switches;
}

SubscriberAttributes read_attributes(const YamlNode& node, FileErrors& errors) {
  SubscriberAttributes attributes;
  if (!check_kind(node, YamlNode::Kind::map, errors, "values by name, as in {segment: gold}") ||
      !check_count(node, errors, "attributes", 1, subscriber_attributes_max)) {
    return attributes;
  }
  for (const YamlEntry& entry : node.entries) {
    std::optional<std::string> value = read_text(entry.value, errors, attribute_form);
    if (!is_label(entry.key)) {
      errors.add(entry.key_position, fmt::format("{} is no attribute", in_quotes(entry.key)),
                 label_form);
    } else if (value && !is_attribute_value(*value)) {
      errors.add(entry.value.position, fmt::format("{} is no value", in_quotes(*value)),
                 attribute_form);
    } else if (value) {
      attributes.push_back({entry.key, std::move(*value)});
    }
  }
  std::ranges::sort(attributes, {}, &SubscriberAttribute::name);
  return attributes;
}

Restrictions read_restrictions(YamlMap& map, FileErrors& errors) {
  Restrictions restrictions;
  if (const YamlNode* node = map.find("switch")) {
    restrictions.switches = read_switches(*node, errors);
  }
  if (const YamlNode* node = map.find("subscription")) {
    restrictions.needs_subscription = read_choice(*node, errors, {"required"}).has_value();
  }
  if (const YamlNode* node = map.find("pass")) {
    restrictions.pass = read_text(*node, errors, "the name of an offer").value_or("");
    restrictions.needs_subscription = true;
  }
  return restrictions;
}

Restrictions both(const Restrictions& one, const Restrictions& other) {
  Restrictions all = one;
  all.needs_subscription |= other.needs_subscription;
  if (!other.pass.empty()) all.pass = other.pass;
  all.switches.clear();
  std::ranges::set_union(one.switches, other.switches, std::back_inserter(all.switches));
  return all;
}

std::string restrictions_text(const Restrictions& restrictions) {
  std::string text;
  if (!restrictions.pass.empty()) {
    text = fmt::format("needs a subscription that covers it, or buys {}", restrictions.pass);
  } else if (restrictions.needs_subscription) {
    text = "needs a subscription that covers it";
  }
  if (!restrictions.switches.empty()) {
    text += text.empty() ? "needs " : ", and ";
    text += fmt::format("{} switched on", fmt::join(restrictions.switches, " and "));
  }
  return text;
}

}  // namespace farthing::tariffs
