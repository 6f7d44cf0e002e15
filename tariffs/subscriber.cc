#include "tariffs/subscriber.h"

#include "tariffs/plain_text.h"
#include "tariffs/yaml_scalar.h"

#include <algorithm>

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

Restrictions read_restrictions(YamlMap& map, FileErrors& errors) {
  Restrictions restrictions;
  if (const YamlNode* node = map.find("subscription")) {
    restrictions.needs_subscription = read_choice(*node, errors, {"required"}).has_value();
  }
  return restrictions;
}

Restrictions both(const Restrictions& one, const Restrictions& other) {
  Restrictions all = one;
  all.needs_subscription |= other.needs_subscription;
  return all;
}

std::string restrictions_text(const Restrictions& restrictions) {
  return restrictions.needs_subscription ? "needs a subscription that covers it" : "";
}

}  // namespace farthing::tariffs
